r"""Ranking metrics per campaign, exact in expectation over a random order of ties.

All take the lists of `matcher.evaluation.ranked.rank_candidates` and arrays in the order of the
rows that were ranked, and return one figure per campaign. A missing score ranks last. A campaign
in which a metric is undefined has NaN and a reason; it is skipped by every mean, and counted.

Catalogue: `auc`, `cauc`, `ndcg_at_k`, `recall_at_k`, `mrr`, `medr`; for measured outcomes
`spearman`, `lift` and `grade_outcomes` in `matcher.evaluation.outcomes`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matcher.errors import DataError
from matcher.evaluation.pairwise import auc, cauc
from matcher.evaluation.ranked import (
    NO_CANDIDATE,
    NO_HIT,
    BoolArray,
    CampaignValues,
    FloatArray,
    HoldingBlocks,
    IntArray,
    RankedLists,
    check_labels,
    give_reasons,
    rank_candidates,
)

__all__ = ["auc", "cauc", "medr", "mrr", "ndcg_at_k", "recall_at_k"]


def ndcg_at_k(
    ranked: RankedLists, relevance: FloatArray | NDArray[np.integer], *, k: int
) -> CampaignValues:
    r"""Normalised discounted cumulative gain of the first `k` ranks per campaign.

    .. math:: NDCG@k = \frac{DCG@k}{IDCG@k}, \quad
              DCG@k = \sum_{r=1}^{k} \frac{2^{rel_r} - 1}{\log_2(r + 1)}

    Gain ``2**rel - 1``, discount ``1 / log2(rank + 1)``, IDCG the DCG of the order by relevance.

    Parameters
    ----------
    ranked : RankedLists
        Candidates by score.
    relevance : numpy.ndarray, shape (n_rows,)
        Grade of each candidate inside its campaign, 0 or more; 0 and 1 for hired.
    k : int
        Ranks that count, 1 or more.

    Returns
    -------
    CampaignValues
        0 to 1. Undefined in a campaign without a candidate of relevance above 0 (scikit-learn
        says 0 there, LightGBM 1).

    Raises
    ------
    DataError
        If `k` is below 1, or a grade is negative or missing.

    Notes
    -----
    Ties are at random: each candidate of a tied block has the block's mean gain, which is the
    exact expectation over all orders of the ties. With 0 and 1 as grades the gain is the grade;
    ``sklearn.metrics.ndcg_score`` has a linear gain and agrees on ``2**rel - 1``.

    References
    ----------
    Järvelin and Kekäläinen (2002), Cumulated gain-based evaluation of IR techniques, TOIS 20;
    Burges et al. (2005), Learning to rank using gradient descent, ICML (the gain); McSherry and
    Najork (2008), Computing information retrieval performance measures efficiently in the
    presence of tied scores, ECIR (the ties).

    Examples
    --------
    One hit at rank 2: (1 / log2(3)) / (1 / log2(2)).

    >>> ranked = rank_candidates(np.zeros(3, dtype=int), np.array([0.9, 0.5, 0.1]))
    >>> round(float(ndcg_at_k(ranked, np.array([0, 1, 0]), k=10).values[0]), 4)
    0.6309
    """
    _check_k(k)
    check_labels(ranked, relevance)
    grades = relevance[ranked.rows]
    # A missing grade makes the minimum missing, which is not above 0 either.
    if grades.size and not grades.min() >= 0:
        raise DataError(
            f"ndcg_at_k: {int(np.sum(~(grades >= 0)))} of {grades.size} grades are negative or "
            "missing; expected 0 or more"
        )
    places = np.flatnonzero(grades)
    gains = np.exp2(grades[places].astype(np.float64)) - 1.0
    campaigns = ranked.campaign[ranked.block[places]]
    by_gain = rank_candidates(campaigns, gains, n_campaigns=ranked.n_campaigns)
    by_score = ranked.holding_at(places, gains)
    ideal = _expected_dcg(by_gain.holding(gains), k)
    return give_reasons(
        np.divide(
            _expected_dcg(by_score, k),
            ideal,
            out=np.full(ranked.n_campaigns, np.nan),
            where=ideal > 0,
        ),
        (ranked.n_candidates == 0, NO_CANDIDATE),
        (by_score.totals == 0, NO_HIT),
    )


def _check_k(k: int) -> None:
    if k < 1:
        raise DataError(f"metric: `k` is {k}; expected 1 or more ranks")


def _discounts(k: int) -> FloatArray:
    """Sum of the discounts of the first 0, 1, ... k ranks."""
    summed = np.cumsum(1.0 / np.log2(np.arange(2, k + 2)))
    return np.concatenate(([0.0], summed))


def _expected_dcg(blocks: HoldingBlocks, k: int) -> FloatArray:
    discounts = _discounts(k)
    ends = np.minimum(blocks.start + blocks.size, k)
    share = discounts[ends] - discounts[np.minimum(blocks.start, k)]
    return blocks.per_campaign(blocks.amount / blocks.size * share)


def recall_at_k(ranked: RankedLists, hits: BoolArray, *, k: int) -> CampaignValues:
    r"""Share of a campaign's hits that stand in the first `k` ranks.

    .. math:: Recall@k = \frac{|hits \cap top_k|}{|hits|}

    Parameters
    ----------
    ranked : RankedLists
        Candidates by score.
    hits : numpy.ndarray of bool, shape (n_rows,)
        Which candidates are hits (hired).
    k : int
        Ranks that count, 1 or more.

    Returns
    -------
    CampaignValues
        0 to 1. Undefined in a campaign without a hit.

    Raises
    ------
    DataError
        If `k` is below 1.

    Notes
    -----
    The denominator is all hits, also when there are more than `k`: the best possible value is
    then below 1. No discount inside the first `k`. Ties are at random: a block that crosses rank
    `k` counts with the expected share of it (hypergeometric mean).

    References
    ----------
    Manning, Raghavan and Schütze (2008), Introduction to information retrieval, chapter 8.

    Examples
    --------
    Two hits, one first, one among two ties for rank 2: (1 + 1/2) / 2.

    >>> ranked = rank_candidates(np.zeros(3, dtype=int), np.array([0.9, 0.5, 0.5]))
    >>> recall_at_k(ranked, np.array([True, True, False]), k=2).values.tolist()
    [0.75]
    """
    _check_k(k)
    check_labels(ranked, hits)
    found = ranked.holding(hits)
    inside = np.minimum(found.start + found.size, k) - np.minimum(found.start, k)
    in_top = found.per_campaign(found.amount * inside / found.size)
    return _per_hit(ranked, in_top, found.totals)


def _per_hit(ranked: RankedLists, values: FloatArray, n_hits: FloatArray) -> CampaignValues:
    """Divide by the number of hits; undefined without one."""
    return give_reasons(
        np.divide(values, n_hits, out=np.full(ranked.n_campaigns, np.nan), where=n_hits > 0),
        (ranked.n_candidates == 0, NO_CANDIDATE),
        (n_hits == 0, NO_HIT),
    )


def mrr(ranked: RankedLists, hits: BoolArray) -> CampaignValues:
    r"""Reciprocal rank of a campaign's first hit.

    .. math:: RR = \frac{1}{\min \{ rank_i : i \in hits \}}

    Its mean over campaigns is the mean reciprocal rank.

    Parameters
    ----------
    ranked : RankedLists
        Candidates by score.
    hits : numpy.ndarray of bool, shape (n_rows,)
        Which candidates are hits (hired).

    Returns
    -------
    CampaignValues
        Above 0, at most 1. Undefined in a campaign without a hit.

    Notes
    -----
    Ties are at random: of `n` tied candidates with `m` hits, the first hit is the `j`-th with
    probability ``C(n - j, m - 1) / C(n, m)``, and the expectation runs over `j`.

    References
    ----------
    Voorhees (1999), The TREC-8 question answering track report; McSherry and Najork (2008).

    Examples
    --------
    The only hit is one of two ties for rank 1: (1/1 + 1/2) / 2.

    >>> ranked = rank_candidates(np.zeros(3, dtype=int), np.array([0.9, 0.9, 0.1]))
    >>> mrr(ranked, np.array([True, False, False])).values.tolist()
    [0.75]
    """
    check_labels(ranked, hits)
    found = ranked.holding(hits)
    campaigns, first = np.unique(found.campaign, return_index=True)
    values = np.full(ranked.n_campaigns, np.nan)
    values[campaigns] = _expected_reciprocal(
        found.size[first], found.amount[first].astype(np.int64), found.start[first]
    )
    return _per_hit(ranked, values, np.minimum(found.totals, 1.0))


def _expected_reciprocal(size: IntArray, n_hits: IntArray, start: IntArray) -> FloatArray:
    """Mean 1 / rank of the first of `n_hits` among `size` ties that begin after `start`."""
    lengths = size - n_hits + 1
    owner = np.repeat(np.arange(size.size), lengths)
    begins = np.cumsum(lengths) - lengths
    step = np.arange(owner.size) - begins[owner]
    left, misses = size[owner] - step, (size - n_hits)[owner] - step
    # The last step is certain to be a hit; its log of zero is never used.
    logs = np.log(np.maximum(misses, 1) / left)
    summed = np.cumsum(logs) - logs
    survival = np.exp(summed - summed[begins][owner])
    terms = survival * n_hits[owner] / left / (start[owner] + step + 1)
    return np.bincount(owner, weights=terms, minlength=size.size).astype(np.float64)


def medr(ranked: RankedLists, hits: BoolArray) -> CampaignValues:
    r"""Median rank of a campaign's hits; lower is better.

    .. math:: MedR = median \{ rank_i : i \in hits \}

    Ranks count from 1; of an even number of hits the two middle ranks are averaged.

    Parameters
    ----------
    ranked : RankedLists
        Candidates by score.
    hits : numpy.ndarray of bool, shape (n_rows,)
        Which candidates are hits (hired).

    Returns
    -------
    CampaignValues
        1 to the number of candidates. Undefined in a campaign without a hit.

    Notes
    -----
    Ties are at random: of `n` tied candidates with `m` hits, the `i`-th hit stands in expectation
    at ``i * (n + 1) / (m + 1)``, so that the expected median is exact. The mean over campaigns
    depends on how many candidates each has.

    References
    ----------
    David and Nagaraja (2003), Order statistics, section 3.7 (the expectation without
    replacement).

    Examples
    --------
    Hits at ranks 1 and 4: (1 + 4) / 2.

    >>> ranked = rank_candidates(np.zeros(4, dtype=int), np.array([0.9, 0.5, 0.4, 0.1]))
    >>> medr(ranked, np.array([True, False, False, True])).values.tolist()
    [2.5]
    """
    check_labels(ranked, hits)
    found = ranked.holding(hits)
    summed = np.zeros(ranked.n_campaigns)
    for middle in ((found.totals - 1) // 2, found.totals // 2):
        nth = middle[found.campaign] - found.above
        inside = (nth >= 0) & (nth < found.amount)
        rank = found.start + (nth + 1) * (found.size + 1) / (found.amount + 1)
        summed += found.per_campaign(np.where(inside, rank, 0.0))
    return _per_hit(ranked, summed / 2, np.minimum(found.totals, 1.0))
