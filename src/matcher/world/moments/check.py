"""All moments of a market, measured and held against their ranges."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from matcher.errors import SupportError
from matcher.world.moments import audience, engagement, funnel, people, prices, reach, spread
from matcher.world.moments.assumed import ASSUMED
from matcher.world.moments.export import Export, read_export
from matcher.world.moments.moment import THEMES, Assumption, Moment

__all__ = ["HELD_OUT_SHARE", "MOMENTS", "Check", "Measured", "check_market", "measure_moments"]

HELD_OUT_SHARE: Final = 0.9
"""Share of the held-out moments that must hold; of the others all must."""
_ORDER: Final = tuple(THEMES)
MOMENTS: Final[tuple[Moment, ...]] = tuple(
    sorted(
        (
            moment
            for module in (people, engagement, reach, spread, prices, funnel, audience)
            for moment in module.MOMENTS
        ),
        key=lambda moment: _ORDER.index(moment.theme),
    )
)
"""All moments that a source gives a range for, by theme."""


@dataclass(frozen=True)
class Measured:
    """A figure and what came out.

    Attributes
    ----------
    moment : Moment or Assumption
        The figure.
    value : float or None
        What came out; None where it could not be measured.
    note : str
        Why not; empty else.
    """

    moment: Moment | Assumption
    value: float | None
    note: str = ""

    @property
    def ok(self) -> bool:
        """Whether it was measured and lies in its range; an assumption has none."""
        if self.value is None or not isinstance(self.moment, Moment):
            return False
        return self.moment.holds(self.value)


@dataclass(frozen=True)
class Check:
    """Moments and assumptions of one market.

    Attributes
    ----------
    record : mapping of str to Any
        The market's ``truth/world.json``.
    moments, assumed : tuple of Measured
        In order of `MOMENTS` and of the assumptions.
    """

    record: Mapping[str, Any]
    moments: tuple[Measured, ...]
    assumed: tuple[Measured, ...]

    def _count(self, *, held_out: bool, ok: bool) -> int:
        return sum(
            1
            for one in self.moments
            if isinstance(one.moment, Moment)
            and one.moment.held_out == held_out
            and (one.ok or not ok)
        )

    @property
    def ok(self) -> bool:
        """Whether all calibrated moments hold, and `HELD_OUT_SHARE` of those held out."""
        n_calibrated = self._count(held_out=False, ok=False)
        n_held_out = self._count(held_out=True, ok=False)
        if self._count(held_out=False, ok=True) < n_calibrated:
            return False
        return self._count(held_out=True, ok=True) >= HELD_OUT_SHARE * n_held_out

    def as_dict(self) -> dict[str, Any]:
        """The check as JSON values.

        Returns
        -------
        dict of str to Any
            World and size, a row per moment and per assumption, counts and the verdict.
        """
        n_held_out = self._count(held_out=True, ok=False)
        n_held_out_ok = self._count(held_out=True, ok=True)
        return {
            **{name: self.record.get(name) for name in ("world", "version", "seed")},
            **{name: self.record.get(name) for name in ("n_influencers", "n_campaigns")},
            "moments": [_row(one) for one in self.moments],
            "assumed": [_row(one) for one in self.assumed],
            "n_sourced": len(self.moments),
            "n_ok": self._count(held_out=False, ok=True) + n_held_out_ok,
            "n_held_out": n_held_out,
            "n_held_out_ok": n_held_out_ok,
            "ok": self.ok,
        }


def _row(one: Measured) -> dict[str, Any]:
    moment = one.moment
    row: dict[str, Any] = {
        "theme": moment.theme,
        "moment": moment.name,
        "low": moment.low,
        "high": moment.high,
        "value": one.value,
        "unit": moment.unit,
        "source": moment.source,
    }
    if isinstance(moment, Moment):
        row |= {"confidence": moment.confidence, "ok": one.ok, "held_out": moment.held_out}
    if one.note:
        row["note"] = one.note
    return row


def measure_moments(
    export: Export,
    moments: Sequence[Moment | Assumption] = MOMENTS,
    *,
    progress: Callable[[str, int, int], None] | None = None,
) -> tuple[Measured, ...]:
    """Values of moments.

    Parameters
    ----------
    export : Export
        Market.
    moments : sequence of Moment or Assumption
        What to measure.
    progress : callable, optional
        Called with the step's name, moments done and moments in all.

    Returns
    -------
    tuple of Measured
        In the order of `moments`; one that cannot be measured says why.
    """
    results = []
    for k, moment in enumerate(moments):
        results.append(_measure(export, moment))
        if progress is not None:
            progress("moments", k + 1, len(moments))
    return tuple(results)


def _measure(export: Export, moment: Moment | Assumption) -> Measured:
    try:
        value = float(moment.measure(export))
    except SupportError as error:
        return Measured(moment, None, str(error))
    if not math.isfinite(value):
        return Measured(moment, None, f"came out as {value}")
    return Measured(moment, value)


def check_market(
    folder: Path | str, *, progress: Callable[[str, int, int], None] | None = None
) -> Check:
    """Measure all moments of a simulated market.

    Parameters
    ----------
    folder : pathlib.Path or str
        Market, its truth inside.
    progress : callable, optional
        Called with the step's name, moments done and moments in all.

    Returns
    -------
    Check
        Moments, assumptions and the verdict.

    Raises
    ------
    DataError
        If the folder holds no simulated market, or a table cannot be read.
    """
    export = read_export(folder)
    record = json.loads((Path(folder) / "truth" / "world.json").read_text(encoding="utf-8"))
    measured = measure_moments(export, (*MOMENTS, *ASSUMED), progress=progress)
    return Check(record, measured[: len(MOMENTS)], measured[len(MOMENTS) :])
