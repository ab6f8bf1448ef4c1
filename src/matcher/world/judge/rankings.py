"""Rankings judged by the true expected outcome, and by what the buyer was likely to choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.evaluation.metrics import auc, ndcg_at_k, recall_at_k
from matcher.evaluation.outcomes import grade_outcomes, spearman
from matcher.evaluation.ranked import rank_candidates
from matcher.world.judge.figures import campaign_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.evaluation.ranked import RankedLists
    from matcher.world.judge.bench import Bench
    from matcher.world.judge.figures import Figures

__all__ = ["FIRST", "Pool", "build_pool", "judge_ranking", "ranking_figures", "ranking_rows"]

FIRST: Final = 10
"""Ranks that count."""
_KEYS: Final = ["campaign_id", "account_id"]


@dataclass(frozen=True, eq=False)
class Pool:
    """Whom a ranking had to order, with the truth of each pair.

    Parameters
    ----------
    pairs : pandas.DataFrame
        ``campaign_id, account_id``, by campaign in the order of `campaign_ids`.
    campaign_ids : tuple of str
        Campaigns.
    codes : numpy.ndarray of int64, shape (n_pairs,)
        Place of each pair's campaign in `campaign_ids`.
    outcome : numpy.ndarray of float64, shape (n_pairs,)
        True expected outcome under the campaign's objective.
    wanted : numpy.ndarray of float64, shape (n_pairs,)
        True inclusion probability, or the buyer's utility in a campaign that is still open; NaN
        outside the longlist.
    utility : numpy.ndarray of float64, shape (n_pairs,)
        The buyer's utility; NaN outside the longlist.
    chosen : numpy.ndarray of bool, shape (n_pairs,)
        Whether the buyer chose the account.
    """

    pairs: pd.DataFrame
    campaign_ids: tuple[str, ...]
    codes: NDArray[np.int64]
    outcome: NDArray[np.float64]
    wanted: NDArray[np.float64]
    utility: NDArray[np.float64]
    chosen: NDArray[np.bool_]

    @property
    def listed(self) -> NDArray[np.bool_]:
        """Pairs of the longlist, shape (n_pairs,)."""
        return ~np.isnan(self.utility)


def build_pool(bench: Bench, given: pd.DataFrame) -> Pool:
    """Longlists of the campaigns of a ranking, with the accounts that it lists besides.

    Parameters
    ----------
    bench : Bench
        Truth.
    given : pandas.DataFrame
        ``campaign_id, account_id``.

    Returns
    -------
    Pool
        Pairs with their truth.
    """
    campaign_ids = tuple(given["campaign_id"].drop_duplicates())
    longlist = bench.longlist[bench.longlist["campaign_id"].isin(campaign_ids)]
    keys = pd.concat([longlist[_KEYS], given[_KEYS]]).drop_duplicates(ignore_index=True)
    place = pd.Index(campaign_ids).get_indexer(keys["campaign_id"])
    order = np.argsort(place, kind="stable")
    keys, codes = keys.iloc[order].reset_index(drop=True), place[order].astype(np.int64)
    known = longlist.set_index(_KEYS).reindex(pd.MultiIndex.from_frame(keys))
    utility = known["utility"].to_numpy(np.float64, na_value=np.nan)
    probability = known["inclusion_probability"].to_numpy(np.float64, na_value=np.nan)
    has_any = np.bincount(codes, weights=~np.isnan(probability), minlength=len(campaign_ids)) > 0
    return Pool(
        pairs=keys,
        campaign_ids=campaign_ids,
        codes=codes,
        outcome=bench.values(keys),
        wanted=np.where(has_any[codes], probability, utility),
        utility=utility,
        chosen=known["chosen"].eq(True).to_numpy(np.bool_),
    )


def ranking_figures(pool: Pool, score: NDArray[np.float64], *, given: bool = True) -> Figures:
    """Figures of one score per campaign.

    Parameters
    ----------
    pool : Pool
        Pairs with their truth.
    score : numpy.ndarray of float64, shape (n_pairs,)
        Score of each pair; those without one rank last, in random order, exactly in expectation.
    given : bool, default True
        Judge the scored pairs by themselves too.

    Returns
    -------
    dict
        By target and metric: ``outcome`` over the pool and ``outcome_given`` over the pairs with a
        score; ``choice`` over the longlist by inclusion probability, and by what was chosen.
    """
    n = len(pool.campaign_ids)
    ranked = rank_candidates(pool.codes, score, n_campaigns=n)
    figures = {
        ("outcome", name): values
        for name, values in _by_value(pool, ranked, pool.outcome, np.ones(len(score), bool)).items()
    }
    if given:
        own = ~np.isnan(score)
        figures |= {
            ("outcome_given", name): values
            for name, values in _by_value(pool, ranked, pool.outcome, own).items()
        }
    listed = pool.listed
    # Utilities of open campaigns may be negative; only their order counts.
    found = _by_value(pool, ranked, pool.wanted, listed, is_amount=False)
    figures |= {("choice", name): values for name, values in found.items()}
    asked = ranked.restrict(listed)
    hired = ndcg_at_k(asked, pool.chosen.astype(np.int8), k=FIRST)
    figures["choice", "ndcg_at_10_chosen"] = hired.values
    figures["choice", "auc_chosen"] = auc(asked, pool.chosen).values
    return figures


def _by_value(
    pool: Pool,
    ranked: RankedLists,
    truth: NDArray[np.float64],
    keep: NDArray[np.bool_],
    *,
    is_amount: bool = True,
) -> dict[str, NDArray[np.float64]]:
    """Figures over some pairs of the pool, by their true value."""
    n = len(pool.campaign_ids)
    value = np.where(keep, truth, np.nan)
    inside = ranked.restrict(keep)
    grades = grade_outcomes(pool.codes, value, n_campaigns=n)
    best = rank_candidates(pool.codes[keep], value[keep], n_campaigns=n)
    figures = {
        "ndcg_at_10": ndcg_at_k(inside.restrict(grades >= 0), np.maximum(grades, 0), k=FIRST).values
    }
    if is_amount:
        amount = np.where(keep, truth, 0.0)
        reached, possible = _first(inside, amount), _first(best, truth[keep])
        figures["regret_at_10"] = 1.0 - np.divide(
            reached, possible, out=np.full(n, np.nan), where=possible > 0
        )
    on_top = np.zeros(len(value), dtype=np.bool_)
    place = np.arange(len(best.rows)) - _starts(best)
    on_top[np.flatnonzero(keep)[best.rows[place < FIRST]]] = True
    figures["overlap_at_10"] = recall_at_k(inside, on_top, k=FIRST).values
    figures["spearman"] = spearman(inside, value).values
    return figures


def _starts(ranked: RankedLists) -> NDArray[np.int64]:
    """First row of the campaign of each ranked row."""
    ends = np.cumsum(ranked.n_candidates)
    return (ends - ranked.n_candidates)[ranked.campaign[ranked.block]]


def _first(ranked: RankedLists, amounts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Expected sum of what the first ranks of each campaign hold."""
    blocks = ranked.holding(amounts)
    inside = np.minimum(blocks.start + blocks.size, FIRST) - np.minimum(blocks.start, FIRST)
    return blocks.per_campaign(blocks.amount * inside / blocks.size)


def judge_ranking(bench: Bench, given: pd.DataFrame) -> tuple[Pool, dict[str, Figures], list[str]]:
    """Figures of rankings, all over one pool.

    Parameters
    ----------
    bench : Bench
        Truth.
    given : pandas.DataFrame
        ``method, campaign_id, account_id, score``.

    Returns
    -------
    pool : Pool
        Longlists of all campaigns that are ranked, with the accounts listed besides.
    figures : dict
        By method; NaN for a campaign that the method does not rank.
    notes : list of str
        What was counted on the way.
    """
    pool = build_pool(bench, given)
    found: dict[str, Figures] = {}
    notes: list[str] = []
    for method, frame in given.groupby("method", sort=False):
        score = _scores(pool, frame)
        absent = ~np.isin(pool.campaign_ids, frame["campaign_id"].unique())
        figures = ranking_figures(pool, score)
        found[str(method)] = {
            key: np.where(absent, np.nan, values) for key, values in figures.items()
        }
        notes += _count(pool, score, absent, str(method))
    return pool, found, notes


def ranking_rows(pool: Pool, method: str, figures: Figures) -> pd.DataFrame:
    """Rows of one ranking.

    Parameters
    ----------
    pool : Pool
        What was ranked.
    method : str
        Who ranked.
    figures : mapping
        Its figures.

    Returns
    -------
    pandas.DataFrame
        As from `matcher.world.judge.figures.campaign_rows`.
    """
    counts = np.bincount(pool.codes, minlength=len(pool.campaign_ids))
    return campaign_rows("ranking", method, pool.campaign_ids, figures, counts=counts)


def _scores(pool: Pool, frame: pd.DataFrame) -> NDArray[np.float64]:
    keyed = frame.set_index(_KEYS)["score"]
    return keyed.reindex(pd.MultiIndex.from_frame(pool.pairs)).to_numpy(np.float64)


def _count(
    pool: Pool, score: NDArray[np.float64], absent: NDArray[np.bool_], method: str
) -> list[str]:
    listed, scored = pool.listed & ~absent[pool.codes], ~np.isnan(score)
    missing, further = int((listed & ~scored).sum()), int((scored & ~listed).sum())
    notes = []
    if missing:
        notes.append(
            f"{method}: {missing:,} of {int(listed.sum()):,} longlisted accounts have no row; they "
            "rank last, in random order"
        )
    if further:
        notes.append(
            f"{method}: {further:,} of {int(scored.sum()):,} rows are of accounts outside the "
            "buyer's longlist; they count for outcomes, not for the choice"
        )
    return notes
