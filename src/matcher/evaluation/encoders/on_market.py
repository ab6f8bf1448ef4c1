"""A market's own pairs after a cut: posts of one account, and briefs with the accounts hired."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.evaluation.encoders.contestants import Contestants, TaskValues, Vectors, find_ranks
from matcher.evaluation.metrics import auc
from matcher.evaluation.ranked import rank_candidates
from matcher.features.context import PairView
from matcher.features.segments import segment_top_mean
from matcher.market.instants import instant_microseconds
from matcher.ranking.candidates import candidate_pairs
from matcher.ranking.relevance import hired_pairs
from matcher.text.normalise import lexical_tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.config import Settings
    from matcher.features.context import BriefBlock, FeatureContext
    from matcher.features.pairs import Pairs

    _Ints = NDArray[np.int64]

__all__ = ["HIRED", "LEAST_CLUSTERS", "POST_TO_POST", "choose_cut", "judge_briefs", "judge_posts"]

POST_TO_POST: Final = "post to post of one account"
HIRED: Final = "brief to hired accounts"
LEAST_CLUSTERS: Final = 5
"""Accounts or brands below which a language is left out."""
_MAX_ACCOUNTS: Final = 1_000
_PAIRS_PER_ACCOUNT: Final = 3
_LEAST_CAMPAIGNS: Final = 3
_MAX_CAMPAIGNS: Final = 200
_MAX_OTHERS: Final = 60_000
_LEAST_OTHERS: Final = 300
_TOP: Final = 5
_NEAR: Final = 10


def choose_cut(decided: pd.Series, published: pd.Series) -> pd.Timestamp | None:
    """Instant that leaves a third of what can be judged after it.

    Parameters
    ----------
    decided : pandas.Series of datetime64
        Decisions of campaigns with a hire.
    published : pandas.Series of datetime64
        Publication of posts, for a market with fewer than three such campaigns.

    Returns
    -------
    pandas.Timestamp or None
        None for a market with neither.
    """
    chosen = decided.dropna() if decided.notna().sum() >= _LEAST_CAMPAIGNS else published.dropna()
    chosen = chosen.sort_values()
    return None if chosen.empty else chosen.iloc[len(chosen) * 2 // 3]


@dataclass(frozen=True)
class _Drawn:
    """Posts that belong together, by post code, and whose they are."""

    languages: str
    left: _Ints
    right: _Ints
    accounts: _Ints


def judge_posts(
    contestants: Contestants, context: FeatureContext, cut: pd.Timestamp, *, seed: int
) -> Iterator[TaskValues]:
    """How high another post of the same account stands among posts of other accounts.

    Parameters
    ----------
    contestants : Contestants
        Closed before `cut`.
    context : FeatureContext
        Market.
    cut : pandas.Timestamp
        Posts published at or after it are judged.
    seed : int
        Which posts are drawn: up to three pairs of each of 1,000 accounts.

    Yields
    ------
    TaskValues
        Reciprocal rank and recall among the first ten, over all posts, within each language and
        from each to each other one; those of fewer than five accounts are left out.
    """
    for drawn in _draw_pairs(context, cut, seed):
        used, place = np.unique(np.r_[drawn.left, drawn.right], return_inverse=True)
        texts = [context.index.post_texts[int(code)] for code in used]
        vectors = contestants.vectors(texts, "content")
        left, right = np.split(place, [len(drawn.left)])
        # Other posts of the same account are no mistake, and no hit either.
        hidden = drawn.accounts[:, None] == drawn.accounts
        np.fill_diagonal(hidden, False)
        targets = np.arange(len(right))
        ranks = {
            name: find_ranks(held.rows(left).like(held.rows(right)), targets, hidden=hidden)
            for name, held in vectors.items()
        }
        accounts = drawn.accounts.astype(object)
        shared = ("market", POST_TO_POST, drawn.languages)
        reciprocal = {name: 1.0 / rank for name, rank in ranks.items()}
        yield TaskValues(*shared, "MRR", reciprocal, accounts, "accounts")
        near = {name: (rank <= _NEAR).astype(np.float64) for name, rank in ranks.items()}
        yield TaskValues(*shared, f"recall@{_NEAR}", near, accounts, "accounts")


def _draw_pairs(context: FeatureContext, cut: pd.Timestamp, seed: int) -> Iterator[_Drawn]:
    index = context.index
    rng = np.random.default_rng(seed)
    codes = np.flatnonzero(index.post_published >= instant_microseconds(cut))
    accounts = rng.permutation(np.unique(index.post_account[codes]))[:_MAX_ACCOUNTS]
    codes = codes[np.isin(index.post_account[codes], accounts)]
    frame = pd.DataFrame(
        {
            "post": codes,
            "account": index.post_account[codes],
            "language": _languages(context)[codes],
            # Captions that repeat are found by anybody.
            "words": [" ".join(lexical_tokens(index.post_texts[int(code)])) for code in codes],
        }
    )
    frame = frame[frame["words"] != ""].drop_duplicates(["account", "words"])
    frame = frame.iloc[rng.permutation(len(frame))].sort_values("account", kind="stable")
    spoken = [name for name in sorted(set(frame["language"])) if name]
    choices = [("all", frame, frame)]
    by_language = {name: frame[frame["language"] == name] for name in spoken}
    choices += [
        (one if one == two else f"{one} -> {two}", by_language[one], by_language[two])
        for one in spoken
        for two in spoken
    ]
    for label, left, right in choices:
        drawn = _pair_up(label, left, right)
        if len(np.unique(drawn.accounts)) >= LEAST_CLUSTERS:
            yield drawn


def _pair_up(label: str, left: pd.DataFrame, right: pd.DataFrame) -> _Drawn:
    """Up to three pairs of each account; within one frame no post is used twice."""
    if left is right:
        place = left.groupby("account").cumcount()
        left, right = left[place % 2 == 0], left[place % 2 == 1]
    left = left.assign(place=left.groupby("account").cumcount())
    right = right.assign(place=right.groupby("account").cumcount())
    left = left[left["place"] < _PAIRS_PER_ACCOUNT]
    joined = left.merge(right, on=["account", "place"], suffixes=("_left", "_right"))
    return _Drawn(
        label,
        joined["post_left"].to_numpy(np.int64),
        joined["post_right"].to_numpy(np.int64),
        joined["account"].to_numpy(np.int64),
    )


def _languages(context: FeatureContext) -> NDArray[np.object_]:
    """Primary subtag of each post's language, empty where unknown."""
    codes, names = context.index.post_languages
    return np.array([*names, ""], dtype=object)[codes]


def judge_briefs(
    contestants: Contestants, context: FeatureContext, cut: pd.Timestamp, settings: Settings
) -> Iterator[TaskValues]:
    """How surely a hired account's earlier content is nearer the brief than another's.

    The likeness of an account is the mean of its five posts most like the brief, among those
    published before the decision and not made for the campaign.

    Parameters
    ----------
    contestants : Contestants
        Closed before `cut`.
    context : FeatureContext
        Market.
    cut : pandas.Timestamp
        The latest 200 campaigns decided at or after it are judged.
    settings : Settings
        Who is a candidate, as of each decision. Besides the hired some 60,000 are judged in all,
        300 or more for each campaign, drawn at random where there are more.

    Yields
    ------
    TaskValues
        AUC by campaign: over all candidates, for the briefs of each language, and for these among
        the accounts that mostly write in another one; those of fewer than five brands are left
        out.
    """
    pairs, hits, brands = _late_pairs(context, cut, settings)
    if not len(pairs):
        return
    blocks = PairView(context, pairs).blocks
    used = np.unique(np.concatenate([block.posts for block in blocks]))
    texts = [context.index.post_texts[int(code)] for code in used]
    posts = contestants.vectors(texts, "content")
    briefs = contestants.vectors([brief.text for brief in pairs.briefs], "brief")
    scores = {name: _scores(len(pairs), blocks, used, briefs[name], posts[name]) for name in posts}
    asked = np.array([_primary(brief.brief_language) for brief in pairs.briefs], dtype=object)
    writes = _main_languages(context, len(pairs), blocks)
    wanted = asked[pairs.brief_codes]
    everybody = np.ones(len(pairs), dtype=bool)
    choices = [("all", everybody)]
    for name in sorted(set(asked) - {""}):
        choices.append((str(name), wanted == name))
        others = (wanted == name) & (writes != name) & (writes != "")
        choices.append((f"{name} -> other", others))
    for label, kept in choices:
        values = {name: _aucs(pairs, held, hits, kept) for name, held in scores.items()}
        known = ~np.isnan(next(iter(values.values())))
        if len(set(brands[known])) >= LEAST_CLUSTERS:
            held = {name: found[known] for name, found in values.items()}
            yield TaskValues("market", HIRED, label, "AUC", held, brands[known], "brands")


def _late_pairs(
    context: FeatureContext, cut: pd.Timestamp, settings: Settings
) -> tuple[Pairs, NDArray[np.bool_], NDArray[np.object_]]:
    """Candidates of the campaigns judged, who of them was hired, and the brand of each campaign."""
    market = context.index.market
    hires = hired_pairs(market)
    table = market.tables["campaigns"]
    late = table[(table["decided_at"] >= cut) & table["campaign_id"].isin(hires["campaign_id"])]
    late = late.sort_values(["decided_at", "campaign_id"]).tail(_MAX_CAMPAIGNS)
    keep = {str(key): set(part) for key, part in hires.groupby("campaign_id")["account_id"]}
    pairs = candidate_pairs(
        context.data,
        late["campaign_id"].tolist(),
        settings,
        keep=keep,
        limit=max(_MAX_OTHERS // max(len(late), 1), _LEAST_OTHERS),
    )
    keys = pd.MultiIndex.from_arrays([pairs.campaign_ids, pairs.account_ids])
    hits = keys.isin(pd.MultiIndex.from_frame(hires[["campaign_id", "account_id"]]))
    brands = late["brand_id"].fillna("").to_numpy(object)
    return pairs, np.asarray(hits, dtype=bool), brands


def _scores(
    n_pairs: int, blocks: tuple[BriefBlock, ...], used: _Ints, briefs: Vectors, posts: Vectors
) -> NDArray[np.float64]:
    scores = np.full(n_pairs, np.nan)
    for block in blocks:
        rows = np.searchsorted(used, block.posts)
        values = briefs.rows([block.code]).like(posts.rows(rows))[0]
        scores[block.rows] = segment_top_mean(values, block.lengths, _TOP)
    return scores


def _aucs(
    pairs: Pairs, scores: NDArray[np.float64], hits: NDArray[np.bool_], kept: NDArray[np.bool_]
) -> NDArray[np.float64]:
    ranked = rank_candidates(pairs.brief_codes[kept], scores[kept], n_campaigns=len(pairs.briefs))
    return auc(ranked, hits[kept]).values


def _primary(tag: str | None) -> str:
    return (tag or "").split("-")[0].lower()


def _main_languages(
    context: FeatureContext, n_pairs: int, blocks: tuple[BriefBlock, ...]
) -> NDArray[np.object_]:
    """Language of most visible posts of each candidate, empty where none is known."""
    names, codes = np.unique(_languages(context).astype(str), return_inverse=True)
    found = np.full(n_pairs, "", dtype=object)
    for block in blocks:
        counts = np.zeros((len(block.lengths), len(names)))
        np.add.at(counts, (block.owners, codes[block.posts]), 1.0)
        counts[:, names == ""] = 0.0
        known = counts.max(axis=1, initial=0.0) > 0
        main = names[counts.argmax(axis=1)] if len(names) else np.empty(0, dtype=str)
        found[block.rows] = np.where(known, main, "")
    return found
