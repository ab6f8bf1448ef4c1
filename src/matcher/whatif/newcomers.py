"""Accounts that join: where each stands, and what keeps it out of the list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.columns import REASON_GROUPS
from matcher.plain import one_line
from matcher.recommend.wording import GROUP_NAMES, OUTCOME_NAMES, format_number
from matcher.retrieval.eligibility import select_eligible
from matcher.whatif.movement import reason_groups

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matcher.recommend.wording import Language
    from matcher.whatif.desk import Desk
    from matcher.whatif.state import State

__all__ = ["JOINED_COLUMNS", "find_rules", "place_newcomers", "rule_words"]

JOINED_COLUMNS: Final = (
    "account_id", "rank", "n_ranked", "gap", "lacks", "rules", "sentence",
)  # fmt: skip
"""Columns of `place_newcomers`."""
_RULES: Final[Mapping[str, tuple[str, str]]] = {
    "platform": ("its platform", "nền tảng"),
    "country": ("its country", "quốc gia"),
    "language": ("its languages", "ngôn ngữ"),
    "format": ("no post of a format that is asked for", "không có bài thuộc định dạng cần"),
    "price": ("its price", "giá"),
    "availability": ("it is not free", "không rảnh"),
    "exclusivity": ("it is bound to another brand", "đang bị ràng buộc với nhãn khác"),
    "blocklist": ("the brief never takes it", "bản mô tả không nhận"),
    "rival": ("it worked for a rival lately", "vừa làm cho đối thủ"),
    "posts": ("too few posts", "quá ít bài đăng"),
    "retrieval": ("not among the nearest accounts", "không nằm trong số tài khoản gần nhất"),
}
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "inside": {
        "en": "{account} joins at rank {rank} of {n}",
        "vi": "{account} gia nhập ở hạng {rank} trong {n}",
    },
    "misses": {
        "en": "{account} joins at rank {rank} of {n} and misses the first {k}: its score is {gap} "
        "below that of rank {k}",
        "vi": "{account} gia nhập ở hạng {rank} trong {n}, chưa vào {k} hạng đầu: điểm thấp hơn "
        "hạng {k} là {gap}",
    },
    "lacks": {
        "en": ", most of all in {group} ({value})",
        "vi": ", thiếu nhất ở {group} ({value})",
    },
    "brings": {
        "en": "; {own} {outcome} are expected of it, {other} of that one",
        "vi": "; dự kiến mang lại {own} {outcome}, tài khoản kia {other}",
    },
    "barred": {
        "en": "{account} joins but is no candidate, by hard rules of the brief: {rules}",
        "vi": "{account} gia nhập nhưng không là ứng viên vì điều kiện bắt buộc: {rules}",
    },
}


def rule_words(rules: Iterable[str], language: Language) -> str:
    """Words for hard rules.

    Parameters
    ----------
    rules : iterable of str
        Of `matcher.retrieval.eligibility.RULES`, or ``retrieval``.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Words, joined by commas.
    """
    return ", ".join(_RULES[name][language == "vi"] if name in _RULES else name for name in rules)


def find_rules(desk: Desk, state: State, account_id: str) -> tuple[str, ...]:
    """Hard rules that keep an account from being a candidate.

    Parameters
    ----------
    desk : Desk
        The desk.
    state : State
        One of its states.
    account_id : str
        Account of the market of that state.

    Returns
    -------
    tuple of str
        Rules; ``retrieval`` where it is eligible but not among the nearest; empty of a candidate.
    """
    if state.rows_of(np.array([account_id], dtype=object))[0] >= 0:
        return ()
    # Of an account that the brief must have, every rule against it is told.
    asked = state.brief.model_copy(update={"must_have": (account_id,)})
    found = select_eligible(
        state.job.data,
        asked,
        desk.instant,
        min_posts=desk.settings.retrieval.min_posts,
        rival_days=desk.rival_days,
    )
    return tuple(found.kept_against) or ("retrieval",)


def place_newcomers(desk: Desk, state: State) -> pd.DataFrame:
    """Where the accounts that a scenario lets join stand.

    Parameters
    ----------
    desk : Desk
        The desk.
    state : State
        State of the scenario.

    Returns
    -------
    pandas.DataFrame
        `JOINED_COLUMNS`, one row per account in order of rank: rank among all that are ranked,
        missing of no candidate; of who misses the list the gap to its last score, and the reason
        group in which it is farthest behind that account (empty where in none); hard rules against
        it; and a sentence.
    """
    joining = [one for edit in state.scenario.markets for one in edit.new_accounts or ()]
    names = [one.account_id for one in joining]
    ranks = dict(zip(state.ids(state.order).tolist(), range(1, len(state.order) + 1), strict=True))
    behind = [name for name in names if ranks.get(name, 0) > len(state.chosen)]
    gaps = _gaps(state, [ranks[name] for name in behind]) if behind else []
    missing = dict(zip(behind, gaps, strict=True))
    rows = [_place(desk, state, name, ranks.get(name), missing.get(name)) for name in names]
    table = pd.DataFrame(rows, columns=list(JOINED_COLUMNS)).astype({"rank": "Int64"})
    return table.sort_values(["rank", "account_id"], na_position="last", ignore_index=True)


@dataclass(frozen=True)
class _Gap:
    """How far an account is behind the last of the list."""

    score: float
    group: str
    part: float
    own: float
    other: float


def _gaps(state: State, ranks: list[int]) -> list[_Gap]:
    """Gaps of the accounts at some ranks beyond the list, all at once."""
    rows = np.append(state.order[np.array(ranks) - 1], state.chosen[-1])
    scores, parts = state.ranked.order_score[rows], reason_groups(state, rows)
    main = state.outcomes(rows).get(state.main_outcome or "")
    means = np.full(len(rows), np.nan) if main is None else main.mean()
    behind = parts[:-1] - parts[-1]
    worst = behind.argmin(axis=1)
    return [
        _Gap(
            float(scores[-1] - scores[k]),
            REASON_GROUPS[worst[k]] if behind[k, worst[k]] < 0 else "",
            float(behind[k, worst[k]]),
            float(means[k]),
            float(means[-1]),
        )
        for k in range(len(ranks))
    ]


def _place(
    desk: Desk, state: State, account_id: str, rank: int | None, gap: _Gap | None
) -> dict[str, Any]:
    language = state.job.language
    row: dict[str, Any] = {"account_id": account_id, "rank": rank, "n_ranked": len(state.order)}
    said = {
        "account": one_line(account_id),
        "n": format_number(len(state.order), language),
        "k": format_number(len(state.chosen), language),
        "rank": "" if rank is None else format_number(rank, language),
    }
    if rank is None:
        rules = find_rules(desk, state, account_id)
        text = _WORDS["barred"][language].format(**said, rules=rule_words(rules, language))
        return row | {"rules": rules, "lacks": "", "sentence": f"{text}."}
    if gap is None:
        text = _WORDS["inside"][language].format(**said)
        return row | {"rules": (), "lacks": "", "sentence": f"{text}."}
    shown = format_number(gap.score, language, digits=2)
    text = _WORDS["misses"][language].format(**said, gap=shown)
    if gap.group:
        text += _WORDS["lacks"][language].format(
            group=GROUP_NAMES[gap.group][language],
            value=format_number(gap.part, language, digits=2),
        )
    if np.isfinite(gap.own):
        text += _WORDS["brings"][language].format(
            own=format_number(gap.own, language),
            other=format_number(gap.other, language),
            outcome=OUTCOME_NAMES[str(state.main_outcome)][language],
        )
    return row | {"gap": gap.score, "rules": (), "lacks": gap.group, "sentence": f"{text}."}
