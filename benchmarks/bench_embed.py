"""Throughput of the embedding cache against the same model called directly.

Run ``python benchmarks/bench_embed.py [--texts N] [--transformer-texts N]``. Texts are made up
here; the transformer is small, made on the spot and untrained, since only its speed counts. Each
pair of calls is repeated, and the medians and their ratio are printed. No network is used.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from matcher.config import EncoderSettings
from matcher.text.cache import EmbeddingCache
from matcher.text.encoder import Encoder, fit_builtin_encoder, load_encoder

if TYPE_CHECKING:
    from collections.abc import Callable

PARTS = (
    "b c d đ g h k l m n ph qu r s t th tr v x ch kh ng nh",
    "a ă â e ê i o ô ơ u ư an ang anh ao ap at ay em en eo inh iêu iên oan ong uôi ương",
)


def make_texts(n_texts: int, rng: np.random.Generator) -> list[str]:
    """Captions with the length, repeats of words and hashtags of short social posts."""
    onsets, rimes = (part.split() for part in PARTS)
    syllables = np.array([onset + rime for onset in onsets for rime in rimes])
    share = 1.0 / np.arange(1, len(syllables) + 1)
    drawn = rng.choice(syllables, p=share / share.sum(), size=(n_texts, 40))
    n_words = np.clip(rng.lognormal(2.5, 0.6, n_texts).astype(int), 2, 30)
    return [
        f"{' '.join(row[:n])} #{''.join(row[30:32])} #{row[33].title()}{row[34].title()} {place}"
        for place, (row, n) in enumerate(zip(drawn, n_words, strict=True))
    ]


def make_transformer(folder: Path, texts: list[str]) -> None:
    """Write an untrained sentence transformer: 4 layers of 128 units, mean pooling."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    words = sorted({word for text in texts[:20_000] for word in text.lower().split()})
    vocabulary = {word: place for place, word in enumerate(["[PAD]", "[UNK]", *words[:8_000]])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    inner = folder / "inner"
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=128
    ).save_pretrained(inner)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=128,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=512,
    )
    BertModel(config).save_pretrained(inner)
    module = Transformer(str(inner))
    model = SentenceTransformer(modules=[module, Pooling(128)], device="cpu")
    model.save(str(folder / "model"), create_model_card=False)


def seconds(call: Callable[[], Any]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def compare(name: str, encoder: Encoder, texts: list[str], *, batch: int, repeats: int) -> None:
    """Print throughput of both roads, and of a cache that holds everything."""
    model: Any = encoder.model
    direct, filled, found = [], [], []
    encoder.encode(texts[:2_000], role="content")
    for _ in range(repeats):
        direct.append(
            seconds(
                lambda: model.transformer.encode(
                    texts, batch_size=batch, normalize_embeddings=True, show_progress_bar=False
                )
            )
        )
        with tempfile.TemporaryDirectory() as folder:
            cache = EmbeddingCache(Path(folder))
            filled.append(seconds(functools.partial(cache.encode, encoder, texts, role="content")))
            again = EmbeddingCache(Path(folder))
            found.append(seconds(functools.partial(again.encode, encoder, texts, role="content")))
    rate = {
        key: len(texts) / statistics.median(times)
        for key, times in (("direct", direct), ("filling", filled), ("full", found))
    }
    print(
        f"{name:<12} {len(texts):>8,} texts: direct {rate['direct']:>9,.0f}/s   "
        f"cache, first run {rate['filling']:>9,.0f}/s   "
        f"cache, second run {rate['full']:>9,.0f}/s   "
        f"first run / direct {rate['filling'] / rate['direct']:.2f}"
    )


def main() -> None:
    """Run both comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=50_000)
    parser.add_argument("--transformer-texts", type=int, default=4_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    texts = make_texts(options.texts, rng)
    accounts = [f"a{place // 25}" for place in range(len(texts))]
    settings = EncoderSettings()
    start = time.perf_counter()
    builtin = fit_builtin_encoder(texts, accounts, settings=settings, trained_until=None)
    print(f"builtin: fitted on {len(texts):,} texts in {time.perf_counter() - start:.1f} s")
    compare("builtin", builtin, texts, batch=4_096, repeats=options.repeats)
    with tempfile.TemporaryDirectory() as folder:
        make_transformer(Path(folder), texts)
        small = load_encoder(EncoderSettings(name=str(Path(folder) / "model")))
        some = texts[: options.transformer_texts]
        compare("transformer", small, some, batch=64, repeats=options.repeats)


if __name__ == "__main__":
    main()
