"""Progress of a task that is counted in steps."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Steps", "Tell"]

Tell = Callable[[str, int, int], None]
"""Told a task, its finished steps and all its steps."""


class Steps:
    """Counter of the steps of one task.

    Parameters
    ----------
    tell : callable
        Told the task, its finished steps and all its steps.
    task : str
        Name for people.
    total : int
        Steps in all.
    """

    def __init__(self, tell: Tell, task: str, *, total: int) -> None:
        self._tell, self._task, self._total = tell, task, total
        self._done = -1

    def __call__(self, _step: str = "") -> None:
        """Tell that a further step begins, the ones before it being finished."""
        self._done = min(self._done + 1, self._total)
        self._tell(self._task, self._done, self._total)

    def finish(self) -> None:
        """Tell that all is done."""
        self._tell(self._task, self._total, self._total)
