"""Campaigns dealt to parts, each of which is answered from the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from matcher.evaluation.offpolicy.log import DecisionLog
    from matcher.evaluation.offpolicy.models import Inputs

__all__ = ["N_FOLDS", "deal_campaigns"]

N_FOLDS: Final = 5


def deal_campaigns(
    log: DecisionLog, inputs: Inputs, seed: int
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Rows of the other campaigns, and rows to answer, for each part of the campaigns.

    Parameters
    ----------
    log : DecisionLog
        Log.
    inputs : Inputs
        What is known of its candidates.
    seed : int
        Seed by which campaigns are dealt.

    Yields
    ------
    others, own : numpy.ndarray of bool, shape (n,)
        Candidates of the other parts, and of this one.

    Raises
    ------
    DataError
        If inputs and log differ in length.
    """
    if len(inputs.values) != len(log):
        raise DataError(
            f"off-policy inputs: {len(inputs.values)} rows for {len(log)} candidates of the log"
        )
    rng = np.random.default_rng(seed)
    part = rng.permutation(np.arange(log.n_campaigns) % N_FOLDS)[log.codes]
    for fold in range(min(N_FOLDS, log.n_campaigns)):
        yield part != fold, part == fold
