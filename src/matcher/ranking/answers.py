"""Answers to invitations: who accepted and who declined, with what was known at the decision."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from scipy.special import ndtri

from matcher.errors import DataError
from matcher.features.pair_features import FeatureMatrix, build_features
from matcher.market.instants import instant_microseconds, to_microseconds
from matcher.ranking.candidates import candidate_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from matcher.config import Settings
    from matcher.features.context import FeatureContext
    from matcher.features.priors import LevelPrior
    from matcher.market.market import Market

__all__ = [
    "COLUMNS",
    "RELATIVE",
    "Answers",
    "answer_inputs",
    "build_answers",
    "list_answers",
    "settled_answers",
]

COLUMNS: Final = (
    "price_share_of_budget",
    "followers_log",
    "ad_load",
    "ads_90d",
    "posts_30d",
    "days_since_post",
    "rival_contacts",
    "hires_recent",
    "hires_brand",
    "category_share",
    "content_top5",
    "language_share",
)
"""Features that an answer is predicted from: what an account asks of the budget, how wanted and
how busy it is, and how near brand and brief are to it."""
RELATIVE: Final = ("rival_contacts", "hires_recent", "hires_brand")
"""Those that grow as a history grows longer, and so are taken relative to the candidates."""
_FAMILIES: Final = ("price", "reach", "conduct", "history", "expertise", "content", "language")
"""Families of these features."""
_N_OTHERS: Final = 60
"""Other eligible accounts drawn for each campaign, to which the answers are relative."""

_ACCEPTED: Final = ("accepted", "completed", "cancelled")
"""Statuses that only an account which accepted can reach."""
_DECLINED: Final = "declined"
_SLOW: Final = 0.95
"""Quantile of the days until an acceptance is known, after which a campaign counts as answered."""


@dataclass(frozen=True, eq=False)
class Answers:
    """Invitations with an answer, in the order of their campaigns' decisions.

    Parameters
    ----------
    values : numpy.ndarray of float64, shape (n_answers, n_columns)
        What was known of each pair at the decision, see `answer_inputs`; NaN where unknown.
    accepted : numpy.ndarray of bool, shape (n_answers,)
        Whether the account accepted.
    campaigns : numpy.ndarray of int64, shape (n_answers,)
        Number of the campaign, never decreasing.
    decided_at, known_at : numpy.ndarray of int64, shape (n_answers,)
        Decision of the campaign, never decreasing, and when the answer was known, in microseconds
        since 1970.

    Raises
    ------
    DataError
        If the arrays do not match, or campaigns are not in order.
    """

    values: NDArray[np.float64]
    accepted: NDArray[np.bool_]
    campaigns: NDArray[np.int64]
    decided_at: NDArray[np.int64]
    known_at: NDArray[np.int64]

    def __post_init__(self) -> None:
        n = len(self.accepted)
        shapes = {one.shape for one in (self.campaigns, self.decided_at, self.known_at)}
        if shapes != {(n,)} or self.values.shape != (n, len(COLUMNS)):
            raise DataError(
                f"answers: got values of shape {self.values.shape} for {n} answers, campaigns and "
                f"instants of shapes {sorted(shapes)}; expected ({n}, {len(COLUMNS)}) and ({n},)"
            )
        if (np.diff(self.campaigns) < 0).any() or (np.diff(self.decided_at) < 0).any():
            raise DataError("answers: campaigns are not in the order of their decisions")

    def select(self, rows: NDArray[np.int64]) -> Answers:
        """Some of the answers.

        Parameters
        ----------
        rows : numpy.ndarray of int64
            Row numbers, rising.

        Returns
        -------
        Answers
            Those rows.
        """
        return Answers(
            self.values[rows],
            self.accepted[rows],
            self.campaigns[rows],
            self.decided_at[rows],
            self.known_at[rows],
        )


def answer_inputs(
    matrix: FeatureMatrix, names: Sequence[str] = COLUMNS, relative: Sequence[str] = RELATIVE
) -> NDArray[np.float64]:
    """What an answer is predicted from, of all candidates of some briefs.

    Parameters
    ----------
    matrix : FeatureMatrix
        Features of all candidates of each brief.
    names : sequence of str
        Columns.
    relative : sequence of str
        Those of them that are taken as normal scores among the candidates of the brief.

    Returns
    -------
    numpy.ndarray of float64, shape (n_pairs, n_columns)
        In the order of `names`, in their own units or as normal scores; NaN where unknown.

    Raises
    ------
    FeatureMismatchError
        If a column is not in the matrix.
    """
    values = matrix.columns(names)
    values[:, [list(names).index(name) for name in relative]] = matrix.relative(relative)
    return values


def list_answers(
    market: Market, trained_until: pd.Timestamp, *, exclude_brands: frozenset[str] = frozenset()
) -> pd.DataFrame:
    """Answers to invitations that were known strictly before an instant.

    ``declined`` is a decline; ``accepted``, ``completed`` and ``cancelled`` are acceptances;
    ``shortlisted`` and ``invited`` are no answers yet. A pair that accepted once has accepted.

    An acceptance is often known later than a decline, since a table that holds the latest status
    alone dates it by the end of the work. Of the newest campaigns one would see the declines
    first, so that campaigns decided too shortly before the instant are left out: within the days
    in which 95 % of the acceptances that are known became known.

    Parameters
    ----------
    market : Market
        Market, cut or whole.
    trained_until : pandas.Timestamp
        Aware instant.
    exclude_brands : frozenset of str
        Brands whose campaigns are left out.

    Returns
    -------
    pandas.DataFrame
        ``campaign_id, account_id, accepted, known_at, decided_at``, one row per pair, by decision,
        campaign and account.
    """
    table = market.tables["collaborations"]
    is_answer = table["status"].isin((*_ACCEPTED, _DECLINED))
    known = table[is_answer & (table["status_at"] < trained_until)]
    campaigns = market.tables["campaigns"].set_index("campaign_id")
    # Unlike `map`, which cannot look instants up in a table without rows.
    decided_at = campaigns["decided_at"].reindex(known["campaign_id"])
    rows = pd.DataFrame(
        {
            "campaign_id": known["campaign_id"],
            "account_id": known["account_id"],
            "accepted": known["status"] != _DECLINED,
            "known_at": known["status_at"],
            "decided_at": decided_at.set_axis(known.index),
        }
    )
    usable = rows["decided_at"] < trained_until
    usable &= ~known["campaign_id"].map(campaigns["brand_id"]).isin(exclude_brands)
    rows = rows[usable].sort_values(["accepted", "known_at"], ascending=[False, True])
    rows = rows.drop_duplicates(["campaign_id", "account_id"])
    rows = rows[
        settled_answers(
            to_microseconds(rows["decided_at"]),
            to_microseconds(rows["known_at"]),
            rows["accepted"].to_numpy(bool),
            until=instant_microseconds(trained_until),
        )
    ]
    keys = ["decided_at", "campaign_id", "account_id"]
    return rows.sort_values(keys, kind="stable").reset_index(drop=True)


def settled_answers(
    decided: NDArray[np.int64],
    known_at: NDArray[np.int64],
    accepted: NDArray[np.bool_],
    *,
    until: int,
) -> NDArray[np.bool_]:
    """Answers of campaigns old enough that acceptances, too, are known of them.

    Parameters
    ----------
    decided, known_at : numpy.ndarray of int64, shape (n_answers,)
        Decision of the campaign, and when the answer was known, in microseconds since 1970.
    accepted : numpy.ndarray of bool, shape (n_answers,)
        What was answered.
    until : int
        Instant before which all of these were known.

    Returns
    -------
    numpy.ndarray of bool, shape (n_answers,)
        Whether the campaign was decided before it by more than the days in which 95 % of these
        acceptances became known.
    """
    delays = (known_at - decided)[accepted]
    slow = float(np.quantile(delays, _SLOW)) if len(delays) else 0.0
    return np.asarray(decided + max(slow, 0.0) < until)


def build_answers(
    context: FeatureContext, prior: LevelPrior, answers: pd.DataFrame, settings: Settings
) -> Answers:
    """Answers with what was known of each pair at the decision of its campaign.

    Only accounts that were eligible then are kept, as only these are ever listed.

    Parameters
    ----------
    context : FeatureContext
        Market.
    prior : LevelPrior
        Expected levels.
    answers : pandas.DataFrame
        What `list_answers` found.
    settings : Settings
        Who is eligible.

    Returns
    -------
    Answers
        Those of eligible accounts, in the same order.
    """
    ids = answers["campaign_id"].drop_duplicates().tolist()
    invited = {str(name): set(held) for name, held in answers.groupby("campaign_id")["account_id"]}
    pairs = candidate_pairs(context.data, ids, settings, keep=invited, limit=_N_OTHERS)
    matrix = build_features(context, prior, pairs, families=_FAMILIES)
    keys = pd.MultiIndex.from_frame(answers[["campaign_id", "account_id"]])
    found = keys.get_indexer(pd.MultiIndex.from_arrays([pairs.campaign_ids, pairs.account_ids]))
    values, places = matrix.columns(COLUMNS), [COLUMNS.index(name) for name in RELATIVE]
    for first, last in pairwise(pairs.bounds.tolist()):
        inside = np.arange(first, last)
        asked, others = inside[found[first:last] >= 0], inside[found[first:last] < 0]
        for place in places:
            values[asked, place] = _scores_among(values[others, place], values[asked, place])
    rows = np.flatnonzero(found >= 0)
    held = answers.iloc[found[rows]]
    return Answers(
        values=values[rows],
        accepted=held["accepted"].to_numpy(bool),
        campaigns=pairs.brief_codes[rows],
        decided_at=to_microseconds(held["decided_at"]),
        known_at=to_microseconds(held["known_at"]),
    )


def _scores_among(others: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Normal scores that values would have among others; NaN where none of these is known."""
    known = np.sort(others[~np.isnan(others)])
    if not len(known):
        return np.full(len(values), np.nan)
    below, upto = (np.searchsorted(known, values, side) for side in ("left", "right"))
    share = ((below + upto) / 2 + 0.5) / (len(known) + 1)
    return np.where(np.isnan(values), np.nan, ndtri(share))
