"""The files of a market that is being written: whole parts, and a record of each block."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from matcher.errors import UsageError
from matcher.files import hash_file, write_output
from matcher.world.truth import RECORD

__all__ = ["KeptBlock", "UnfinishedMarket", "libraries", "name_place"]


Arrays = Mapping[str, npt.NDArray[Any]]
Tables: TypeAlias = "pa.Table | Iterable[pa.Table]"


def libraries() -> dict[str, str]:
    """Versions of the libraries that the bytes of a market rest on.

    Returns
    -------
    dict of str to str
        Versions by name.
    """
    return {name: version(name) for name in ("numpy", "pyarrow")}


@contextmanager
def name_place(place: Path) -> Iterator[None]:
    """Name the place where the disk refused something.

    Parameters
    ----------
    place : pathlib.Path
        File or folder that a user knows.

    Raises
    ------
    UsageError
        If the block ended in an `OSError`.
    """
    try:
        yield
    except OSError as error:
        raise UsageError(f"{place}: cannot be written: {error}; choose another place") from error


@dataclass(frozen=True, eq=False)
class KeptBlock:
    """A block whose parts are all on disk.

    Parameters
    ----------
    files : mapping of str to (str, int)
        SHA-256 and number of rows of its files, by path inside the market.
    n_posts : int
        Posts.
    sums : mapping of str to ndarray
        What later tables need of the block, by name.
    """

    files: Mapping[str, tuple[str, int]]
    n_posts: int
    sums: Arrays


@dataclass(eq=False)
class UnfinishedMarket:
    """A market that is being written, in a hidden folder beside its place.

    A block counts as written once its record stands, which is after its files; all of them appear
    whole. Files that are not what the record says are written again.

    Parameters
    ----------
    folder : pathlib.Path
        Hidden folder.
    n_blocks : int
        Blocks of the whole market; one block is one part of each table that comes in parts.

    Attributes
    ----------
    n_resumed : int
        Blocks that an earlier run had written.
    damaged : list of str
        Files of an earlier run that were not what their record says.
    """

    folder: Path
    n_blocks: int
    n_resumed: int = field(default=0, init=False)
    damaged: list[str] = field(default_factory=list, init=False)
    _files: dict[str, tuple[str, int]] = field(default_factory=dict, init=False)
    _earlier: dict[int, KeptBlock] = field(default_factory=dict, init=False)
    _n_written: int = field(default=0, init=False)

    @property
    def market(self) -> Path:
        """Folder that is to become the market."""
        return self.folder / "market"

    @property
    def n_kept(self) -> int:
        """Blocks of which an end by force would leave whole parts."""
        return len(self._earlier) + self._n_written

    def find_blocks(self) -> None:
        """Look at what an earlier run left; every file is compared with its SHA-256."""
        for number in range(self.n_blocks):
            block = _read_block(self._record_path(number))
            if block is None:
                continue
            bad = [path for path, (digest, _) in block.files.items() if not self._is(path, digest)]
            self.damaged += bad
            if not bad:
                self._earlier[number] = block
        self.n_resumed = len(self._earlier)

    def take_block(self, number: int) -> KeptBlock | None:
        """Block that an earlier run had written.

        Parameters
        ----------
        number : int
            Number of the block, from 0.

        Returns
        -------
        KeptBlock or None
            None where it is to be written.
        """
        block = self._earlier.get(number)
        if block is not None:
            self._files |= block.files
        return block

    def write_block(
        self, number: int, tables: Mapping[str, pa.Table], *, n_posts: int, sums: Arrays
    ) -> KeptBlock:
        """Write the parts of one block, and the record that says so.

        Parameters
        ----------
        number : int
            Number of the block, from 0.
        tables : mapping of str to pyarrow.Table
            Its rows, by name of the table.
        n_posts : int
            Posts of the block.
        sums : mapping of str to ndarray
            Whole numbers or floating-point numbers that later tables need of it.

        Returns
        -------
        KeptBlock
            What the record says.
        """
        names = []
        for name, table in tables.items():
            part = f"{name}/part-{number:03d}" if self.n_blocks > 1 else name
            names.append(f"{part}.parquet")
            self.write(names[-1], table)
        content = {
            "files": {name: self._files[name] for name in names},
            "n_posts": n_posts,
            "sums": {
                name: {"dtype": str(held.dtype), "values": held.tolist()}
                for name, held in sums.items()
            },
        }
        text = json.dumps(content)
        digest = hashlib.sha256(text.encode()).hexdigest()
        path = self._record_path(number)
        with name_place(path):
            path.parent.mkdir(exist_ok=True)
        write_output(path, lambda target: target.write_text(f"{digest}\n{text}\n"), force=True)
        self._n_written += 1
        return KeptBlock({name: self._files[name] for name in names}, n_posts, sums)

    def write(self, path: str, tables: Tables) -> None:
        """Write one file of the market.

        Parameters
        ----------
        path : str
            Path inside the market.
        tables : pyarrow.Table or iterable of pyarrow.Table
            Its rows; tables become one row group or more each, and only one is held at a time.
        """
        place = self.market / path
        with name_place(place):
            place.parent.mkdir(parents=True, exist_ok=True)
        n_rows = 0

        # Fills the file that is to take the place.
        def write(target: Path) -> None:
            nonlocal n_rows
            n_rows = _write_parquet(target, tables)

        write_output(place, write, force=True)
        self._files[path] = hash_file(place), n_rows

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of every file written so far, by path inside the market, in order."""
        return {path: self._files[path][0] for path in sorted(self._files)}

    def count_rows(self) -> dict[str, int]:
        """Rows of every table of the market, the truth left out.

        Returns
        -------
        dict of str to int
            Rows by name of the table.
        """
        n_rows: dict[str, int] = {}
        for path, (_, number) in self._files.items():
            name = path.partition("/")[0].removesuffix(".parquet")
            if name != "truth":
                n_rows[name] = n_rows.get(name, 0) + number
        return n_rows

    def hash_content(self) -> str:
        """SHA-256 over all files written so far, by path.

        Returns
        -------
        str
            64 hexadecimal digits.
        """
        digest = hashlib.sha256()
        for path, one in self.digests.items():
            digest.update(path.encode() + b"\0" + bytes.fromhex(one))
        return digest.hexdigest()

    def write_record(self, record: Mapping[str, Any]) -> None:
        """Write what the market is, the last of its files.

        Parameters
        ----------
        record : mapping of str to Any
            JSON values.
        """
        place = self.market / RECORD
        with name_place(place):
            place.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
        write_output(place, lambda file: file.write_text(text, encoding="utf-8"), force=True)
        known = {*self._files, RECORD}
        for entry in sorted(self.market.rglob("*")):
            # A file that a killed run had not finished; its whole one has been written since.
            if entry.is_file() and entry.relative_to(self.market).as_posix() not in known:
                entry.unlink()

    def _record_path(self, number: int) -> Path:
        return self.folder / "blocks" / f"{number:03d}.json"

    def _is(self, path: str, digest: str) -> bool:
        place = self.market / path
        return place.is_file() and hash_file(place) == digest


def _read_block(path: Path) -> KeptBlock | None:
    """Record of a block; None where there is none or it is damaged."""
    try:
        digest, _, text = path.read_text(encoding="utf-8").partition("\n")
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    text = text.removesuffix("\n")
    if hashlib.sha256(text.encode()).hexdigest() != digest:
        return None
    held = json.loads(text)
    return KeptBlock(
        {name: (str(digest), int(n_rows)) for name, (digest, n_rows) in held["files"].items()},
        int(held["n_posts"]),
        {name: np.array(one["values"], one["dtype"]) for name, one in held["sums"].items()},
    )


def _write_parquet(path: Path, tables: Tables) -> int:
    every = iter([tables] if isinstance(tables, pa.Table) else tables)
    first = next(every)
    n_rows = int(first.num_rows)
    parquet: Any = pq
    with parquet.ParquetWriter(path, first.schema, compression="zstd", store_schema=False) as file:
        file.write_table(first)
        for table in every:
            if table.num_rows:
                file.write_table(table)
                n_rows += int(table.num_rows)
    return n_rows
