"""Why an account stands where it stands: contributions by reason group, and one sentence each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.columns import REASON_GROUPS
from matcher.errors import MatcherError
from matcher.recommend.wording import GROUP_NAMES, feature_label, format_number, format_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from matcher.recommend.wording import Language

__all__ = [
    "Reasons",
    "build_reasons",
    "group_contributions",
    "over_typical",
    "say_feature",
    "typical_candidates",
]

N_SENTENCES: Final = 3
"""Sentences that speak for an account."""

_N_TYPICAL: Final = 100
"""Candidates that stand for all of a brief, where there are more."""
_TYPICAL: Final = 10
"""Percent of candidates on either side below which a value is that of most."""
_TELLING: Final = 60
"""Percent of candidates that a value has to stand above, or below, to be a reason worth saying."""

_TEMPLATES: Final = {
    "en": {
        "above": "{group}: {label} is {value}, above {share} % of the candidates.",
        "below": "{group}: {label} is {value}, below {share} % of the candidates.",
        "typical": "{group}: {label} is {value}, as for most candidates.",
        "alone": "{group}: {label} is {value}.",
        "above_hidden": "{group}: more {label} than {share} % of the candidates.",
        "below_hidden": "{group}: fewer {label} than {share} % of the candidates.",
        "typical_hidden": "{group}: as many {label} as most candidates.",
        "alone_hidden": "{group}: it has {label}.",
        "yes": "{group}: {label}: {value}.",
        "unknown": "{group}: {label} is not known.",
    },
    "vi": {
        "above": "{group}: {label} là {value}, cao hơn {share} % ứng viên.",
        "below": "{group}: {label} là {value}, thấp hơn {share} % ứng viên.",
        "typical": "{group}: {label} là {value}, như phần lớn ứng viên.",
        "alone": "{group}: {label} là {value}.",
        "above_hidden": "{group}: nhiều {label} hơn {share} % ứng viên.",
        "below_hidden": "{group}: ít {label} hơn {share} % ứng viên.",
        "typical_hidden": "{group}: {label} nhiều như phần lớn ứng viên.",
        "alone_hidden": "{group}: có {label}.",
        "yes": "{group}: {label}: {value}.",
        "unknown": "{group}: chưa biết {label}.",
    },
}

_SIDES: Final = {
    "en": {1: "{group}, in its favour", -1: "{group}, against it"},
    "vi": {1: "{group}, điểm cộng", -1: "{group}, điểm trừ"},
}
"""How the sentence of a group begins, by the sign of what the group contributes."""
_NEGLIGIBLE: Final = 0.02
"""Share of all that the groups of an account contribute, up or down, below which one is passed
over."""
_NOTHING: Final = 1e-12
"""Size up to which a contribution is rounding."""

_CLOSE: Final = {
    "en": "Earlier posts close to the brief: {count}.",
    "vi": "Số bài đăng trước đây gần với brief: {count}.",
}


@dataclass(frozen=True)
class Reasons:
    """Reasons of the chosen accounts of one brief.

    Parameters
    ----------
    groups : numpy.ndarray of float64, shape (n, n_groups)
        Contribution of each of `matcher.columns.REASON_GROUPS`.
    base : numpy.ndarray of float64, shape (n,)
        Mean score of the typical candidates of the brief.
    speaks_for : tuple of tuple of str, length n
        Up to three sentences each, the strongest first; a group whose features are as those of
        most candidates is passed over while another one says more.
    speaks_against : tuple of str or None, length n
        The strongest reason against each, None where there is none.
    by_group : tuple of tuple of str or None, shape (n, n_groups)
        One sentence of each group, on the feature that says most of those that pull the way in
        which the group does; None where the group contributes less than 2 % of what all groups do.
    """

    groups: NDArray[np.float64]
    base: NDArray[np.float64]
    speaks_for: tuple[tuple[str, ...], ...]
    speaks_against: tuple[str | None, ...]
    by_group: tuple[tuple[str | None, ...], ...]


def typical_candidates(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Candidates that stand for all of a brief: evenly spaced from the best to the last.

    Parameters
    ----------
    scores : numpy.ndarray of float64, shape (n_candidates,)
        Scores; equal ones keep their order.

    Returns
    -------
    numpy.ndarray of int64, shape (min(100, n_candidates),)
        Row numbers.
    """
    order = np.argsort(-scores, kind="stable")
    places = (np.arange(_N_TYPICAL) + 0.5) * len(order) / _N_TYPICAL
    return order if len(order) <= _N_TYPICAL else order[places.astype(np.int64)]


def over_typical(parts: NDArray[np.float64], n_asked: int) -> NDArray[np.float64]:
    """Contributions of some candidates, over those of a typical candidate of the same brief.

    A ranker's own contributions are relative to the rows that it was trained on, among which hired
    accounts are many. What most candidates of a brief share then looks like a reason for each of
    them, and giving it up would cost none of them a rank.

    Parameters
    ----------
    parts : numpy.ndarray of float64, shape (n_asked + n_typical, n_features + 1)
        Contributions of the candidates that are asked for, then of `typical_candidates`; the base
        value last.
    n_asked : int
        Candidates that are asked for.

    Returns
    -------
    numpy.ndarray of float64, shape (n_asked, n_features + 1)
        Less the mean over `typical_candidates`; the last column is the mean score of these. Rows
        sum to the score.
    """
    asked, mean = parts[:n_asked], parts[n_asked:].mean(axis=0)
    result: NDArray[np.float64] = asked - mean
    result[:, -1] = asked[:, -1] + mean[:-1].sum()
    return result


def group_contributions(
    contributions: NDArray[np.float64], names: Sequence[str], group_of: Mapping[str, str]
) -> NDArray[np.float64]:
    """Sum of contributions by reason group.

    Parameters
    ----------
    contributions : numpy.ndarray of float64, shape (n, n_features + 1)
        Contributions, the base value last.
    names : sequence of str, length n_features
        Feature of each column.
    group_of : mapping of str to str
        Reason group of each feature.

    Returns
    -------
    numpy.ndarray of float64, shape (n, n_groups)
        Sums in the order of `matcher.columns.REASON_GROUPS`.

    Raises
    ------
    MatcherError
        If a feature has no reason group.
    """
    homeless = [name for name in names if group_of.get(name) not in REASON_GROUPS]
    if homeless:
        raise MatcherError(
            f"reasons: {len(homeless)} feature(s) without a reason group, the first "
            f"{homeless[:5]}; give each a group of `columns.REASON_GROUPS`"
        )
    places = np.array([REASON_GROUPS.index(group_of[name]) for name in names], dtype=np.int64)
    sums = np.zeros((len(contributions), len(REASON_GROUPS)))
    for group in range(len(REASON_GROUPS)):
        sums[:, group] = contributions[:, :-1][:, places == group].sum(axis=1)
    return sums


def say_feature(
    group: str,
    feature: str,
    value: float,
    pool: NDArray[np.float64],
    language: Language,
    *,
    heading: str | None = None,
) -> str:
    """Sentence that says what a feature is and how it stands among the candidates.

    Parameters
    ----------
    group : str
        Reason group.
    feature : str
        Feature name.
    value : float
        The account's value, NaN where unknown.
    pool : numpy.ndarray of float64
        Values of all candidates of the brief, the account among them.
    language : {"en", "vi"}
        Language.
    heading : str, optional
        What the sentence begins with; the name of the group when None.

    Returns
    -------
    str
        One sentence.
    """
    label = feature_label(feature)
    words = {"group": heading or GROUP_NAMES[group][language], "label": label.words[language]}
    templates = _TEMPLATES[language]
    stand, share = _standing(value, pool)
    if stand == "unknown":
        return templates["unknown"].format(**words)
    shown = format_value(label.kind, value, language)
    if label.kind == "yes":
        stand = "yes"
    elif shown is None:
        stand += "_hidden"
    return templates[stand].format(**words, value=shown, share=format_number(share, language))


def _standing(value: float, pool: NDArray[np.float64]) -> tuple[str, int]:
    """How a value stands among those of all candidates, and percent of these on the other side."""
    if not np.isfinite(value):
        return "unknown", 0
    known = pool[np.isfinite(pool)]
    if len(known) < 2:
        return "alone", 0
    lower, higher = int((known < value).sum()), int((known > value).sum())
    share = 100 * max(lower, higher) // len(known)
    return ("typical" if share < _TYPICAL else "above" if lower >= higher else "below"), share


def _are_weak(values: NDArray[np.float64], pool: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which values tell little, as `_standing` would say of each, shape (n, n_features)."""
    # Missing values are sorted to the end.
    ranked = np.sort(np.where(np.isfinite(pool), pool, np.nan), axis=0)
    n_known = np.isfinite(pool).sum(axis=0)
    weak = np.zeros(values.shape, dtype=bool)
    for place, n in enumerate(n_known.tolist()):
        known, mine = ranked[:n, place], values[:, place]
        lower, upper = (np.searchsorted(known, mine, side=side) for side in ("left", "right"))
        share = 100 * np.maximum(lower, n - upper) // max(n, 1)
        weak[:, place] = (n >= 2) & (share < _TELLING)
    return weak


def build_reasons(
    contributions: NDArray[np.float64],
    names: Sequence[str],
    group_of: Mapping[str, str],
    *,
    values: NDArray[np.float64],
    pool: NDArray[np.float64],
    n_close: NDArray[np.int64],
    language: Language,
) -> Reasons:
    """Reasons of the chosen accounts of one brief.

    Parameters
    ----------
    contributions : numpy.ndarray of float64, shape (n, n_features + 1)
        What `over_typical` gives of the chosen accounts.
    names : sequence of str, length n_features
        Feature of each column.
    group_of : mapping of str to str
        Reason group of each feature.
    values : numpy.ndarray of float64, shape (n, n_features)
        Raw features of the chosen accounts, NaN where unknown.
    pool : numpy.ndarray of float64, shape (n_candidates, n_features)
        Raw features of all candidates of the brief.
    n_close : numpy.ndarray of int64, shape (n,)
        Earlier posts of each that are close to the brief.
    language : {"en", "vi"}
        Language of the sentences.

    Returns
    -------
    Reasons
        Sums and sentences.
    """
    sums = group_contributions(contributions, names, group_of)
    members = [
        np.flatnonzero([group_of[name] == group for name in names]) for group in REASON_GROUPS
    ]

    is_unknown = ~np.isfinite(values)
    is_weak = _are_weak(values, pool)

    @cache
    def choose(row: int, group: int, sign: float) -> tuple[int, int]:
        # The feature that says most of a group, and how little it says: 0 is best.
        features = members[group]
        pushes = sign * contributions[row, features]
        # What tells an account from the others says more than what it shares with most of them,
        # and a known feature that pushes the same way more than one that is unknown.
        unknown, weak = is_unknown[row, features], is_weak[row, features]
        silence = np.select([unknown | (pushes <= 0), weak], [2, 1])
        best = np.lexsort((-pushes, silence))[0]
        return int(features[best]), int(silence[best])

    def say(row: int, groups: Sequence[int], sign: float, n: int) -> tuple[str, ...]:
        # Sentences of the first groups that say something, else of the first group.
        chosen = {group: choose(row, group, sign) for group in groups}
        telling = [group for group in groups if chosen[group][1] == 0][:n]
        return tuple(
            word(row, group, chosen[group][0], sign, None) for group in telling or groups[:1]
        )

    def word(row: int, group: int, best: int, sign: float, heading: str | None) -> str:
        name = REASON_GROUPS[group]
        sentence = say_feature(
            name, names[best], values[row, best], pool[:, best], language, heading=heading
        )
        if name == "relevance" and sign > 0 and n_close[row]:
            count = format_number(float(n_close[row]), language)
            sentence += " " + _CLOSE[language].format(count=count)
        return sentence

    def tell(row: int, group: int) -> str | None:
        # The sentence of a group by itself, which has to say on which side the group is.
        total = sums[row, group]
        if abs(total) < max(_NEGLIGIBLE * float(np.abs(sums[row]).sum()), _NOTHING):
            return None
        sign = 1 if total > 0 else -1
        heading = _SIDES[language][sign].format(group=GROUP_NAMES[REASON_GROUPS[group]][language])
        return word(row, group, choose(row, group, float(sign))[0], sign, heading)

    speaks_for, speaks_against, by_group = [], [], []
    for row, totals in enumerate(sums):
        ranked = np.argsort(-totals, kind="stable").tolist()
        speaks_for.append(say(row, [one for one in ranked if totals[one] > 0], 1.0, N_SENTENCES))
        worst = say(row, [one for one in reversed(ranked) if totals[one] < 0], -1.0, 1)
        speaks_against.append(worst[0] if worst else None)
        by_group.append(tuple(tell(row, group) for group in range(len(REASON_GROUPS))))
    return Reasons(
        sums, contributions[:, -1], tuple(speaks_for), tuple(speaks_against), tuple(by_group)
    )
