"""How far one ranking moved from another: who entered, who left, and what did it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.columns import REASON_GROUPS
from matcher.plain import one_line
from matcher.recommend.compare import compare_lists
from matcher.recommend.orders import EXPLAINED, GROUPS_OF, raw_contributions
from matcher.recommend.reasons import group_contributions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from matcher.whatif.state import State

__all__ = ["PERSISTENCE", "Movement", "measure_movement", "rank_biased_overlap"]

PERSISTENCE: Final = 0.9
"""Chance with which a reader of a list goes on to the next place; nine tenths of the weight of
rank-biased overlap then lie on about the first 20 places."""


def rank_biased_overlap(
    first: Sequence[Any], second: Sequence[Any], *, persistence: float = PERSISTENCE
) -> float:
    """Extrapolated rank-biased overlap of two lists without ties.

    Parameters
    ----------
    first, second : sequence
        Items, best first, each once; the lists may differ in length.
    persistence : float, default 0.9
        Chance of going on to the next place, above 0 and below 1.

    Returns
    -------
    float
        0 for lists that share nothing, 1 for equal ones; 1 for two empty lists.

    References
    ----------
    Webber, Moffat and Zobel, A similarity measure for indefinite rankings, ACM Transactions on
    Information Systems 28 (2010), equation 32.

    Examples
    --------
    >>> rank_biased_overlap("abc", "abc"), rank_biased_overlap("abc", "xyz")
    (1.0, 0.0)
    """
    short, long = sorted((list(first), list(second)), key=len)
    n_short, n_long = len(short), len(long)
    if not n_long:
        return 1.0
    if not n_short:
        return 0.0
    places = {item: place for place, item in enumerate(short)}
    depths = np.arange(1, n_long + 1)
    # A common item counts from the depth at which both lists hold it.
    common_at = np.array(
        [max(places[item], place) for place, item in enumerate(long) if item in places], dtype=int
    )
    overlap = np.cumsum(np.bincount(common_at, minlength=n_long)[:n_long]).astype(np.float64)
    at_short = overlap[n_short - 1]
    weights = persistence**depths
    total = float((overlap / depths * weights).sum())
    later = depths[n_short:]
    total += float((at_short * (later - n_short) / (n_short * later) * weights[n_short:]).sum())
    found = (1 - persistence) / persistence * total
    tail = (overlap[-1] - at_short) / n_long + at_short / n_short
    # Where one list ends, rounding may leave a hair beyond 1.
    return float(min(found + tail * persistence**n_long, 1.0))


_NOTHING: Final = 1e-9
"""What sums of contributions may differ by since they are rounded."""
_ABSENT: Final = {
    "en": "It is no candidate any more: a hard rule of the brief or of the market removes it.",
    "vi": "Không còn là ứng viên: một điều kiện bắt buộc của bản mô tả hoặc thị trường loại ra.",
}
_NEW: Final = {
    "en": "It was no candidate as things are.",
    "vi": "Hiện tại không là ứng viên.",
}
_GIVES_WAY: Final = {
    "en": "Its person's account {other} stands instead, at rank {rank}.",
    "vi": "Tài khoản {other} của cùng người đó đứng thay, ở hạng {rank}.",
}
_STOOD: Final = {
    "en": "Its person's account {other} stood instead, at rank {rank}.",
    "vi": "Trước đó tài khoản {other} của cùng người đứng thay, ở hạng {rank}.",
}


@dataclass(frozen=True, eq=False)
class Movement:
    """What changed from the list as it is to that of a scenario.

    Parameters
    ----------
    overlap : float
        Rank-biased overlap of the two lists, 0 to 1.
    tau : float
        Kendall's tau-b of the accounts in both lists; NaN for fewer than two.
    n_entered, n_left, n_moved : int
        Accounts that entered, left, and stayed at another rank.
    changes : pandas.DataFrame
        One row per account of either list: ``account_id, handle, rank_old, rank_new, change,
        change_<group>`` (of its contribution relative to the other accounts) and ``sentence``,
        which names a group only where the account's own part of it changed by more than
        `matcher.recommend.compare.NEGLIGIBLE`;
        ``why`` says of those who left whether they are no candidates any more, were overtaken, or
        gave way to another account of their person, which `sentence` names; it also says of who
        entered without a rank before where it was.
    groups : dict of str to float
        Mean absolute change of contribution over those rows, by reason group.
    """

    overlap: float
    tau: float
    n_entered: int
    n_left: int
    n_moved: int
    changes: pd.DataFrame
    groups: dict[str, float]

    @property
    def n_listed(self) -> int:
        """Accounts of the list of the scenario."""
        return int((self.changes["change"] != "left").sum())


def measure_movement(old: State, new: State) -> Movement:
    """Movement from one state to another.

    Parameters
    ----------
    old, new : State
        States of one desk.

    Returns
    -------
    Movement
        Of their lists; ranks are those among all candidates.
    """
    before, after = old.ids(old.chosen), new.ids(new.chosen)
    asked = np.array(sorted({*before, *after}), dtype=object)
    language = new.job.language
    found = compare_lists(
        _frame(old, asked), _frame(new, asked), top=max(len(before), len(after)), language=language
    )
    changes = found.changes.drop(columns="brief_id")
    gone = new.rows_of(changes["account_id"].to_numpy(object)) < 0
    stays = changes["change"] != "left"
    unranked = (~stays & ~gone & changes["rank_new"].isna()).to_numpy(bool)
    changes["why"] = np.select(
        [stays, gone, unranked],
        ["", "no candidate", "another account of its person"],
        default="overtaken",
    )
    absent = (~stays & gone).to_numpy(bool)
    changes.loc[absent, "sentence"] += f" {_ABSENT[language]}"
    more = [""] * len(changes)
    accounts = changes["account_id"].to_numpy(object)
    for row in np.flatnonzero(unranked):
        more[row] = " " + _stand_in(new, str(accounts[row]), _GIVES_WAY)
    came = (changes["change"] == "entered") & changes["rank_old"].isna()
    was = old.rows_of(accounts) >= 0
    for row in np.flatnonzero(came.to_numpy(bool)):
        said = _stand_in(old, str(accounts[row]), _STOOD) if was[row] else _NEW[language]
        more[row] = f" {said}"
    changes["sentence"] += pd.Series(more, index=changes.index, dtype=object)
    summary = found.briefs.iloc[0]
    columns = [f"change_{group}" for group in REASON_GROUPS]
    size = changes[columns].abs().mean()
    return Movement(
        rank_biased_overlap(before.tolist(), after.tolist()),
        float(summary["rank_correlation"]),
        int(summary["n_entered"]),
        int(summary["n_left"]),
        int(summary["n_moved"]),
        changes,
        {
            group: float(size[f"change_{group}"])
            for group in REASON_GROUPS
            if size[f"change_{group}"] > _NOTHING
        },
    )


def _stand_in(state: State, account_id: str, words: Mapping[str, str]) -> str:
    """Which account of the same person is ranked in a state, where a list shows one of each."""
    index, codes = state.job.data.index, state.ranked.candidates.codes
    row = int(state.rows_of(np.array([account_id], dtype=object))[0])
    persons = index.person_of[codes[state.order]]
    rank = int(np.flatnonzero(persons == index.person_of[codes[row]])[0])
    other = index.accounts["handle"].to_numpy(object)[codes[state.order[rank]]]
    return words[state.job.language].format(other=one_line(str(other)), rank=rank + 1)


def _frame(state: State, asked: NDArray[np.object_]) -> pd.DataFrame:
    """Accounts that are ranked in a state, as rows that lists are compared by."""
    rows = state.rows_of(asked)
    ranks = np.full(len(state.ranked.candidates), -1)
    ranks[state.order] = np.arange(1, len(state.order) + 1)
    held = np.flatnonzero((rows >= 0) & (ranks[rows] > 0))
    kept = rows[held]
    codes = state.ranked.candidates.codes[kept]
    frame = pd.DataFrame(
        {
            "brief_id": state.brief.brief_id,
            "account_id": asked[held],
            "handle": state.job.data.index.accounts["handle"].to_numpy(object)[codes],
            "rank": ranks[kept],
            "explained": EXPLAINED[state.ranked.question],
            "own_score": state.ranked.order_score[kept],
        }
    )
    groups = reason_groups(state, kept)
    for place, group in enumerate(REASON_GROUPS):
        frame[f"reason_{group}"] = groups[:, place]
    return frame


def reason_groups(state: State, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Contribution of each reason group to the explained score of candidates, over nobody's.

    Parameters
    ----------
    state : State
        State.
    rows : numpy.ndarray of int64, shape (n,)
        Rows of its candidates.

    Returns
    -------
    numpy.ndarray of float64, shape (n, n_groups)
        In the order of `matcher.columns.REASON_GROUPS`.
    """
    ranked = state.ranked
    # An account's own: over a typical candidate, everybody would move as soon as one comes or goes.
    names, parts = raw_contributions(
        state.job.model, ranked.matrix, ranked.brief, ranked.question, rows
    )
    return group_contributions(parts, names, GROUPS_OF)
