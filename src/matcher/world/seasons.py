"""Which season of the year captions speak of, by day."""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
import numpy.typing as npt

from matcher.world.arrow import START

__all__ = ["SEASON_NAMES", "season_of"]

_FIXED: Final = {
    "valentine": ("02-11", "02-14", "both"),
    "womens_day": ("03-05", "03-08", "both"),
    "reunification": ("04-27", "05-01", "vi"),
    "summer": ("06-01", "07-31", "both"),
    "back_to_school": ("08-15", "09-10", "both"),
    "women_vn": ("10-17", "10-20", "vi"),
    "halloween": ("10-25", "10-31", "both"),
    "11_11": ("11-05", "11-11", "both"),
    "black_friday": ("11-20", "11-30", "both"),
    "12_12": ("12-07", "12-12", "both"),
    "christmas": ("12-15", "12-26", "both"),
    "new_year": ("12-29", "12-31", "both"),
}
"""First and last day of the year and who keeps it; no window runs over the end of a year."""

_LUNAR: Final = {
    "tet": (("2024-01-22", "2024-02-16", "vi"), ("2025-01-12", "2025-02-05", "vi"),
            ("2026-01-30", "2026-02-23", "vi")),
    "mid_autumn": (("2023-09-14", "2023-09-29", "vi"), ("2024-09-02", "2024-09-17", "vi"),
                   ("2025-09-21", "2025-10-06", "vi")),
    "lunar_new_year": (("2024-02-03", "2024-02-16", "en"), ("2025-01-22", "2025-02-05", "en"),
                       ("2026-02-10", "2026-02-23", "en")),
}  # fmt: skip
"""Windows that follow the moon: Tết fell on 2024-02-10, 2025-01-29 and 2026-02-17, and the full
moon of the eighth month on 2023-09-29, 2024-09-17 and 2025-10-06."""

SEASON_NAMES: Final = (*_FIXED, *_LUNAR)
"""Seasons, in the order of the indices of `season_of`."""

_YEARS: Final = (2023, 2024, 2025, 2026)
"""Years whose holidays are known; the two of a market lie within."""


@functools.cache
def _calendar(language: str) -> npt.NDArray[np.int64]:
    """Season of each day from day 0 to the end of the last year; the moon's go first."""
    start = START.astype("datetime64[D]")
    n_days = int((np.datetime64(f"{_YEARS[-1] + 1}-01-01") - start).astype(int))
    calendar = np.full(n_days, -1)
    windows = [
        (name, f"{year}-{first}", f"{year}-{last}", who)
        for name, (first, last, who) in _FIXED.items()
        for year in _YEARS
    ]
    windows += [(name, *window) for name, dates in _LUNAR.items() for window in dates]
    for name, first, last, who in windows:
        if who in (language, "both"):
            low, high = ((np.datetime64(d) - start).astype(int) for d in (first, last))
            calendar[max(low, 0) : max(high + 1, 0)] = SEASON_NAMES.index(name)
    return calendar


def season_of(
    day: npt.NDArray[np.float64], is_vietnamese: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    """Season that a day falls in for writers of Vietnamese or of English.

    Parameters
    ----------
    day : ndarray of float, shape (n,)
        Days since day 0, before the end of 2026.
    is_vietnamese : ndarray of bool, shape (n,)
        Whether the text is Vietnamese.

    Returns
    -------
    ndarray of int, shape (n,)
        Index into `SEASON_NAMES`; -1 where the day is like any other.
    """
    row = np.floor(day).astype(np.int64)
    return np.where(is_vietnamese, _calendar("vi")[row], _calendar("en")[row])
