"""Pairwise metrics per campaign: how often a hit ranks above another candidate."""

from __future__ import annotations

import numpy as np

from matcher.evaluation.ranked import (
    NO_CANDIDATE,
    NO_HIT,
    BoolArray,
    CampaignValues,
    RankedLists,
    check_labels,
    give_reasons,
)

__all__ = ["NO_OTHER", "NO_OTHER_IN_CATEGORY", "auc", "cauc"]

NO_OTHER = "every candidate is a hit"
NO_OTHER_IN_CATEGORY = "no unhired candidate in the brand's category"


def auc(ranked: RankedLists, hits: BoolArray) -> CampaignValues:
    r"""Area under the ROC curve per campaign.

    The share of (hit, other) pairs in which the hit ranks above; a tie counts half:

    .. math:: AUC = \frac{1}{P N} \sum_{i \in hits} \sum_{j \notin hits}
              \left(1[s_i > s_j] + \tfrac{1}{2} 1[s_i = s_j]\right)

    Parameters
    ----------
    ranked : RankedLists
        Candidates by score.
    hits : numpy.ndarray of bool, shape (n_rows,)
        Which candidates are hits (hired).

    Returns
    -------
    CampaignValues
        0 to 1; .5 for a random or constant score. Undefined without a hit and when all are hits.

    Notes
    -----
    No gain and no discount: all pairs count the same. ``O(n_rows)`` after ranking.

    References
    ----------
    Hanley and McNeil (1982), The meaning and use of the area under a ROC curve, Radiology 143.

    Examples
    --------
    One hit, ranked above two others and tied with the third: (1 + 1 + 1/2) / 3.

    >>> from matcher.evaluation.ranked import rank_candidates
    >>> ranked = rank_candidates(np.zeros(4, dtype=int), np.array([0.7, 0.7, 0.2, 0.1]))
    >>> round(float(auc(ranked, np.array([True, False, False, False])).values[0]), 4)
    0.8333
    """
    check_labels(ranked, hits)
    found = ranked.holding(hits)
    n_others = ranked.n_candidates - found.totals
    ties = found.size - found.amount
    below = n_others[found.campaign] - (found.start - found.above) - ties
    won = found.per_campaign(found.amount * (below + 0.5 * ties))
    pairs = found.totals * n_others
    return give_reasons(
        np.divide(won, pairs, out=np.full(ranked.n_campaigns, np.nan), where=pairs > 0),
        (ranked.n_candidates == 0, NO_CANDIDATE),
        (found.totals == 0, NO_HIT),
        (n_others == 0, NO_OTHER),
    )


def cauc(ranked: RankedLists, hits: BoolArray, *, same_category: BoolArray) -> CampaignValues:
    """Area under the ROC curve against candidates of the brand's own category.

    As `auc`, among the candidates whose category is the brand's, hired or not, so that telling
    food accounts from fashion accounts earns nothing.

    Parameters
    ----------
    ranked : RankedLists
        Candidates by score.
    hits : numpy.ndarray of bool, shape (n_rows,)
        Which candidates are hits (hired).
    same_category : numpy.ndarray of bool, shape (n_rows,)
        Whether the candidate's as-of category is the brand's.

    Returns
    -------
    CampaignValues
        0 to 1; ties count half. Undefined without a hit or an unhired candidate in the category.

    Notes
    -----
    No gain and no discount. The published relatives are group AUC and within-group AUC; here the
    group is the brand's category.

    References
    ----------
    Zhu et al. (2017), Optimized cost per click in Taobao display advertising, KDD (group AUC).

    Examples
    --------
    The hit ranks second; of the two others only the last is of the brand's category: 1 / 1.

    >>> from matcher.evaluation.ranked import rank_candidates
    >>> ranked = rank_candidates(np.zeros(3, dtype=int), np.array([0.9, 0.5, 0.1]))
    >>> hired = np.array([False, True, False])
    >>> cauc(ranked, hired, same_category=np.array([False, True, True])).values.tolist()
    [1.0]
    """
    check_labels(ranked, same_category)
    within = auc(ranked.restrict(same_category), hits)
    found = ranked.n_candidates
    reasons = np.where(within.reasons == NO_OTHER, NO_OTHER_IN_CATEGORY, within.reasons)
    reasons = np.where((reasons == NO_CANDIDATE) & (found > 0), NO_HIT, reasons)
    return CampaignValues(within.values, reasons.astype(np.str_))
