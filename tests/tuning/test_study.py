"""Trials that are kept, and what is tried next."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.config import Settings
from matcher.errors import ConfigError, TrackingError, UsageError
from matcher.tuning.space import TUNED, Range, apply_values, given_values, search_space
from matcher.tuning.study import KeptTrial, Study, open_study

SPACE = search_space(Settings())


def objective(values: dict[str, int | float]) -> float:
    return values["ranker.learning_rate"] - 0.01 * values["ranker.n_leaves"]


def work(study: Study, n: int) -> list[KeptTrial]:
    while len(study.trials) < n:
        values = study.propose() if study.trials else given_values(Settings())
        study.keep(values, objective(values), [{"ndcg": [1 / 3, None]}], 0.0)
    return study.trials


def without_clock(trials: list[KeptTrial]) -> list[tuple[object, ...]]:
    return [(dict(one.values), one.objective, one.figures) for one in trials]


def test_a_study_that_was_closed_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    with open_study(tmp_path / "whole.db", SPACE, seed=1) as study:
        whole = without_clock(work(study, 13))
    for n in (1, 3, 11, 13):
        with open_study(tmp_path / "parts.db", SPACE, seed=1) as study:
            parts = without_clock(work(study, n))
        assert parts == whole[:n]
    # Trials that were proposed and never kept leave nothing behind.
    with open_study(tmp_path / "lost.db", SPACE, seed=1) as study:
        work(study, 5)
        study.propose()
    with open_study(tmp_path / "lost.db", SPACE, seed=1) as study:
        assert without_clock(work(study, 13)) == whole
    with open_study(tmp_path / "other.db", SPACE, seed=2) as study:
        assert without_clock(work(study, 3))[1:] != whole[1:3]
    assert {path.name for path in tmp_path.iterdir()} == {
        "whole.db", "parts.db", "lost.db", "other.db"
    }  # fmt: skip


def test_what_is_tried_lies_in_its_range_and_makes_settings(tmp_path: Path) -> None:
    with open_study(tmp_path / "study.db", SPACE, seed=0) as study:
        trials = work(study, 15)
    assert len({tuple(one.values.items()) for one in trials}) == 15
    for one in trials:
        for held in SPACE:
            assert held.low <= one.values[held.name] <= held.high
            assert not held.choices or one.values[held.name] in held.choices
        assert given_values(apply_values(Settings(), one.values)) == one.values


def test_only_one_process_works_on_a_study(tmp_path: Path) -> None:
    with (
        open_study(tmp_path / "study.db", SPACE, seed=0),
        pytest.raises(UsageError, match="another process is tuning the same market"),
        open_study(tmp_path / "study.db", SPACE, seed=0),
    ):
        pytest.fail("opened twice")


def test_a_damaged_study_is_said_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    path.write_bytes(os.urandom(4096))
    with (
        pytest.raises(TrackingError, match=r"study\.db: the trials.*remove the file to begin anew"),
        open_study(path, SPACE, seed=0),
    ):
        pytest.fail("opened")


def test_a_place_that_cannot_be_written_is_said(read_only_folder: Path) -> None:
    with (
        pytest.raises(TrackingError, match="cannot be read or written.*set MATCHER_HOME"),
        open_study(read_only_folder / "tuning" / "study.db", SPACE, seed=0),
    ):
        pytest.fail("opened")


@given(
    st.fixed_dictionaries(
        {"n_trees": st.integers(1, 2_000), "l2": st.floats(0, 1e4), "n_leaves": st.integers(2, 99),
         "unlabelled_per_campaign": st.integers(1, 999), "feature_share": st.floats(0.01, 1)}
    )
)  # fmt: skip
def test_ranges_hold_the_settings_as_they_are(ranker: dict[str, int | float]) -> None:
    settings = Settings.model_validate({"ranker": ranker})
    given_ = given_values(settings)
    for one, wide in zip(TUNED, search_space(settings), strict=True):
        assert wide.low <= min(one.low, given_[one.name])
        assert wide.high >= max(one.high, given_[one.name])
        assert not wide.choices or given_[one.name] in wide.choices
        assert wide.is_whole == one.is_whole
    assert apply_values(settings, given_) == settings
    assert apply_values(settings, given_).hash == settings.hash


def test_settings_outside_the_ranges_are_tried_too(tmp_path: Path) -> None:
    settings = Settings.model_validate({"ranker": {"l2": 0, "n_trees": 1, "feature_share": 1.0}})
    space = search_space(settings)
    with open_study(tmp_path / "study.db", space, seed=0) as study:
        study.keep(given_values(settings), 0.0, [], 0.0)
        study.keep(study.propose(), 0.1, [], 0.0)
        assert study.trials[0].values == given_values(settings)


def test_an_empty_range_and_a_value_that_is_not_allowed_are_refused() -> None:
    with pytest.raises(ConfigError, match="nothing lies between 3 and 2"):
        Range("ranker.n_trees", 3, 2)
    with pytest.raises(ConfigError, match="n_leaves"):
        apply_values(Settings(), {"ranker.n_leaves": 1})
