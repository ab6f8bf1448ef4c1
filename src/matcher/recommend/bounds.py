"""Where an account lies outside what the model saw, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.ranking.model import GROUP_OF
from matcher.recommend.wording import feature_label, format_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matcher.features.pair_features import FeatureMatrix
    from matcher.ranking.seen import SeenRanges
    from matcher.recommend.wording import Language

__all__ = ["FAR_OUTSIDE", "describe_extrapolation"]

FAR_OUTSIDE: Final = 0.1
"""Share of the seen range by which a value has to lie outside it to be worth a warning.

In the feature's own scale, which for counts is logarithmic: where 1,000 to 2,100,000 followers were
seen, from 4.5 million on."""
FAR_OUTSIDE_HISTORY: Final = 0.25
"""The same for the group `history`, whose counts grow for everyone as time goes by.

With 0.1 for them too, 7 of 60 rows on a Vietnamese TikTok market carried the warning, all for the
busiest accounts; with 0.25 none does, and 1 of 420 rows on a simulated market."""

_N_NAMED: Final = 2
_UNRANGED: Final = ("hidden", "yes", "tier")
"""Kinds of labels of which a range says nothing."""

_WORDS: Final = {
    "en": ("{label} is {value}; the model saw {low} to {high}", "; and "),
    "vi": ("{label} là {value}, trong khi mô hình chỉ thấy từ {low} đến {high}", "; và "),
}


def describe_extrapolation(
    seen: SeenRanges | None,
    names: Sequence[str],
    matrix: FeatureMatrix,
    language: Language,
) -> list[str | None]:
    """The one or two features that lie farthest outside the range seen in training.

    Parameters
    ----------
    seen : SeenRanges or None
        Ranges; None where the model does not know them.
    names : sequence of str
        Features that the explained ranker uses.
    matrix : FeatureMatrix
        Raw features of some accounts.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    list of str or None, length n
        What the value is and what was seen, None where nothing lies far outside.
    """
    if seen is None:
        return [None] * len(matrix.values)
    shown = [name for name in names if feature_label(name).kind not in _UNRANGED]
    values = matrix.columns(shown)
    excess = seen.excess(shown, values)
    limit = [FAR_OUTSIDE_HISTORY if GROUP_OF[name] == "history" else FAR_OUTSIDE for name in shown]
    is_far = excess > np.array(limit)
    template, joint = _WORDS[language]
    found: list[str | None] = []
    for row, outside in enumerate(excess):
        parts: dict[tuple[str | None, ...], str] = {}
        for place in np.argsort(-outside, kind="stable").tolist():
            if not is_far[row, place] or len(parts) == _N_NAMED:
                continue
            label = feature_label(shown[place])
            three = (float(values[row, place]), *seen.limits[shown[place]])
            value, low, high = (format_value(label.kind, one, language) for one in three)
            words = template.format(label=label.words[language], value=value, low=low, high=high)
            # A person's only account says the same of both; once is enough.
            parts.setdefault((value, low, high), words)
        found.append(joint.join(parts.values()) or None)
    return found
