"""Is a simulated market like published figures say? Moments, their ranges, and what is assumed."""

from __future__ import annotations

from matcher.world.moments.assumed import ASSUMED
from matcher.world.moments.check import MOMENTS, Check, Measured, check_market, measure_moments
from matcher.world.moments.export import Export, read_export
from matcher.world.moments.moment import CONFIDENCES, THEMES, Assumption, Moment

__all__ = [
    "ASSUMED",
    "CONFIDENCES",
    "MOMENTS",
    "THEMES",
    "Assumption",
    "Check",
    "Export",
    "Measured",
    "Moment",
    "check_market",
    "measure_moments",
    "read_export",
]
