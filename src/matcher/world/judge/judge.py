"""Judging predictions of one market."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.errors import DataError, UsageError
from matcher.world.judge.bench import open_bench
from matcher.world.judge.ceilings import (
    OBSERVABLES,
    ceiling_figures,
    guess_outcomes,
    share_rows,
)
from matcher.world.judge.figures import join_rows
from matcher.world.judge.frozen import ORACLES, read_oracle, why_stale
from matcher.world.judge.intervals import judge_intervals
from matcher.world.judge.observer import open_observer
from matcher.world.judge.plans import judge_plans
from matcher.world.judge.policies import judge_policies
from matcher.world.judge.predictions import Predictions, read_predictions
from matcher.world.judge.rankings import judge_ranking, ranking_rows
from matcher.world.judge.scenarios import judge_scenarios

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from matcher.config import Settings
    from matcher.world.judge.bench import Bench
    from matcher.world.judge.observer import Observer
    from matcher.world.judge.oracle import Oracle
    from matcher.world.judge.plans import Guess

    Tell = Callable[[str, int, int], None]

__all__ = [
    "INVERTED",
    "USUAL_CEILINGS",
    "Ceilings",
    "Judgement",
    "judge_file",
    "judge_predictions",
    "suspect_inversion",
]

INVERTED: Final = 0.98
"""Share of the way from which on, everywhere, a learner is suspected of inverting the generator."""
_WARNING: Final = (
    "warning: the ranking is above 98 % of the way to the observables oracle everywhere; the "
    "learner may invert the generator"
)
_NO_ORACLE: Final = "no observables oracle is frozen for world {world}; its ceiling is left out"
_KEYS: Final = ["campaign_id", "account_id"]


@dataclass(frozen=True)
class Ceilings:
    """Baselines and oracles that predictions are held against.

    Parameters
    ----------
    oracles : pathlib.Path
        Folder of the frozen observables oracles.
    settings : Settings, optional
        Settings of the product whose features baselines and oracles see; its defaults when None.
    """

    oracles: Path = ORACLES
    settings: Settings | None = None


USUAL_CEILINGS: Final = Ceilings()


@dataclass(frozen=True, eq=False)
class Judgement:
    """Figures of predictions against the truth.

    Parameters
    ----------
    rows : pandas.DataFrame
        Columns of `matcher.world.judge.figures.COLUMNS`.
    notes : tuple of str
        What was read, counted or left out on the way, and warnings.
    """

    rows: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def shares(self) -> pd.DataFrame:
        """Rows of the shares of the way, undefined ones included."""
        return self.rows[self.rows["metric"].str.startswith("share_")]


def judge_file(
    market: Path,
    path: Path,
    *,
    kind: str | None = None,
    ceilings: Ceilings | None = USUAL_CEILINGS,
    tell: Tell = lambda _step, _done, _total: None,
) -> Judgement:
    """Predictions of a file judged by the truth of a market.

    Parameters
    ----------
    market : pathlib.Path
        Folder that `matcher simulate` made.
    path : pathlib.Path
        Predictions.
    kind : str, optional
        What the file holds; known from its columns when None.
    ceilings : Ceilings, optional
        Score baselines and oracles too, unless None.
    tell : callable, optional
        Told the step, its finished parts and all its parts.

    Returns
    -------
    Judgement
        Figures and notes.

    Raises
    ------
    UsageError
        If the file or its kind is none that is known.
    DataError
        If the market has no truth of this version, or the predictions do not fit it.
    """
    predictions = read_predictions(path, kind)
    bench = open_bench(market)
    found = judge_predictions(bench, predictions, ceilings=ceilings, tell=tell)
    return Judgement(found.rows, (*found.notes, *suspect_inversion(found.shares)))


def judge_predictions(
    bench: Bench,
    predictions: Predictions,
    *,
    ceilings: Ceilings | None = USUAL_CEILINGS,
    tell: Tell = lambda _step, _done, _total: None,
) -> Judgement:
    """Predictions judged by a truth.

    Parameters
    ----------
    bench : Bench
        Truth; without a folder there are no ceilings.
    predictions : Predictions
        What is judged.
    ceilings : Ceilings, optional
        Score baselines and oracles too, unless None.
    tell : callable, optional
        Told the step, its finished parts and all its parts.

    Returns
    -------
    Judgement
        Figures and notes.

    Raises
    ------
    DataError
        If the predictions do not fit the market.
    """
    bench.check_ids(predictions.frame, predictions.name)
    frame, notes = predictions.frame, list(predictions.notes)
    tell("judging", 0, 1)
    if predictions.kind == "ranking":
        parts, said = _judge_rankings(bench, frame, ceilings)
    elif predictions.kind == "plan":
        parts, said = _judge_plans(bench, predictions, ceilings)
    else:
        judge = {
            "interval": judge_intervals,
            "what-if": judge_scenarios,
            "off-policy": judge_policies,
        }[predictions.kind]
        with _named(predictions):
            rows, said = judge(bench, frame)
        parts = [rows]
    tell("judging", 1, 1)
    return Judgement(join_rows(parts, bench.stamp), (*notes, *said))


def _judge_rankings(
    bench: Bench, frame: pd.DataFrame, ceilings: Ceilings | None
) -> tuple[list[pd.DataFrame], list[str]]:
    pool, figures, notes = judge_ranking(bench, frame)
    parts = [ranking_rows(pool, method, found) for method, found in figures.items()]
    if ceilings is None or bench.folder is None:
        return parts, notes
    observer = open_observer(bench.folder, pool.campaign_ids, settings=ceilings.settings)
    oracle, why = _read_oracle(bench, ceilings)
    if oracle is not None:
        oracle, why = _keep_fresh(bench, oracle, observer)
    limits = ceiling_figures(bench, pool, observer, oracle)
    parts += [ranking_rows(pool, method, found) for method, found in limits.items()]
    if OBSERVABLES in limits:
        shares = [
            row
            for method, own in figures.items()
            for row in share_rows(method, own, limits, targets=_targets(frame, method))
        ]
        parts.append(pd.DataFrame(shares))
    return parts, [*notes, *why]


def _targets(frame: pd.DataFrame, method: str) -> list[str]:
    """What a ranking says that it answers; both questions where it says nothing."""
    if "target" in frame:
        stated = frame.loc[frame["method"] == method, "target"].dropna().unique().tolist()
        if stated:
            return [str(one) for one in stated]
    return ["outcome", "choice"]


@contextmanager
def _named(predictions: Predictions) -> Iterator[None]:
    """Put the file before what is wrong with its values, wherever that is found."""
    try:
        yield
    except (DataError, UsageError) as error:
        raise DataError(f"{predictions.name}: {error}") from error


def _judge_plans(
    bench: Bench, predictions: Predictions, ceilings: Ceilings | None
) -> tuple[list[pd.DataFrame], list[str]]:
    frame = predictions.frame
    guess: Guess | None = None
    why: list[str] = []
    if ceilings is not None and bench.folder is not None:
        campaigns = frame["campaign_id"].drop_duplicates()
        oracle, why = _read_oracle(bench, ceilings)
        if oracle is not None:
            observer = open_observer(bench.folder, campaigns.tolist(), settings=ceilings.settings)
            oracle, why = _keep_fresh(bench, oracle, observer)
        if oracle is not None:
            listed = bench.longlist[bench.longlist["campaign_id"].isin(campaigns)]
            pairs = pd.concat([listed[_KEYS], frame[_KEYS]]).drop_duplicates()
            pairs = pairs.sort_values("campaign_id", kind="stable", ignore_index=True)
            guess = partial(_look_up, guess_outcomes(bench, pairs, observer, oracle))

    with _named(predictions):
        rows, notes = judge_plans(bench, frame, guess=guess)
    return [rows], [*notes, *why]


def _look_up(known: pd.Series, asked: pd.DataFrame) -> NDArray[np.float64]:
    return known.reindex(pd.MultiIndex.from_frame(asked[_KEYS])).to_numpy(np.float64)


def _read_oracle(bench: Bench, ceilings: Ceilings) -> tuple[Oracle | None, list[str]]:
    world = str(bench.truth.record["world"])
    oracle = read_oracle(world, ceilings.oracles)
    return oracle, [] if oracle is not None else [_NO_ORACLE.format(world=world)]


def _keep_fresh(
    bench: Bench, oracle: Oracle, observer: Observer
) -> tuple[Oracle | None, list[str]]:
    why = why_stale(oracle.record, bench.truth.record, observer.context.encoder.identity.name)
    if not why:
        return oracle, []
    world = bench.truth.record["world"]
    return None, [f"the observables oracle of world {world} is stale and left out: {why}"]


def suspect_inversion(shares: pd.DataFrame) -> list[str]:
    """Warning of a learner that may invert the generator.

    Parameters
    ----------
    shares : pandas.DataFrame
        Rows of shares of the way.

    Returns
    -------
    list of str
        One sentence where there is a share and all are above `INVERTED`, else none.
    """
    known = shares["value"].dropna()
    return [_WARNING] if len(known) and (known > INVERTED).all() else []
