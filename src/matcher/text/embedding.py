"""One pass of an encoder over texts: looks up, embeds what is missing, writes as it goes."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from matcher.text.identity import Role
    from matcher.text.model import Encoder
    from matcher.text.shards import ShardFolder

    _Keys = NDArray[np.uint64]
    _Vectors = NDArray[np.float16]

__all__ = ["EmbedCounts", "EmbeddingRun", "Progress", "hash_text"]

_STEP: Final = 4_096


class Progress(Protocol):
    """Called with the number of texts done and of all texts."""

    def __call__(self, n_done: int, n_total: int, /) -> None:
        """Show how far it is."""
        ...


@dataclass(frozen=True)
class EmbedCounts:
    """What one pass over texts came to.

    Parameters
    ----------
    n_texts : int
        Texts given.
    n_new : int
        Distinct texts that had to be embedded.
    n_cached : int
        Texts that were found, or repeat another one.
    n_empty : int
        Texts without content, whose vectors are zero.
    """

    n_texts: int = 0
    n_new: int = 0
    n_cached: int = 0
    n_empty: int = 0

    def __add__(self, other: EmbedCounts) -> EmbedCounts:
        return EmbedCounts(
            self.n_texts + other.n_texts,
            self.n_new + other.n_new,
            self.n_cached + other.n_cached,
            self.n_empty + other.n_empty,
        )


class EmbeddingRun:
    """One pass over texts in blocks.

    Parameters
    ----------
    encoder : Encoder
        Encoder.
    role : {"brief", "content"}
        Role of the texts.
    store : ShardFolder
        Where vectors are found and kept.
    progress : callable or None
        Called with texts done and texts in all.
    n_total : int
        Texts of the whole pass.
    shard_texts : int
        Texts after which a shard is written.
    shard_seconds : float
        Seconds after which a shard is written.
    """

    def __init__(
        self,
        encoder: Encoder,
        role: Role,
        store: ShardFolder,
        *,
        progress: Progress | None,
        n_total: int,
        shard_texts: int,
        shard_seconds: float,
    ) -> None:
        self.encoder = encoder
        self.role: Role = role
        self.store = store
        self.progress = progress
        self.n_total = n_total
        self.shard_texts = shard_texts
        self.shard_seconds = shard_seconds
        self.n_done = 0
        self.keys: list[_Keys] = []
        self.vectors: list[_Vectors] = []
        self.flushed_at = time.monotonic()

    def embed_block(self, texts: list[str], out: _Vectors | None) -> EmbedCounts:
        """Embed what is missing of some texts.

        Parameters
        ----------
        texts : list of str
            Raw texts.
        out : numpy.ndarray of float16, shape (n_texts, dim), or None
            Filled in place when given; holds zeros before.

        Returns
        -------
        EmbedCounts
            Counts of these texts.
        """
        prepared = [self.encoder.prepare(text) for text in texts]
        filled = np.array([row for row, text in enumerate(prepared) if text], dtype=np.int64)
        keys = _hash_all([prepared[row] for row in filled])
        places = self.store.find(keys)
        hit = places >= 0
        if out is not None and hit.any():
            self.store.take(places[hit], out, filled[hit])
        missing = np.flatnonzero(~hit)
        self._done(len(texts) - len(missing))
        _, first, repeat = np.unique(
            keys[missing].view("V16").ravel(), return_index=True, return_inverse=True
        )
        order = sorted(range(len(first)), key=lambda i: len(prepared[filled[missing[first[i]]]]))
        n_repeats = np.bincount(repeat, minlength=len(first))
        found = np.zeros((len(first) if out is not None else 0, self.store.dim), np.float16)
        size = min(_STEP, self.shard_texts)
        for start in range(0, len(order), size):
            step = np.array(order[start : start + size], dtype=np.int64)
            rows = missing[first[step]]
            wanted = [prepared[filled[row]] for row in rows]
            vectors = self.encoder.encode_prepared(wanted, role=self.role)
            self._keep(keys[rows], vectors)
            if out is not None:
                found[step] = vectors
            self._done(int(n_repeats[step].sum()))
        if out is not None and len(missing):
            out[filled[missing]] = found[repeat]
        return EmbedCounts(
            len(texts), len(first), len(filled) - len(first), len(texts) - len(filled)
        )

    def _keep(self, keys: _Keys, vectors: _Vectors) -> None:
        self.keys.append(keys)
        self.vectors.append(vectors)
        is_large = sum(map(len, self.keys)) >= self.shard_texts
        if is_large or time.monotonic() - self.flushed_at > self.shard_seconds:
            self.flush()

    def flush(self) -> None:
        """Write what was embedded since the last shard."""
        if self.keys:
            keys, vectors = np.concatenate(self.keys), np.concatenate(self.vectors)
            self.keys, self.vectors = [], []
            self.store.add(keys, vectors)
        self.flushed_at = time.monotonic()

    def _done(self, n_texts: int) -> None:
        self.n_done += n_texts
        if self.progress is not None:
            self.progress(self.n_done, self.n_total)


def hash_text(prepared: str) -> bytes:
    """128 bits of a prepared text, by which its vector is found.

    Parameters
    ----------
    prepared : str
        As `Encoder.prepare` returns it.

    Returns
    -------
    bytes
        16 bytes of its BLAKE2b digest.
    """
    return hashlib.blake2b(prepared.encode(), digest_size=16).digest()


def _hash_all(prepared: Sequence[str]) -> _Keys:
    joined = b"".join(map(hash_text, prepared))
    return np.frombuffer(joined, dtype="<u8").reshape(len(prepared), 2)
