"""The only place that knows Optuna: trials that are kept, and what to try next."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from matcher.errors import TrackingError, UsageError
from matcher.locks import hold_lock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matcher.tuning.space import Range, Value

__all__ = ["KeptTrial", "Study", "open_study", "optuna_version"]

_NAME: Final = "matcher"
_DIRECTION: Final = "maximize"
_WAIT_S: Final = 30


@dataclass(frozen=True)
class KeptTrial:
    """A finished trial.

    Parameters
    ----------
    values : mapping of str to int or float
        What was tried, by name.
    objective : float
        How good it was; more is better.
    figures : object
        JSON values that the objective was computed from.
    started_at, ended_at : float
        Seconds since 1970.
    """

    values: Mapping[str, Value]
    objective: float
    figures: Any
    started_at: float
    ended_at: float


class Study:
    """Finished trials on disk, and a sampler that learns from them; made by `open_study`.

    Only finished trials are ever written, each in one transaction: a process that is killed loses
    the trial it was at and nothing else. What is tried next depends on the seed, the number of the
    trial and the trials before it, never on how often the work was broken off.

    Parameters
    ----------
    path : pathlib.Path
        File of the study, for messages.
    stored : optuna.Study
        Study in that file.
    space : sequence of Range
        Ranges.
    seed : int
        Seed.
    """

    def __init__(self, path: Path, stored: Any, space: Sequence[Range], seed: int) -> None:
        self._path, self._stored = path, stored
        self._space = {one.name: _distribution(one) for one in space}
        self._seed = seed
        self._done: list[Any] = stored.get_trials(deepcopy=False)

    @property
    def trials(self) -> list[KeptTrial]:
        """Finished trials by number."""
        return [
            KeptTrial(
                {name: trial.params[name] for name in self._space},
                float(trial.value),
                trial.user_attrs["figures"],
                trial.user_attrs["started_at"],
                trial.user_attrs["ended_at"],
            )
            for trial in self._done
        ]

    def propose(self) -> dict[str, Value]:
        """What to try next.

        Returns
        -------
        dict of str to int or float
            Value by name.

        References
        ----------
        Bergstra et al., Algorithms for hyper-parameter optimization, NeurIPS 24 (2011), for the
        tree-structured Parzen estimator.
        """
        import optuna

        number = len(self._done)
        digest = hashlib.sha256(f"{self._seed}\x1ftrial\x1f{number}".encode()).digest()
        sampler = optuna.samplers.TPESampler(seed=int.from_bytes(digest[:4], "big"))
        with _quiet():
            # In memory: a trial that is asked for in the database would be there half done.
            study = optuna.create_study(direction=_DIRECTION, sampler=sampler)
            study.add_trials(self._done)
            asked = study.ask(self._space).params
        return {name: asked[name] for name in self._space}

    def keep(
        self, values: Mapping[str, Value], objective: float, figures: Any, started_at: float
    ) -> None:
        """Write down a finished trial.

        Parameters
        ----------
        values : mapping of str to int or float
            What was tried.
        objective : float
            How good it was.
        figures : object
            JSON values.
        started_at : float
            When it began, in seconds since 1970.

        Raises
        ------
        TrackingError
            If the file cannot be written.
        """
        import optuna

        held = {"figures": figures, "started_at": started_at, "ended_at": time.time()}
        trial = optuna.trial.create_trial(
            params=dict(values), distributions=self._space, value=objective, user_attrs=held
        )
        with _translated(self._path), _quiet():
            self._stored.add_trial(trial)
            self._done.append(self._stored.get_trials(deepcopy=False)[-1])


@contextmanager
def open_study(path: Path, space: Sequence[Range], *, seed: int) -> Iterator[Study]:
    """Study in a file of SQLite, made where it is missing, whole or not at all.

    Parameters
    ----------
    path : pathlib.Path
        Absolute path; one for each kind of trial, since what was tried there is taken over.
    space : sequence of Range
        Ranges.
    seed : int
        Seed.

    Yields
    ------
    Study
        The study, for this process alone.

    Raises
    ------
    UsageError
        If another process is at work on it.
    TrackingError
        If the file cannot be made, read or written.
    """
    with ExitStack() as stack:
        with _translated(path):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                stack.enter_context(hold_lock(path.with_suffix(".lock"), wait=False))
            except BlockingIOError as error:
                raise UsageError(
                    f"{path}: another process is tuning the same market with the same settings; "
                    "wait for its end"
                ) from error
            if not path.exists():
                _create(path)
            study = Study(path, stack.enter_context(_opened(path)), space, seed)
        yield study


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    from alembic.util.exc import CommandError
    from optuna.exceptions import OptunaError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (OSError, SQLAlchemyError, OptunaError, CommandError, KeyError) as error:
        text = (str(error).splitlines() or [type(error).__name__])[0]
        raise TrackingError(
            f"{path}: the trials of the tuning cannot be read or written: {text}; free the disk or "
            "set MATCHER_HOME, or remove the file to begin anew"
        ) from error


def optuna_version() -> str:
    """Release of Optuna, on which the sequence of trials depends.

    Returns
    -------
    str
        Such as ``5.0.0``.
    """
    from importlib.metadata import version

    return version("optuna")


def _create(path: Path) -> None:
    import optuna

    for stale in path.parent.glob(f".{path.name}.*.matcher-part*"):
        stale.unlink()
    handle, name = tempfile.mkstemp(".matcher-part", f".{path.name}.", path.parent)
    os.close(handle)
    partial = Path(name)
    try:
        with _quiet(), _storage(partial) as storage:
            optuna.create_study(study_name=_NAME, storage=storage, direction=_DIRECTION)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import optuna

    with _storage(path) as storage:
        with _quiet():
            study = optuna.load_study(study_name=_NAME, storage=storage)
        yield study


@contextmanager
def _storage(path: Path) -> Iterator[Any]:
    import optuna

    options = {"connect_args": {"timeout": _WAIT_S}}
    storage = optuna.storages.RDBStorage(f"sqlite:///{path}", engine_kwargs=options)
    try:
        yield storage
    finally:
        storage.engine.dispose()


@contextmanager
def _quiet() -> Iterator[None]:
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def _distribution(one: Range) -> Any:
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if one.choices:
        return CategoricalDistribution(one.choices)
    if one.is_whole:
        return IntDistribution(int(one.low), int(one.high), log=one.low > 0)
    return FloatDistribution(float(one.low), float(one.high), log=one.low > 0)
