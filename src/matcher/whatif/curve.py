"""Curves: what becomes of one account as one thing about it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.errors import SupportError
from matcher.whatif.fields import show_value
from matcher.whatif.findings import SUPPORT_COLUMNS, support_cells
from matcher.whatif.grid import Knob, check_some, knob_scenario
from matcher.whatif.scenario import BASELINE
from matcher.whatif.support import check_brief, check_support

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matcher.whatif.desk import Desk
    from matcher.whatif.state import State

__all__ = ["CURVE_COLUMNS", "account_curve"]

CURVE_COLUMNS: Final = ("value", "rank", "score", "expected", "low", "high", "n_candidates",
                       *SUPPORT_COLUMNS, "refused")  # fmt: skip
"""Columns of `account_curve`."""


def account_curve(desk: Desk, account_id: str, what: str, values: Sequence[Any]) -> pd.DataFrame:
    """What becomes of one account as one thing about it changes, all else as it is.

    An individual conditional expectation: the other accounts stay, and all are ranked anew.

    Parameters
    ----------
    desk : Desk
        Model, market and brief.
    account_id : str
        The account.
    what : str
        Field of `matcher.whatif.edits.InfluencerEdit`, such as ``price_factor``.
    values : sequence
        Values.

    Returns
    -------
    pandas.DataFrame
        `CURVE_COLUMNS`, one row per value: rank (missing where the account is no candidate), score
        of the order, expected main outcome with its 80 % range, support, and why a value cannot be
        answered.

    Raises
    ------
    SupportError
        If no value can be answered.

    References
    ----------
    Goldstein, Kapelner, Bleich and Pitkin, Peeking inside the black box, Journal of Computational
    and Graphical Statistics 24 (2015).
    """
    knob = Knob(f"{account_id}.{what}", tuple(values))
    rows: list[dict[str, Any]] = []
    for value in knob.values:
        scenario, shown = knob_scenario([knob], [value], BASELINE), {"value": show_value(value)}
        try:
            held = _of_account(desk, desk.score(scenario), account_id)
        except SupportError as error:
            far = support_cells(check_brief(desk, desk.brief))
            held = {"n_candidates": 0, **far, "refused": error.told[desk.job.language]}
        rows.append(shown | {"refused": None, **held})
    check_some(rows, "curve")
    return pd.DataFrame(rows, columns=list(CURVE_COLUMNS)).astype({"rank": "Int64"})


def _of_account(desk: Desk, state: State, account_id: str) -> dict[str, Any]:
    found = state.rows_of(np.array([account_id], dtype=object))
    held: dict[str, Any] = {
        "rank": state.rank_of(account_id),
        "n_candidates": len(state.ranked.candidates),
        **support_cells(check_support(desk, state)),
    }
    if found[0] < 0:
        return held
    held["score"] = float(state.ranked.order_score[int(found[0])])
    main = state.outcomes(found).get(state.main_outcome or "")
    if main is not None:
        held["expected"] = float(main.mean()[0])
        held["low"], held["high"] = (float(main.quantile(level)[0]) for level in (0.1, 0.9))
    return held
