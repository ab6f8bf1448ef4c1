"""What each column adds to the expected log of an outcome: regressions say it exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.ranking.outcomes.inputs import DUMMIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from matcher.ranking.linear import LinearModel
    from matcher.ranking.outcomes.centre import PostForecast
    from matcher.ranking.outcomes.inputs import PairInputs
    from matcher.ranking.outcomes.single import OutcomeModel

__all__ = ["PLACE", "centre_contributions", "log_of_level"]

PLACE: Final = "platform_and_format"
"""Column that stands for all of `matcher.ranking.outcomes.inputs.DUMMIES` together."""

_NEAR: Final = 1e-6
"""Distance from the middle below which the slope of a curve there stands for that of a chord."""


def log_of_level(centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log of what a level stands for: ln(1 + y) becomes ln(y), and little stays little.

    Parameters
    ----------
    centre : numpy.ndarray of float64
        Expected ln(1 + y).

    Returns
    -------
    numpy.ndarray of float64
        The log ln(y), at least ln(.05).
    """
    return np.asarray(np.log(np.maximum(np.expm1(np.minimum(centre, 50.0)), 0.05)))


def centre_contributions(
    models: Mapping[str, OutcomeModel], name: str, inputs: PairInputs
) -> NDArray[np.float64]:
    """Expected log of an outcome, taken apart by column.

    All regressions are linear in their columns, so that parts add up. Where a level becomes the log
    of a rate's parent, parts are stretched by the slope of the chord from the level's middle, which
    is what integrated gradients give on the straight way from there.

    Parameters
    ----------
    models : mapping of str to OutcomeModel
        Models, parents among them.
    name : str
        Outcome.
    inputs : PairInputs
        Pairs.

    Returns
    -------
    numpy.ndarray of float64, shape (n_pairs, n_features + 2)
        Features in the order of the inputs without `DUMMIES`, then `PLACE`, then a constant that is
        the same for all; rows sum to the centre.

    References
    ----------
    Sundararajan, Taly and Yan, Axiomatic attribution for deep networks, ICML 2017.
    """
    parts = _parts(models, name, inputs)
    n_features = len(inputs.names) - len(DUMMIES)
    # What differs between accounts and belongs to no column is where and how they publish.
    constant = float(parts[:, -1].mean()) if len(parts) else 0.0
    place = parts[:, n_features:-1].sum(axis=1) + parts[:, -1] - constant
    return np.column_stack([parts[:, :n_features], place, np.full(len(parts), constant)])


def _parts(
    models: Mapping[str, OutcomeModel], name: str, inputs: PairInputs
) -> NDArray[np.float64]:
    """Contribution of each column of the inputs, and the constant of each row."""
    model = models[name]
    if model.forecast is not None:
        parts = (1.0 + model.slope) * _forecast_parts(model.forecast, inputs)
        parts[:, -1] -= model.slope * model.middle
    else:
        assert model.parent is not None
        parts = _parts(models, model.parent, inputs)
        if models[model.parent].kind == "level":
            parts = _in_logs(parts, models[model.parent].middle)
    if model.adjustment is not None:
        parts = parts + _linear_parts(model.adjustment, inputs)
    return parts


def _forecast_parts(forecast: PostForecast, inputs: PairInputs) -> NDArray[np.float64]:
    others = _linear_parts(forecast.others, inputs)
    if forecast.known is None:
        return others
    has_own = np.isfinite(inputs.columns(forecast.own[:1])[:, 0])
    known = _linear_parts(forecast.known, inputs)
    # That an account has readings of its own is what sets the two regressions apart.
    known[:, inputs.names.index(forecast.own[0])] += known[:, -1] - others[:, -1]
    known[:, -1] = others[:, -1]
    return np.where(has_own[:, None], known, others)


def _linear_parts(model: LinearModel, inputs: PairInputs) -> NDArray[np.float64]:
    parts = np.zeros((len(inputs), len(inputs.names) + 1))
    parts[:, _places(inputs.names, model.names)] = model.contributions(inputs.columns(model.names))
    parts[:, -1] = model.constant
    return parts


def _places(known: Sequence[str], names: Sequence[str]) -> list[int]:
    place = {name: column for column, name in enumerate(known)}
    return [place[name] for name in names]


def _in_logs(parts: NDArray[np.float64], middle: float) -> NDArray[np.float64]:
    total = parts.sum(axis=1)
    at = np.array([middle])
    start = float(log_of_level(at)[0])
    distance = total - middle
    near = np.abs(distance) < _NEAR
    slope = float((log_of_level(at + _NEAR) - log_of_level(at - _NEAR))[0]) / (2.0 * _NEAR)
    chord = np.where(near, slope, (log_of_level(total) - start) / np.where(near, 1.0, distance))
    scaled = parts.copy()
    scaled[:, -1] -= middle
    scaled *= chord[:, None]
    # Rounding aside, what is left over is 0; rows have to sum to the centre exactly.
    scaled[:, -1] += log_of_level(total) - scaled.sum(axis=1)
    return scaled
