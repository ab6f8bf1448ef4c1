"""What it would take for an account to enter the first places: few changes, each verified.

Only what an account can change by itself is tried: its price, a further format, how often it
posts. Followers and gender never are. Bounds are what similar accounts show. Every combination of
at most two changes is screened, and an answer is given only if ranking everybody anew confirms it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.arguments import check_count
from matcher.recommend.explain import check_accounts
from matcher.whatif.findings import SUPPORT_COLUMNS, support_cells
from matcher.whatif.levers import Lever, list_levers
from matcher.whatif.newcomers import rule_words
from matcher.whatif.scenario import Scenario, parse_scenario
from matcher.whatif.screen import Screen
from matcher.whatif.support import check_support

if TYPE_CHECKING:
    from matcher.recommend.wording import Language
    from matcher.whatif.desk import Desk

__all__ = ["ENTRY_COLUMNS", "Entry", "find_entries"]

ENTRY_COLUMNS: Final = ("rank", "n_changes", "changes", "size", *SUPPORT_COLUMNS, "scenario",
                       "digest")  # fmt: skip
"""Columns of `Entry.ways`."""
_MOST_VERIFIED: Final = 4
"""Combinations of one set of levers that are ranked anew before the set is given up."""
_MOST_WAYS: Final = 5

_WORDS: Final = {
    "inside": {
        "en": "{account} stands at rank {rank} already.",
        "vi": "{account} đã ở hạng {rank}.",
    },
    "ways": {
        "en": "{account} would enter the first {top}; ways found, each ranked anew: {n}; the "
        "smallest: {first} (rank {rank}).",
        "vi": "{account} sẽ vào {top} hạng đầu; số cách tìm được, đều đã xếp hạng lại: {n}; nhỏ "
        "nhất: {first} (hạng {rank}).",
    },
    "impossible": {
        "en": "Impossible within what similar accounts show: {reason}.",
        "vi": "Không thể trong phạm vi của các tài khoản tương tự: {reason}.",
    },
    "best": {
        "en": "the best of {n} combinations comes to rank {rank} ({first})",
        "vi": "tốt nhất trong {n} cách chỉ lên hạng {rank} ({first})",
    },
    "rule": {
        "en": "hard rules stand against it, which no lever changes ({rules})",
        "vi": "vướng điều kiện bắt buộc mà không điều gì ở đây thay đổi được ({rules})",
    },
    "no_lever": {
        "en": "no lever is open to it",
        "vi": "không có điều gì để thay đổi",
    },
}


@dataclass(frozen=True, eq=False)
class Entry:
    """What it would take.

    Parameters
    ----------
    account_id : str
        The account.
    n_top : int
        Places that count.
    rank : int or None
        Rank as things are; None where it is no candidate.
    ways : pandas.DataFrame
        `ENTRY_COLUMNS`, the smallest change first, at most one per set of levers: rank after
        ranking everybody anew, changes in words, their size (sum of shares of the range that
        similar accounts show), support, and the scenario. Empty where it is impossible, or not
        needed.
    levers : pandas.DataFrame
        One row per lever: ``lever, low, high, n_values, acts, note``: what was tried, and whether
        the order of the list reacts to it at all.
    verdict : str
        One sentence.
    n_screened, n_verified : int
        Combinations that were screened, and those for which everybody was ranked anew.
    """

    account_id: str
    n_top: int
    rank: int | None
    ways: pd.DataFrame
    levers: pd.DataFrame
    verdict: str
    n_screened: int
    n_verified: int

    @property
    def grade(self) -> str:
        """One of `matcher.whatif.wording.GRADES`: a re-score."""
        return "model"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON holds them.

        Returns
        -------
        dict
            By name.
        """
        from matcher.whatif.answer import records

        return {
            "account_id": self.account_id,
            "n_top": self.n_top,
            "rank": self.rank,
            "grade": self.grade,
            "verdict": self.verdict,
            "ways": records(self.ways),
            "levers": records(self.levers),
            "n_screened": self.n_screened,
            "n_verified": self.n_verified,
        }


@dataclass(frozen=True)
class _Combination:
    """Values of one lever or two, with how large a change they are."""

    levers: tuple[str, ...]
    edit: dict[str, Any]
    words: str
    size: float


def find_entries(desk: Desk, account_id: str, *, top: int | None = None) -> Entry:
    """Smallest changes by which an account enters the first places.

    Parameters
    ----------
    desk : Desk
        Model, market and brief.
    account_id : str
        The account.
    top : int, optional
        Places that count; the length of the list when None.

    Returns
    -------
    Entry
        Verified ways, or why there are none.

    Raises
    ------
    DataError
        If the market does not hold the account.
    """
    check_accounts(desk.job.data, [account_id])
    top = desk.job.top_k if top is None else top
    check_count(top, where="find_entries: top")
    language = desk.job.language
    rank = desk.base.rank_of(account_id)
    empty = pd.DataFrame(columns=list(ENTRY_COLUMNS))
    if rank is not None and rank <= top:
        said = _WORDS["inside"][language].format(account=account_id, rank=rank)
        return Entry(account_id, top, rank, empty, _lever_table(()), said, 0, 0)
    levers, rules = list_levers(desk, account_id)
    table = _lever_table(levers)
    if rules:
        reason = _WORDS["rule"][language].format(rules=rule_words(rules, language))
        return Entry(account_id, top, rank, empty, table, _impossible(reason, language), 0, 0)
    choices = _combine(levers)
    if not choices:
        reason = _WORDS["no_lever"][language]
        return Entry(account_id, top, rank, empty, table, _impossible(reason, language), 0, 0)
    screen = Screen(desk, account_id)
    scores = screen.scores([one.edit for one in choices])
    ways, n_verified = _verify(desk, account_id, top, choices, scores)
    if len(ways):
        first = ways.iloc[0]
        said = _WORDS["ways"][language].format(
            account=account_id, top=top, n=len(ways), first=first["changes"], rank=first["rank"]
        )
        return Entry(account_id, top, rank, ways, table, said, len(choices), n_verified)
    best = int(np.argmax(np.where(np.isnan(scores), -np.inf, scores)))
    state = desk.score(_scenario(account_id, choices[best]))
    reason = _WORDS["best"][language].format(
        n=len(choices), rank=state.rank_of(account_id) or "–", first=choices[best].words
    )
    said = _impossible(reason, language)
    return Entry(account_id, top, rank, ways, table, said, len(choices), n_verified + 1)


def _impossible(reason: str, language: Language) -> str:
    return _WORDS["impossible"][language].format(reason=reason)


def _lever_table(levers: tuple[Lever, ...]) -> pd.DataFrame:
    rows = [one.row() for one in levers]
    return pd.DataFrame(rows, columns=["lever", "low", "high", "n_values", "acts", "note"])


def _combine(levers: tuple[Lever, ...]) -> list[_Combination]:
    """Every value of each lever, and every pair of values of two."""
    held = [one for one in levers if one.values]
    found = [
        _Combination((one.name,), one.edit(value), one.say(value), one.size(value))
        for one in held
        for value in one.values
    ]
    for first, second in combinations(held, 2):
        for one, other in product(first.values, second.values):
            found.append(
                _Combination(
                    (first.name, second.name),
                    first.edit(one) | second.edit(other),
                    f"{first.say(one)}, {second.say(other)}",
                    first.size(one) + second.size(other),
                )
            )
    return found


def _scenario(account_id: str, choice: _Combination) -> Scenario:
    edit = {"kind": "influencer", "account_id": account_id, **choice.edit}
    values = {"version": 1, "name": choice.words, "edits": [edit]}
    return parse_scenario(values, where="find_entries")


def _verify(
    desk: Desk, account_id: str, top: int, choices: list[_Combination], scores: Any
) -> tuple[pd.DataFrame, int]:
    """The smallest combination of each set of levers that ranking everybody anew confirms."""
    line = _line(desk, top)
    near = np.asarray(scores) >= line - 1e-9
    rows, n_verified, proven = [], 0, set()
    groups = sorted({one.levers for one in choices}, key=lambda names: (len(names), names))
    for levers in groups:
        # A pair says nothing new where one of its levers is enough by itself.
        if any((name,) in proven for name in levers):
            continue
        held = [k for k, one in enumerate(choices) if one.levers == levers and near[k]]
        held.sort(key=lambda k: (choices[k].size, choices[k].words))
        for k in held[:_MOST_VERIFIED]:
            scenario = _scenario(account_id, choices[k])
            state = desk.score(scenario)
            rank = state.rank_of(account_id)
            n_verified += 1
            if rank is not None and rank <= top:
                proven.add(levers)
                rows.append(
                    {
                        "rank": rank,
                        "n_changes": len(levers),
                        "changes": choices[k].words,
                        "size": choices[k].size,
                        **support_cells(check_support(desk, state)),
                        "scenario": scenario.to_dict(),
                        "digest": scenario.digest,
                    }
                )
                break
    rows.sort(key=lambda row: (row["n_changes"], row["size"]))
    return pd.DataFrame(rows[:_MOST_WAYS], columns=list(ENTRY_COLUMNS)), n_verified


def _line(desk: Desk, top: int) -> float:
    """Score of the last account that is inside as things are; anything, where places are free."""
    base = desk.base
    if len(base.order) < top:
        return -np.inf
    return float(base.ranked.order_score[int(base.order[top - 1])])
