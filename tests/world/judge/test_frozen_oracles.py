"""Every named world has its observables oracle, which holds for the world as it is now."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from matcher.config import Settings
from matcher.world import WORLD_VERSION, WORLDS, find_world
from matcher.world.judge.frozen import ORACLES, oracle_path, read_oracle, why_stale
from matcher.world.judge.oracle import QUESTION_OF, QUESTIONS, input_names

PAGE = Path(__file__).parents[3] / "docs" / "judging.md"
ADVICE = "run `python benchmarks/fit_oracles.py --world {}` and write its fit into docs/judging.md"


@pytest.mark.parametrize("world", sorted(WORLDS))
def test_a_world_has_an_oracle_that_is_not_stale(world: str) -> None:
    oracle = read_oracle(world)
    assert oracle is not None, ADVICE.format(world)
    market = {"version": WORLD_VERSION, "knobs": find_world(world).as_dict()}
    why = why_stale(oracle.record, market, Settings().encoder.name)
    assert not why, f"{world}: {why}; {ADVICE.format(world)}"
    assert oracle.record["world"] == world
    assert set(oracle.answers) == set(QUESTIONS)


@pytest.mark.parametrize("world", sorted(WORLDS))
def test_an_oracle_is_of_a_million_pairs_and_answers_better_than_the_mean(world: str) -> None:
    oracle = read_oracle(world)
    assert oracle is not None
    assert oracle.record["n_pairs"] >= 1_000_000
    # Nobody judges with the seeds that it was fitted on.
    assert min(oracle.record["seeds"]) > 90_000
    assert {name: fit["r2"] > 0 for name, fit in oracle.record["held_out"].items()} == {
        "outcome": True,
        "choice": True,
    }
    inputs = np.random.default_rng(0).normal(size=(len(QUESTION_OF), len(input_names())))
    scores = [oracle.score_choice(inputs), oracle.score_outcome(inputs, np.array([*QUESTION_OF]))]
    assert np.isfinite(scores).all()


def test_no_oracle_is_of_a_world_that_is_no_more() -> None:
    assert sorted(ORACLES.iterdir()) == [oracle_path(world) for world in sorted(WORLDS)]


def test_the_page_states_how_well_each_oracle_fits() -> None:
    number = r"−?\.\d{3}"
    told = re.findall(
        rf"^\| `([a-z-]+)` \| ({number}) \| ({number}) \| ({number}) \| ({number}) \|$",
        PAGE.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    records = {world: read_oracle(world) for world in WORLDS}
    expected = [
        (world, *(f"{fit:.3f}".removeprefix("0") for fit in _fits(oracle.record["held_out"])))
        for world, oracle in records.items()
        if oracle is not None
    ]
    assert sorted(told) == sorted(expected)


def _fits(held_out: dict[str, dict[str, float]]) -> list[float]:
    return [
        held_out[name][figure] for name in ("outcome", "choice") for figure in ("r2", "spearman")
    ]
