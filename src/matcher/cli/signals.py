"""Signals that end a command in order, so that half-written outputs are removed on the way out."""

from __future__ import annotations

import signal
import sys
from types import FrameType

_asked: list[int] = []


def watch_signals() -> None:
    """Let Ctrl-C and SIGTERM end the command by an exception."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)


def leave_if_asked() -> None:
    """Raise again what a signal raised before.

    An exception that a signal raises inside a callback of a library may be swallowed there; every
    step of progress asks here.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C.
    SystemExit
        After SIGTERM, with 128 and the number of the signal.
    """
    if not _asked:
        return
    if _asked[-1] == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + _asked[-1])


def _leave(number: int, _frame: FrameType | None) -> None:
    _asked.append(number)
    leave_if_asked()
