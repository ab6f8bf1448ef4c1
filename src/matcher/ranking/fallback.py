"""The model of a market without any history of hires: a stated rule, and what public posts tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from matcher.errors import SupportError
from matcher.features.pair_features import FAMILIES, build_features
from matcher.features.pairs import build_pairs
from matcher.market.brief import Brief
from matcher.market.instants import instant_microseconds
from matcher.ranking.acceptance import learn_acceptance
from matcher.ranking.candidates import used_features
from matcher.ranking.fit import fit_prior, fit_text
from matcher.ranking.forecast import build_forecast_rows, fit_forecast_rows
from matcher.ranking.model import Model, find_no_content
from matcher.ranking.outcomes.alone import fit_outcomes_of_posts
from matcher.ranking.seen import SeenRanges
from matcher.ranking.stated import FALLBACK, StatedRanker

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from matcher.config import Settings
    from matcher.features.context import Embed, FeatureContext, MarketData
    from matcher.features.priors import LevelPrior
    from matcher.text.encoder import Encoder

__all__ = ["LEVELS", "LIKENESS", "fit_without_history", "state_rule"]

LIKENESS: Final = (
    "content_top5",
    "lexical_top5",
    "bio_similarity",
    "category_share",
    "sponsored_like_brief",
)
"""How like an account is to a brief: posts by meaning and by words, bio, share of the category, and
ads for brands like it. One of each family that says it without any hire on record, since families
err apart: on two development markets, and on the campaigns of a real one that settings may be
chosen on, the mean of these with the level put those who were hired higher than the best of them
alone did (AUC .803 against .796, and .843 against .813)."""
LEVELS: Final = ("engagements_expected", "views_expected", "followers_log")
"""How much an account moves; the first of which the market knows anything. Followers come last:
they can be bought, and say less of what a post gets. It is one feature among the others, since who
is hired depends mostly on likeness, and what a hire brings is forecast apart."""


def fit_without_history(
    data: MarketData,
    trained_until: pd.Timestamp,
    settings: Settings,
    *,
    reason: str,
    encoder: Encoder | None = None,
    embed: Embed | None = None,
    progress: Callable[[str], None] | None = None,
) -> tuple[Model, FeatureContext]:
    """Model of a market in which no campaign with a hire is closed before an instant.

    Its ranker of hires is a stated rule. What a hire delivers and brings is forecast from public
    posts alone; chances of a hire and of an acceptance are not stated without history.

    Parameters
    ----------
    data : MarketData
        Market; later facts may be in it and are not used.
    trained_until : pandas.Timestamp
        Aware instant.
    settings : Settings
        Settings.
    reason : str
        Why there is no history, as from `matcher.ranking.candidates.find_missing_history`.
    encoder : Encoder, optional
        Encoder to use instead of the one that the settings name.
    embed : callable, optional
        ``embed(encoder, texts, role)``, for an embedding cache.
    progress : callable, optional
        Told the name of each step as it begins.

    Returns
    -------
    model : Model
        Model whose facts name the fallback, and give the reason of each thing that it lacks.
    context : FeatureContext
        Market seen through the model's text objects.

    Raises
    ------
    SupportError
        If nothing is known of any account before the instant, or the settings leave out every
        feature of the rule.
    """
    tell = progress if progress is not None else (lambda _: None)
    tell("encoder")
    context = fit_text(data, trained_until, settings, encoder=encoder, embed=embed)
    tell("features")
    prior = fit_prior(context, trained_until)
    hire = state_rule(context, prior, trained_until, settings)
    tell("rankers")
    rows, source = build_forecast_rows(context, prior, trained_until, settings)
    names: tuple[str, ...] = ()
    forecast = None
    if rows is not None:
        names = used_features(rows.matrix, settings.ranker.leave_out)
        forecast, source = fit_forecast_rows(rows, names, settings)
    tell("outcomes")
    outcomes, unpredicted = fit_outcomes_of_posts(context, prior, trained_until, settings)
    acceptance, unanswered = learn_acceptance(context, prior, trained_until, settings)
    facts: dict[str, Any] = {
        "fallback": FALLBACK,
        "no_history": reason,
        "rule": hire.rule,
        **dict.fromkeys(("n_campaigns", "n_pairs", "n_hired", "n_outcomes"), 0),
        "n_features": len(hire.names),
        "no_fit_probability": "no closed campaign says what a place in the order means",
        **find_no_content(context.encoder, settings),
    }
    if forecast is None:
        facts |= {"no_forecast": source, "no_deliver": f"no hire is known, and {source}"}
    else:
        facts |= {"forecast_from": source, "deliver_from_posts_alone": "no hire has an outcome"}
    if unpredicted:
        facts["no_outcomes"] = unpredicted
    if unanswered:
        facts["no_acceptance"] = unanswered
    model = Model(
        encoder=context.encoder,
        lexicon=context.lexicon,
        prior=prior,
        hire=hire,
        deliver=forecast,
        lift=None,
        settings=settings,
        trained_until=trained_until,
        data_hash=data.market.data_hash,
        facts=facts,
        # A rule has seen nothing; the forecast has.
        seen=None if rows is None else SeenRanges.of(rows.matrix, names),
        outcomes=outcomes,
        acceptance=acceptance,
    )
    return model, context


def state_rule(
    context: FeatureContext, prior: LevelPrior, trained_until: pd.Timestamp, settings: Settings
) -> StatedRanker:
    """Rule that orders the candidates of a brief by likeness and level.

    Parameters
    ----------
    context : FeatureContext
        Market.
    prior : LevelPrior
        Expected levels.
    trained_until : pandas.Timestamp
        The level is the first of `LEVELS` that is known of any account as of this instant.
    settings : Settings
        ``ranker.leave_out`` names families whose features are not used.

    Returns
    -------
    StatedRanker
        Mean of the normal scores of the features.

    Raises
    ------
    SupportError
        If the settings leave out all of them, or nothing is known of any account.
    """
    everyone = Brief(brief_id="everyone", brief="")
    accounts = context.index.account_ids.to_numpy(object)
    pairs = build_pairs([everyone], {"everyone": accounts}, instants={"everyone": trained_until})
    matrix = build_features(context, prior, pairs, families=("reach", "resonance"))
    levels = [name for name in LEVELS if np.isfinite(matrix.columns([name])).any()]
    if not levels and not _is_described(context, trained_until):
        raise SupportError(
            f"training: nothing is known of any of {len(accounts):,} accounts before "
            f"{trained_until}: no post, no follower count, no bio; take a later --until"
        )
    without = {
        spec.name
        for family in FAMILIES
        if family.name in settings.ranker.leave_out
        for spec in family.specs
    }
    names = [name for name in (*LIKENESS, *levels[:1]) if name not in without]
    if not names:
        raise SupportError(
            f"training: `ranker.leave_out` leaves out every feature of the fallback {FALLBACK} "
            f"({', '.join((*LIKENESS, *LEVELS))}); leave fewer families out"
        )
    return StatedRanker(tuple(names))


def _is_described(context: FeatureContext, trained_until: pd.Timestamp) -> bool:
    """Whether a post or a bio of any account is known before an instant."""
    index, cut = context.index, instant_microseconds(trained_until)
    has_bio = index.influencers["bio"].fillna("").ne("").to_numpy()
    read = has_bio & (index.influencer_described_at < cut)
    return bool((index.post_published < cut).any() or read.any())
