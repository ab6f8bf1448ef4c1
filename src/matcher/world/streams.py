"""Independent random streams by name, so that one part can change without moving the others."""

from __future__ import annotations

import zlib

import numpy as np

__all__ = ["stream"]


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """Random generator of one named part of a world.

    Parameters
    ----------
    seed : int
        Seed of the world, 0 or more.
    *names : str or int
        Name of the part, e.g. ``"posts", 3``.

    Returns
    -------
    numpy.random.Generator
        Fresh generator; equal arguments give equal draws.
    """
    keys = [zlib.crc32(name.encode()) if isinstance(name, str) else name for name in names]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *keys])))
