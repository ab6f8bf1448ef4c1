"""Fitting the models of outcomes: public posts first, then what hires had beyond them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.features.pair_features import FEATURES
from matcher.ranking.linear import prepare_columns
from matcher.ranking.outcomes.alone import rest_on_posts, say_too_little
from matcher.ranking.outcomes.centre import fit_post_forecast
from matcher.ranking.outcomes.chances import count_effective, logged_chances, weigh_for_anyone
from matcher.ranking.outcomes.conformal import fit_error_cells
from matcher.ranking.outcomes.contributions import log_of_level
from matcher.ranking.outcomes.distribution import standard_error
from matcher.ranking.outcomes.inputs import PairInputs, pair_inputs
from matcher.ranking.outcomes.model import OutcomeModels
from matcher.ranking.outcomes.names import OUTCOME_NAMES, PARENTS, POST_METRICS, RATES
from matcher.ranking.outcomes.posts import LEAST_RATE, build_post_rows
from matcher.ranking.outcomes.rates import (
    fit_adjustment,
    fit_log_rate,
    split_campaigns,
)
from matcher.ranking.outcomes.single import HiredErrors, OutcomeModel
from matcher.ranking.outcomes.spreads import (
    mean_factor,
    overdispersion,
    shape_of_errors,
    shared_by_campaign,
)
from matcher.ranking.relevance import hire_outcomes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from matcher.config import Settings
    from matcher.features.context import FeatureContext
    from matcher.features.priors import LevelPrior
    from matcher.ranking.candidates import TrainingRows
    from matcher.ranking.linear import PreparedColumns
    from matcher.ranking.outcomes.centre import PostForecast
    from matcher.ranking.outcomes.distribution import Kind
    from matcher.ranking.outcomes.posts import PostRows

__all__ = ["fit_outcomes"]

_LEAST_HIRES: Final = 20
"""Measured hires below which nothing is learnt from hires."""
_LEAST_JUDGED: Final = 8
"""Hires of later blocks below which nothing is said of how far predictions err."""
_LEAST_JOINT: Final = 0.8
"""Share of the hires with an outcome whose parent must be known too."""
_LEFT_OUT: Final = {
    *(spec.name for spec in FEATURES if spec.group in ("price", "history")),
    "rival_contacts",
    "category_depth",
}
"""What a hire costs says nothing of what it brings, and enters after prediction; counts that only
grow would carry what was learnt from early campaigns too far in later ones."""


@dataclass(frozen=True, eq=False)
class _Hires:
    """Hires with an outcome that are among the training rows."""

    inputs: PairInputs
    outcomes: pd.DataFrame
    n_posts: NDArray[np.float64]
    usual_posts: float
    blocks: NDArray[np.int64]
    weights: NDArray[np.float64]
    chances: NDArray[np.float64]
    uniform: NDArray[np.float64]
    names: tuple[str, ...]
    columns: PreparedColumns
    candidates: PairInputs

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True, eq=False)
class _Located:
    """Where the log of an outcome of each hire was expected, by models that did not see it.

    `mean` is that of anyone like it, `hired` that of a hire.
    """

    centre: NDArray[np.float64]
    spread: NDArray[np.float64]
    mean: NDArray[np.float64]
    hired: NDArray[np.float64]


def fit_outcomes(
    context: FeatureContext,
    prior: LevelPrior,
    rows: TrainingRows,
    trained_until: pd.Timestamp,
    settings: Settings,
) -> tuple[OutcomeModels | None, str]:
    """Models of every outcome that posts or hires allow.

    Public posts teach what an account's next post gets; hires teach what a campaign adds to that,
    by a ridge regression whose penalty is chosen on later campaigns than it learns from. Errors on
    these, the newest weighing most, calibrate the distribution by cell of tier and platform.

    Parameters
    ----------
    context : FeatureContext
        Market.
    prior : LevelPrior
        Expected levels.
    rows : TrainingRows
        Candidates of closed campaigns.
    trained_until : pandas.Timestamp
        Only what was known strictly before it is learnt from.
    settings : Settings
        ``outcome``.

    Returns
    -------
    models : OutcomeModels or None
        None where neither posts nor hires were measured.
    reason : str
        Why there is none, else empty.
    """
    posts = build_post_rows(context, prior, trained_until, settings)
    hires = _hires(context, rows, posts, trained_until, settings)
    models: dict[str, OutcomeModel] = {}
    located: dict[str, _Located] = {}
    for name in OUTCOME_NAMES:
        forecast = fit_post_forecast(posts, name) if name in POST_METRICS else None
        if forecast is not None:
            models[name], located[name] = _from_posts(name, forecast, posts, hires)
    for name in OUTCOME_NAMES:
        if name not in models and name not in RATES:
            found = _from_parent(name, models, located, hires)
            if found is not None:
                models[name], located[name] = found
    if not models:
        return None, say_too_little(posts, len(hires))
    n_without = int(hires.outcomes["n_posts"].isna().sum())
    return OutcomeModels(models, posts.shares, hires.usual_posts, len(hires), n_without), ""


def _hires(
    context: FeatureContext,
    rows: TrainingRows,
    posts: PostRows,
    trained_until: pd.Timestamp,
    settings: Settings,
) -> _Hires:
    pairs = rows.matrix.pairs
    known = context.index.market.as_of(trained_until)
    outcomes = hire_outcomes(known)
    keys = pd.MultiIndex.from_arrays([pairs.campaign_ids, pairs.account_ids])
    place = keys.get_indexer(pd.MultiIndex.from_frame(outcomes[["campaign_id", "account_id"]]))
    inside = np.flatnonzero(place >= 0)
    inside = inside[np.argsort(place[inside], kind="stable")]
    outcomes, place = outcomes.iloc[inside].reset_index(drop=True), place[inside].astype(np.int64)
    # As before the hire, when no format was agreed yet: what that leaves open is in the errors.
    candidates = pair_inputs(rows.matrix, posts.shares)
    inputs = candidates.select(place)
    cut = trained_until.tz_convert("UTC").tz_localize(None)
    age = (np.datetime64(cut) - pairs.pair_instants[place]) / np.timedelta64(1, "D")
    campaigns = outcomes["campaign_id"].to_numpy(object)
    weights = 0.5 ** (age.astype(np.float64) / settings.outcome.half_life_days)
    names = tuple(
        name for name in inputs.names if name not in _LEFT_OUT and not name.startswith("format_")
        and name != "is_sponsored"
    )  # fmt: skip
    told = outcomes["n_posts"].dropna()
    return _Hires(
        inputs=inputs,
        outcomes=outcomes,
        n_posts=np.nan_to_num(outcomes["n_posts"].to_numpy(np.float64), nan=1.0),
        usual_posts=float(told.mode().iloc[0]) if len(told) else 1.0,
        blocks=split_campaigns(campaigns, pairs.pair_instants[place]),
        weights=weights,
        chances=logged_chances(known, outcomes),
        uniform=np.random.default_rng(settings.ranker.seed).random(len(outcomes)),
        names=names,
        columns=prepare_columns(candidates.columns(names)),
        candidates=candidates,
    )


def _from_posts(
    name: str, forecast: PostForecast, posts: PostRows, hires: _Hires
) -> tuple[OutcomeModel, _Located]:
    """Model of an outcome that posts are read for, too."""
    kind: Kind = "rate" if name in RATES else "level"
    base, scale = forecast.centre(hires.inputs), forecast.scale(hires.inputs)
    middle = float(forecast.centre(hires.candidates).mean())
    total = hires.outcomes[name].to_numpy(np.float64)
    per_post = total / hires.n_posts
    reached = np.log(LEAST_RATE + total) if kind == "rate" else np.log1p(per_post)
    draft = OutcomeModel(name, kind, forecast, middle=middle, facts={"n_posts": forecast.n_posts})
    measured = np.flatnonzero(np.isfinite(reached))
    if len(measured) < _LEAST_HIRES or _count_later(hires.blocks[measured]) < _LEAST_JUDGED:
        draft = rest_on_posts(draft, posts, len(measured))
        mean = draft.distributions(hires.inputs, base, scale, hires.n_posts).mean()
        return draft, _Located(base, scale, mean, mean)
    beyond = fit_adjustment(
        hires.inputs.select(measured).columns(hires.names),
        (reached - base)[measured],
        hires.columns,
        hires.names,
        forecast=base[measured] - middle,
        blocks=hires.blocks[measured],
    )
    later = np.isfinite(beyond.unseen)
    judged = measured[later]
    centre = base + beyond.slope * (base - middle)
    centre += beyond.model.predict(hires.inputs.columns(hires.names))
    unseen = base[judged] + beyond.unseen[later]
    # Fewer campaigns draw a prediction nearer to none. How far off it is in the mean is a matter
    # of the model that is used; how far apart errors lie, of those that had not seen the campaign.
    weights = hires.weights[judged]
    centre[judged] = unseen + np.average(centre[judged] - unseen, weights=weights)
    sharpness, shared = shape_of_errors(
        (reached - centre)[judged],
        scale[judged],
        hires.n_posts[judged] if kind == "level" else np.ones(len(judged)),
        weights,
    )
    draft = replace(
        draft,
        adjustment=beyond.model,
        slope=beyond.slope,
        sharpness=sharpness,
        usual_posts=hires.usual_posts,
        shared_by_posts=shared,
        facts={
            **draft.facts,
            "n_hires": len(measured),
            "from": "public posts and hires",
            "penalty": beyond.penalty,
        },
    )
    return _calibrated(draft, hires, centre, scale**sharpness, judged)


def _from_parent(
    name: str,
    models: Mapping[str, OutcomeModel],
    located: Mapping[str, _Located],
    hires: _Hires,
) -> tuple[OutcomeModel, _Located] | None:
    """Model of an outcome that is a multiple of another one."""
    counts = hires.outcomes[name].to_numpy(np.float64)
    known = np.isfinite(counts)
    if known.sum() < _LEAST_HIRES:
        return None
    for parent in PARENTS[name]:
        exposures = hires.outcomes[parent].to_numpy(np.float64)
        joint = np.flatnonzero(known & (exposures > 0))
        enough = len(joint) >= max(_LEAST_JOINT * known.sum(), _LEAST_HIRES)
        if parent not in models or not enough or _count_later(hires.blocks[joint]) < _LEAST_JUDGED:
            continue
        rate = fit_log_rate(
            hires.inputs.select(joint).columns(hires.names),
            counts[joint],
            exposures[joint],
            hires.columns,
            hires.names,
            blocks=hires.blocks[joint],
        )
        log_rate = rate.model.predict(hires.inputs.columns(hires.names))
        later = np.isfinite(rate.unseen)
        log_rate[joint[later]] = rate.unseen[later]
        judged = joint[later]
        spread = overdispersion(counts[judged], exposures[judged] * np.exp(log_rate[judged]))
        middle = located[parent].centre
        if models[parent].kind == "level":
            middle = log_of_level(middle)
        draft = OutcomeModel(
            name,
            "count",
            parent=parent,
            adjustment=rate.model,
            spread=spread,
            usual_posts=hires.usual_posts,
            shared_by_posts=models[parent].shared_by_posts,
            facts={
                "n_hires": int(known.sum()),
                "from": f"its rate per {parent}",
                "penalty": rate.penalty,
            },
        )
        size = np.sqrt(located[parent].spread ** 2 + spread**2)
        rates = np.exp(log_rate)
        expected = (located[parent].mean * rates, located[parent].hired * rates)
        return _calibrated(draft, hires, middle + log_rate, size, judged, expected=expected)
    return None


def _calibrated(
    draft: OutcomeModel,
    hires: _Hires,
    centre: NDArray[np.float64],
    spread: NDArray[np.float64],
    judged: NDArray[np.int64],
    *,
    expected: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
) -> tuple[OutcomeModel, _Located]:
    """Model with the errors of its predictions for campaigns that it did not see.

    `expected` are the means of what is a rate of another outcome: of anyone, and of hires.
    """
    draft = replace(draft, multipliers=_multipliers(draft.name, hires))
    weights = hires.weights[judged]
    of_anyone, of_hires = (None, None) if expected is None else expected
    model, hired = _with_errors(draft, hires, centre, spread, judged, weights, of_hires)
    factor = mean_factor(
        hires.outcomes[draft.name].to_numpy(np.float64)[judged], hired[judged], weights
    )
    model, hired = replace(model, factor=factor), hired * factor
    every = weigh_for_anyone(weights, hires.chances[judged])
    if every is None:
        return model, _Located(centre, spread, hired, hired)
    told = np.flatnonzero(every > 0)
    # Without a factor: of weighted hires it would be the luck of the few that weigh most.
    anyone, mean = _with_errors(draft, hires, centre, spread, judged[told], every[told], of_anyone)
    facts = {"n_chances": len(told), "n_effective": round(count_effective(every), 1)}
    model = replace(
        anyone,
        shared_by_campaign=model.shared_by_campaign,
        hired=HiredErrors(model.errors, model.factor),
        facts={**anyone.facts, **facts},
    )
    return model, _Located(centre, spread, mean, hired)


def _with_errors(
    draft: OutcomeModel,
    hires: _Hires,
    centre: NDArray[np.float64],
    spread: NDArray[np.float64],
    judged: NDArray[np.int64],
    weights: NDArray[np.float64],
    expected: NDArray[np.float64] | None,
) -> tuple[OutcomeModel, NDArray[np.float64]]:
    """Model with the errors on some hires, and what it expects of all in the mean."""
    n_posts = hires.n_posts[judged]
    total = hires.outcomes[draft.name].to_numpy(np.float64)[judged]
    inputs = hires.inputs.select(judged)
    campaigns = hires.outcomes["campaign_id"].to_numpy(object)[judged]
    # Middles are moved to the posts of each hire by how errors are spread: the first time as if
    # they were normal, the second by what the first found.
    for _ in range(2 if (n_posts != draft.usual_posts).any() else 1):
        placed = draft.distributions(inputs, centre[judged], spread[judged], n_posts)
        error = standard_error(
            total, draft.kind, placed.centre, placed.spread, n_posts, uniform=hires.uniform[judged]
        )
        draft = replace(
            draft,
            errors=fit_error_cells(error, weights, inputs.platforms, inputs.tiers),
            shared_by_campaign=shared_by_campaign(error, campaigns),
        )
    if expected is not None:
        return draft, expected
    return draft, draft.distributions(hires.inputs, centre, spread, hires.n_posts).mean()


def _multipliers(name: str, hires: _Hires) -> tuple[float, float]:
    """Quantiles of an outcome per post and follower over all hires."""
    followers = np.expm1(hires.inputs.columns(["followers_log"])[:, 0])
    per = hires.outcomes[name].to_numpy(np.float64) / hires.n_posts
    known = np.isfinite(per) & (followers > 0)
    if not known.any():
        return np.nan, np.nan
    low, high = np.quantile(per[known] / followers[known], (0.1, 0.9))
    return float(low), float(high)


def _count_later(blocks: NDArray[np.int64]) -> int:
    """Rows that do not stand in the first block."""
    return int((blocks > blocks.min()).sum()) if len(blocks) else 0
