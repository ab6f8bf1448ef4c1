"""Matcher ranks influencers for a brand's campaign brief, on your own data, offline.

What most work needs can be imported from here; each name is loaded when it is first used.

Examples
--------
The whole line in ten lines, on the market that comes with the source:

>>> from matcher import MarketData, Settings, load_market, read_brief
>>> from matcher import explain_account, recommend_accounts, train_model
>>> data = MarketData(load_market("data/tiny_market"))
>>> small = {"encoder": {"dim": 32, "epochs": 1}, "ranker": {"n_trees": 20}}
>>> settings = Settings.model_validate(small)
>>> trained = train_model(data, settings, folder="models/mine", market_name="tiny", evaluate=False)
>>> brief = read_brief("data/brief-vi.yaml")
>>> lists = recommend_accounts(trained.model, data, [brief], top_k=5)
>>> best = lists.frame["account_id"].iloc[0]
>>> why = explain_account(trained.model, data, brief, best)
>>> lists.frame[["rank", "handle", "why_1"]].shape
(5, 3)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from matcher.config import Settings
    from matcher.evaluation.protocol import walk_forward
    from matcher.features.data import MarketData
    from matcher.market.brief import Brief, read_brief
    from matcher.market.load import load_market
    from matcher.plan.constraints import Constraints, read_constraints
    from matcher.plan.plan import plan as plan_campaign
    from matcher.ranking.exposure import ExposureRule
    from matcher.ranking.store import read_model
    from matcher.recommend.compare import compare_lists
    from matcher.recommend.compare_models import compare_models
    from matcher.recommend.explain import explain as explain_account
    from matcher.recommend.recommend import recommend as recommend_accounts
    from matcher.recommend.recommend import select_open_briefs
    from matcher.recommend.similar import find_similar
    from matcher.recommend.write import write_recommendations
    from matcher.report.plan_files import write_plan
    from matcher.training import train_model
    from matcher.whatif.ask import what_if

__all__ = [
    "Brief",
    "Constraints",
    "ExposureRule",
    "MarketData",
    "Settings",
    "__version__",
    "compare_lists",
    "compare_models",
    "explain_account",
    "find_similar",
    "load_market",
    "plan_campaign",
    "read_brief",
    "read_constraints",
    "read_model",
    "recommend_accounts",
    "select_open_briefs",
    "train_model",
    "walk_forward",
    "what_if",
    "write_plan",
    "write_recommendations",
]

__version__ = "0.1.0"

_HOMES: Final = {
    "Brief": "market.brief",
    "Constraints": "plan.constraints",
    "ExposureRule": "ranking.exposure",
    "MarketData": "features.data",
    "Settings": "config",
    "compare_lists": "recommend.compare",
    "compare_models": "recommend.compare_models",
    "explain_account": "recommend.explain:explain",
    "find_similar": "recommend.similar",
    "load_market": "market.load",
    # A function cannot share the name of its room, which stands beside it as `matcher.recommend`.
    "plan_campaign": "plan.plan:plan",
    "read_brief": "market.brief",
    "read_constraints": "plan.constraints",
    "read_model": "ranking.store",
    "recommend_accounts": "recommend.recommend:recommend",
    "select_open_briefs": "recommend.recommend",
    "train_model": "training",
    "walk_forward": "evaluation.protocol",
    "what_if": "whatif.ask",
    "write_plan": "report.plan_files",
    "write_recommendations": "recommend.write",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'matcher' has no attribute {name!r}")
    home, _, there = _HOMES[name].partition(":")
    return getattr(importlib.import_module(f"matcher.{home}"), there or name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
