"""What public posts alone say of outcomes, where too few hires were measured or there are none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from matcher.errors import MatcherError
from matcher.ranking.outcomes.centre import fit_post_forecast
from matcher.ranking.outcomes.conformal import fit_error_cells
from matcher.ranking.outcomes.model import OutcomeModel, OutcomeModels
from matcher.ranking.outcomes.names import OUTCOME_NAMES, POST_METRICS, RATES
from matcher.ranking.outcomes.posts import build_post_rows

if TYPE_CHECKING:
    import pandas as pd

    from matcher.config import Settings
    from matcher.features.context import FeatureContext
    from matcher.features.priors import LevelPrior
    from matcher.ranking.outcomes.posts import PostRows

__all__ = ["fit_outcomes_of_posts", "rest_on_posts", "say_too_little"]


def fit_outcomes_of_posts(
    context: FeatureContext, prior: LevelPrior, trained_until: pd.Timestamp, settings: Settings
) -> tuple[OutcomeModels | None, str]:
    """Models of the outcomes that posts are read for, in a market without any hire to learn from.

    Outcomes that only hires show (link clicks, leads, conversions) are not among them. Ranges are
    those of single posts made for pay, calibrated by cell of tier and platform.

    Parameters
    ----------
    context : FeatureContext
        Market.
    prior : LevelPrior
        Expected levels.
    trained_until : pandas.Timestamp
        Only what was known strictly before it is learnt from.
    settings : Settings
        ``outcome``.

    Returns
    -------
    models : OutcomeModels or None
        None where too few posts were measured.
    reason : str
        Why there is none, else empty.
    """
    posts = build_post_rows(context, prior, trained_until, settings)
    models: dict[str, OutcomeModel] = {}
    for name in OUTCOME_NAMES:
        forecast = fit_post_forecast(posts, name) if name in POST_METRICS else None
        if forecast is None:
            continue
        draft = OutcomeModel(
            name,
            "rate" if name in RATES else "level",
            forecast,
            middle=float(forecast.centre(posts.inputs).mean()),
            facts={"n_posts": forecast.n_posts},
        )
        models[name] = rest_on_posts(draft, posts, 0)
    if not models:
        return None, say_too_little(posts, 0)
    return OutcomeModels(models, posts.shares, usual_posts=1.0), ""


def rest_on_posts(draft: OutcomeModel, posts: PostRows, n_hires: int) -> OutcomeModel:
    """Model with the errors that its forecast makes on posts, for want of hires.

    Parameters
    ----------
    draft : OutcomeModel
        Forecast from posts.
    posts : PostRows
        Posts.
    n_hires : int
        Measured hires, too few to learn from.

    Returns
    -------
    OutcomeModel
        The model, whose facts say what it rests on.

    Raises
    ------
    MatcherError
        If the draft holds no forecast.
    """
    if draft.forecast is None:
        raise MatcherError(f"outcome {draft.name}: holds no forecast from posts to rest on")
    measured = np.flatnonzero(np.isfinite(posts.targets[draft.name]))
    inputs = posts.inputs.select(measured)
    error = posts.targets[draft.name][measured] - draft.forecast.centre(inputs)
    error = np.asarray(error / draft.forecast.scale(inputs))
    return replace(
        draft,
        errors=fit_error_cells(error, np.ones(len(error)), inputs.platforms, inputs.tiers),
        facts={**draft.facts, "n_hires": n_hires, "from": "public posts alone"},
    )


def say_too_little(posts: PostRows, n_hires: int) -> str:
    """Why no outcome is predicted.

    Parameters
    ----------
    posts : PostRows
        Posts.
    n_hires : int
        Hires with an outcome.

    Returns
    -------
    str
        What is known, and what is needed.
    """
    return (
        f"{len(posts.inputs)} public posts and {n_hires} hires with an outcome are known; "
        "200 measured posts are needed"
    )
