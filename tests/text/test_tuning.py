from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from matcher.config import EncoderSettings
from matcher.errors import EncoderError, LeakageError, SupportError, UsageError
from matcher.text.encoder import encoder_from_files, load_encoder
from matcher.text.tuned import TUNING_FILE, TuningRecord, read_tuning
from matcher.text.tuning import TextPairs, TuneRecipe, hash_pairs, tune_encoder

CUT = pd.Timestamp("2024-01-01", tz="UTC")
QUICK = TuneRecipe(epochs=3, batch_size=16, learning_rate=3e-3)
Corpus = tuple[list[str], list[str]]


@pytest.fixture(scope="session")
def pairs(corpus: Corpus) -> tuple[TextPairs, ...]:
    """Posts of one account, and two briefs with posts of the topic they ask for."""
    texts, accounts = corpus
    codes = np.unique(accounts, return_inverse=True)[1]
    rows = np.argsort(codes, kind="stable")
    left, right = rows[0::2], rows[1::2]
    posts = TextPairs(
        "posts",
        tuple(texts[row] for row in left),
        tuple(texts[row] for row in right),
        "content",
        codes[left],
        codes[left],
    )
    topics = np.array([int(account[1]) for account in accounts])[left]
    briefs = TextPairs(
        "briefs",
        tuple(("quán ăn vặt ngon", "ra mắt son môi mới")[topic] for topic in topics),
        posts.left,
        "brief",
        topics,
        codes[left],
    )
    return posts, briefs


def tune(base: Path, pairs: tuple[TextPairs, ...], folder: Path, recipe: TuneRecipe = QUICK):
    return tune_encoder(
        EncoderSettings(name=str(base)),
        pairs,
        folder,
        trained_until=CUT,
        data_hash="abc",
        recipe=recipe,
        device="cpu",
    )


@pytest.fixture(scope="session")
def tuned(
    tiny_transformer: Path,
    pairs: tuple[TextPairs, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, TuningRecord]:
    folder = tmp_path_factory.mktemp("tuned") / "model"
    return folder, tune(tiny_transformer, pairs, folder)


def mean_gap(folder: Path, pairs: TextPairs) -> float:
    """Mean cosine of texts that belong together, less that of those that do not."""
    encoder = load_encoder(EncoderSettings(name=str(folder)))
    left = encoder.encode(pairs.left, role=pairs.left_role).astype(float)
    right = encoder.encode(pairs.right, role="content").astype(float)
    cosines = left @ right.T
    same = pairs.left_groups[:, None] == pairs.left_groups
    return float(cosines.diagonal().mean() - cosines[~same].mean())


def test_what_belongs_together_comes_nearer(
    tiny_transformer: Path,
    tuned: tuple[Path, TuningRecord],
    pairs: tuple[TextPairs, ...],
) -> None:
    folder, record = tuned
    assert record.losses[-1] < record.losses[0] - 0.1
    for one in pairs:
        assert mean_gap(folder, one) > mean_gap(tiny_transformer, one) + 0.1


def test_a_tuned_encoder_is_a_sentence_transformer_that_says_what_it_is(
    tiny_transformer: Path, tuned: tuple[Path, TuningRecord], pairs: tuple[TextPairs, ...]
) -> None:
    from sentence_transformers import SentenceTransformer

    folder, record = tuned
    encoder = load_encoder(EncoderSettings(name=str(folder)))
    assert encoder.identity.trained_until == CUT
    assert encoder.identity.prompts == {"brief": "ask: ", "content": "tell: "}
    assert encoder.identity.digest == record.digest != record.base_digest
    assert record.base == str(tiny_transformer)
    assert record.pairs == {one.kind: len(one) for one in pairs}
    assert record.pairs_hash == hash_pairs(pairs)
    assert len(record.losses) == QUICK.epochs
    assert "rights of their authors" in record.licence
    assert read_tuning(folder) == record
    assert not [path for path in folder.rglob("*") if path.suffix in {".bin", ".pt", ".pkl"}]
    row = SentenceTransformer(str(folder), device="cpu").encode(["tell: bún bò"])[0]
    ours = encoder.encode(["bún bò"], role="content")[0]
    assert row / np.linalg.norm(row) == pytest.approx(ours.astype(np.float32), abs=2e-3)
    assert encoder_from_files(encoder.files()).identity == encoder.identity


def test_the_seed_decides(
    tiny_transformer: Path,
    tuned: tuple[Path, TuningRecord],
    pairs: tuple[TextPairs, ...],
    tmp_path: Path,
) -> None:
    again = tune(tiny_transformer, pairs, tmp_path / "again")
    other = tune(tiny_transformer, pairs, tmp_path / "other", TuneRecipe(1, 16, 3e-3, seed=7))
    assert again == tuned[1]
    weights = [folder / "model.safetensors" for folder in (tuned[0], tmp_path / "again")]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    assert other.digest != again.digest


def test_the_first_loss_is_that_of_the_formula(
    tiny_transformer: Path, pairs: tuple[TextPairs, ...], tmp_path: Path
) -> None:
    base = Path(shutil.copytree(tiny_transformer, tmp_path / "base"))
    config = json.loads((base / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (base / "config.json").write_text(json.dumps(config))
    one = pairs[1]
    recipe = TuneRecipe(epochs=1, batch_size=len(one), learning_rate=1e-9)
    record = tune(base, (one,), tmp_path / "out", recipe)
    encoder = load_encoder(EncoderSettings(name=str(base)))
    left = encoder.encode(one.left, role="brief").astype(float)
    right = encoder.encode(one.right, role="content").astype(float)
    logits = left @ right.T / recipe.temperature
    total = 0.0
    for row in range(len(one)):
        # A brief's other posts, and other briefs of the same account, do not compete.
        rivals = [
            other
            for other in range(len(one))
            if other == row
            or (
                one.left_groups[other] != one.left_groups[row]
                and one.right_groups[other] != one.right_groups[row]
            )
        ]
        for scores in (logits[row, rivals], logits[rivals, row]):
            total += math.log(np.exp(scores).sum()) - logits[row, row]
    assert record.losses[0] == pytest.approx(total / (2 * len(one)), abs=0.02)


def test_altered_weights_are_refused(tuned: tuple[Path, TuningRecord], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tuned[0], tmp_path / "model"))
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))
    with pytest.raises(EncoderError, match="altered or replaced; tune it again"):
        load_encoder(EncoderSettings(name=str(folder)))


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 99}', '{"format": 1, "base": "x"}'])
def test_a_record_that_cannot_be_read_is_an_error(
    tuned: tuple[Path, TuningRecord], tmp_path: Path, text: str
) -> None:
    folder = Path(shutil.copytree(tuned[0], tmp_path / "model"))
    (folder / TUNING_FILE).write_text(text)
    with pytest.raises(EncoderError, match=rf"{TUNING_FILE}: cannot be read"):
        load_encoder(EncoderSettings(name=str(folder)))


def test_tuning_goes_on_from_an_earlier_cut_only(
    tuned: tuple[Path, TuningRecord], pairs: tuple[TextPairs, ...], tmp_path: Path
) -> None:
    settings = EncoderSettings(name=str(tuned[0]))
    with pytest.raises(LeakageError, match="give a later instant"):
        tune_encoder(
            settings,
            pairs,
            tmp_path / "x",
            trained_until=CUT - pd.Timedelta(days=1),
            data_hash="abc",
        )
    assert not (tmp_path / "x").exists()


def test_pairs_without_a_negative_are_refused(
    tiny_transformer: Path, pairs: tuple[TextPairs, ...], tmp_path: Path
) -> None:
    whole = pairs[0]
    one = TextPairs(
        "posts", whole.left[:4], whole.right[:4], "content", np.zeros(4, int), np.arange(4)
    )
    for given in ((), (one,)):
        with pytest.raises(SupportError, match="none of which is a negative"):
            tune(tiny_transformer, given, tmp_path / "x")


@pytest.mark.parametrize(
    "recipe",
    [{"epochs": 0}, {"batch_size": 1}, {"learning_rate": 0.0}, {"temperature": 0.0}],
)
def test_recipes_check_themselves(recipe: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=f"`{next(iter(recipe))}` is"):
        TuneRecipe(**recipe)  # type: ignore[arg-type]


def test_pairs_check_themselves() -> None:
    with pytest.raises(EncoderError, match="expected one length"):
        TextPairs("posts", ("a",), (), "content", np.zeros(1, int), np.zeros(1, int))
