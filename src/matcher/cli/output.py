"""Where results, notes and progress go, and how files appear whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import typer

from matcher.errors import OutputExistsError, UsageError

if TYPE_CHECKING:
    import pandas as pd

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


class Advance(Protocol):
    """Called with the amount of work that was just done."""

    def __call__(self, amount: float, /) -> None:
        """Add work done.

        Parameters
        ----------
        amount : float
            In the unit of the bar's total.
        """


@contextmanager
def progress(description: str, total: float | None) -> Iterator[Advance]:
    """Progress bar on stderr while a block runs, if a person is watching.

    Parameters
    ----------
    description : str
        What is being done.
    total : float or None
        Work to do, in any unit; None when it is not known, which shows no percentage.

    Yields
    ------
    Advance
        To be called with the amount of work done since the last call.
    """
    if _quiet or not sys.stderr.isatty():
        yield lambda _amount: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = [TextColumn("{task.description}"), BarColumn()]
    if total is not None:
        columns.append(MofNCompleteColumn())
    columns.append(TimeElapsedColumn() if total is None else TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(description, total=total)
        yield lambda amount: bars.advance(task, amount)


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
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise UsageError(f"{path}: its folder cannot be written: {error}") from error
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


@contextmanager
def new_folder(folder: Path, *, force: bool, marker: str) -> Iterator[Path]:
    """Folder that appears whole at the end of a block, or not at all.

    Parameters
    ----------
    folder : pathlib.Path
        Folder to make. An empty one in its place is taken over.
    force : bool
        Replace a folder that stands there, if it is one of the same kind.
    marker : str
        File that every folder of this kind holds. A folder without it is never replaced.

    Yields
    ------
    pathlib.Path
        Folder to fill.

    Raises
    ------
    OutputExistsError
        If `folder` stands there and may not be replaced.
    UsageError
        If its place cannot be written.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - resolve() would follow a link here
    _refuse_folder(folder, force=force, marker=marker)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    except OSError as error:
        raise UsageError(f"{folder}: its place cannot be written: {error}") from error
    old = fresh.with_suffix(".old")
    try:
        yield fresh
        fresh.chmod(0o777 & ~_umask())
        if folder.is_dir() and any(folder.iterdir()):
            folder.rename(old)
        fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        if old.is_dir() and not folder.exists():
            old.rename(folder)
        shutil.rmtree(old, ignore_errors=True)


def _refuse_folder(folder: Path, *, force: bool, marker: str) -> None:
    if not os.path.lexists(folder):
        return
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


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
