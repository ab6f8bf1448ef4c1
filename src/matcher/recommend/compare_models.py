"""Two models on the same briefs: whom they rank otherwise, what did it, and how they differ."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from matcher.arguments import check_count, check_instances
from matcher.columns import REASON_GROUPS
from matcher.errors import UsageError
from matcher.market.brief import Brief
from matcher.markup import html_table
from matcher.ranking.model import Model
from matcher.ranking.store import model_manifest
from matcher.recommend.compare import ListComparison, compare_lists
from matcher.recommend.orders import EXPLAINED, GROUPS_OF, raw_contributions
from matcher.recommend.reasons import group_contributions
from matcher.recommend.recommend import score_brief
from matcher.recommend.rows import Job, choose

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from matcher.features.context import FeatureContext, MarketData
    from matcher.recommend.orders import OrderRequest
    from matcher.recommend.rows import Scored
    from matcher.recommend.wording import Language

__all__ = ["ModelComparison", "compare_models", "describe_differences"]

_PLAIN = ("trained_until", "data_hash", "written_by")


@dataclass(frozen=True, eq=False)
class ModelComparison:
    """What changes from one model to another on the same briefs.

    Parameters
    ----------
    lists : ListComparison
        Who entered, left and moved. The changes of reason groups are in standard deviations of a
        model's own scores within the brief. Its briefs also hold ``n_candidates_old``,
        ``n_candidates_new``, ``n_candidates_both`` and ``score_correlation``, Spearman's of both
        models' scores over the accounts that both ranked.
    differences : pandas.DataFrame
        Columns ``what, old, new``: what differs between the models themselves, None where one of
        them has no such thing.
    as_of : pandas.Timestamp
        Instant from which both looked.
    """

    lists: ListComparison
    differences: pd.DataFrame
    as_of: pd.Timestamp

    def _repr_html_(self) -> str:
        """Tables for notebooks, every text escaped."""
        title = f"what differs between the models, both seen from {self.as_of}"
        return html_table(self.differences, title=title) + self.lists._repr_html_()


def compare_models(
    old: Model,
    new: Model,
    data: MarketData,
    briefs: Sequence[Brief],
    *,
    as_of: pd.Timestamp | None = None,
    top_k: int = 20,
    order: OrderRequest = "objective",
    language: Language = "en",
    contexts: tuple[FeatureContext, FeatureContext] | None = None,
    manifests: tuple[Mapping[str, Any], Mapping[str, Any]] | None = None,
) -> ModelComparison:
    r"""Rank the same briefs by two models as of the same instant, and compare.

    The scores of two models have different scales and zeros. Within each brief the contribution
    of a reason group to the score of an account is taken as

    .. math:: (c_g - \bar c_g) / s

    with the mean of that group and the standard deviation of the scores over the accounts that both
    models rank, apart for each model. The groups of an account then add up to its standard score,
    and a change of 1 moves it by one standard deviation of the brief's scores.

    Parameters
    ----------
    old, new : Model
        Models, both closed at or before the instant. Each ranks the candidates that its own
        encoder and settings retrieve, as `recommend` would.
    data : MarketData
        Market.
    briefs : sequence of Brief
        Briefs with unique ids.
    as_of : pandas.Timestamp, optional
        As in `matcher.recommend.recommend.recommend`.
    top_k : int, default 20
        Accounts of a list; ranks beyond it tell where an account came from or went.
    order : {"objective", "fit", "deliver", "outcome", "value", "blend"}
        What lists are ordered by, as in `matcher.recommend.recommend.recommend`.
    language : {"en", "vi"}
        Language of the sentences.
    contexts : tuple of FeatureContext, optional
        What ``model.context(data)`` gives for each.
    manifests : tuple of mapping, optional
        Manifests of both bundles; without them what the models themselves know is compared.

    Returns
    -------
    ModelComparison
        Changes by brief and account, and differences of the models.

    Raises
    ------
    UsageError
        If there is no brief, or `top_k` is not positive.
    LeakageError
        If a model was closed after the instant from which a brief is seen.
    SupportError
        If no account is eligible for a brief, or a model lacks a ranker that `order` needs.

    Examples
    --------
    >>> from matcher import Brief, MarketData, load_market, read_model
    >>> data = MarketData(load_market("data/tiny_market"))
    >>> model, _ = read_model("models/tiny")
    >>> brief = Brief(brief_id="b", brief="son môi, dưỡng da", countries=("VN",))
    >>> found = compare_models(model, model, data, [brief], top_k=5)
    >>> set(found.lists.changes["change"]), len(found.differences)
    ({'same'}, 0)
    """
    check_instances(briefs, Brief, where="compare_models: briefs")
    if not briefs:
        raise UsageError("diff: nothing to compare the models on; give at least one brief")
    check_count(top_k, where="diff: top_k")
    check_instances((old, new), Model, where="compare_models: old, new")
    seen_from = data.market.all_known_at if as_of is None else as_of
    if contexts is None:
        contexts = old.context(data), new.context(data)
    parts: tuple[list[pd.DataFrame], list[pd.DataFrame]] = ([], [])
    pools = []
    for brief in briefs:
        scored = [
            score_brief(model, data, brief, as_of=as_of, order=order, context=context)
            for model, context in zip((old, new), contexts, strict=True)
        ]
        both = np.intersect1d(scored[0].candidates.codes, scored[1].candidates.codes)
        for side, model in enumerate((old, new)):
            parts[side].append(_list(model, contexts[side], scored[side], both))
        pools.append(_pool(brief.brief_id, scored))
    lists = compare_lists(
        *(pd.concat(part, ignore_index=True) for part in parts), top=top_k, language=language
    )
    together = lists.briefs.merge(pd.DataFrame(pools), on="brief_id", validate="1:1")
    manifests = (model_manifest(old), model_manifest(new)) if manifests is None else manifests
    return ModelComparison(
        dataclasses.replace(lists, briefs=together), describe_differences(*manifests), seen_from
    )


def _list(
    model: Model, context: FeatureContext, ranked: Scored, both: NDArray[np.int64]
) -> pd.DataFrame:
    """Every candidate by rank with standardised contributions, as far as a list would show it."""
    n = len(ranked.candidates)
    job = Job(model, context, n, ranked.order, "en", True, {})
    rows, _ = choose(job, ranked)
    names, contributions = raw_contributions(
        model, ranked.matrix, ranked.brief, ranked.question, np.arange(n)
    )
    groups = group_contributions(contributions, names, GROUPS_OF)
    scores = ranked.scores[ranked.question].to_numpy(np.float64)
    shared = np.isin(ranked.candidates.codes, both)
    if shared.any():
        groups = groups - groups[shared].mean(axis=0)
        spread = float(scores[shared].std())
        # Without spread no account stands above another one, and all contributions are alike.
        groups = groups / spread if spread > 0 else groups
    accounts = context.index.accounts.iloc[ranked.candidates.codes[rows]]
    frame = pd.DataFrame(
        {
            "brief_id": ranked.brief.brief_id,
            "account_id": accounts["account_id"].to_numpy(object),
            "handle": accounts["handle"].to_numpy(object),
            "rank": np.arange(1, len(rows) + 1),
            "explained": EXPLAINED[ranked.question],
        }
    )
    for place, group in enumerate(REASON_GROUPS):
        frame[f"reason_{group}"] = groups[rows, place]
    return frame


def _pool(brief_id: str, scored: Sequence[Scored]) -> dict[str, Any]:
    old, new = (pd.Series(one.order_score, index=one.candidates.codes) for one in scored)
    shared = old.index.intersection(new.index)
    ranks = [one[shared].rank() for one in (old, new)]
    varied = len(shared) > 1 and all(one.min() < one.max() for one in ranks)
    return {
        "brief_id": brief_id,
        "n_candidates_old": len(old),
        "n_candidates_new": len(new),
        "n_candidates_both": len(shared),
        # Equal orders must not be told apart by the last digits of a mean.
        "score_correlation": round(float(ranks[0].corr(ranks[1])), 12) if varied else np.nan,
    }


def describe_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> pd.DataFrame:
    """What differs between two models, from their manifests.

    Parameters
    ----------
    old, new : mapping
        Manifests, as from `matcher.ranking.store.model_manifest` or of bundles.

    Returns
    -------
    pandas.DataFrame
        Columns ``what, old, new`` of text, None where one has no such thing: when and on which
        data they were trained, the encoder, settings, features of each ranker, facts of the
        training, and packages.
    """
    rankers = set(old["rankers"]) & set(new["rankers"])
    sides = [_facts(one, rankers) for one in (old, new)]
    names = list(dict.fromkeys([*sides[0], *sides[1]]))
    rows = [
        (name, *(side.get(name) for side in sides))
        for name in names
        if sides[0].get(name) != sides[1].get(name)
    ]
    return pd.DataFrame(rows, columns=["what", "old", "new"], dtype=object)


def _facts(manifest: Mapping[str, Any], in_both: Collection[str]) -> dict[str, str]:
    facts = {name: str(manifest[name]) for name in _PLAIN if name in manifest}
    facts |= _flat(manifest["encoder"], "encoder.")
    facts |= _flat(manifest["config"], "settings.")
    for ranker, held in manifest["rankers"].items():
        if ranker in in_both:
            facts |= {f"features.{ranker}.{name}": "used" for name in held["features"]}
        else:
            facts[f"ranker.{ranker}"] = f"{len(held['features'])} features"
    facts |= _flat(manifest["facts"], "training.")
    return facts | _flat(manifest["packages"], "packages.")


def _flat(held: Mapping[str, Any], prefix: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in held.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{name}.")
        elif value is not None:
            found[prefix + name] = str(value)
    return found
