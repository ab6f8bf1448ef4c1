from __future__ import annotations

import itertools
from pathlib import Path

import pandas as pd
import pytest

from matcher.config import EncoderSettings
from matcher.text.encoder import Encoder, fit_builtin_encoder

FOOD = ("bún bò", "phở gà", "trà sữa", "bánh mì", "ăn vặt", "lẩu thái", "cơm tấm", "noodle soup")
BEAUTY = ("son môi", "kem nền", "skincare", "dưỡng da", "mascara", "nước hoa", "tẩy trang", "toner")
ENDINGS = ("ngon quá trời", "review nè cả nhà", "giá rẻ lắm lun", "mê xỉu", "must try", "hot trend")
CUT = pd.Timestamp("2024-01-01", tz="UTC")


def make_corpus() -> tuple[list[str], list[str]]:
    texts, accounts = [], []
    for topic, (words, tag) in enumerate(((FOOD, "#AnNgon #reviewanngon"), (BEAUTY, "#lamdep"))):
        for place, (word, ending) in enumerate(itertools.product(words, ENDINGS)):
            texts.append(f"{word.title()} {ending} {tag} #{word.replace(' ', '')}")
            accounts.append(f"t{topic}a{place % 6}")
    return texts, accounts


@pytest.fixture(scope="session")
def corpus() -> tuple[list[str], list[str]]:
    return make_corpus()


@pytest.fixture(scope="session")
def small_settings() -> EncoderSettings:
    return EncoderSettings(dim=32, epochs=4)


@pytest.fixture(scope="session")
def builtin(corpus: tuple[list[str], list[str]], small_settings: EncoderSettings) -> Encoder:
    texts, accounts = corpus
    pairs = [("Chiến dịch quán ăn vặt ngon", texts[0]), ("Ra mắt son môi mới", texts[-1])]
    return fit_builtin_encoder(
        texts, accounts, pairs=pairs, settings=small_settings, trained_until=CUT
    )


@pytest.fixture(scope="session")
def tiny_transformer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained sentence transformer, made here and saved as safetensors."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("tiny")
    words = sorted({word for text in make_corpus()[0] for word in text.lower().split()})
    vocabulary = {word: place for place, word in enumerate(["[PAD]", "[UNK]", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=64
    ).save_pretrained(folder / "inner")
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
    )
    BertModel(config).save_pretrained(folder / "inner")
    modules = [Transformer(str(folder / "inner")), Pooling(16)]
    model = SentenceTransformer(
        modules=modules, device="cpu", prompts={"query": "ask: ", "document": "tell: "}
    )
    model.save(str(folder / "model"), create_model_card=False)
    return folder / "model"
