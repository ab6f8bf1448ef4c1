"""How files and folders of results appear: whole or not at all, and never over another's."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from matcher.errors import OutputExistsError, UsageError
from matcher.plain import spreadsheet_safe

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "TABLE_SUFFIXES",
    "check_folder",
    "check_output",
    "check_writable",
    "hash_file",
    "swap_folder",
    "write_folder",
    "write_output",
    "write_table",
]

TABLE_SUFFIXES: Final = (".parquet", ".csv", ".jsonl")
"""Forms in which tables are written."""
_PARTIAL: Final = ".matcher-part"
"""In the name of every file that is not whole yet, so that nobody else's is taken for one."""


def check_output(
    path: Path, *, force: bool, suffixes: Sequence[str] = (), make: bool = True
) -> Path:
    """Output path, refused before any work is done for it.

    Parameters
    ----------
    path : pathlib.Path
        File or folder to be written.
    force : bool
        Allow a file that stands there.
    suffixes : sequence of str, default ()
        Allowed suffixes; empty allows all.
    make : bool, default True
        Make the folder that it goes into; else only see whether that could be done.

    Returns
    -------
    pathlib.Path
        The path.

    Raises
    ------
    OutputExistsError
        If it stands there and `force` is False.
    UsageError
        If the suffix is another one, it is a folder, or its place cannot be written.
    """
    if suffixes and path.suffix.lower() not in suffixes:
        raise UsageError(
            f"{path}: got suffix {path.suffix!r}; expected one of {', '.join(suffixes)}"
        )
    if os.path.lexists(path):
        if path.is_dir():
            raise OutputExistsError(f"{path}: is a folder; expected the path of a file")
        if not force:
            raise OutputExistsError(f"{path}: stands there already; give --force to replace it")
    _check_place(path, make=make)
    return path


def write_output(path: Path, write: Callable[[Path], object], *, force: bool) -> Path:
    """File that appears whole or not at all.

    Parameters
    ----------
    path : pathlib.Path
        File to write.
    write : callable
        Called with a path in the same folder and of the same suffix; fills that file.
    force : bool
        Replace a file that stands there.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    OutputExistsError
        If it stands there and `force` is False.
    UsageError
        If its place cannot be written.
    """
    check_output(path, force=force)
    partial: Path | None = None
    try:
        _remove_abandoned(path)
        number, name = tempfile.mkstemp(
            prefix=f".{path.stem}.", suffix=_PARTIAL + path.suffix, dir=path.parent
        )
        partial = Path(name)
        # Held to the end: a partial file that can be locked was left by a killed process.
        with os.fdopen(number, "rb") as held:
            _try_lock(held.fileno())
            write(partial)
            with partial.open("rb") as file:
                os.fsync(file.fileno())
            partial.chmod(0o666 & ~_umask())
            partial.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error}; choose another place") from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)
    return path


def _remove_abandoned(path: Path) -> None:
    """Remove what killed processes left of the same file."""
    end = re.escape(_PARTIAL + path.suffix)
    pattern = re.compile(rf"\.{re.escape(path.stem)}\.[a-z0-9_]{{8}}{end}")
    for entry in path.parent.iterdir():
        if pattern.fullmatch(entry.name) and entry.is_file() and not entry.is_symlink():
            with entry.open("rb") as file:
                if _try_lock(file.fileno()):
                    entry.unlink()


def _try_lock(descriptor: int) -> bool:
    """Whether a file could be locked; the system lifts the lock when the process ends."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def write_table(path: Path, table: pd.DataFrame, *, force: bool) -> Path:
    """Table written as Parquet, CSV or JSON lines, by suffix.

    Parameters
    ----------
    path : pathlib.Path
        File ending in ``.parquet``, ``.csv`` or ``.jsonl``.
    table : pandas.DataFrame
        Table; its index is left out. In CSV lists are joined by ``|``, as the contract reads them,
        and text that could be read as a formula stands behind an apostrophe.
    force : bool
        Replace a file that stands there.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    UsageError
        If the suffix is another one, or the place cannot be written.
    """
    check_output(path, force=force, suffixes=TABLE_SUFFIXES)

    def write(target: Path) -> None:
        if target.suffix.lower() == ".parquet":
            table.to_parquet(target, index=False)
        elif target.suffix.lower() == ".csv":
            # With a mark, since spreadsheets read Vietnamese wrongly without one.
            spreadsheet_safe(table).to_csv(target, index=False, encoding="utf-8-sig")
        else:
            table.to_json(
                target, orient="records", lines=True, force_ascii=False, date_format="iso"
            )

    return write_output(path, write, force=force)


def check_folder(folder: Path, *, force: bool, marker: str, make: bool = True) -> Path:
    """Output folder, refused before any work is done for it.

    Parameters
    ----------
    folder : pathlib.Path
        Folder to be made. An empty one in its place is fine.
    force : bool
        Allow a folder of the same kind that stands there.
    marker : str
        File that every folder of this kind holds. A folder without it is never replaced, since it
        is somebody else's.
    make : bool, default True
        Make the folder that it goes into; else only see whether that could be done.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    OutputExistsError
        If `folder` stands there and may not be replaced.
    UsageError
        If its place cannot be written.
    """
    if os.path.lexists(folder):
        _refuse_folder(folder, force=force, marker=marker)
    _check_place(folder, make=make)
    return folder


def _refuse_folder(folder: Path, *, force: bool, marker: str) -> None:
    if folder.is_dir() and not folder.is_symlink():
        if not any(folder.iterdir()):
            return
        if (folder / marker).is_file():
            if force:
                return
            raise OutputExistsError(f"{folder}: stands there already; give --force to replace it")
    raise OutputExistsError(
        f"{folder}: exists and holds no {marker}, so it is not replaced; choose another place"
    )


def write_folder(folder: Path, fill: Callable[[Path], object], *, force: bool, marker: str) -> Path:
    """Folder that appears whole or not at all.

    Parameters
    ----------
    folder : pathlib.Path
        Folder to make. An empty one in its place is taken over.
    fill : callable
        Called with an empty folder beside it; fills that.
    force : bool
        Replace a folder of the same kind that stands there.
    marker : str
        File that every folder of this kind holds.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    OutputExistsError
        If `folder` stands there and may not be replaced.
    UsageError
        If its place cannot be written.
    """
    check_folder(folder, force=force, marker=marker)
    fresh: Path | None = None
    try:
        name = tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=_PARTIAL, dir=folder.parent)
        fresh = Path(name)
        fresh.chmod(0o777 & ~_umask())
        fill(fresh)
        # Once more: somebody may have made the folder in the meantime.
        check_folder(folder, force=force, marker=marker)
        swap_folder(fresh, folder)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written: {error}; choose another place") from error
    finally:
        if fresh is not None:
            shutil.rmtree(fresh, ignore_errors=True)
    return folder


def swap_folder(fresh: Path, folder: Path) -> None:
    """Give a folder the name of another, which goes; if that fails, all is as it was.

    Parameters
    ----------
    fresh : pathlib.Path
        Folder in the same place.
    folder : pathlib.Path
        Name that it gets.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    old = fresh.with_suffix(".matcher-old")
    if folder.is_dir() and any(folder.iterdir()):
        folder.rename(old)
    try:
        fresh.rename(folder)
    except BaseException:
        if old.is_dir():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def check_writable(path: Path) -> None:
    """Refuse a place that could not be made; nothing is left there.

    Parameters
    ----------
    path : pathlib.Path
        File or folder that would be written.

    Raises
    ------
    UsageError
        If the nearest folder above it that is there is none, or cannot be written.
    """
    above = next(one for one in path.absolute().parents if os.path.lexists(one))
    if not above.is_dir():
        raise UsageError(f"{path}: its folder cannot be made: {above} is no folder")
    try:
        # A file without a name: it is gone when it is closed.
        with tempfile.TemporaryFile(dir=above):
            pass
    except OSError as error:
        raise UsageError(f"{path}: its folder cannot be made in {above}: {error}") from error


def hash_file(path: Path) -> str:
    """SHA-256 of a file, read piece by piece.

    Parameters
    ----------
    path : pathlib.Path
        File.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_place(path: Path, *, make: bool = True) -> None:
    if not make:
        check_writable(path)
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise UsageError(f"{path}: its folder cannot be written: {error}") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
