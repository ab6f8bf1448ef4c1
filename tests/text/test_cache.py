from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from matcher.config import EncoderSettings
from matcher.errors import DataWarning, EncoderError
from matcher.text.cache import EmbeddingCache, embed_texts
from matcher.text.encoder import Encoder, load_encoder, random_encoder
from matcher.text.model import TextModel
from matcher.text.shards import read_shard

TEXTS = [f"bún bò số {place}" for place in range(100)]


@dataclass(frozen=True)
class Recorder:
    """A model that notes what it is asked for, and may fail after so many texts."""

    inner: TextModel
    asked: list[str] = field(default_factory=list)
    fail_after: int | None = None

    def prepare(self, text: str) -> str:
        return self.inner.prepare(text)

    def vectors(self, texts: list[str], prompt: str) -> NDArray[np.float32]:
        if self.fail_after is not None and len(self.asked) >= self.fail_after:
            raise KeyboardInterrupt("stopped")
        self.asked.extend(texts)
        return self.inner.vectors(texts, prompt)

    def files(self) -> dict[str, bytes]:
        return {}


def recorded(encoder: Encoder, *, fail_after: int | None = None) -> tuple[Encoder, list[str]]:
    recorder = Recorder(encoder.model, fail_after=fail_after)
    return Encoder(encoder.identity, recorder), recorder.asked


def shards(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*.safetensors"))


def test_found_vectors_are_the_computed_ones(builtin: Encoder, tmp_path: Path) -> None:
    texts = [*TEXTS, "", TEXTS[0], "  bún bò số 0 "]
    cache = EmbeddingCache(tmp_path)
    computed = cache.encode(builtin, texts, role="content")
    found = EmbeddingCache(tmp_path).encode(builtin, texts, role="content")
    assert np.array_equal(computed, builtin.encode(texts, role="content"))
    assert np.array_equal(found, computed)
    assert found.dtype == np.float16


def test_second_run_embeds_only_what_is_new(builtin: Encoder, tmp_path: Path) -> None:
    encoder, asked = recorded(builtin)
    cache = EmbeddingCache(tmp_path)
    cache.encode(encoder, TEXTS, role="content")
    asked.clear()
    cache.encode(encoder, ["mới tinh", *TEXTS], role="content")
    assert asked == ["mới tinh"]


def test_repeats_are_embedded_once(builtin: Encoder, tmp_path: Path) -> None:
    encoder, asked = recorded(builtin)
    counts = embed_texts(
        encoder, ["phở"] * 5 + ["bún", ""], role="content", cache=EmbeddingCache(tmp_path)
    )
    assert sorted(asked) == ["bún", "phở"]
    assert (counts.n_texts, counts.n_new, counts.n_cached, counts.n_empty) == (7, 2, 4, 1)


def test_second_fill_has_nothing_new(builtin: Encoder, tmp_path: Path) -> None:
    EmbeddingCache(tmp_path).fill(builtin, TEXTS, role="content")
    counts = EmbeddingCache(tmp_path).fill(builtin, TEXTS, role="content")
    assert (counts.n_new, counts.n_cached) == (0, 100)


def test_encoders_do_not_share_vectors(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path)
    one, other = random_encoder(16, 1), random_encoder(16, 2)
    cache.encode(one, TEXTS, role="content")
    assert np.array_equal(
        cache.encode(other, TEXTS, role="content"), other.encode(TEXTS, role="content")
    )


def test_roles_share_vectors_only_without_prompts(builtin: Encoder, tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path)
    cache.fill(builtin, TEXTS, role="content")
    assert cache.fill(builtin, TEXTS, role="brief").n_new == 0
    prompts = {"brief": "query: ", "content": "passage: "}
    prompted = Encoder(replace(builtin.identity, prompts=prompts), builtin.model)
    assert cache.fill(prompted, TEXTS, role="content").n_new == 100
    assert cache.fill(prompted, TEXTS, role="brief").n_new == 100


def test_progress_reaches_the_end_and_never_falls(builtin: Encoder, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    def note(n_done: int, n_total: int) -> None:
        seen.append((n_done, n_total))

    cache = EmbeddingCache(tmp_path, shard_texts=7)
    cache.fill(builtin, [*TEXTS, *TEXTS[:50], ""], role="content", progress=note)
    done = [n_done for n_done, _ in seen]
    assert done == sorted(done)
    assert seen[-1] == (151, 151)
    assert len(seen) > 10


def test_interruption_reaches_the_caller(builtin: Encoder, tmp_path: Path) -> None:
    encoder, _ = recorded(builtin, fail_after=40)
    with pytest.raises(KeyboardInterrupt, match="stopped"):
        EmbeddingCache(tmp_path, shard_texts=20).encode(encoder, TEXTS, role="content")


def test_run_after_an_interrupted_one_embeds_the_rest(builtin: Encoder, tmp_path: Path) -> None:
    failing, embedded = recorded(builtin, fail_after=40)
    try:
        EmbeddingCache(tmp_path, shard_texts=20).fill(failing, TEXTS, role="content")
    except KeyboardInterrupt:
        counts = EmbeddingCache(tmp_path).fill(builtin, TEXTS, role="content")
    assert len(embedded) == 40
    assert (counts.n_cached, counts.n_new) == (40, 60)


KILLED = """
import sys, time
from pathlib import Path
from matcher.text.cache import EmbeddingCache
from matcher.text.model import Encoder, random_encoder

class Slow:
    def __init__(self, inner): self.inner = inner
    def prepare(self, text): return self.inner.prepare(text)
    def files(self): return {}
    def vectors(self, texts, prompt):
        time.sleep(0.01)
        return self.inner.vectors(texts, prompt)

encoder = random_encoder(64, 0)
cache = EmbeddingCache(Path(sys.argv[1]), shard_texts=16)
slow = Encoder(encoder.identity, Slow(encoder.model))
cache.fill(slow, [f"t{i}" for i in range(20000)], role="content")
"""


def test_killed_process_leaves_whole_shards_only(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    process = subprocess.Popen(command)
    limit = time.monotonic() + 60
    while len(shards(tmp_path)) < 5 and time.monotonic() < limit:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    whole = [read_shard(path) for path in shards(tmp_path)]
    n_kept = sum(len(keys) for keys, _ in whole)
    assert 5 * 16 <= n_kept < 20_000
    texts = [f"t{place}" for place in range(20_000)]
    encoder = random_encoder(64, 0)
    counts = EmbeddingCache(tmp_path).fill(encoder, texts, role="content")
    assert counts.n_cached == n_kept
    found = EmbeddingCache(tmp_path).encode(encoder, texts, role="content")
    assert np.array_equal(found, encoder.encode(texts, role="content"))


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from matcher.text.cache import EmbeddingCache;"
        "from matcher.text.model import random_encoder;"
        "part = int(sys.argv[2]);"
        "EmbeddingCache(Path(sys.argv[1]), shard_texts=10).fill(random_encoder(8, 0),"
        " [f't{i}' for i in range(part * 50, part * 50 + 200)], role='content')"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(part)])
        for part in range(3)
    ]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    texts = [f"t{place}" for place in range(300)]
    encoder, asked = recorded(random_encoder(8, 0))
    found = EmbeddingCache(tmp_path).encode(encoder, texts, role="content")
    assert asked == []
    assert np.array_equal(found, encoder.encode(texts, role="content"))


def test_shards_of_others_are_seen_by_an_open_cache(builtin: Encoder, tmp_path: Path) -> None:
    mine, theirs = EmbeddingCache(tmp_path), EmbeddingCache(tmp_path)
    mine.fill(builtin, TEXTS[:10], role="content")
    theirs.fill(builtin, TEXTS, role="content")
    assert mine.fill(builtin, TEXTS, role="content").n_new == 0


def test_damaged_shard_is_reported_and_embedded_again(builtin: Encoder, tmp_path: Path) -> None:
    EmbeddingCache(tmp_path, shard_texts=50).fill(builtin, TEXTS, role="content")
    damaged = shards(tmp_path)[0]
    damaged.write_bytes(damaged.read_bytes()[:-10])
    with pytest.warns(DataWarning, match="no whole shard"):
        counts = EmbeddingCache(tmp_path).fill(builtin, TEXTS, role="content")
    assert counts.n_new == 50


@pytest.mark.parametrize(
    "content", [b"", b"\xff" * 64, b"\x02" + bytes(7) + b"{}", b"\x01" + bytes(7) + b"["]
)
def test_files_that_are_no_shards_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(EncoderError, match="no whole shard"):
        read_shard(path)


def test_forgotten_texts_are_gone_from_every_encoder(
    builtin: Encoder, tiny_transformer: Path, tmp_path: Path
) -> None:
    transformer = load_encoder(EncoderSettings(name=str(tiny_transformer)))
    texts = [f"Bún bò #NgonQuá! {place}" for place in range(20)]
    cache = EmbeddingCache(tmp_path)
    for encoder in (builtin, transformer):
        cache.fill(encoder, texts, role="content")
    assert cache.forget(texts[:3]) == 6
    for encoder in (builtin, transformer):
        counts = cache.fill(encoder, texts, role="content")
        assert (counts.n_new, counts.n_cached) == (3, 17)


def test_forgetting_everything_leaves_no_shard(builtin: Encoder, tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path)
    cache.fill(builtin, TEXTS, role="content")
    assert cache.forget(TEXTS) == 100
    assert shards(tmp_path) == []


def test_stats_count_what_is_there(builtin: Encoder, tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path)
    assert cache.stats().empty
    cache.fill(builtin, TEXTS, role="content")
    row = cache.stats().iloc[0]
    assert (row["name"], row["n_vectors"], row["dim"]) == ("builtin", 100, 32)
    assert row["n_bytes"] == sum(path.stat().st_size for path in shards(tmp_path))
    assert pd.Timestamp.now("UTC") - row["last_used_at"] < pd.Timedelta(minutes=5)


def test_pruning_by_size_keeps_what_was_used_last(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path)
    old, new = random_encoder(8, 1), random_encoder(8, 2)
    for encoder, age_s in ((old, 86_400), (new, 0)):
        cache.fill(encoder, TEXTS, role="content")
        note = tmp_path / encoder.identity.cache_key("content") / "encoder.json"
        os.utime(note, (time.time() - age_s,) * 2)
    n_bytes = int(cache.stats()["n_bytes"].max())
    assert cache.prune(max_bytes=n_bytes) == (old.identity.cache_key("content"),)
    assert cache.fill(new, TEXTS, role="content").n_new == 0
    assert cache.fill(old, TEXTS, role="content").n_new == 100


def test_pruning_by_age(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path)
    encoder = random_encoder(8, 1)
    cache.fill(encoder, TEXTS, role="content")
    assert cache.prune(unused_days=1) == ()
    note = tmp_path / encoder.identity.cache_key("content") / "encoder.json"
    os.utime(note, (time.time() - 2 * 86_400,) * 2)
    assert cache.prune(unused_days=1) == (encoder.identity.cache_key("content"),)


def test_folder_that_cannot_be_written_is_an_error(read_only_folder: Path) -> None:
    cache = EmbeddingCache(read_only_folder / "cache")
    with pytest.raises(EncoderError, match="cannot be written"):
        cache.fill(random_encoder(8, 0), TEXTS, role="content")


def test_no_texts_write_nothing(builtin: Encoder, tmp_path: Path) -> None:
    assert EmbeddingCache(tmp_path).encode(builtin, [], role="content").shape == (0, 32)
    assert list(tmp_path.iterdir()) == []


def test_texts_of_any_sequence_are_taken(builtin: Encoder, tmp_path: Path) -> None:
    texts: Sequence[str] = tuple(TEXTS)
    found = EmbeddingCache(tmp_path).encode(builtin, texts, role="content")
    assert np.array_equal(found, builtin.encode(TEXTS, role="content"))
