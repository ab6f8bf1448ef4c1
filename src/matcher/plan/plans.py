"""A plan: whom to hire with which package, what comes of it, and how surely nothing is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.errors import MatcherError
from matcher.markup import html_table
from matcher.plan.words import describe_plan

if TYPE_CHECKING:
    from matcher.recommend.wording import Language

__all__ = ["COLUMNS", "Plan"]

COLUMNS: Final[Mapping[str, str]] = {
    "campaign_id": "str",
    "account_id": "str",
    "influencer_id": "str",
    "display_name": "str",
    "handle": "str",
    "platform": "str",
    "url": "str",
    "tier": "str",
    "format": "str",
    "n_posts": "int64",
    "fee": "float64",
    "fee_currency": "str",
    "fee_is_estimate": "bool",
    "fee_low": "float64",
    "fee_high": "float64",
    "fee_note": "str",
    "budget": "float64",
    "method": "str",
    "outcome_name": "str",
    "outcome_expected": "float64",
    "outcome_counted": "float64",
    "outcome_low": "float64",
    "outcome_median": "float64",
    "outcome_high": "float64",
    "outcome_is_outside": "bool",
    "marginal": "float64",
    "drop_out_fee": "float64",
    "drop_out_how": "str",
    "swap_account_id": "str",
    "swap_handle": "str",
    "swap_format": "str",
    "swap_n_posts": "float64",
    "swap_fee": "float64",
    "swap_change": "float64",
    "is_must_have": "bool",
    "fit_percentile": "float64",
    "model_id": "str",
    "model_version": "str",
    "data_hash": "str",
    "config_hash": "str",
    "as_of": "str",
    "assumed_timeless": "str",
}
"""Columns of a plan's rows. Money is in `fee_currency`, ``outcome_*`` in what `outcome_name` says
(its range is that of 8 in 10). `outcome_counted` is what the account counts by itself: its mean, or
a quantile where one was asked for; `marginal` and `swap_change` are counted so. `drop_out_fee` is
missing where no fee drives the account out (`drop_out_how` is ``no fee``) or no plan without it was
found in time (``unknown``); else `drop_out_how` is ``exact`` (proven), ``proven`` (to within 5 %),
``re-solved`` (bracketed to within 5 % by solving again, which finds good plans, not surely the
best) or ``estimate`` (by exchanges alone). `matcher simulate
--judge` reads rows as they are."""


@dataclass(frozen=True, eq=False)
class Plan:
    """Whom to hire within a budget and other limits.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per hired account with `COLUMNS`, by marginal contribution.
    facts : mapping of str to Any
        Of the request (``brief_id, objective, quantile, budget, currency, fee_level``), of the
        money (``cost, cost_low, cost_high, budget_left, least_budget``), of the certificate
        (``worth, bound, gap, how, greedy``, the amounts counted as ``counted_by`` says;
        ``seconds_feasible, seconds``), of overlap (``reach_kind,
        reach_population, reach_known, reach_accounts``; ``reach_home`` is the country whose people
        the population is, ``reach_people`` the people of a panel) and counts (``n_...``;
        `n_dearer_options` and `n_dearer_accounts` are what only larger budgets of the frontier may
        buy), as JSON values; None for what is not known.
    totals : pandas.DataFrame
        ``outcome, expected, low, median, high`` of the whole plan, from joint draws; ``reach``
        counts people once, ``reach_2`` and ``reach_3`` those reached by two and three accounts at
        least, ``reach_sum`` counts them every time, ``reach_sainsbury`` by that formula;
        ``counted`` is what the plan is worth where accounts count by a quantile.
    limits : pandas.DataFrame
        ``name, side, unit, bound, total, slack, lp_price, step, change, price, most_change`` of
        each bound of each limit, in the unit in which it was asked for (a ``share`` is one of all
        fees, 0 to 1); what loosening it by `step` brings is missing where it does not bind.
    frontier : pandas.DataFrame
        ``budget, worth, bound, cost, n_accounts, same_as, status`` of the best plans found within
        other budgets (see `matcher.plan.results.FrontierStatus`); `same_as` is the least budget
        with the same plan, where that is smaller. Without rows where none was traced.
    notes : tuple of str
        What was noticed, in sentences.
    audit : mapping of str to str or None
        Model, data, settings, instant and what was taken as timeless.
    language : {"en", "vi"}
        Language of the sentences.
    """

    frame: pd.DataFrame
    facts: Mapping[str, Any]
    totals: pd.DataFrame
    limits: pd.DataFrame
    frontier: pd.DataFrame
    notes: tuple[str, ...]
    audit: Mapping[str, str | None]
    language: Language

    def __post_init__(self) -> None:
        if list(self.frame.columns) != list(COLUMNS):
            raise MatcherError(
                f"plan: got the columns {list(self.frame.columns)[:5]} ...; expected `COLUMNS`"
            )

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What the plan comes to, for people."""
        return describe_plan(self.facts, self.totals, self.limits, self.language)

    def to_dict(self) -> dict[str, Any]:
        """Plan as JSON values; what is not known is None.

        Returns
        -------
        dict
            ``rows``, which the judge of simulated markets reads, and all else.
        """
        return {
            "rows": records(self.frame),
            "facts": {name: plain(value) for name, value in self.facts.items()},
            "totals": records(self.totals),
            "limits": records(self.limits),
            "frontier": records(self.frontier),
            "sentences": list(self.sentences),
            "notes": list(self.notes),
            "audit": dict(self.audit),
        }

    def _repr_html_(self) -> str:
        shown = ["handle", "platform", "format", "n_posts", "fee", "outcome_expected", "marginal"]
        return html_table(self.frame[shown], title=" ".join(self.sentences[:1]))


def plain(value: Any) -> Any:
    """Value that JSON can hold.

    Parameters
    ----------
    value : Any
        Scalar, mapping or sequence.

    Returns
    -------
    Any
        The same in plain types; numbers that are not finite are None.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as JSON values.

    Parameters
    ----------
    frame : pandas.DataFrame
        Table.

    Returns
    -------
    list of dict
        One per row.
    """
    return [
        {str(name): plain(value) for name, value in row.items()}
        for row in frame.astype(object).where(frame.notna(), None).to_dict("records")
    ]
