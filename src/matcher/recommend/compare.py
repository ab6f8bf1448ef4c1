"""Two lists for the same briefs: who entered, left and moved, and what did it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.arguments import check_choice, check_count, check_type
from matcher.columns import REASON_GROUPS
from matcher.errors import DataError
from matcher.markup import html_table
from matcher.recommend.wording import GROUP_NAMES, LANGUAGES, format_number

if TYPE_CHECKING:
    from collections.abc import Hashable

    from numpy.typing import NDArray

    from matcher.recommend.wording import Language

__all__ = ["COMPARED_COLUMNS", "NEGLIGIBLE", "ListComparison", "compare_lists"]

_GROUPS: Final = tuple(f"reason_{group}" for group in REASON_GROUPS)
COMPARED_COLUMNS: Final = ("brief_id", "account_id", "rank", "explained", *_GROUPS)
"""Columns of a list that a comparison reads; `handle` is shown where it is there.

Where both lists hold `own_score`, the score that each is ordered by, they are taken for lists of
one model whose contributions are an account's own and not over others: a reason group is named only
where the account's own part changed by more than `NEGLIGIBLE`, and who moves since others came or
left is said to.
"""
_CHANGES: Final = ("entered", "left", "up", "down", "same")

_SENTENCES: Final = {
    "en": {
        "entered": "Entered at rank {new}",
        "entered_from": "Entered at rank {new} from {old}",
        "left": "Left from rank {old}",
        "left_to": "Left from rank {old} to {new}",
        "up": "Up from rank {old} to {new}",
        "down": "Down from rank {old} to {new}",
        "same": "Rank {new} as before",
        "helped": "helped most by {group} ({value})",
        "harmed": "harmed most by {group} ({value})",
        "others": "by what changed of others",
        "gone": "because others that stood above left",
        "come": "because others came in above",
        "own": "by its own score ({value}), which no reason group explains",
    },
    "vi": {
        "entered": "Mới vào, hạng {new}",
        "entered_from": "Mới vào, từ hạng {old} lên hạng {new}",
        "left": "Rời danh sách, trước ở hạng {old}",
        "left_to": "Rời danh sách, từ hạng {old} xuống hạng {new}",
        "up": "Lên từ hạng {old} đến hạng {new}",
        "down": "Xuống từ hạng {old} đến hạng {new}",
        "same": "Vẫn hạng {new}",
        "helped": "được nâng nhiều nhất nhờ {group} ({value})",
        "harmed": "bị kéo xuống nhiều nhất do {group} ({value})",
        "others": "do thay đổi ở các tài khoản khác",
        "gone": "vì tài khoản khác đứng trên đã rời đi",
        "come": "vì tài khoản khác mới vào đứng trên",
        "own": "do điểm của chính tài khoản ({value}), không do nhóm lý do nào",
    },
}

_UNMOVED: Final = 0.005
"""Change of a contribution that would be shown as 0."""
NEGLIGIBLE: Final = 0.02
"""Change of an account's own score, or of a reason group's part in it, up to which it counts as
unchanged where two lists are of one model: what merely somebody else's coming or going shifts."""


@dataclass(frozen=True, eq=False)
class ListComparison:
    """What changed from one list to another.

    Parameters
    ----------
    changes : pandas.DataFrame
        One row per brief and account that stands in either list: ``brief_id, account_id, handle,
        rank_old, rank_new, change`` (``entered``, ``left``, ``up``, ``down`` or ``same``),
        ``change_<group>`` per reason group, and ``sentence``. By brief, then by new rank, then by
        old rank.
    briefs : pandas.DataFrame
        One row per brief: ``n_old, n_new, n_common, n_entered, n_left, n_moved`` and
        ``rank_correlation``, Kendall's tau-b of the accounts in both lists.
    notes : tuple of str
        What cannot be compared.
    """

    changes: pd.DataFrame
    briefs: pd.DataFrame
    notes: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        """Tables for notebooks: briefs and the first 20 changes, every text escaped."""
        names = ["brief_id", "account_id", "handle", "rank_old", "rank_new", "change", "sentence"]
        moved = self.changes.loc[self.changes["change"] != "same", names]
        title = "who entered, left and moved"
        return html_table(self.briefs) + html_table(moved, title=title, notes=self.notes)


def compare_lists(
    old: pd.DataFrame,
    new: pd.DataFrame,
    *,
    top: int | None = None,
    language: Language = "en",
) -> ListComparison:
    """Compare two lists for the same briefs.

    The change of a reason group is that of its contribution relative to the other accounts that
    both lists know, since what lifts everybody alike moves nobody. Scores of two models have
    different scales; ranks and signs are what can be compared.

    Parameters
    ----------
    old, new : pandas.DataFrame
        Lists with `COMPARED_COLUMNS`, one row per brief and account.
    top : int, optional
        Ranks up to which an account counts as in the list; rows beyond it only tell why it
        entered or left. Every row counts when None.
    language : {"en", "vi"}
        Language of the sentences.

    Returns
    -------
    ListComparison
        Changes by brief and account.

    Raises
    ------
    DataError
        If a column is missing, an account stands twice, or no brief is in both lists.

    Examples
    --------
    >>> groups = {f"reason_{group}": [0.0, 0.0] for group in REASON_GROUPS}
    >>> old = pd.DataFrame({"brief_id": "b", "account_id": ["x", "y"], "rank": [1, 2], **groups})
    >>> new = old.assign(rank=[2, 1], reason_history=[-0.5, 0.5])
    >>> compare_lists(*(one.assign(explained="fit") for one in (old, new))).changes["sentence"][0]
    'Up from rank 2 to 1, helped most by History (+0.50).'
    """
    check_choice(language, LANGUAGES, where="diff: language")
    if top is not None:
        check_count(top, where="diff: top")
    for name, frame in (("old", old), ("new", new)):
        hint = "of `Recommendations` it is `frame`; of a file, `read_recommendations` gives it"
        check_type(frame, pd.DataFrame, where=f"diff: {name}", hint=hint)
        _check(name, frame)
    common = [brief for brief in new["brief_id"].unique() if (old["brief_id"] == brief).any()]
    if not common:
        raise DataError(
            f"diff: no brief is in both lists (old: {old['brief_id'].unique().tolist()[:5]}, new: "
            f"{new['brief_id'].unique().tolist()[:5]}); compare lists for the same briefs"
        )
    notes = []
    for name, frame in (("old", old), ("new", new)):
        alone = sorted(set(frame["brief_id"]) - set(common))
        if alone:
            notes.append(f"{len(alone):,} brief(s) are in the {name} list alone: {alone[:5]}")
    notes += _scores_that_differ(old, new, common)
    parts, rows = [], []
    for brief in common:
        changes = _changes(
            old[old["brief_id"] == brief], new[new["brief_id"] == brief], top, language
        )
        changes.insert(0, "brief_id", brief)
        parts.append(changes)
        rows.append(_summary(brief, changes))
    return ListComparison(pd.concat(parts, ignore_index=True), pd.DataFrame(rows), tuple(notes))


def _scores_that_differ(old: pd.DataFrame, new: pd.DataFrame, common: list[str]) -> list[str]:
    """Briefs whose two lists are explained by different scores, in a sentence."""
    kinds = [
        frame.drop_duplicates("brief_id").set_index("brief_id")["explained"].reindex(common)
        for frame in (old, new)
    ]
    differ = kinds[0].ne(kinds[1])
    if not differ.any():
        return []
    found = sorted({*kinds[0][differ], *kinds[1][differ]})
    which = f"of {int(differ.sum()):,} brief(s), {differ.index[differ].tolist()[:5]},"
    return [f"the lists {which} explain different scores: {', '.join(found)}"]


def _check(name: str, frame: pd.DataFrame) -> None:
    missing = [column for column in COMPARED_COLUMNS if column not in frame]
    if missing:
        raise DataError(
            f"diff: the {name} list lacks {len(missing)} column(s): {missing[:5]}; give a file "
            "that `recommend` wrote"
        )
    twice = frame.duplicated(["brief_id", "account_id"])
    if twice.any():
        first = frame.loc[twice, ["brief_id", "account_id"]].head(5).to_numpy().tolist()
        raise DataError(
            f"diff: {int(twice.sum())} account(s) stand twice in the {name} list: {first}"
        )


def _changes(
    old: pd.DataFrame, new: pd.DataFrame, top: int | None, language: Language
) -> pd.DataFrame:
    read = ["handle", *COMPARED_COLUMNS, "own_score"]
    held = [one[[name for name in read if name in one]] for one in (new, old)]
    both = held[0].merge(held[1], on="account_id", how="outer", suffixes=("", "_old"))
    rank_new, rank_old = both["rank"].astype("Float64"), both["rank_old"].astype("Float64")
    limit = np.inf if top is None else top
    in_new = (rank_new <= limit).fillna(False).to_numpy(bool)
    in_old = (rank_old <= limit).fillna(False).to_numpy(bool)
    step = (rank_old - rank_new).fillna(0).to_numpy(np.float64)
    change = np.select(
        [in_new & ~in_old, in_old & ~in_new, step > 0, step < 0], _CHANGES[:4], default="same"
    )
    result = pd.DataFrame({"account_id": both["account_id"]})
    if "handle" in both:
        known = both["handle"]
        result["handle"] = known.fillna(both["handle_old"]) if "handle_old" in both else known
    else:
        result["handle"] = both["account_id"]
    result["rank_old"], result["rank_new"] = rank_old.astype("Int64"), rank_new.astype("Int64")
    result["change"] = change
    now = both[list(_GROUPS)].to_numpy(np.float64)
    before = both[[f"{name}_old" for name in _GROUPS]].to_numpy(np.float64)
    own = now - before
    moved = own.copy()
    known = np.isfinite(moved).all(axis=1)
    if known.any():
        moved -= moved[known].mean(axis=0)
    for place, group in enumerate(REASON_GROUPS):
        result[f"change_{group}"] = moved[:, place]
    whose: list[_Own | None] = [None] * len(result)
    if "own_score" in both and "own_score_old" in both:
        whose = _own_changes(both, own)
    result["sentence"] = [
        _sentence(row, one, language)
        for row, one in zip(result.to_dict("records"), whose, strict=True)
    ]
    result = result[in_new | in_old]
    return result.sort_values(
        ["rank_new", "rank_old", "account_id"], na_position="last", ignore_index=True
    )


@dataclass(frozen=True)
class _Own:
    """What changed of an account itself, and of who stands above it."""

    groups: NDArray[np.float64]
    score: float
    has_gone: bool
    has_come: bool


def _own_changes(both: pd.DataFrame, groups: NDArray[np.float64]) -> list[_Own | None]:
    new, old = (both[name].to_numpy(np.float64) for name in ("rank", "rank_old"))
    moved = both["own_score"].to_numpy(np.float64) - both["own_score_old"].to_numpy(np.float64)
    gone, come = old[np.isnan(new)], new[np.isnan(old)]
    return [
        _Own(groups[k], float(moved[k]), bool((gone < old[k]).any()), bool((come < new[k]).any()))
        for k in range(len(both))
    ]


def _sentence(row: dict[Hashable, Any], own: _Own | None, language: Language) -> str:
    words = _SENTENCES[language]
    change = str(row["change"])
    if change == "entered" and not pd.isna(row["rank_old"]):
        change = "entered_from"
    if change == "left" and not pd.isna(row["rank_new"]):
        change = "left_to"
    text = words[change].format(old=row["rank_old"], new=row["rank_new"])
    moved = np.array([row[f"change_{group}"] for group in REASON_GROUPS], dtype=np.float64)
    if change == "same" or not np.isfinite(moved).all():
        return text + "."
    is_up = change in ("up", "entered_from")
    sign = 1.0 if is_up else -1.0
    if own is not None:
        moved = np.where(sign * own.groups > NEGLIGIBLE, moved, 0.0)
    place = int(moved.argmax() if is_up else moved.argmin())
    if own is None and moved[place] == 0:
        return text + "."
    if sign * moved[place] < _UNMOVED:
        return f"{text}, {_other_cause(own, is_up=is_up, language=language)}."
    group = GROUP_NAMES[REASON_GROUPS[place]][language]
    shown = _signed(float(moved[place]), language)
    why = words["helped" if is_up else "harmed"].format(group=group, value=shown)
    return f"{text}, {why}."


def _signed(value: float, language: Language) -> str:
    return ("+" if value > 0 else "") + format_number(value, language, digits=2)


def _other_cause(own: _Own | None, *, is_up: bool, language: Language) -> str:
    """Why an account moved whose reason groups do not tell it."""
    words = _SENTENCES[language]
    if own is None:
        return words["others"]
    if (own.score if is_up else -own.score) > NEGLIGIBLE:
        return words["own"].format(value=_signed(own.score, language))
    if own.has_gone if is_up else own.has_come:
        return words["gone" if is_up else "come"]
    return words["others"]


def _summary(brief: str, changes: pd.DataFrame) -> dict[str, object]:
    kinds = changes["change"].value_counts()
    entered, left = int(kinds.get("entered", 0)), int(kinds.get("left", 0))
    stayed = changes[~changes["change"].isin(["entered", "left"])]
    correlation = np.nan
    if len(stayed) > 1:
        correlation = float(
            stayed["rank_old"]
            .astype(float)
            .corr(stayed["rank_new"].astype(float), method="kendall")
        )
    return {
        "brief_id": brief,
        "n_old": len(changes) - entered,
        "n_new": len(changes) - left,
        "n_common": len(stayed),
        "n_entered": entered,
        "n_left": left,
        "n_moved": int(kinds.get("up", 0) + kinds.get("down", 0)),
        "rank_correlation": correlation,
    }
