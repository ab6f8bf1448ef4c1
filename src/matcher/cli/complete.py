"""What the shell offers for a value that is being typed."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

__all__ = [
    "complete_accounts",
    "complete_campaigns",
    "complete_language",
    "complete_order",
    "complete_words",
]

_MOST: Final = 200
"""Values that are offered at most; more would scroll away."""


def complete_words(*words: str) -> Callable[[str], list[str]]:
    """Completion of an option that knows a few words.

    Parameters
    ----------
    *words : str
        The words.

    Returns
    -------
    callable
        Given what is typed, the words that begin with it.

    Examples
    --------
    >>> complete_words("fit", "deliver", "blend")("d")
    ['deliver']
    """

    def complete(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    return complete


def complete_campaigns(ctx: Any, incomplete: str) -> list[str]:
    """Campaigns of the market on the line so far.

    Parameters
    ----------
    ctx : Any
        What was understood of the line so far.
    incomplete : str
        What is typed.

    Returns
    -------
    list of str
        Ids that begin with it; none while no market is named.
    """
    return _ids(ctx, "campaigns", "campaign_id", incomplete)


def complete_accounts(ctx: Any, incomplete: str) -> list[str]:
    """Accounts of the market on the line so far.

    Parameters
    ----------
    ctx : Any
        What was understood of the line so far.
    incomplete : str
        What is typed.

    Returns
    -------
    list of str
        Ids that begin with it; none while no market is named.
    """
    return _ids(ctx, "accounts", "account_id", incomplete)


def _ids(ctx: Any, table: str, column: str, incomplete: str) -> list[str]:
    # An option that still lacks its value keeps the arguments before it from being understood.
    named = [ctx.params.get("market"), *ctx.args]
    files = (_files(Path(one), table) for one in named if one is not None)
    found = {
        name
        for path in next((paths for paths in files if paths), ())
        for name in _read(path, column)
        if isinstance(name, str) and name.startswith(incomplete)
    }
    return sorted(found)[:_MOST]


def _files(market: Path, table: str) -> Sequence[Path]:
    folder = market / table
    if folder.is_dir():
        return sorted(path for path in folder.iterdir() if path.suffix in _READERS)
    paths = [market / f"{table}{suffix}" for suffix in _READERS]
    return [path for path in paths if path.is_file()][:1]


def _read(path: Path, column: str) -> Iterator[Any]:
    # A table that cannot be read is named when the command runs; while a line is typed, it
    # offers nothing.
    try:
        yield from _READERS[path.suffix](path, column)
    except (OSError, ValueError, KeyError, csv.Error):
        return


def _read_parquet(path: Path, column: str) -> Iterator[Any]:
    from pyarrow import parquet

    yield from parquet.read_table(path, columns=[column])[column].to_pylist()


def _read_csv(path: Path, column: str) -> Iterator[Any]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from (row.get(column) for row in csv.DictReader(file))


def _read_jsonl(path: Path, column: str) -> Iterator[Any]:
    with path.open(encoding="utf-8-sig") as file:
        yield from (json.loads(line)[column] for line in file if line.strip())


_READERS: Final[dict[str, Callable[[Path, str], Iterator[Any]]]] = {
    ".parquet": _read_parquet,
    ".csv": _read_csv,
    ".jsonl": _read_jsonl,
}

complete_language: Final = complete_words("en", "vi")
complete_order: Final = complete_words("objective", "fit", "deliver", "outcome", "value", "blend")
