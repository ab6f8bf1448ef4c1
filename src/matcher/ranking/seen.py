"""The range in which each feature was seen in training, to warn of what lies far outside it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from matcher.errors import DataError, FeatureMismatchError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from matcher.features.pair_features import FeatureMatrix

__all__ = ["SeenRanges"]


@dataclass(frozen=True)
class SeenRanges:
    """Least and greatest value of each feature in the training rows.

    Parameters
    ----------
    limits : mapping of str to tuple of float
        ``(least, greatest)`` by feature, in the feature's own unit.
    n_rows : int
        Training rows.
    """

    limits: Mapping[str, tuple[float, float]]
    n_rows: int

    def __post_init__(self) -> None:
        """Check that the limits are finite and in order."""
        wrong = [
            name
            for name, (low, high) in self.limits.items()
            if not (np.isfinite(low) and np.isfinite(high) and low <= high)
        ]
        if wrong:
            raise DataError(
                f"seen: the limits of {len(wrong)} feature(s) are not finite or not in order: "
                f"{wrong[:5]}"
            )

    @classmethod
    def of(cls, matrix: FeatureMatrix, names: Sequence[str]) -> SeenRanges:
        """Ranges of some features of a matrix.

        Parameters
        ----------
        matrix : FeatureMatrix
            Training rows.
        names : sequence of str
            Features; one without a known value is left out.

        Returns
        -------
        SeenRanges
            Over the known values.
        """
        values = matrix.columns(names)
        known = np.isfinite(values)
        low = np.where(known, values, np.inf).min(axis=0, initial=np.inf)
        high = np.where(known, values, -np.inf).max(axis=0, initial=-np.inf)
        limits = {
            name: (float(least), float(most))
            for name, least, most in zip(names, low, high, strict=True)
            if least <= most
        }
        return cls(limits, len(values))

    def excess(self, names: Sequence[str], values: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far values lie outside the ranges, in widths of these.

        Parameters
        ----------
        names : sequence of str, length n_features
            Features.
        values : numpy.ndarray of float64, shape (n, n_features)
            Their values.

        Returns
        -------
        numpy.ndarray of float64, shape (n, n_features)
            0 inside, and where the value is unknown, the feature was never seen, or it was seen
            with one value alone.

        Raises
        ------
        FeatureMismatchError
            If names and columns differ in number.

        Examples
        --------
        >>> seen = SeenRanges({"a": (0.0, 10.0)}, n_rows=3)
        >>> seen.excess(["a", "b"], np.array([[12.0, 9.0], [-5.0, np.nan]])).tolist()
        [[0.2, 0.0], [0.5, 0.0]]
        """
        if values.ndim != 2 or values.shape[1] != len(names):
            raise FeatureMismatchError(
                f"seen: got values of shape {values.shape} for {len(names)} features"
            )
        nowhere = (-np.inf, np.inf)
        limits = [self.limits.get(name, nowhere) for name in names]
        low, high = np.array(limits, dtype=np.float64).reshape(-1, 2).T
        width = np.where(high > low, high - low, np.inf)
        outside = np.maximum(np.maximum(values - high, low - values), 0.0)
        return np.where(np.isfinite(values), outside / width, 0.0)

    def to_json(self) -> bytes:
        """Content of the file that keeps the ranges.

        Returns
        -------
        bytes
            JSON; its numbers give the same floats back.
        """
        held = {
            "n_rows": self.n_rows,
            "limits": {name: list(limits) for name, limits in self.limits.items()},
        }
        return json.dumps(held, indent=1, allow_nan=False).encode()

    @classmethod
    def from_json(cls, content: bytes) -> SeenRanges:
        """Ranges that `to_json` kept.

        Parameters
        ----------
        content : bytes
            JSON.

        Returns
        -------
        SeenRanges
            The same ranges.

        Raises
        ------
        DataError
            If the content has another form.
        """
        try:
            held: dict[str, Any] = json.loads(content)
            limits = {str(name): (float(a), float(b)) for name, (a, b) in held["limits"].items()}
            return cls(limits, int(held["n_rows"]))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(f"seen.json: cannot be read: {error}") from error
