"""Who writes where: locks that end with their process, and what a killed one left behind."""

from __future__ import annotations

import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from matcher.errors import UsageError

__all__ = ["claim_folder", "hold_lock", "is_stale"]

_DAYS_KEPT: Final = 7.0
_DAY_S: Final = 86_400.0

_CLAIM: Final = ".{name}.claim"
_TEMPORARY: Final = r"\.{name}\.[a-z0-9_]{{8}}\.matcher-(part|old)"
"""What `tempfile.mkdtemp` makes of a name; see `matcher.ranking.bundle`."""

_held: dict[Path, tuple[int, bool]] = {}
"""Claims of this process: the thread, and what it was told."""


@contextmanager
def hold_lock(path: Path, *, wait: bool) -> Iterator[int | None]:
    """Lock on a file, which the system lifts when the process ends, however it ends.

    Parameters
    ----------
    path : pathlib.Path
        File of the lock, made where it is missing and removed at the end of the block.
    wait : bool
        Wait for another process that holds it.

    Yields
    ------
    int or None
        Descriptor of the locked file; None where the file system knows no locks.

    Raises
    ------
    BlockingIOError
        If another process holds it and `wait` is False.
    OSError
        If the file cannot be made.
    """
    descriptor = _lock(path, wait=wait)
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            # Removed while it is held: whoever opened it meanwhile sees that it is another file.
            path.unlink(missing_ok=True)
            os.close(descriptor)


def _lock(path: Path, *, wait: bool) -> int | None:
    if sys.platform == "win32":
        return None
    import fcntl

    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            raise
        except OSError:
            path.unlink(missing_ok=True)
            os.close(descriptor)
            return None
        os.close(descriptor)


@contextmanager
def claim_folder(folder: Path, work: str) -> Iterator[bool]:
    """Claim on an output folder while something is made for it.

    What a killed process left beside the folder is cleaned up first: half-made copies go, and a
    folder that was being replaced comes back.

    Parameters
    ----------
    folder : pathlib.Path
        Folder to be made; its parents are made.
    work : str
        What is being done, on one line; equal work makes equal folders.

    Yields
    ------
    bool
        Whether a process doing the same work was killed before it came to its end, so that what
        stands at `folder` may be replaced.

    Raises
    ------
    UsageError
        If another process is at work on the folder, or its place cannot be written.

    Notes
    -----
    Claims may be nested within a thread. A file system without locks is not protected, and what is
    left on it is not cleaned up.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - a link at its place is the caller's
    thread = threading.get_ident()
    if folder in _held:
        owner, was_broken_off = _held[folder]
        if owner != thread:
            raise UsageError(f"{folder}: another thread is at work on it; wait, or choose another")
        yield was_broken_off
        return
    with ExitStack() as stack:
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            claim = folder.parent / _CLAIM.format(name=folder.name)
            descriptor = stack.enter_context(hold_lock(claim, wait=False))
            was_broken_off = descriptor is not None and _take_over(folder, descriptor, work)
        except BlockingIOError as error:
            raise UsageError(
                f"{folder}: another process is at work on it; wait for its end, or choose another "
                "place"
            ) from error
        except OSError as error:
            raise UsageError(f"{folder}: its place cannot be written: {error}") from error
        _held[folder] = thread, was_broken_off
        stack.callback(_held.pop, folder)
        yield was_broken_off


def _take_over(folder: Path, descriptor: int, work: str) -> bool:
    """Clean up after a killed process; whether it did the same work."""
    before = os.pread(descriptor, 4096, 0).decode("utf-8", "replace").strip()
    pattern = re.compile(_TEMPORARY.format(name=re.escape(folder.name)))
    for entry in sorted(folder.parent.iterdir()):
        found = pattern.fullmatch(entry.name)
        if found is None or entry.is_symlink() or not entry.is_dir():
            continue
        if found[1] == "old" and not os.path.lexists(folder):
            entry.rename(folder)
        else:
            shutil.rmtree(entry)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, work.encode(), 0)
    return before == work


def is_stale(folder: Path) -> bool:
    """Whether nothing in a folder of unfinished work has changed for seven days.

    Parameters
    ----------
    folder : pathlib.Path
        Folder that belongs to Matcher.

    Returns
    -------
    bool
        False also where it vanished meanwhile, since someone else is at work in it or done.
    """
    try:
        newest = max(
            (path.lstat().st_mtime for path in folder.rglob("*") if not path.is_dir()),
            default=folder.stat().st_mtime,
        )
    except FileNotFoundError:
        return False
    return time.time() - newest > _DAYS_KEPT * _DAY_S
