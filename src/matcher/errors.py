"""Errors that Matcher raises on purpose; anything else is a defect."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import pandas as pd

__all__ = [
    "BundleError",
    "ConfigError",
    "ConflictError",
    "DataError",
    "DataWarning",
    "EncoderError",
    "FeatureMismatchError",
    "LeakageError",
    "MatcherError",
    "NotFittedError",
    "OutputExistsError",
    "PromotionError",
    "SchemaError",
    "SupportError",
    "TrackingError",
    "UsageError",
]


class MatcherError(Exception):
    """Root of all errors that Matcher raises on purpose (exit code 1)."""


class UsageError(MatcherError):
    """A command or call that cannot be carried out as asked (exit code 2)."""


class ConfigError(UsageError, ValueError):
    """A configuration or brief file with an unknown key or a bad value."""


class ConflictError(UsageError):
    """Limits of a plan that cannot hold together; `conflict` says which, and by how much.

    Parameters
    ----------
    message : str
        Which limits, what is missing, what would have to give way.
    conflict : Any
        The same in numbers: a `matcher.plan.results.Conflict`, or None.
    """

    def __init__(self, message: str, conflict: Any = None) -> None:
        super().__init__(message)
        self.conflict = conflict


class OutputExistsError(UsageError):
    """An output that stands already and may not be overwritten without ``--force``."""


class DataError(MatcherError, ValueError):
    """Data that Matcher cannot work with (exit code 3); `told` says why, for people.

    Parameters
    ----------
    message : str
        Where, what was got, what is expected, what to do.
    told : Mapping of str to str, optional
        The same in a sentence by language, ``en`` and ``vi``; the message where one is left out.
    """

    def __init__(self, message: str, told: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.told = {"en": message, "vi": message, **(told or {})}


class SchemaError(DataError):
    """Tables that break the contract; `failures` holds one row per failure.

    Parameters
    ----------
    message : str
        Where, what was got, what is expected, what to do.
    failures : pandas.DataFrame, optional
        Columns ``table, row, column, value, rule, fix``.
    """

    def __init__(self, message: str, failures: pd.DataFrame | None = None) -> None:
        super().__init__(message)
        self.failures = failures


class LeakageError(DataError):
    """Something that was known only at or after the decision was about to be used for it."""


class SupportError(DataError):
    """A question that the data at hand cannot answer."""


class FeatureMismatchError(MatcherError):
    """Feature columns that are not those a model was trained on."""


class NotFittedError(MatcherError):
    """A fitted object that is used before it was fitted."""


class BundleError(MatcherError):
    """A model bundle that is missing, altered, truncated or of another format."""


class EncoderError(MatcherError):
    """A text encoder that cannot be loaded or used."""


class TrackingError(MatcherError):
    """A tracking store that cannot be reached or written."""


class PromotionError(MatcherError):
    """A model that may not become the champion."""


class DataWarning(UserWarning):
    """Something in the data that Matcher worked around and says so."""
