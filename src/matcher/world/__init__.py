"""A simulated market with a known truth, for the demo and the tests.

Only this room and the command line know of it, and only this room reads ``truth/``.
"""

from __future__ import annotations

from matcher.world.knobs import WORLD_VERSION, WORLDS, WorldKnobs, find_world
from matcher.world.simulate import WorldSummary, simulate_market

__all__ = [
    "WORLDS",
    "WORLD_VERSION",
    "WorldKnobs",
    "WorldSummary",
    "find_world",
    "simulate_market",
]
