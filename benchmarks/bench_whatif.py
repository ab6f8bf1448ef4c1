"""How long scenarios take over 5,000 candidates, one by one and 50 in a batch.

``python benchmarks/bench_whatif.py --influencers 6000``

A simulated market and a model of it are made (or kept with ``--keep``); the brief of an open
campaign is stripped of what would narrow it down. Printed are seconds on the clock and of the
processor per kind of scenario after things as they are were scored, of 50 scenarios of the brief
together, and of the same 50 where nothing is shared.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from matcher.config import Settings
from matcher.features.context import MarketData
from matcher.market.load import load_market
from matcher.ranking.fit import fit_model
from matcher.ranking.store import read_model, write_model
from matcher.recommend.recommend import score_brief, select_open_briefs
from matcher.whatif.ask import compare_scenarios
from matcher.whatif.desk import open_desk
from matcher.whatif.scenario import Scenario, parse_scenario
from matcher.world.simulate import simulate_market

_WIDE = {"platforms": (), "countries": (), "formats": (), "creator_languages": (), "budget": None}


def scenario(*edits: dict[str, Any], name: str = "scenario") -> Scenario:
    """Scenario of some edits."""
    return parse_scenario({"version": 1, "name": name, "edits": list(edits)}, where="bench")


def timed(label: str, work: Callable[[], object], n: int = 1) -> None:
    """Run something and print what it took."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    print(f"{label:<44}{clock / n:>9.2f}{processor / n:>9.2f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--influencers", type=int, default=6_000)
    parser.add_argument("--campaigns", type=int, default=120)
    parser.add_argument("--seed", type=int, default=4_001)
    parser.add_argument("--keep", type=Path, help="Folder in which market and model are kept.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) if options.keep is None else options.keep
        if not (folder / "market").is_dir():
            simulate_market(
                folder / "market",
                n_influencers=options.influencers,
                n_campaigns=options.campaigns,
                seed=options.seed,
                world="default",
            )
        settings = Settings.model_validate({"retrieval": {"n_candidates": 5_000}})
        data = MarketData(load_market(folder / "market", settings.market))
        if not (folder / "model").is_dir():
            write_model(fit_model(data, data.market.all_known_at, settings)[0], folder / "model")
        measure(read_model(folder / "model")[0], data, settings)


def _newcomer(account_id: str, **more: Any) -> dict[str, Any]:
    return {"account_id": account_id, "platform": "tiktok", "text": "mì cay", **more}


def measure(model: Any, data: MarketData, settings: Settings) -> None:
    """Print what each kind of scenario takes."""
    context = model.context(data)
    opened = select_open_briefs(data.market, data.market.all_known_at)[0]
    brief = opened.model_copy(update=_WIDE)
    desk = open_desk(model, data, brief, settings=settings, order="outcome", context=context)
    timed("embedding, and things as they are", lambda: desk.base)
    account = desk.base.ids(desk.base.order)[40]
    print(f"{len(desk.base.ranked.candidates):,} candidates{'':<25}{'clock':>9}{'processor':>9}")
    compare_scenarios(desk, [scenario()])
    kinds: dict[str, dict[str, Any]] = {
        "budget": {"kind": "brief", "budget": 5e7, "currency": brief.currency or "VND"},
        "text": {"kind": "brief", "brief": "Tìm bạn mê trò chơi bắn súng, hay phát trực tiếp."},
        "objective": {"kind": "brief", "objective": "awareness"},
        "price of an account": {"kind": "influencer", "account_id": account, "price": 9e5,
                                "currency": "VND"},
        "cadence of an account": {"kind": "influencer", "account_id": account,
                                  "cadence_factor": 2.0},
        "engagement of an account": {"kind": "influencer", "account_id": account,
                                     "engagement_factor": 2.0},
        "an absence": {"kind": "market", "unavailable": [account]},
        "reach of a platform": {"kind": "market", "platform_reach": {"tiktok": 0.8}},
        "reach of a platform, as if always": {"kind": "market", "as_if_always": True,
                                              "platform_reach": {"tiktok": 0.8}},
        "an account that joins": {"kind": "market", "new_accounts": [_newcomer("new")]},
        "an account that joins, with its price": {"kind": "market", "new_accounts": [
            _newcomer("dear", price=2e6, currency="VND", n_followers=5e4, engagements=900.0)]},
        "20 accounts that join": {"kind": "market", "new_accounts": [
            _newcomer(f"{number:02d}_new", n_followers=5e4) for number in range(20)]},
    }  # fmt: skip
    for label, edit in kinds.items():
        asked = scenario(edit)
        timed(f"ranking: {label}", lambda asked=asked: desk.state(asked))
        timed("  whole answer", lambda asked=asked: compare_scenarios(desk, [asked]))
    many = [
        scenario({"kind": "brief", "n_creators": n, "budget": 1e7 * n, "currency": "VND"})
        for n in range(1, 51)
    ]
    fresh = open_desk(model, data, brief, settings=settings, order="outcome", context=context)
    timed("50 scenarios in a batch, each", lambda: compare_scenarios(fresh, many), len(many))
    one = fresh.edit_brief(many[0])
    again = {"settings": settings, "order": "outcome", "context": context}
    timed("ranking alone, nothing shared", lambda: score_brief(model, data, one, **again))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
