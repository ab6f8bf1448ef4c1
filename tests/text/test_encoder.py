from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.config import EncoderSettings
from matcher.errors import EncoderError
from matcher.text.encoder import (
    Encoder,
    EncoderIdentity,
    encoder_from_files,
    fit_builtin_encoder,
    load_encoder,
    random_encoder,
    read_encoder,
)

CUT = pd.Timestamp("2024-01-01", tz="UTC")
Corpus = tuple[list[str], list[str]]


def cosine(encoder: Encoder, left: str, right: str) -> float:
    a, b = encoder.encode([left, right], role="content").astype(np.float64)
    return float(a @ b)


def test_rows_are_float16_of_unit_length(builtin: Encoder, corpus: Corpus) -> None:
    vectors = builtin.encode(corpus[0], role="content")
    assert vectors.dtype == np.float16
    assert vectors.shape == (len(corpus[0]), 32)
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    assert lengths == pytest.approx(np.ones(len(corpus[0])), abs=1e-2)


@settings(max_examples=25)
@given(
    st.lists(
        st.sampled_from(["phở", "son môi", "", "lạ hoắc 한국", "#AnNgon", "x" * 99]), max_size=9
    )
)
def test_batches_equal_one_by_one_bit_for_bit(builtin: Encoder, texts: list[str]) -> None:
    together = builtin.encode(texts, role="content")
    alone = [builtin.encode([text], role="content") for text in texts]
    assert np.array_equal(together, np.concatenate([np.zeros((0, 32), np.float16), *alone]))


def test_partitions_give_equal_rows(builtin: Encoder, corpus: Corpus) -> None:
    whole = builtin.encode(corpus[0], role="content")
    for n_parts in (2, 7):
        parts = np.array_split(np.array(corpus[0], dtype=object), n_parts)
        rows = [builtin.encode(part.tolist(), role="content") for part in parts]
        assert np.array_equal(whole, np.concatenate(rows))


@pytest.mark.parametrize("text", ["", "   ", "\u200b", "!!! ???"])
def test_texts_without_content_have_zero_rows(builtin: Encoder, text: str) -> None:
    assert not builtin.encode([text], role="brief").any()


def test_languages_never_seen_still_get_vectors(builtin: Encoder) -> None:
    vectors = builtin.encode(["안녕하세요", "मसाला चाय", "Привет мир"], role="content")
    assert vectors.any(axis=1).all()


def test_composed_and_decomposed_text_get_one_vector(builtin: Encoder) -> None:
    vectors = builtin.encode(["Bún bò Huế", "Bu\u0301n bo\u0300 Hue\u0302\u0301"], role="content")
    assert np.array_equal(vectors[0], vectors[1])


def test_no_text_gives_no_rows(builtin: Encoder) -> None:
    assert builtin.encode([], role="content").shape == (0, 32)


def test_posts_of_one_topic_come_closer(builtin: Encoder) -> None:
    near = cosine(builtin, "phở gà", "#reviewanngon")
    assert near > cosine(builtin, "phở gà", "#lamdep") + 0.2


def test_contrastive_training_changes_vectors(
    builtin: Encoder, corpus: Corpus, small_settings: EncoderSettings
) -> None:
    untrained = small_settings.model_copy(update={"epochs": 0})
    other = fit_builtin_encoder(*corpus, settings=untrained, trained_until=CUT)
    assert other.identity.digest != builtin.identity.digest


def test_fitting_twice_gives_the_same_bits(corpus: Corpus, small_settings: EncoderSettings) -> None:
    fits = [
        fit_builtin_encoder(*corpus, settings=small_settings, trained_until=CUT) for _ in range(2)
    ]
    assert fits[0].identity == fits[1].identity
    assert fits[0].files() == fits[1].files()


def test_fit_does_not_depend_on_the_hash_seed(corpus: Corpus) -> None:
    code = (
        "import json, sys; from matcher.config import EncoderSettings;"
        "from matcher.text.encoder import fit_builtin_encoder as fit;"
        "texts, accounts = json.load(sys.stdin);"
        "print(fit(texts, accounts, settings=EncoderSettings(dim=8), trained_until=None)"
        ".identity.digest)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        input=json.dumps(corpus),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "1"},
    )
    here = fit_builtin_encoder(*corpus, settings=EncoderSettings(dim=8), trained_until=None)
    assert done.stdout.strip() == here.identity.digest


def test_another_seed_gives_other_vectors(corpus: Corpus, small_settings: EncoderSettings) -> None:
    seeds = [small_settings.model_copy(update={"seed": seed}) for seed in (0, 1)]
    fits = [fit_builtin_encoder(*corpus, settings=seed, trained_until=CUT) for seed in seeds]
    assert fits[0].identity.digest != fits[1].identity.digest


def test_three_captions_are_enough() -> None:
    encoder = fit_builtin_encoder(
        ["phở bò", "phở gà", "pizza"],
        ["a", "a", "b"],
        settings=EncoderSettings(),
        trained_until=CUT,
    )
    assert cosine(encoder, "phở bò", "phở gà") > cosine(encoder, "phở bò", "pizza")
    assert encoder.identity.dim == EncoderSettings().dim


def test_one_caption_is_enough() -> None:
    encoder = fit_builtin_encoder(["phở"], ["a"], settings=EncoderSettings(), trained_until=None)
    assert cosine(encoder, "phở", "phở") == pytest.approx(1, abs=1e-2)


@pytest.mark.parametrize("texts", [[], ["", "..."]])
def test_nothing_to_learn_from_is_an_error(texts: list[str]) -> None:
    with pytest.raises(EncoderError, match=r"holds a word.*HUB_ID\|PATH"):
        fit_builtin_encoder(
            texts, ["a"] * len(texts), settings=EncoderSettings(), trained_until=CUT
        )


def test_accounts_must_match_texts() -> None:
    with pytest.raises(EncoderError, match="2 texts but 1 accounts"):
        fit_builtin_encoder(["a", "b"], ["x"], settings=EncoderSettings(), trained_until=CUT)


def test_text_that_is_missing_is_an_error(builtin: Encoder) -> None:
    with pytest.raises(EncoderError, match="got nan of type float"):
        builtin.encode([float("nan")], role="content")  # type: ignore[list-item]


def test_only_the_newest_texts_are_used(corpus: Corpus, small_settings: EncoderSettings) -> None:
    texts, accounts = corpus
    few = small_settings.model_copy(update={"max_texts": 48})
    instants = np.arange(len(texts)).astype("datetime64[D]")
    newest = fit_builtin_encoder(
        texts, accounts, settings=few, trained_until=CUT, published_at=instants
    )
    alone = fit_builtin_encoder(texts[-48:], accounts[-48:], settings=few, trained_until=CUT)
    assert newest.identity.digest == alone.identity.digest


def test_written_encoder_reads_back_bit_for_bit(
    builtin: Encoder, corpus: Corpus, tmp_path: Path
) -> None:
    builtin.write(tmp_path / "encoder")
    again = read_encoder(tmp_path / "encoder")
    assert again.identity == builtin.identity
    assert again.identity.trained_until == CUT
    rows = [encoder.encode(corpus[0], role="brief") for encoder in (builtin, again)]
    assert np.array_equal(*rows)


def test_written_encoder_is_a_sentence_transformer(builtin: Encoder, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    builtin.write(tmp_path)
    model = SentenceTransformer(str(tmp_path), device="cpu")
    prepared = builtin.prepare("Phở bò ngon")
    vector = model.encode([prepared], normalize_embeddings=True)[0]
    ours = builtin.encode(["Phở bò ngon"], role="content")[0]
    assert vector == pytest.approx(ours.astype(np.float32), abs=1e-3)


def test_files_make_the_same_encoder(builtin: Encoder) -> None:
    files = builtin.files()
    assert any(name.endswith(".safetensors") for name in files)
    assert not any(name.endswith((".bin", ".pkl", ".pt")) for name in files)
    assert encoder_from_files(files).identity == builtin.identity


def test_altered_weights_are_refused(builtin: Encoder, tmp_path: Path) -> None:
    builtin.write(tmp_path)
    weights = next(tmp_path.rglob("*.safetensors"))
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))
    with pytest.raises(EncoderError, match="altered or replaced"):
        read_encoder(tmp_path)


def test_truncated_weights_are_refused(builtin: Encoder) -> None:
    files = builtin.files()
    name = next(name for name in files if name.endswith(".safetensors"))
    with pytest.raises(EncoderError, match="altered or replaced"):
        encoder_from_files({**files, name: files[name][:100]})


def test_folder_without_encoder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="holds no matcher_encoder.json"):
        read_encoder(tmp_path)


def test_identity_of_another_format_is_an_error(builtin: Encoder) -> None:
    files = {**builtin.files(), "matcher_encoder.json": b'{"format": 99}'}
    with pytest.raises(EncoderError, match="another format than 1"):
        encoder_from_files(files)


@pytest.mark.parametrize("name", ["../evil.json", "/tmp/evil.json"])
def test_files_do_not_leave_their_folder(builtin: Encoder, name: str, tmp_path: Path) -> None:
    from matcher.text.folder import write_files

    with pytest.raises(EncoderError, match="leads out of its folder"):
        write_files(tmp_path, {name: b"{}"})


def test_identity_survives_json(builtin: Encoder) -> None:
    values = json.loads(json.dumps(builtin.identity.as_dict()))
    assert EncoderIdentity.from_dict(values) == builtin.identity


def test_random_vectors_are_fixed_by_text_and_seed() -> None:
    one, same, other = (random_encoder(64, seed) for seed in (1, 1, 2))
    texts = ["phở", "bún", "phở"]
    vectors = one.encode(texts, role="content")
    assert np.array_equal(vectors, same.encode(texts, role="content"))
    assert np.array_equal(vectors[0], vectors[2])
    assert not np.array_equal(vectors, other.encode(texts, role="content"))
    assert np.linalg.norm(vectors.astype(float), axis=1) == pytest.approx(np.ones(3), abs=1e-2)


def test_random_vectors_know_nothing() -> None:
    texts = [f"phở bò số {place}" for place in range(200)]
    vectors = random_encoder(256, 0).encode(texts, role="content").astype(np.float64)
    cosines = (vectors @ vectors.T)[np.triu_indices(200, 1)]
    assert abs(cosines.mean()) < 0.005
    assert cosines.std() == pytest.approx(1 / 16, rel=0.05)


def test_random_encoder_survives_its_files() -> None:
    encoder = random_encoder(16, 3)
    assert encoder_from_files(encoder.files()).identity == encoder.identity


def test_transformer_loads_from_a_path(tiny_transformer: Path) -> None:
    encoder = load_encoder(EncoderSettings(name=str(tiny_transformer)))
    assert encoder.identity.dim == 16
    assert encoder.identity.trained_until is None
    assert not encoder.identity.is_aligned
    vectors = encoder.encode(["bún bò ngon", "son môi", ""], role="content")
    assert np.linalg.norm(vectors[:2].astype(float), axis=1) == pytest.approx([1, 1], abs=1e-2)
    assert not vectors[2].any()


def test_own_prompts_of_an_unknown_model_are_used(tiny_transformer: Path) -> None:
    encoder = load_encoder(EncoderSettings(name=str(tiny_transformer)))
    assert encoder.identity.prompts == {"brief": "ask: ", "content": "tell: "}
    vectors = [encoder.encode(["ngon"], role=role) for role in ("brief", "content")]
    assert encoder.identity.cache_key("brief") != encoder.identity.cache_key("content")
    assert vectors[0].shape == vectors[1].shape


def test_registered_prompts_go_by_the_name_of_the_folder(
    tiny_transformer: Path, tmp_path: Path
) -> None:
    renamed = tmp_path / "multilingual-e5-small"
    renamed.symlink_to(tiny_transformer, target_is_directory=True)
    identity = load_encoder(EncoderSettings(name=str(renamed))).identity
    assert identity.prompts == {"brief": "query: ", "content": "passage: "}
    assert identity.is_aligned


def test_files_of_a_published_model_are_its_identity_only(tiny_transformer: Path) -> None:
    encoder = load_encoder(EncoderSettings(name=str(tiny_transformer)))
    assert list(encoder.files()) == ["matcher_encoder.json"]
    assert encoder_from_files(encoder.files()).identity == encoder.identity


def test_published_model_that_changed_since_is_refused(
    tiny_transformer: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_transformer, tmp_path / "model"))
    files = load_encoder(EncoderSettings(name=str(folder))).files()
    weights = next(folder.rglob("*.safetensors"))
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))
    with pytest.raises(EncoderError, match="altered or replaced"):
        encoder_from_files(files)


def test_hub_model_that_is_not_here_is_an_error() -> None:
    with pytest.raises(EncoderError, match=r"'no-such/model'.*not found in .*hf download no-such"):
        load_encoder(EncoderSettings(name="no-such/model"))


def test_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="no such folder"):
        load_encoder(EncoderSettings(name=str(tmp_path / "absent")))


def test_weights_that_could_run_code_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(EncoderError, match=r"holds no \*\.safetensors"):
        load_encoder(EncoderSettings(name=str(tmp_path)))


def test_damaged_model_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"\x08")
    with pytest.raises(EncoderError, match="cannot load it"):
        load_encoder(EncoderSettings(name=str(tmp_path)))


def test_the_encoder_of_a_model_is_not_taken_for_a_published_one(
    builtin: Encoder, tmp_path: Path
) -> None:
    builtin.write(tmp_path)
    with pytest.raises(EncoderError, match="is the encoder of a model, fitted on its market"):
        load_encoder(EncoderSettings(name=str(tmp_path)))


def test_builtin_is_fitted_not_loaded() -> None:
    with pytest.raises(EncoderError, match="fit_builtin_encoder"):
        load_encoder(EncoderSettings())


def test_fitting_and_loading_open_no_connection(tiny_transformer: Path) -> None:
    code = (
        "import socket, sys\n"
        "def refuse(*_): raise SystemExit('connection attempted')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from matcher.config import EncoderSettings\n"
        "from matcher.text.encoder import encoder_from_files, fit_builtin_encoder, load_encoder\n"
        "fitted = fit_builtin_encoder(['phở bò'], ['a'], settings=EncoderSettings(),"
        " trained_until=None)\n"
        "encoder_from_files(fitted.files()).encode(['phở'], role='brief')\n"
        "load_encoder(EncoderSettings(name=sys.argv[1])).encode(['phở'], role='brief')\n"
        "print('silent')"
    )
    online = {key: value for key, value in os.environ.items() if not key.endswith("_OFFLINE")}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(tiny_transformer)],
        capture_output=True,
        text=True,
        env=online,
    )
    assert done.stdout.strip() == "silent", done.stderr


def test_cache_key_depends_on_weights_prompt_and_normalisation(builtin: Encoder) -> None:
    identity = builtin.identity
    others = (
        dataclasses.replace(identity, digest="0" * 64),
        dataclasses.replace(identity, prompts={"brief": "query: "}),
        dataclasses.replace(identity, normaliser="0"),
    )
    keys = {identity.cache_key("brief"), *(other.cache_key("brief") for other in others)}
    assert len(keys) == 4


def test_import_of_the_room_is_light() -> None:
    code = (
        "import sys, matcher.text, matcher.text.encoder, matcher.text.cache, matcher.text.lexical;"
        "print({'torch', 'sentence_transformers', 'transformers', 'tokenizers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
