"""Random numbers by name and key, so that the same pair meets the same luck in every scenario."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import special

__all__ = ["KeyedNoise", "Noise", "StreamNoise", "keyed_uniforms"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2: Final = np.uint64(0x94D049BB133111EB)
_LARGE: Final = 200.0
"""Mean above which a Poisson quantile is taken from its Cornish-Fisher expansion."""


class Noise(ABC):
    """A source of named draws, one per row."""

    def normal(self, name: str) -> Floats:
        """Standard normal draws.

        Parameters
        ----------
        name : str
            What is drawn; each name is asked for once.

        Returns
        -------
        ndarray of float, shape (n,)
            Draws.
        """
        return self._normal(name)

    def uniform(self, name: str) -> Floats:
        """Draws from 0..1, both ends left out.

        Parameters
        ----------
        name : str
            What is drawn.

        Returns
        -------
        ndarray of float, shape (n,)
            Draws.
        """
        return self._uniform(name)

    def poisson(self, name: str, mean: Floats) -> Floats:
        """Poisson counts.

        Parameters
        ----------
        name : str
            What is counted.
        mean : ndarray of float, shape (n,)
            Expectations, 0 or more.

        Returns
        -------
        ndarray of float, shape (n,)
            Whole numbers.
        """
        return self._poisson(name, mean)

    @abstractmethod
    def _normal(self, name: str) -> Floats: ...

    @abstractmethod
    def _uniform(self, name: str) -> Floats: ...

    @abstractmethod
    def _poisson(self, name: str, mean: Floats) -> Floats: ...


class StreamNoise(Noise):
    """Draws from a generator, in the order in which they are asked for.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of draws.
    n : int
        Rows.
    """

    def __init__(self, rng: np.random.Generator, n: int) -> None:
        self._rng = rng
        self._n = n

    def _normal(self, name: str) -> Floats:  # noqa: ARG002
        return self._rng.standard_normal(self._n)

    def _uniform(self, name: str) -> Floats:  # noqa: ARG002
        return self._rng.random(self._n)

    def _poisson(self, name: str, mean: Floats) -> Floats:  # noqa: ARG002
        return self._rng.poisson(mean).astype(np.float64)


class KeyedNoise(Noise):
    """Draws that depend on nothing but the world's seed, the name and the row's keys.

    Counts are quantiles at a keyed uniform, so that they rise with their mean: two scenarios
    differ by what the scenario changes and by nothing else (common random numbers).

    Parameters
    ----------
    seed : int
        Seed of the world.
    *keys : ndarray of int or int
        Keys of the rows, e.g. campaign, account, post and draw; broadcast to one shape (n,).
    """

    def __init__(self, seed: int, *keys: Ints | int) -> None:
        self._seed = seed
        self._keys = np.broadcast_arrays(*(np.atleast_1d(np.asarray(key)) for key in keys))

    def _uniform(self, name: str) -> Floats:
        return keyed_uniforms(self._seed, name, *self._keys)

    def _normal(self, name: str) -> Floats:
        return np.asarray(special.ndtri(self.uniform(name)), dtype=np.float64)

    def _poisson(self, name: str, mean: Floats) -> Floats:
        level = self.uniform(name)
        is_large = mean > _LARGE
        count = np.zeros(len(level))
        small = ~is_large & (mean > 0)
        # The least whole number whose cumulative probability reaches the level.
        real = special.pdtrik(level[small], mean[small])
        count[small] = np.where(level[small] <= np.exp(-mean[small]), 0.0, np.ceil(real))
        z = special.ndtri(level[is_large])
        big = mean[is_large]
        count[is_large] = np.floor(big + np.sqrt(big) * z + (z**2 - 1) / 6 + 0.5)
        return count


def keyed_uniforms(seed: int, name: str, *keys: Ints) -> Floats:
    """Uniform numbers by hashing, one per row of keys.

    The finaliser of SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
    generators"), applied once per key.

    Parameters
    ----------
    seed : int
        Seed of the world, 0 or more.
    name : str
        What is drawn.
    *keys : ndarray of int, shape (n,)
        Keys.

    Returns
    -------
    ndarray of float, shape (n,)
        Numbers in 0..1, both ends left out.
    """
    start = (seed * 0x9E3779B97F4A7C15 + zlib.crc32(name.encode())) % 2**64
    state: Any = np.full(keys[0].shape, start, dtype=np.uint64)
    state = _mix(state)
    for key in keys:
        state = _mix(state + (key.astype(np.uint64) + np.uint64(1)) * _GOLDEN)
    # 53 bits, moved to the middle of their cell, so that neither 0 nor 1 occurs.
    return np.asarray(((state >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53)


def _mix(state: Any) -> Any:
    state = (state ^ (state >> np.uint64(30))) * _MIX_1
    state = (state ^ (state >> np.uint64(27))) * _MIX_2
    return state ^ (state >> np.uint64(31))
