"""Names under which runs and models are found again."""

from __future__ import annotations

from typing import Final

EXPERIMENT_PREFIX: Final = "matcher"
"""Experiments are called ``matcher/<task>``."""

BUNDLE_ARTIFACT: Final = "model_bundle"
"""Folder of a run that holds the model bundle, file for file."""

REGISTERED_MODEL: Final = "matcher"
"""Model under which versions are registered."""

CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"


EVENT_TAG: Final = "promotion."
"""Tags of a registered model that hold its history, one event each, numbered from 1."""


def experiment_name(task: str) -> str:
    """Experiment of a task.

    Parameters
    ----------
    task : str
        Such as ``"train"``.

    Returns
    -------
    str
        ``matcher/<task>``.

    Examples
    --------
    >>> experiment_name("train")
    'matcher/train'
    """
    return f"{EXPERIMENT_PREFIX}/{task}"
