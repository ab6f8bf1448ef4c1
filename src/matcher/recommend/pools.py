"""What is said of the accounts behind a list: how many there were, and what was noticed."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from matcher.ranking.relevance import TRUST_NOTE
from matcher.text.normalise import lexical_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matcher.market.brief import Brief
    from matcher.market.market import Market
    from matcher.ranking.model import Model
    from matcher.retrieval.nearest import Candidates

__all__ = [
    "describe_acceptance",
    "describe_brief",
    "describe_pool",
    "describe_strangers",
    "describe_unknown_words",
    "join_pools",
]

_LEAST_KNOWN_WORDS: Final = 0.5
"""Share of a brief's words below which an encoder that learnt from posts knows little of it."""


def describe_pool(candidates: Candidates, n_rows: int) -> dict[str, Any]:
    """Counts of the accounts behind the list of one brief.

    Parameters
    ----------
    candidates : Candidates
        What retrieval kept.
    n_rows : int
        Length of the list.

    Returns
    -------
    dict of str to Any
        One row of `Recommendations.pools`.
    """
    eligible = candidates.eligible
    return {
        "brief_id": candidates.brief_id,
        "as_of": pd.Timestamp(candidates.instant, unit="us", tz="UTC"),
        "n_accounts": eligible.n_accounts,
        "n_eligible": len(eligible),
        "n_candidates": len(candidates),
        "n_recommended": n_rows,
        **{f"removed_{rule}": count for rule, count in eligible.removed.items()},
        **{f"unknown_{rule}": count for rule, count in eligible.unknown.items()},
    }


def join_pools(pools: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Descriptions of several briefs as one table.

    Parameters
    ----------
    pools : sequence of mapping of str to Any
        What `describe_pool`, `matcher.recommend.exposure.hold_to_floor` and
        `matcher.recommend.precedents.build_similar_campaigns` said of each brief.

    Returns
    -------
    pandas.DataFrame
        One row per brief; dtypes do not depend on what is missing.
    """
    frame = pd.DataFrame(pools)
    dtypes = {"at": "datetime64[us, UTC]", "similarity": "float64", "outcome": "float64"}
    dtypes |= dict.fromkeys(("hired", "outcomes"), "Int64")
    dtypes |= {"plain": "float64", "reranked": "float64"}
    named = [name for name in frame if str(name).startswith(("similar_", "exposure_"))]
    return frame.astype({name: dtypes.get(str(name).split("_")[-1], "str") for name in named})


def describe_strangers(market: Market, brief: Brief) -> Iterator[str]:
    """Brands that a brief names and the market does not hold.

    Parameters
    ----------
    market : Market
        Market.
    brief : Brief
        Brief.

    Yields
    ------
    str
        One sentence per term of the brief that names such brands.
    """
    known = market.tables["brands"]["brand_id"].tolist()
    named = {
        "brand_id": (brief.brand_id,) if brief.brand_id else (),
        "competitor_ids": brief.competitor_ids,
    }
    for field, ids in named.items():
        strangers = sorted(set(ids) - set(known))
        if not strangers:
            continue
        near = difflib.get_close_matches(strangers[0], known, n=1)
        yield (
            f"brief {brief.brief_id}: {field}: {len(strangers):,} brand(s) are not in the market, "
            f"and nothing earlier is known of them: {strangers[:5]}"
            + (f"; did you mean {near[0]!r}?" if near else "")
        )


def describe_unknown_words(model: Model, brief: Brief) -> Iterator[str]:
    """A brief most of whose words are foreign to the posts behind the model.

    Parameters
    ----------
    model : Model
        Model.
    brief : Brief
        Brief.

    Yields
    ------
    str
        One sentence, where the model's encoder learnt from the same posts.
    """
    words = lexical_tokens(brief.text)
    n_known = int(model.lexicon.counts([brief.text]).sum())
    learnt = model.settings.encoder.name in ("builtin", "random")
    if words and learnt and n_known < _LEAST_KNOWN_WORDS * len(words):
        yield (
            f"brief {brief.brief_id}: the posts that the model learnt from hold {n_known} of its "
            f"{len(words)} words, so that likeness of content says little here; an encoder that "
            "knows its language can be given to `train --encoder`"
        )


def describe_acceptance(model: Model) -> Iterator[str]:
    """Why the chance that an account accepts is not stated, or does not tell accounts apart.

    Parameters
    ----------
    model : Model
        Model.

    Yields
    ------
    str
        One sentence, or none where chances differ.
    """
    held = model.acceptance
    if held is None:
        reason = model.facts.get("no_acceptance", "the model was trained without it")
        yield f"acceptance is not stated: {reason}"
    elif held.linear is None:
        yield f"acceptance is the same for every account: {held.description}"


def describe_brief(brief: Brief, candidates: Candidates, n_rows: int, top_k: int) -> list[str]:
    """What is to be known of one list.

    Parameters
    ----------
    brief : Brief
        Brief.
    candidates : Candidates
        What retrieval kept.
    n_rows, top_k : int
        Length of the list, and length asked for.

    Returns
    -------
    list of str
        Sentences.
    """
    where = f"brief {brief.brief_id}"
    eligible = candidates.eligible
    notes = [f"{where}: {note}" for note in eligible.notes]
    if not brief.text:
        notes.append(f"{where}: has no text, so that content cannot be compared with it")
    if brief.objective == "trust":
        notes.append(f"{where}: {TRUST_NOTE}")
    removed = ", ".join(f"{rule} {count:,}" for rule, count in eligible.removed.items() if count)
    if not n_rows:
        notes.append(
            f"{where}: none of {eligible.n_accounts:,} accounts is eligible "
            f"(removed by {removed or 'no rule'}); loosen its terms"
        )
    elif n_rows < top_k:
        notes.append(
            f"{where}: {n_rows:,} accounts instead of {top_k:,}; {len(eligible):,} of "
            f"{eligible.n_accounts:,} are eligible (removed by {removed or 'no rule'})"
        )
    return notes
