"""Tuning as a whole: broken off and gone on with, cut in time, tracked, used by a training."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from matcher.config import Settings
from matcher.errors import UsageError
from matcher.features.context import MarketData
from matcher.market.load import load_market
from matcher.ranking.store import read_model
from matcher.tracking.store import Store
from matcher.training import TrainingResult, train_model
from matcher.tuning.results import TuningResult
from matcher.tuning.space import given_values
from matcher.tuning.trial import SPEARMAN_WEIGHT
from matcher.tuning.tune import study_path, tune_rankers

MARKET = Path(__file__).parents[2] / "data" / "tiny_market"
KILLED = """
import os, signal, sys
from matcher.config import Settings
from matcher.features.context import MarketData
from matcher.market.load import load_market
from matcher.tuning.tune import tune_rankers

def tell(task, done, total):
    if task == "tuning, trials" and done == 3:
        os.kill(os.getpid(), signal.SIGKILL)

data = MarketData(load_market(sys.argv[1]))
settings = Settings.model_validate_json(sys.argv[2])
tune_rankers(data, data.market.all_known_at, settings, n_trials=4, tell=tell)
"""


@pytest.fixture(scope="module")
def whole(data: MarketData, until: pd.Timestamp, settings: Settings, home: Path) -> TuningResult:
    assert home.is_dir()
    return tune_rankers(data, until, settings, n_trials=4)


def test_the_settings_as_they_are_come_first(whole: TuningResult, settings: Settings) -> None:
    assert [one.number for one in whole.trials] == [0, 1, 2, 3, 4]
    assert whole.trials[0].values == given_values(settings)
    assert len({tuple(one.values.values()) for one in whole.trials}) == 5
    assert whole.n_kept == 0
    for one in whole.trials:
        figures = one.figures()
        parts = figures["ndcg_at_10"] + SPEARMAN_WEIGHT * figures.get("spearman", 0.0)
        assert figures["objective"] == pytest.approx(parts)
        assert len(one.folds) == len(whole.folds) == 2
    best = max(one.figures()["objective"] for one in whole.trials)
    assert whole.trials[whole.gain.best].figures()["objective"] == best


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_run_goes_on_and_comes_to_the_same(
    data: MarketData, until: pd.Timestamp, settings: Settings, whole: TuningResult,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path))
    command = [sys.executable, "-c", KILLED, str(MARKET), settings.model_dump_json()]
    assert subprocess.run(command, check=False).returncode == -9
    again = tune_rankers(data, until, settings, n_trials=4)
    assert again.n_kept == 3
    assert again.path.name == whole.path.name
    assert json.dumps(again.to_dict()) == json.dumps(whole.to_dict())


def test_other_settings_data_times_and_folds_have_trials_of_their_own(
    data: MarketData, until: pd.Timestamp, settings: Settings, whole: TuningResult
) -> None:
    assert study_path(data, until, settings, whole.folds) == whole.path
    ranker = settings.ranker.model_copy(update={"seed": 1})
    others = [
        study_path(data, until, settings.model_copy(update={"ranker": ranker}), whole.folds),
        study_path(data, until - pd.Timedelta(days=1), settings, whole.folds),
        study_path(data, until, settings, whole.folds[:1]),
    ]
    assert len({whole.path, *others}) == 4


def test_nothing_that_became_known_later_moves_a_trial(
    settings: Settings, home: Path, tmp_path: Path
) -> None:
    until = pd.Timestamp("2025-04-01", tz="UTC")
    assert home.is_dir()
    evaluation = settings.evaluation.model_copy(update={"min_earlier_hired": 25})
    chosen = settings.model_copy(update={"evaluation": evaluation})
    for path in sorted(MARKET.glob("*.parquet")):
        shutil.copy(path, tmp_path)
    campaigns = pd.read_parquet(tmp_path / "campaigns.parquet")
    gone = set(campaigns.loc[campaigns["decided_at"] >= until, "campaign_id"])
    assert gone
    for name in ("campaigns", "collaborations", "decisions", "campaign_posts"):
        table = pd.read_parquet(tmp_path / f"{name}.parquet")
        table[~table["campaign_id"].isin(gone)].to_parquet(tmp_path / f"{name}.parquet")
    posts = pd.read_parquet(tmp_path / "posts.parquet")
    late = set(posts.loc[posts["published_at"] >= until, "post_id"])
    assert late
    for name in ("posts", "post_metrics", "campaign_posts"):
        table = pd.read_parquet(tmp_path / f"{name}.parquet")
        table[~table["post_id"].isin(late)].to_parquet(tmp_path / f"{name}.parquet")
    held = pd.read_parquet(tmp_path / "collaborations.parquet")
    known = held["outcome_at"] >= until
    assert known.any()
    held.loc[known, "engagements"] = 10 * held.loc[known, "engagements"]
    held.to_parquet(tmp_path / "collaborations.parquet")
    tried = [
        tune_rankers(MarketData(load_market(folder)), until, chosen, n_trials=1)
        for folder in (MARKET, tmp_path)
    ]
    assert tried[0].path != tried[1].path
    assert tried[0].to_dict() == tried[1].to_dict()
    assert all(fold.last_decided_at < until for fold in tried[0].folds)


@pytest.fixture(scope="module")
def trained(
    data: MarketData, settings: Settings, whole: TuningResult, home: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[TrainingResult, Path]:  # fmt: skip
    assert whole.path.is_relative_to(home)
    folder = tmp_path_factory.mktemp("models") / "tuned"
    made = train_model(
        data, settings, folder=folder, market_name="tiny", store=Store.open(), evaluate=False,
        tune=4, take_best=True,
    )  # fmt: skip
    return made, folder


def test_a_training_uses_what_was_chosen_and_says_how(
    trained: tuple[TrainingResult, Path], whole: TuningResult, settings: Settings
) -> None:
    made, folder = trained
    assert made.tuning is not None
    assert made.tuning.n_kept == 5
    assert whole.gain.best != 0
    model, bundle = read_model(folder)
    assert given_values(model.settings) == dict(whole.trials[whole.gain.best].values)
    assert bundle.manifest["config_hash"] == model.settings.hash != settings.hash
    told = bundle.manifest["tuning"]
    assert (told["asked_config_hash"], told["taken"]) == (settings.hash, True)
    assert told == json.loads(json.dumps(made.tuning.to_dict()))
    assert told["verdict"] in (folder / "model_card.md").read_text(encoding="utf-8")
    assert len(told["trials"]) == 5


def test_trials_are_children_of_the_run(
    trained: tuple[TrainingResult, Path], whole: TuningResult
) -> None:
    from mlflow import MlflowClient

    made, _ = trained
    assert made.run is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = MlflowClient(Store.open().uri)
        parent = client.get_run(made.run.run_id)
        query = f"tags.`mlflow.parentRunId` = '{made.run.run_id}'"
        runs = client.search_runs([parent.info.experiment_id], query, order_by=["tags.trial"])
    assert [run.data.tags["trial"] for run in runs] == ["0", "1", "2", "3", "4"]
    taken = [run.data.tags["taken"] for run in runs]
    assert taken == [str(number == whole.gain.best).lower() for number in range(5)]
    for run, trial in zip(runs, whole.trials, strict=True):
        assert run.info.status == "FINISHED"
        assert run.info.end_time >= run.info.start_time
        assert run.data.params == {name: str(value) for name, value in trial.values.items()}
        assert run.data.metrics == pytest.approx(trial.figures())
        assert {"fold_1/ndcg_at_10", "fold_2/objective"} <= set(run.data.metrics)
        assert run.data.tags["data_hash"] == parent.data.tags["data_hash"]


def test_settings_stay_unless_it_is_sure_or_asked_for(
    data: MarketData, until: pd.Timestamp, settings: Settings, whole: TuningResult
) -> None:
    # Fewer trials are those that came first, and nothing is left to do for them.
    fewer = tune_rankers(data, until, settings, n_trials=3, take_best=True)
    assert fewer.n_kept == 4
    assert [dict(one.values) for one in fewer.trials] == [
        dict(one.values) for one in whole.trials[:4]
    ]
    for found in (whole, fewer):
        expected = found.gain.best != 0 and (found.gain.is_sure or found.take_best)
        assert found.is_taken is expected
        assert (found.settings == settings) is not expected
        assert ("settings are taken" in found.verdict) is expected
    assert not whole.is_taken
    assert "the interval includes 0, so the settings stay as they are" in whole.verdict
    best = whole.trials[whole.gain.best].values
    assert whole.changes == {
        name: (value, best[name])
        for name, value in given_values(settings).items()
        if best[name] != value
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tune": 0}, "tune: got 0 trials; expected a whole number of 1 or more"),
        ({"tune": 2.5}, "tune: got 2.5 trials"),
        ({"tune": True}, "tune: got True trials"),
        ({"take_best": True}, "take_best: nothing is tuned"),
    ],
)
def test_wrong_use_is_refused_before_any_work(
    data: MarketData, settings: Settings, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        train_model(data, settings, folder=tmp_path / "m", market_name="tiny", **options)
    assert not list(tmp_path.iterdir())
