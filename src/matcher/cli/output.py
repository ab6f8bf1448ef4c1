"""Where results, notes and progress go, and how files appear whole or not at all."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from matcher.errors import OutputExistsError, UsageError

if TYPE_CHECKING:
    import pandas as pd
    from rich.progress import TaskID

TABLE_SUFFIXES: Final = (".parquet", ".csv", ".jsonl")

_quiet = False


def set_quiet(quiet: bool) -> None:
    """Choose whether notes and progress are shown.

    Parameters
    ----------
    quiet : bool
        True shows results and errors only.
    """
    global _quiet
    _quiet = quiet


def print_result(text: str) -> None:
    """Write a result to stdout.

    Parameters
    ----------
    text : str
        Text; a newline is added.
    """
    sys.stdout.write(_encodable(text, sys.stdout.encoding) + "\n")


def print_json(value: Any) -> None:
    """Write a result to stdout as JSON.

    Parameters
    ----------
    value : Any
        JSON values; numbers must be finite, since ``NaN`` is no JSON.
    """
    print_result(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False))


def note(text: str) -> None:
    """Write a note for people to stderr, unless quiet.

    Parameters
    ----------
    text : str
        One line or more.
    """
    if not _quiet:
        typer.echo(_encodable(text, sys.stderr.encoding), err=True)


def _encodable(text: str, encoding: str | None) -> str:
    encoding = encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


Tell = Callable[[str, int, int], None]
"""Told the name of a step, the units of it that are done, and its units in all."""


@contextmanager
def progress() -> Iterator[Tell]:
    """Progress on stderr while a block runs: a bar per step, or lines where nobody is watching.

    Yields
    ------
    callable
        To be called with a step's name, units done and units in all. A total of 0 is unknown and
        shows no percentage.
    """
    if _quiet:
        yield lambda _step, _done, _total: None
        return
    if not sys.stderr.isatty():
        yield _tell_in_lines()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total or None)
            bars.update(tasks[step], completed=done, total=total or None)

        yield tell


def _tell_in_lines() -> Tell:
    """Progress for logs: a line when a step begins, one when it is done."""
    began: dict[str, float] = {}
    done_steps: set[str] = set()

    def tell(step: str, done: int, total: int) -> None:
        if step not in began:
            began[step] = time.monotonic()
            note(f"{step} ...")
        if total and done >= total and step not in done_steps:
            done_steps.add(step)
            note(f"{step}: {done:,} of {total:,} in {time.monotonic() - began[step]:.0f} s")

    return tell


def check_output(path: Path, *, force: bool, suffixes: Sequence[str] = ()) -> Path:
    """Output path, refused before any work is done for it.

    Parameters
    ----------
    path : pathlib.Path
        File or folder to be written.
    force : bool
        Allow a file that stands there.
    suffixes : sequence of str, default ()
        Allowed suffixes; empty allows all.

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
    _check_place(path)
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
    number, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent)
    os.close(number)
    partial = Path(name)
    try:
        write(partial)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.chmod(0o666 & ~_umask())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def write_table(path: Path, table: pd.DataFrame, *, force: bool) -> Path:
    """Table written as Parquet, CSV or JSON lines, by suffix.

    Parameters
    ----------
    path : pathlib.Path
        File ending in ``.parquet``, ``.csv`` or ``.jsonl``.
    table : pandas.DataFrame
        Table; its index is left out. Lists are joined by ``|`` in CSV, as the contract reads them.
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
            _with_joined_lists(table).to_csv(target, index=False, encoding="utf-8-sig")
        else:
            table.to_json(
                target, orient="records", lines=True, force_ascii=False, date_format="iso"
            )

    return write_output(path, write, force=force)


def _with_joined_lists(table: pd.DataFrame) -> pd.DataFrame:
    def join(value: object) -> object:
        return "|".join(map(str, value)) if isinstance(value, tuple | list) else value

    objects = table.columns[table.dtypes == "object"]
    return table.assign(**{name: table[name].map(join) for name in objects})


def check_folder(folder: Path, *, force: bool, marker: str) -> Path:
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
    _check_place(folder)
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


def _check_place(path: Path) -> None:
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
