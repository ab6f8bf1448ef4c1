"""Answers to invitations: who accepted and who declined, with what was known at the decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.errors import DataError
from matcher.features.pair_features import FeatureMatrix, build_features
from matcher.features.pairs import build_pairs
from matcher.market.brief import Brief
from matcher.market.instants import instant_microseconds, to_microseconds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.features.context import FeatureContext
    from matcher.features.priors import LevelPrior
    from matcher.market.market import Market

__all__ = ["COLUMNS", "Answers", "build_answers", "list_answers", "settled_answers"]

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
"""Features that an answer is predicted from, in their own units: what an account asks of the
budget, how wanted and how busy it is, and how near brand and brief are to it."""
_FAMILIES: Final = ("price", "reach", "conduct", "history", "expertise", "content", "language")
"""Families of these features."""

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
    matrix : FeatureMatrix
        Features of the pairs, as of each decision; `COLUMNS` among them.
    accepted : numpy.ndarray of bool, shape (n_pairs,)
        Whether the account accepted.
    known_at : numpy.ndarray of datetime64[us], shape (n_pairs,)
        UTC instant from which each answer was known.

    Raises
    ------
    DataError
        If the arrays do not match, an instant is missing, or campaigns are not in order.
    """

    matrix: FeatureMatrix
    accepted: NDArray[np.bool_]
    known_at: NDArray[np.datetime64]

    def __post_init__(self) -> None:
        shapes = {self.accepted.shape, self.known_at.shape, (len(self.matrix.pairs),)}
        if len(shapes) > 1 or np.isnat(self.known_at).any():
            raise DataError(
                f"answers: got {self.accepted.shape} answers and {self.known_at.shape} instants "
                f"({int(np.isnat(self.known_at).sum())} missing) for {len(self.matrix.pairs)} "
                "pairs; expected one of each per pair"
            )
        if (np.diff(self.matrix.pairs.instants) < np.timedelta64(0)).any():
            raise DataError("answers: campaigns are not in the order of their decisions")


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
    rows = pd.DataFrame(
        {
            "campaign_id": known["campaign_id"],
            "account_id": known["account_id"],
            "accepted": known["status"] != _DECLINED,
            "known_at": known["status_at"],
            "decided_at": known["campaign_id"].map(campaigns["decided_at"]),
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


def build_answers(context: FeatureContext, prior: LevelPrior, answers: pd.DataFrame) -> Answers:
    """Answers with what was known of each pair at the decision of its campaign.

    Parameters
    ----------
    context : FeatureContext
        Market.
    prior : LevelPrior
        Expected levels.
    answers : pandas.DataFrame
        What `list_answers` found.

    Returns
    -------
    Answers
        The same rows.
    """
    market = context.index.market
    campaigns = answers.drop_duplicates("campaign_id").set_index("campaign_id")["decided_at"]
    chosen = answers.groupby("campaign_id")["account_id"]
    pairs = build_pairs(
        [Brief.from_campaign(market, str(name)) for name in campaigns.index],
        {str(name): held.to_numpy(object) for name, held in chosen},
        instants={str(name): instant for name, instant in campaigns.items()},
    )
    return Answers(
        build_features(context, prior, pairs, families=_FAMILIES),
        answers["accepted"].to_numpy(bool),
        answers["known_at"].dt.tz_convert(None).to_numpy("datetime64[us]"),
    )
