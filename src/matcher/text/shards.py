"""Append-only files of keyed vectors, each of which is there whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import struct
import time
import uuid
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import numpy as np

from matcher.errors import DataWarning, EncoderError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    _Keys = NDArray[np.uint64]
    _Vectors = NDArray[np.float16]

_T = TypeVar("_T", bound=np.generic)
_Entries: TypeAlias = (
    "tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int32], NDArray[np.int32]]"
)

__all__ = ["NOTE_NAME", "SUFFIX", "ShardFolder", "read_shard", "remove_stale", "write_shard"]

NOTE_NAME: Final = "encoder.json"
SUFFIX: Final = ".safetensors"
_TEMPORARY: Final = ".tmp-"
_STALE_S: Final = 86_400.0
_MAX_HEADER: Final = 1 << 16


def write_shard(folder: Path, keys: _Keys, vectors: _Vectors) -> Path:
    """One new file with vectors and their keys.

    It is written under another name, flushed to the disk and renamed, so that a process killed at
    any moment leaves no part of it. Names are unique: concurrent writers do not meet.

    Parameters
    ----------
    folder : pathlib.Path
        Folder, made when missing.
    keys : numpy.ndarray of uint64, shape (n, 2)
        The 128 bits of each key.
    vectors : numpy.ndarray of float16, shape (n, dim)
        Vectors.

    Returns
    -------
    pathlib.Path
        The file, in safetensors format.

    Raises
    ------
    EncoderError
        If the folder cannot be written.
    """
    from safetensors.numpy import save

    name = f"{time.time_ns():016x}-{uuid.uuid4().hex}{SUFFIX}"
    content = save({"keys": np.ascontiguousarray(keys), "vectors": np.ascontiguousarray(vectors)})
    _write_whole(folder / name, content)
    return folder / name


def _write_note(folder: Path, note: dict[str, Any]) -> None:
    if not (folder / NOTE_NAME).exists():
        _write_whole(folder / NOTE_NAME, json.dumps(note, ensure_ascii=False).encode())


def _write_whole(path: Path, content: bytes) -> None:
    temporary = path.with_name(f"{_TEMPORARY}{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise EncoderError(
            f"embedding cache {path.parent}: cannot be written: {error}; make room or free it for "
            "writing, or choose another cache folder"
        ) from error


def read_shard(path: Path) -> tuple[_Keys, _Vectors]:
    """Keys and vectors of a file, mapped into memory rather than read.

    Parameters
    ----------
    path : pathlib.Path
        File that `write_shard` wrote.

    Returns
    -------
    tuple of (numpy.ndarray, numpy.ndarray)
        Keys, uint64, shape (n, 2), and vectors, float16, shape (n, dim).

    Raises
    ------
    EncoderError
        If the file is truncated or is no such file.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _MAX_HEADER:
                raise ValueError(f"header of {length} bytes")
            header = json.loads(file.read(length))
        spans = {name: header[name]["data_offsets"] for name in ("keys", "vectors")}
        shapes = {name: tuple(header[name]["shape"]) for name in ("keys", "vectors")}
        if path.stat().st_size != 8 + length + max(end for _, end in spans.values()):
            raise ValueError(f"{path.stat().st_size} bytes, which is not what its header says")
        keys = _mapped(path, np.uint64, 8 + length + spans["keys"][0], shapes["keys"])
        vectors = _mapped(path, np.float16, 8 + length + spans["vectors"][0], shapes["vectors"])
        if keys.shape != (len(vectors), 2):
            raise ValueError(f"{keys.shape} keys for {vectors.shape} vectors")
    except (KeyError, OSError, TypeError, ValueError, struct.error) as error:
        raise EncoderError(f"{path}: is no whole shard of vectors: {error}") from error
    return keys, vectors


def _mapped(path: Path, dtype: type[_T], offset: int, shape: tuple[int, ...]) -> NDArray[_T]:
    if 0 in shape:
        return np.zeros(shape, dtype=dtype)
    return np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=shape)


def remove_stale(folder: Path) -> None:
    """Remove what killed writers left behind more than a day ago.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of shards.
    """
    for path in folder.glob(f"{_TEMPORARY}*"):
        if time.time() - path.stat().st_mtime > _STALE_S:
            path.unlink(missing_ok=True)


@dataclass
class ShardFolder:
    """Look-up over all shards of a folder, those of other processes included.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of shards; it need not exist yet.
    dim : int
        Length of a vector.
    note : dict
        What the vectors are, written beside the first shard.
    """

    folder: Path
    dim: int
    note: dict[str, Any]
    _vectors: list[_Vectors] = field(default_factory=list)
    _known: set[str] = field(default_factory=set)
    _high: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    _low: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    _shard: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    _row: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))

    def __len__(self) -> int:
        return len(self._high)

    def refresh(self) -> None:
        """Take in shards that were added since."""
        # A cache that cannot be written still serves what it holds.
        with contextlib.suppress(OSError):
            os.utime(self.folder / NOTE_NAME)
        names = sorted(path.name for path in self.folder.glob(f"*{SUFFIX}"))
        names = [name for name in names if not name.startswith(".") and name not in self._known]
        parts = [(self._high, self._low, self._shard, self._row)]
        for name in names:
            self._known.add(name)
            try:
                keys, vectors = read_shard(self.folder / name)
            except EncoderError as error:
                warnings.warn(f"{error}; its texts are embedded again", DataWarning, stacklevel=2)
                continue
            if vectors.shape[1] == self.dim:
                parts.append(self._entries(keys, vectors))
        if len(parts) > 1:
            self._merge(parts)

    def add(self, keys: _Keys, vectors: _Vectors) -> None:
        """Write a shard and take it in.

        Parameters
        ----------
        keys : numpy.ndarray of uint64, shape (n, 2)
            Keys.
        vectors : numpy.ndarray of float16, shape (n, dim)
            Vectors.
        """
        _write_note(self.folder, self.note)
        path = write_shard(self.folder, keys, vectors)
        self._known.add(path.name)
        entries = self._entries(*read_shard(path))
        self._merge([(self._high, self._low, self._shard, self._row), entries])

    def _entries(self, keys: _Keys, vectors: _Vectors) -> _Entries:
        self._vectors.append(vectors)
        shard = np.full(len(keys), len(self._vectors) - 1, dtype=np.int32)
        return keys[:, 0], keys[:, 1], shard, np.arange(len(keys), dtype=np.int32)

    def _merge(self, parts: list[_Entries]) -> None:
        high, low, shard, row = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.argsort(high, kind="stable")
        self._high, self._low = high[order], low[order]
        self._shard, self._row = shard[order], row[order]

    def find(self, keys: _Keys) -> NDArray[np.int64]:
        """Place of each key.

        Parameters
        ----------
        keys : numpy.ndarray of uint64, shape (n, 2)
            Keys.

        Returns
        -------
        numpy.ndarray of int64, shape (n,)
            Place for `take`; -1 where the key is not there.
        """
        if not len(self):
            return np.full(len(keys), -1, dtype=np.int64)
        place = np.minimum(np.searchsorted(self._high, keys[:, 0]), len(self) - 1)
        hit = (self._high[place] == keys[:, 0]) & (self._low[place] == keys[:, 1])
        return np.where(hit, place, -1)

    def take(self, places: NDArray[np.int64], out: _Vectors, rows: NDArray[np.int64]) -> None:
        """Copy vectors.

        Parameters
        ----------
        places : numpy.ndarray of int64, shape (n,)
            From `find`, none of them -1.
        out : numpy.ndarray of float16, shape (n_rows, dim)
            Filled in place.
        rows : numpy.ndarray of int64, shape (n,)
            Row of `out` for each place.
        """
        shards = self._shard[places]
        order = np.argsort(shards, kind="stable")
        bounds = np.flatnonzero(np.diff(shards[order])) + 1
        for part in np.split(order, bounds):
            if len(part):
                vectors = self._vectors[int(shards[part[0]])]
                out[rows[part]] = vectors[self._row[places[part]]]
