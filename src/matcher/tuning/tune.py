"""Tune the rankers on earlier campaigns: try, keep, and change settings only where it is sure."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from matcher import __version__
from matcher.errors import SupportError, UsageError
from matcher.evaluation.steps import Steps, Tell
from matcher.evaluation.truth import Truth
from matcher.features.context import MarketData
from matcher.ranking.fit import fit_encoder
from matcher.tracking.store import data_home
from matcher.tuning.folds import PURGE_DAYS, build_fold, plan_folds
from matcher.tuning.results import Trial, TuningResult
from matcher.tuning.space import apply_values, given_values, search_space
from matcher.tuning.study import open_study, optuna_version
from matcher.tuning.trial import (
    LEAST_COMPARED,
    SPEARMAN_WEIGHT,
    judge_fold,
    read_figures,
    weigh,
)
from matcher.tuning.verdict import find_gain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from matcher.config import Settings
    from matcher.features.context import Embed
    from matcher.tuning.folds import Fold, PlannedFold
    from matcher.tuning.space import Range
    from matcher.tuning.study import KeptTrial, Study

__all__ = ["check_tuning", "study_path", "tune_rankers"]

_STEPS_PER_FOLD: Final = 2
_N_RESAMPLES: Final = 2_000


def check_tuning(n_trials: int | None, *, take_best: bool) -> None:
    """Refuse a tuning that cannot be carried out as asked.

    Parameters
    ----------
    n_trials : int or None
        Trials beside the settings as they are; None for no tuning.
    take_best : bool
        Take the best trial, sure or not.

    Raises
    ------
    UsageError
        If there are no trials, or there is nothing to take the best of.
    """
    if n_trials is not None and (type(n_trials) is not int or n_trials < 1):
        raise UsageError(
            f"tune: got {n_trials!r} trials; expected a whole number of 1 or more, or no tuning"
        )
    if take_best and n_trials is None:
        raise UsageError(
            "take_best: nothing is tuned, so there is no best; give the number of trials too "
            "(--tune N)"
        )


def tune_rankers(
    data: MarketData,
    until: pd.Timestamp,
    settings: Settings,
    *,
    n_trials: int,
    take_best: bool = False,
    embed: Embed | None = None,
    tell: Tell = lambda _task, _done, _total: None,
) -> TuningResult:
    """Settings of the rankers that rank later campaigns best, if that is sure.

    Trial 0 has the settings as they are. Each trial fits both rankers on every fold of
    `matcher.tuning.folds.plan_folds` and is judged by `matcher.tuning.trial.weigh`. Finished trials
    are kept in a file under `matcher.tracking.store.data_home`, so that a run that was killed, or
    one that asks for more trials, goes on where it was.

    Parameters
    ----------
    data : MarketData
        Market; what was known at `until` or later is cut off.
    until : pandas.Timestamp
        Aware instant.
    settings : Settings
        Settings as they are.
    n_trials : int
        Trials beside trial 0, 1 or more. Where the file holds more, the first count.
    take_best : bool, default False
        Take the best trial also where the interval of its gain includes 0.
    embed : callable, optional
        ``embed(encoder, texts, role)``, for an embedding cache.
    tell : callable, optional
        Told the task, its finished steps and all its steps.

    Returns
    -------
    TuningResult
        Trials and chosen settings.

    Raises
    ------
    SupportError
        If there is too little history for two folds.
    UsageError
        If `n_trials` is below 1, or another process tunes the same.
    TrackingError
        If the file of the trials cannot be read or written.
    """
    check_tuning(n_trials, take_best=take_best)
    if data.market.all_known_at > until:
        data = MarketData(data.market.as_of(until))
    space = search_space(settings)
    plans = plan_folds(data, until, settings)
    folds, skipped = _build_folds(data, plans, settings, space, embed, tell)
    path = study_path(data, until, settings, [fold.plan for fold in folds])
    with open_study(path, space, seed=settings.ranker.seed) as study:
        n_kept = min(len(study.trials), n_trials + 1)
        steps = Steps(tell, "tuning, trials", total=n_trials + 1)
        for _ in range(n_kept):
            steps()
        while len(study.trials) <= n_trials:
            steps()
            _try_next(study, folds, settings)
        kept = study.trials[: n_trials + 1]
        steps.finish()
    trials = tuple(_trial(number, one) for number, one in enumerate(kept))
    gain = find_gain(
        [one.folds for one in trials], n_resamples=_N_RESAMPLES, seed=settings.evaluation.seed
    )
    result = TuningResult(
        asked=settings,
        settings=apply_values(settings, trials[gain.best].values),
        folds=tuple(fold.plan for fold in folds),
        trials=trials,
        gain=gain,
        take_best=take_best,
        skipped=skipped,
        n_kept=n_kept,
        path=path,
    )
    return result if result.is_taken else replace(result, settings=settings)


def study_path(
    data: MarketData, until: pd.Timestamp, settings: Settings, folds: Sequence[PlannedFold]
) -> Path:
    """File of the trials of one market, settings and folds.

    Parameters
    ----------
    data : MarketData
        Market.
    until : pandas.Timestamp
        End of the training history.
    settings : Settings
        Settings as they are.
    folds : sequence of PlannedFold
        Folds.

    Returns
    -------
    pathlib.Path
        Absolute path. Its name stands for all that a trial's figures rest on: also the versions of
        Matcher, LightGBM and Optuna, and the ranges.
    """
    from importlib.metadata import version

    facts: dict[str, Any] = {
        "data": data.market.data_hash,
        "until": until.isoformat(),
        "settings": settings.hash,
        "folds": [[fold.trained_until.isoformat(), *fold.campaign_ids] for fold in folds],
        "purge_days": PURGE_DAYS,
        "objective": [SPEARMAN_WEIGHT, LEAST_COMPARED],
        "space": [[one.name, one.low, one.high, one.choices] for one in search_space(settings)],
        "versions": [__version__, version("lightgbm"), optuna_version()],
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return data_home() / "tuning" / f"{digest[:24]}.db"


def _build_folds(
    data: MarketData,
    plans: Sequence[PlannedFold],
    settings: Settings,
    space: Sequence[Range],
    embed: Embed | None,
    tell: Tell,
) -> tuple[list[Fold], tuple[str, ...]]:
    sizes = next(one.choices for one in space if one.name == "ranker.unlabelled_per_campaign")
    steps = Steps(tell, "tuning, folds", total=_STEPS_PER_FOLD * len(plans))
    truth = Truth.of(data)
    keep = settings.evaluation.keep_encoder
    encoder = fit_encoder(data, plans[0].trained_until, settings) if keep else None
    folds: list[Fold] = []
    skipped: list[str] = []
    for plan in plans:
        steps()
        try:
            fold = build_fold(
                data, plan, settings, sizes, truth=truth, encoder=encoder, embed=embed, step=steps
            )
            folds.append(fold)
        except SupportError as error:
            skipped.append(f"fold until {plan.trained_until}: {error}")
    steps.finish()
    if len(folds) < 2:
        raise SupportError(
            f"tuning: {len(folds)} of {len(plans)} folds can be fitted and 2 are needed "
            f"({'; '.join(skipped)}); give more history, or train without --tune"
        )
    return folds, tuple(skipped)


def _try_next(study: Study, folds: Sequence[Fold], settings: Settings) -> None:
    started_at = time.time()
    values = study.propose() if study.trials else given_values(settings)
    tried = apply_values(settings, values)
    figures = [judge_fold(fold, tried) for fold in folds]
    study.keep(values, weigh(figures)[0], [one.as_dict() for one in figures], started_at)


def _trial(number: int, held: KeptTrial) -> Trial:
    return Trial(number, held.values, read_figures(held.figures), held.started_at, held.ended_at)
