"""What is tuned: settings of the rankers, each with the range that is tried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from matcher.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matcher.config import Settings

__all__ = ["TUNED", "Range", "apply_values", "given_values", "search_space"]

Value = int | float


@dataclass(frozen=True)
class Range:
    """Values that are tried for one setting.

    Parameters
    ----------
    name : str
        Room and key, such as ``ranker.n_trees``.
    low, high : int or float
        Both included; whole numbers where both are. Equal ratios are equally likely where `low` is
        above 0.
    choices : tuple of int, optional
        The only values, where features have to be built anew for each.

    Raises
    ------
    ConfigError
        If the range is empty.
    """

    name: str
    low: Value
    high: Value
    choices: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ConfigError(f"{self.name}: nothing lies between {self.low} and {self.high}")

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers are tried."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def including(self, value: Value) -> Range:
        """The same range, widened so that it holds a value.

        Parameters
        ----------
        value : int or float
            Value of the settings as they are.

        Returns
        -------
        Range
            Range that holds it.
        """
        choices = tuple(sorted({*self.choices, int(value)})) if self.choices else ()
        return Range(self.name, min(self.low, value), max(self.high, value), choices)


TUNED: Final = (
    Range("ranker.n_trees", 50, 600),
    Range("ranker.learning_rate", 0.01, 0.2),
    Range("ranker.n_leaves", 3, 31),
    Range("ranker.min_rows_in_leaf", 5, 200),
    Range("ranker.l2", 0.1, 100.0),
    Range("ranker.feature_share", 0.05, 0.5),
    Range("ranker.truncation", 5, 60),
    Range("ranker.unlabelled_per_campaign", 50, 200, (50, 100, 200)),
    Range("outcome.n_trees", 30, 300),
    Range("outcome.min_rows_in_leaf", 3, 60),
)
"""Settings that are tuned. Seeds and the size of the bag are not: more members only cost time."""


def given_values(settings: Settings) -> dict[str, Value]:
    """Tuned settings as they are.

    Parameters
    ----------
    settings : Settings
        Settings.

    Returns
    -------
    dict of str to int or float
        Value by name, in the order of `TUNED`.
    """
    found: dict[str, Value] = {}
    for one in TUNED:
        room, key = one.name.split(".")
        found[one.name] = getattr(getattr(settings, room), key)
    return found


def search_space(settings: Settings) -> tuple[Range, ...]:
    """Ranges to search, widened where the settings as they are lie outside.

    Parameters
    ----------
    settings : Settings
        Settings.

    Returns
    -------
    tuple of Range
        In the order of `TUNED`.
    """
    given = given_values(settings)
    return tuple(one.including(given[one.name]) for one in TUNED)


def apply_values(settings: Settings, values: Mapping[str, Value]) -> Settings:
    """Settings with other values of what is tuned.

    Parameters
    ----------
    settings : Settings
        Settings.
    values : mapping of str to int or float
        Value by name.

    Returns
    -------
    Settings
        The same but for these.

    Raises
    ------
    ConfigError
        If a value is not allowed.
    """
    rooms: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        room, key = name.split(".")
        rooms.setdefault(room, {})[key] = value
    whole = settings.model_dump()
    return type(settings).model_validate(
        {**whole, **{room: {**whole[room], **held} for room, held in rooms.items()}}
    )
