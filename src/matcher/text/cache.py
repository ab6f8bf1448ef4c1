"""Content-addressed embedding cache: each text is embedded once per encoder, ever.

A vector is found by the encoder's weights, the prompt, the version of the normalisation and the
prepared text. Below the cache folder each encoder and prompt has a folder of append-only shards.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.errors import EncoderError
from matcher.text.embedding import EmbedCounts, EmbeddingRun, Progress, hash_text
from matcher.text.model import checked_text
from matcher.text.normalise import MAX_CHARS, encoder_text, normalise_text
from matcher.text.pieces import piece_text
from matcher.text.shards import (
    NOTE_NAME,
    SUFFIX,
    ShardFolder,
    read_shard,
    remove_stale,
    write_shard,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from matcher.text.identity import Role
    from matcher.text.model import Encoder

    _Keys = NDArray[np.uint64]
    _Vectors = NDArray[np.float16]

__all__ = ["EmbedCounts", "EmbeddingCache", "Progress", "embed_texts"]

_BLOCK: Final = 65_536


class EmbeddingCache:
    """Embedding cache in a folder.

    Several processes may read and write it at once: they lose nothing, and at worst embed a text
    twice. A process that is killed loses what it embedded since the last shard, some seconds' work.

    Parameters
    ----------
    folder : pathlib.Path
        Folder; it is made when something is written.
    shard_texts : int, default 32768
        Texts after which a shard is written at the latest.
    shard_seconds : float, default 10
        Seconds after which a shard is written as soon as a batch is done.
    """

    def __init__(
        self, folder: Path, *, shard_texts: int = 32_768, shard_seconds: float = 10.0
    ) -> None:
        self.folder = folder
        self.shard_texts = shard_texts
        self.shard_seconds = shard_seconds
        self._open: dict[str, ShardFolder] = {}

    def encode(
        self,
        encoder: Encoder,
        texts: Sequence[str],
        *,
        role: Role,
        progress: Progress | None = None,
    ) -> _Vectors:
        """Vectors of texts, computed only where they are not here yet.

        Parameters
        ----------
        encoder : Encoder
            Encoder.
        texts : sequence of str
            Raw texts.
        role : {"brief", "content"}
            Role of the texts.
        progress : callable, optional
            Called with texts done and texts in all.

        Returns
        -------
        numpy.ndarray of float16, shape (n_texts, dim)
            The very bits that were computed at first.

        Raises
        ------
        EncoderError
            If the folder cannot be written, or the encoder fails; what was embedded until then is
            kept.
        """
        vectors = np.zeros((len(texts), encoder.identity.dim), dtype=np.float16)
        self._pass(encoder, texts, role, progress, vectors)
        return vectors

    def fill(
        self,
        encoder: Encoder,
        texts: Sequence[str],
        *,
        role: Role,
        progress: Progress | None = None,
    ) -> EmbedCounts:
        """Embed texts that are not here yet, without keeping vectors in memory.

        Parameters
        ----------
        encoder : Encoder
            Encoder.
        texts : sequence of str
            Raw texts.
        role : {"brief", "content"}
            Role of the texts.
        progress : callable, optional
            Called with texts done and texts in all.

        Returns
        -------
        EmbedCounts
            How many were new.
        """
        return self._pass(encoder, texts, role, progress, None)

    def _pass(
        self,
        encoder: Encoder,
        texts: Sequence[str],
        role: Role,
        progress: Progress | None,
        out: _Vectors | None,
    ) -> EmbedCounts:
        store = self._store(encoder, role)
        run = EmbeddingRun(
            encoder,
            role,
            store,
            progress=progress,
            n_total=len(texts),
            shard_texts=self.shard_texts,
            shard_seconds=self.shard_seconds,
        )
        total = EmbedCounts()
        try:
            for start in range(0, len(texts), _BLOCK):
                block = [checked_text(text) for text in texts[start : start + _BLOCK]]
                target = None if out is None else out[start : start + len(block)]
                total += run.embed_block(block, target)
        finally:
            run.flush()
        return total

    def _store(self, encoder: Encoder, role: Role) -> ShardFolder:
        key = encoder.identity.cache_key(role)
        store = self._open.get(key)
        if store is None:
            note = {"role": role, **encoder.identity.as_dict()}
            store = ShardFolder(self.folder / key, encoder.identity.dim, note)
            self._open[key] = store
        store.refresh()
        return store

    def stats(self) -> pd.DataFrame:
        """What the cache holds.

        Returns
        -------
        pandas.DataFrame
            Columns ``key, name, role, dim, n_vectors, n_shards, n_bytes, last_used_at``; one row
            per encoder and prompt, the latest used first.
        """
        rows = [_describe(folder) for folder in self._folders()]
        columns = [
            "key", "name", "role", "dim", "n_vectors", "n_shards", "n_bytes", "last_used_at",
        ]  # fmt: skip
        frame = pd.DataFrame(rows, columns=columns)
        return frame.sort_values(["last_used_at", "key"], ascending=[False, True]).reset_index(
            drop=True
        )

    def _folders(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return sorted(path.parent for path in self.folder.glob(f"*/{NOTE_NAME}"))

    def prune(
        self, *, unused_days: float | None = None, max_bytes: int | None = None
    ) -> tuple[str, ...]:
        """Remove vectors of encoders that are no longer used.

        Parameters
        ----------
        unused_days : float, optional
            Remove encoders not used for so many days.
        max_bytes : int, optional
            Then remove the longest unused ones until the cache is no larger.

        Returns
        -------
        tuple of str
            Keys that were removed.
        """
        frame = self.stats()
        now = pd.Timestamp.now("UTC")
        removed: list[str] = []
        kept_bytes = 0
        ages = (now - frame["last_used_at"]).dt.total_seconds() / 86_400.0
        for key, n_bytes, age_days in zip(frame["key"], frame["n_bytes"], ages, strict=True):
            is_old = unused_days is not None and age_days > unused_days
            if is_old or (max_bytes is not None and kept_bytes + n_bytes > max_bytes):
                removed.append(key)
                self._open.pop(key, None)
                shutil.rmtree(self.folder / key)
            else:
                kept_bytes += n_bytes
        for folder in self._folders():
            remove_stale(folder)
        return tuple(removed)

    def forget(self, texts: Iterable[str]) -> int:
        """Remove the vectors of texts, of every encoder.

        Parameters
        ----------
        texts : iterable of str
            Raw texts.

        Returns
        -------
        int
            Vectors removed. Equal texts of others are embedded again when needed.
        """
        forms = {
            form
            for text in texts
            for form in (normalise_text(text[:MAX_CHARS]), piece_text(encoder_text(text)))
        }
        unwanted = {hash_text(form) for form in forms}
        n_removed = 0
        for folder in self._folders():
            self._open.pop(folder.name, None)
            for path in sorted(folder.glob(f"[!.]*{SUFFIX}")):
                n_removed += _rewrite_without(path, unwanted)
        return n_removed


def _rewrite_without(path: Path, unwanted: set[bytes]) -> int:
    try:
        keys, vectors = read_shard(path)
    except EncoderError:
        path.unlink()  # a damaged shard may hold what must go
        return 0
    kept = np.array([key.tobytes() not in unwanted for key in keys], dtype=bool)
    if kept.all():
        return 0
    if kept.any():
        write_shard(path.parent, keys[kept], vectors[kept])
    path.unlink()
    return int((~kept).sum())


def _describe(folder: Path) -> dict[str, Any]:
    note = json.loads((folder / NOTE_NAME).read_text(encoding="utf-8"))
    paths = sorted(folder.glob(f"[!.]*{SUFFIX}"))
    n_vectors = 0
    for path in paths:
        try:
            n_vectors += len(read_shard(path)[0])
        except EncoderError:
            continue
    used = (folder / NOTE_NAME).stat().st_mtime
    return {
        "key": folder.name,
        "name": note.get("name"),
        "role": note.get("role"),
        "dim": note.get("dim"),
        "n_vectors": n_vectors,
        "n_shards": len(paths),
        "n_bytes": sum(path.stat().st_size for path in paths),
        "last_used_at": pd.Timestamp(used, unit="s", tz="UTC"),
    }


def embed_texts(
    encoder: Encoder,
    texts: Sequence[str],
    *,
    role: Role,
    cache: EmbeddingCache,
    progress: Progress | None = None,
) -> EmbedCounts:
    """Texts embedded into a cache; what ``matcher embed`` calls.

    Parameters
    ----------
    encoder : Encoder
        Encoder.
    texts : sequence of str
        Raw texts; repeats cost nothing.
    role : {"brief", "content"}
        Role of the texts.
    cache : EmbeddingCache
        Cache to fill.
    progress : callable, optional
        Called with texts done and texts in all.

    Returns
    -------
    EmbedCounts
        How many were new; a second run has none.
    """
    return cache.fill(encoder, texts, role=role, progress=progress)
