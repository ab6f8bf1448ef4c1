"""Why an account stands where it stands: contributions by reason group, and one sentence each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.columns import REASON_GROUPS
from matcher.errors import MatcherError
from matcher.recommend.wording import GROUP_NAMES, feature_label, format_number, format_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from matcher.recommend.wording import Language

__all__ = ["Reasons", "build_reasons", "group_contributions", "say_feature"]

N_SENTENCES: Final = 3
"""Sentences that speak for an account."""

_TYPICAL: Final = 10
"""Percent of candidates on either side below which a value is that of most."""

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
        "unknown": "{group}: chưa biết {label}.",
    },
}

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
        Score of an account about which nothing is known.
    speaks_for : tuple of tuple of str, length n
        Up to three sentences each, the strongest first.
    speaks_against : tuple of str or None, length n
        The strongest reason against each, None where there is none.
    """

    groups: NDArray[np.float64]
    base: NDArray[np.float64]
    speaks_for: tuple[tuple[str, ...], ...]
    speaks_against: tuple[str | None, ...]


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

    Returns
    -------
    str
        One sentence.
    """
    label = feature_label(feature)
    words = {"group": GROUP_NAMES[group][language], "label": label.words[language]}
    templates = _TEMPLATES[language]
    if not np.isfinite(value):
        return templates["unknown"].format(**words)
    known = pool[np.isfinite(pool)]
    lower, higher = int((known < value).sum()), int((known > value).sum())
    stand, share = "alone", 0
    if len(known) > 1:
        share = 100 * max(lower, higher) // len(known)
        stand = "typical" if share < _TYPICAL else "above" if lower >= higher else "below"
    shown = format_value(label.kind, value, language)
    if shown is None:
        stand += "_hidden"
    return templates[stand].format(**words, value=shown, share=format_number(share, language))


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
        Contributions of the chosen accounts, the base value last.
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

    def say(row: int, group: int, sign: float) -> str:
        features = members[group]
        pushes = sign * contributions[row, features]
        # A known feature that pushes the same way says more than one that is unknown.
        unknown = ~np.isfinite(values[row, features])
        best = features[np.lexsort((-pushes, unknown | (pushes <= 0)))[0]]
        name = REASON_GROUPS[group]
        sentence = say_feature(name, names[best], values[row, best], pool[:, best], language)
        if name == "relevance" and sign > 0 and n_close[row]:
            sentence += " " + _CLOSE[language].format(
                count=format_number(float(n_close[row]), language)
            )
        return sentence

    speaks_for, speaks_against = [], []
    for row, totals in enumerate(sums):
        ranked = np.argsort(-totals, kind="stable")
        best = [group for group in ranked[:N_SENTENCES] if totals[group] > 0]
        speaks_for.append(tuple(say(row, group, 1.0) for group in best))
        worst = int(np.argmin(totals))
        speaks_against.append(say(row, worst, -1.0) if totals[worst] < 0 else None)
    return Reasons(sums, contributions[:, -1], tuple(speaks_for), tuple(speaks_against))
