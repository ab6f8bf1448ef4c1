"""Policies that are asked about: with which chance each would have chosen each candidate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from matcher.errors import DataError, SupportError
from matcher.evaluation.offpolicy.notes import Note

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.evaluation.offpolicy.log import DecisionLog

__all__ = ["TargetPolicy", "campaigns_of_lists", "logged_policy", "policy_of_frame", "top_k_policy"]


@dataclass(frozen=True, eq=False)
class TargetPolicy:
    """Chances with which a policy chooses the candidates of a log.

    Parameters
    ----------
    name : str
        What it is called.
    probability : numpy.ndarray of float64, shape (n,)
        Inclusion probability of each candidate of the log, 0..1.
    outside : numpy.ndarray of float64, shape (n_campaigns,)
        Accounts that it is expected to choose in each campaign beside the candidates of the log.

    Raises
    ------
    DataError
        If a chance lies outside 0..1, or it chooses nobody at all.
    """

    name: str
    probability: NDArray[np.float64]
    outside: NDArray[np.float64]

    def __post_init__(self) -> None:
        wrong = ~((self.probability >= 0) & (self.probability <= 1))
        if wrong.any() or not (self.outside >= 0).all():
            raise DataError(
                f"policy {self.name!r}: {int(wrong.sum())} of {len(wrong)} chances lie outside "
                "0..1; expected the chance with which it chooses an account"
            )
        if not self.n_expected > 0:
            raise DataError(f"policy {self.name!r}: chooses nobody in these campaigns")

    @property
    def n_expected(self) -> float:
        """Accounts that it is expected to choose in all campaigns together."""
        return float(self.probability.sum() + self.outside.sum())


def logged_policy(log: DecisionLog, probability: NDArray[np.float64]) -> TargetPolicy:
    """The policy that wrote a log.

    Parameters
    ----------
    log : DecisionLog
        Log.
    probability : numpy.ndarray of float64, shape (n,)
        Its chances, as logged or as estimated.

    Returns
    -------
    TargetPolicy
        The same chances, named ``logged``.
    """
    return TargetPolicy("logged", probability, np.zeros(log.n_campaigns))


def campaigns_of_lists(log: DecisionLog, lists: pd.DataFrame, name: str) -> DecisionLog:
    """Campaigns of a log that some lists staff.

    Parameters
    ----------
    log : DecisionLog
        Log.
    lists : pandas.DataFrame
        Rows with a ``campaign_id``.
    name : str
        What the lists are called.

    Returns
    -------
    DecisionLog
        Those campaigns, with a note on the others.

    Raises
    ------
    DataError
        If there is no such column.
    SupportError
        If the lists staff none.
    """
    if "campaign_id" not in lists:
        raise DataError(f"policy {name!r}: column campaign_id is missing")
    names = pd.Index(log.campaign_ids)
    kept = names[names.isin(lists["campaign_id"])]
    if not len(kept):
        raise SupportError(
            f"policy {name!r}: staffs none of the {len(names)} closed campaigns of the log "
            f"({', '.join(names[:5])} ...); give lists for campaigns that were decided"
        )
    found = log.take_campaigns(kept)
    if len(kept) == len(names):
        return found
    n, all_ = len(names) - len(kept), len(names)
    note = Note(
        f"{n} of {all_} campaigns are not staffed by {name}",
        f"{n} trong {all_} chiến dịch không được {name} chọn người",
    )
    return replace(found, notes=(*found.notes, note))


def policy_of_frame(log: DecisionLog, frame: pd.DataFrame, name: str) -> TargetPolicy:
    """A policy from rows of campaign, account and chance.

    Parameters
    ----------
    log : DecisionLog
        Log whose campaigns it would have staffed.
    frame : pandas.DataFrame
        ``campaign_id, account_id`` and ``probability`` (1 for a fixed list); each pair once. Rows
        of campaigns that are not in the log are left out.
    name : str
        What it is called.

    Returns
    -------
    TargetPolicy
        The policy; accounts that are no candidates of the log count as outside of it.

    Raises
    ------
    DataError
        If a column is missing, a pair stands twice, or a campaign of the log has no row.
    """
    missing = [c for c in ("campaign_id", "account_id", "probability") if c not in frame]
    if missing:
        raise DataError(f"policy {name!r}: column {', '.join(missing)} is missing")
    names = pd.Index(log.campaign_ids)
    frame = frame[frame["campaign_id"].isin(names)]
    keys = pd.MultiIndex.from_frame(frame[["campaign_id", "account_id"]])
    if keys.has_duplicates:
        first = "; ".join(" ".join(map(str, key)) for key in keys[keys.duplicated()][:5])
        raise DataError(f"policy {name!r}: a pair stands twice ({first})")
    absent = names.difference(pd.Index(frame["campaign_id"]))
    if len(absent):
        raise DataError(
            f"policy {name!r}: {len(absent)} of {len(names)} campaigns of the log have no row "
            f"({', '.join(map(str, absent[:5]))}); take the others out of the log"
        )
    logged = pd.MultiIndex.from_arrays([log.row_campaigns, log.account_ids])
    chance = frame["probability"].to_numpy(np.float64)
    found = pd.Series(chance, index=keys).reindex(logged).fillna(0.0).to_numpy(np.float64)
    strangers = ~keys.isin(logged)
    code = names.get_indexer(pd.Index(frame["campaign_id"]))
    outside = np.bincount(
        code[strangers], weights=chance[strangers], minlength=log.n_campaigns
    ).astype(np.float64)
    return TargetPolicy(name, found, outside)


def top_k_policy(
    log: DecisionLog,
    scores: NDArray[np.float64],
    name: str,
    *,
    persons: NDArray[np.object_] | None = None,
    k: int | None = None,
) -> TargetPolicy:
    """The policy that takes the best of a score.

    Parameters
    ----------
    log : DecisionLog
        Log.
    scores : numpy.ndarray of float64, shape (n,)
        Score of each candidate, comparable inside a campaign; NaN is never chosen. Ties go to the
        candidate that stands first.
    name : str
        What it is called.
    persons : numpy.ndarray of object, shape (n,), optional
        Who stands behind each account; a list holds the best account of a person alone.
    k : int, optional
        Accounts of a list; as many as the log chose in the campaign when None.

    Returns
    -------
    TargetPolicy
        Chance 1 for those of each list.
    """
    chance = np.zeros(len(log))
    for code in range(log.n_campaigns):
        first, last = log.bounds[code], log.bounds[code + 1]
        own = scores[first:last]
        order = np.argsort(-own, kind="stable")
        order = order[~np.isnan(own[order])]
        if persons is not None:
            _, best = np.unique(persons[first:last][order].astype(str), return_index=True)
            order = order[np.sort(best)]
        size = int(log.n_chosen[code]) if k is None else k
        chance[first + order[:size]] = 1.0
    return TargetPolicy(name, chance, np.zeros(log.n_campaigns))
