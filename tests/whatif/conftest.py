from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from matcher.config import Settings
from matcher.features.data import MarketData
from matcher.market.brief import Brief, read_brief
from matcher.market.load import load_market
from matcher.ranking.fit import fit_model
from matcher.whatif.desk import Desk, open_desk
from matcher.whatif.scenario import Scenario, parse_scenario

DATA = Path(__file__).parents[2] / "data"


def make_scenario(*edits: dict[str, Any], name: str = "scenario") -> Scenario:
    return parse_scenario({"version": 1, "name": name, "edits": list(edits)}, where="test")


class _Shop(SimpleNamespace):
    def __repr__(self) -> str:
        return "shop"


@pytest.fixture(scope="session")
def shop() -> SimpleNamespace:
    """The tiny market with a model that was fitted on all of it."""
    settings = Settings.model_validate(
        {
            "encoder": {"name": "random", "dim": 32},
            "ranker": {"n_trees": 10, "n_draws": 1},
            "retrieval": {"min_posts": 1},
        }
    )
    data = MarketData(load_market(DATA / "tiny_market", settings.market))
    model, _, context = fit_model(data, data.market.all_known_at, settings)
    brief = read_brief(DATA / "brief-vi.yaml").model_copy(
        update={"platforms": (), "formats": (), "creator_languages": (), "countries": ()}
    )

    def open_at(order: str = "outcome", top_k: int = 5, **options: Any) -> Desk:
        asked: Brief = options.pop("brief", brief)
        return open_desk(
            model,
            data,
            asked,
            order=order,
            top_k=top_k,
            context=context,
            **options,  # type: ignore[arg-type]
        )

    return _Shop(
        model=model,
        data=data,
        context=context,
        settings=settings,
        brief=brief,
        open=open_at,
        scenario=make_scenario,
        folder=DATA / "tiny_market",
    )
