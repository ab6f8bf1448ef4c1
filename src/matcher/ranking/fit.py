"""Fitting a model from what a market knew before an instant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from matcher.errors import LeakageError
from matcher.features.context import FeatureContext, MarketData, PairView
from matcher.features.pair_features import FEATURES
from matcher.features.pairs import build_pairs
from matcher.features.priors import LevelPrior, fit_level_prior
from matcher.features.relative import normal_scores
from matcher.market.brief import Brief
from matcher.market.instants import instant_microseconds
from matcher.ranking.acceptance import learn_acceptance
from matcher.ranking.boosting import BoostedRanker, Draw, fit_ranker, fit_regression
from matcher.ranking.candidates import (
    TrainingRows,
    build_training_rows,
    candidate_pairs,
    used_features,
)
from matcher.ranking.forecast import fit_forecast
from matcher.ranking.later import calibrate_fit
from matcher.ranking.model import Model, find_no_content
from matcher.ranking.outcomes.fit import fit_outcomes
from matcher.ranking.seen import SeenRanges
from matcher.text.encoder import fit_builtin_encoder, load_encoder, random_encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from matcher.config import Settings
    from matcher.features.context import Embed
    from matcher.text.encoder import Encoder

__all__ = [
    "TrainingRows",
    "build_training_rows",
    "candidate_pairs",
    "fit_deliver",
    "fit_encoder",
    "fit_hire",
    "fit_model",
    "fit_prior",
    "fit_text",
    "used_features",
]

_LEAST_OUTCOMES = 20
"""Measured hires below which no `deliver` ranker is fitted."""


def fit_encoder(
    data: MarketData,
    trained_until: pd.Timestamp,
    settings: Settings,
    pairs: Sequence[tuple[str, str]] = (),
) -> Encoder:
    """Encoder named by the settings, fitted on texts before an instant where it is built in.

    Parameters
    ----------
    data : MarketData
        Market.
    trained_until : pandas.Timestamp
        Aware instant.
    settings : Settings
        Settings; ``encoder.name`` is ``builtin``, ``random``, a hub id or a path. Without a post
        that has text the built-in one learns from bios, and without these it is random.
    pairs : sequence of pair of str
        Text pairs that belong together, for contrastive training.

    Returns
    -------
    Encoder
        Encoder.
    """
    chosen = settings.encoder
    if chosen.name == "random":
        return random_encoder(chosen.dim, chosen.seed)
    if chosen.name != "builtin":
        return load_encoder(chosen)
    index = data.index
    cut = instant_microseconds(trained_until)
    seen = np.flatnonzero(index.post_published < cut)
    newest = seen[np.argsort(index.post_published[seen], kind="stable")][-chosen.max_texts :]
    newest = np.sort(newest)
    texts = index.posts["text"].iloc[newest].fillna("").tolist()
    accounts = index.posts["account_id"].to_numpy(object)[newest].tolist()
    if not any(map(str.strip, texts)):
        read = np.flatnonzero(index.influencer_described_at < cut)
        bios = index.influencers["bio"].fillna("").tolist()
        texts = [bios[row] for row in read]
        accounts = index.account_ids.to_numpy(object)[read].tolist()
    if not any(map(str.strip, texts)):
        # Nothing is there to be compared; what stands for it says so in the model's facts.
        return random_encoder(chosen.dim, chosen.seed)
    return fit_builtin_encoder(
        texts, accounts, pairs=pairs, settings=chosen, trained_until=trained_until
    )


def fit_text(
    data: MarketData,
    trained_until: pd.Timestamp,
    settings: Settings,
    *,
    encoder: Encoder | None = None,
    embed: Embed | None = None,
) -> FeatureContext:
    """Encoder and lexicon as of an instant, joined with the market.

    Parameters
    ----------
    data : MarketData
        Market.
    trained_until : pandas.Timestamp
        Aware instant.
    settings : Settings
        Settings.
    encoder : Encoder, optional
        Encoder to use instead of the one that the settings name.
    embed : callable, optional
        ``embed(encoder, texts, role)``.

    Returns
    -------
    FeatureContext
        Context for features.

    Raises
    ------
    LeakageError
        If the encoder was trained on texts from after the instant.
    """
    chosen = encoder if encoder is not None else fit_encoder(data, trained_until, settings)
    known_until = chosen.identity.trained_until
    if known_until is not None and trained_until < known_until:
        raise LeakageError(
            f"encoder {chosen.identity.name!r} was trained on texts until {known_until} and may "
            f"not be used for campaigns decided before; asked for as of {trained_until}: name an "
            "encoder trained earlier, or look at later campaigns only"
        )
    lexicon = data.texts.fit_lexicon(trained_until)
    threads = settings.ranker.n_threads
    if embed is None:
        return FeatureContext(data, chosen, lexicon, n_threads=threads)
    return FeatureContext(data, chosen, lexicon, embed, threads)


def fit_prior(context: FeatureContext, trained_until: pd.Timestamp) -> LevelPrior:
    """Expected levels of engagement as of an instant.

    Parameters
    ----------
    context : FeatureContext
        Market.
    trained_until : pandas.Timestamp
        Aware instant.

    Returns
    -------
    LevelPrior
        Levels by tier and platform.
    """
    everyone = Brief(brief_id="everyone", brief="")
    pairs = build_pairs(
        [everyone],
        {"everyone": context.index.account_ids.to_numpy(object)},
        instants={"everyone": trained_until},
    )
    return fit_level_prior(PairView(context, pairs), trained_until)


def fit_hire(
    rows: TrainingRows,
    names: Sequence[str],
    settings: Settings,
    *,
    hired: NDArray[np.bool_] | None = None,
    constrained: bool = True,
    draws: Sequence[NDArray[np.int64]] | None = None,
) -> BoostedRanker:
    """Ranker of hired over other eligible accounts.

    Parameters
    ----------
    rows : TrainingRows
        Training rows.
    names : sequence of str
        Features to use.
    settings : Settings
        Settings.
    hired : numpy.ndarray of bool, shape (n_pairs,), optional
        Other labels, for a control that permutes them.
    constrained : bool
        Let the score move only as the features' declared trends allow. A control on permuted
        labels must not be: the trends alone already rank better than chance.
    draws : sequence of numpy.ndarray of int64, optional
        Rows of each member; the draws of `rows` when None.

    Returns
    -------
    BoostedRanker
        One member per draw.
    """
    labels = rows.hired if hired is None else hired
    ids = rows.matrix.pairs.campaign_ids
    trend = {spec.name: spec.trend for spec in FEATURES} if constrained else {}
    members = [
        Draw(rows.matrix.relative(names, draw), labels[draw].astype(np.int64), ids[draw])
        for draw in (rows.draws if draws is None else draws)
    ]
    return fit_ranker(
        members, names, trends=[trend.get(name, 0) for name in names], settings=settings.ranker
    )


def fit_deliver(
    rows: TrainingRows,
    names: Sequence[str],
    settings: Settings,
    *,
    as_lift: bool = False,
    forecast: BoostedRanker | None = None,
) -> tuple[BoostedRanker | None, str]:
    """Order of hires by the outcome they brought, or by its lift over the expected level.

    Learnt by least squares on the normal score of the outcome within its campaign: on later
    campaigns of the development market this ranks better than LambdaRank, whose pairs are few
    where a campaign has a handful of hires. A forecast from public posts, scaled to the outcomes
    known, goes first; the rest is learnt from the campaigns.

    Parameters
    ----------
    rows : TrainingRows
        Training rows.
    names : sequence of str
        Features to use.
    settings : Settings
        Settings.
    as_lift : bool
        Learn ln(1 + outcome) less ``engagements_expected``.
    forecast : BoostedRanker, optional
        What `matcher.ranking.forecast.fit_forecast` made of the same features.

    Returns
    -------
    ranker : BoostedRanker or None
        The forecast alone, or None, where fewer than 20 outcomes can be compared.
    reason : str
        Why it learnt nothing from outcomes, else empty.

    References
    ----------
    Friedman, Greedy function approximation: a gradient boosting machine, Annals of Statistics 29
    (2001), for fitting what an earlier model leaves over.
    """
    pairs = rows.matrix.pairs
    keys = pd.MultiIndex.from_arrays([pairs.campaign_ids, pairs.account_ids])
    known = rows.outcomes.set_index(["campaign_id", "account_id"])["outcome"].reindex(keys)
    reached = np.log1p(known.to_numpy(np.float64))
    if as_lift:
        reached = reached - rows.levels
    reached = np.where(rows.hired, reached, np.nan)
    scores = normal_scores(reached[:, None], pairs.bounds)[:, 0]
    # In a campaign with one outcome, or equal ones, there is nothing to compare.
    spread = pd.Series(scores).abs().groupby(pairs.brief_codes).transform("max").to_numpy()
    measured = np.flatnonzero(np.isfinite(scores) & (spread > 0))
    if len(measured) < _LEAST_OUTCOMES:
        return forecast, f"{len(measured)} comparable outcomes; {_LEAST_OUTCOMES} are needed"
    values, targets = rows.matrix.relative(names, measured), scores[measured]
    if forecast is None:
        return fit_regression(values, targets, names, settings=settings), ""
    foreseen = forecast.score(values)
    power = float(foreseen @ foreseen)
    scale = max(float(foreseen @ targets) / power, 0.0) if power else 0.0
    rest = fit_regression(values, targets - scale * foreseen, names, settings=settings)
    weights = (*(scale * weight for weight in forecast.weights), *rest.weights)
    return BoostedRanker(tuple(names), (*forecast.texts, *rest.texts), weights), ""


def fit_model(
    data: MarketData,
    trained_until: pd.Timestamp,
    settings: Settings,
    *,
    encoder: Encoder | None = None,
    embed: Embed | None = None,
    exclude_brands: frozenset[str] = frozenset(),
    progress: Callable[[str], None] | None = None,
) -> tuple[Model, TrainingRows, FeatureContext]:
    """Model from what was known strictly before an instant.

    Parameters
    ----------
    data : MarketData
        Market; later facts may be in it and are not used.
    trained_until : pandas.Timestamp
        Aware instant.
    settings : Settings
        Settings.
    encoder : Encoder, optional
        Encoder to use instead of the one that the settings name.
    embed : callable, optional
        ``embed(encoder, texts, role)``, for an embedding cache.
    exclude_brands : frozenset of str
        Brands whose campaigns are left out of the labels.
    progress : callable, optional
        Told the name of each step as it begins.

    Returns
    -------
    model : Model
        Fitted model.
    rows : TrainingRows
        What it was trained on.
    context : FeatureContext
        Market seen through the model's text objects.

    Raises
    ------
    SupportError
        If nothing can be learnt from the market.
    """
    tell = progress if progress is not None else (lambda _: None)
    tell("encoder")
    context = fit_text(data, trained_until, settings, encoder=encoder, embed=embed)
    tell("features")
    prior = fit_prior(context, trained_until)
    rows = build_training_rows(
        context, prior, trained_until, settings, exclude_brands=exclude_brands
    )
    names = used_features(rows.matrix, settings.ranker.leave_out)
    tell("rankers")
    hire = fit_hire(rows, names, settings)
    calibration, unsure = calibrate_fit(
        rows, names, lambda draws: fit_hire(rows, names, settings, draws=draws)
    )
    forecast, source = fit_forecast(context, prior, trained_until, names, settings)
    deliver, reason = fit_deliver(rows, names, settings, forecast=forecast)
    lift, _ = fit_deliver(rows, names, settings, as_lift=True)
    tell("outcomes")
    outcomes, unpredicted = fit_outcomes(context, prior, rows, trained_until, settings)
    acceptance, unanswered = learn_acceptance(
        context, prior, trained_until, settings, exclude_brands=exclude_brands
    )
    facts: dict[str, Any] = {
        "n_campaigns": len(rows.matrix.pairs.briefs),
        "n_pairs": len(rows.matrix.pairs),
        "n_hired": int(rows.hired.sum()),
        "n_outcomes": len(rows.outcomes),
        "n_features": len(names),
    }
    facts |= find_no_content(context.encoder, settings)
    if not np.ptp(hire.score(rows.matrix.relative(names))):
        facts["no_hire"] = (
            f"{len(rows.matrix.pairs)} candidates with {int(rows.hired.sum())} hires gave no tree "
            "a split, so that everyone scores alike"
        )
    facts["forecast_from" if forecast is not None else "no_forecast"] = source
    if unpredicted:
        facts["no_outcomes"] = unpredicted
    if outcomes is not None and outcomes.n_without_posts:
        facts["posts_unknown"] = (
            f"{outcomes.n_without_posts:,} of {outcomes.n_hires:,} hires do not tell how many; "
            "each counts as one"
        )
    if unanswered:
        facts["no_acceptance"] = unanswered
    if unsure:
        facts["no_fit_probability"] = unsure
    if reason:
        facts["no_deliver" if deliver is None else "deliver_from_posts_alone"] = reason
    model = Model(
        encoder=context.encoder,
        lexicon=context.lexicon,
        prior=prior,
        hire=hire,
        deliver=deliver,
        lift=lift,
        settings=settings,
        trained_until=trained_until,
        data_hash=data.market.data_hash,
        facts=facts,
        calibration=calibration,
        seen=SeenRanges.of(rows.matrix, names),
        outcomes=outcomes,
        acceptance=acceptance,
    )
    return model, rows, context
