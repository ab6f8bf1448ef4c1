from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from matcher.cli import app
from matcher.market.load import load_market

TINY = Path(__file__).parents[2] / "data" / "tiny_market"
TUNED_UNTIL = "2024-09-01"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("MATCHER_HOME", str(home))
    monkeypatch.chdir(Path(__file__).parent)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def transformer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained sentence transformer that knows the topics of the tiny market."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("transformer")
    texts = load_market(TINY)["posts"]["text"].fillna("")
    words = sorted({word for text in texts for word in text.lower().split()})
    vocabulary = {word: place for place, word in enumerate(["[PAD]", "[UNK]", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=64
    ).save_pretrained(folder / "inner")
    size = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = BertConfig(vocab_size=len(vocabulary), intermediate_size=64, **size)
    BertModel(config).save_pretrained(folder / "inner")
    modules = [Transformer(str(folder / "inner")), Pooling(32)]
    SentenceTransformer(modules=modules, device="cpu").save(
        str(folder / "base"), create_model_card=False
    )
    return folder / "base"


@pytest.fixture(scope="module")
def tuned(transformer: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    folder = tmp_path_factory.mktemp("tuned") / "encoder"
    how = ["--until", TUNED_UNTIL, "--learning-rate", "1e-3", "--epochs", "2"]
    return folder, run("embed", TINY, "--train", "--from", transformer, "--out", folder, *how)


def test_an_encoder_is_tuned_on_the_market(tuned: tuple[Path, Result], transformer: Path) -> None:
    folder, result = tuned
    assert result.exit_code == 0, result.stderr
    assert f"tuned from {transformer} on what was known before 2024-09-01" in result.stdout
    assert "pairs: two posts of one account" in result.stdout
    assert "loss of epoch 2" in result.stdout
    assert {path.name for path in folder.parent.iterdir()} == {"encoder"}
    assert (folder / "model.safetensors").is_file()
    record = json.loads((folder / "matcher_tuned.json").read_text(encoding="utf-8"))
    assert record["trained_until"] == "2024-09-01T00:00:00+00:00"
    assert record["losses"][1] < record["losses"][0]


def test_a_tuned_encoder_serves_later_campaigns_only(
    tuned: tuple[Path, Result], tmp_path: Path
) -> None:
    config = tmp_path / "small.yaml"
    config.write_text("ranker: {n_trees: 5, n_draws: 1}\nevaluation: {n_bootstrap: 10}\n")
    use = ["--encoder", tuned[0], "--config", config, "--cache", tmp_path / "c", "--no-evaluate"]
    use += ["--no-track"]
    late = run("train", TINY, *use, "--until", "2025-06-01", "--out", tmp_path / "late")
    assert late.exit_code == 0, late.stderr
    soon = run("train", TINY, *use, "--until", "2024-08-01", "--out", tmp_path / "soon")
    assert soon.exit_code == 3
    assert "may not be used for campaigns decided before" in soon.stderr
    assert not (tmp_path / "soon").exists()
    bench = run("embed", TINY, "--bench", "--encoder", tuned[0], "--until", "2024-08-01")
    assert (bench.exit_code, bench.stdout) == (3, "")


def test_a_tuned_encoder_is_not_replaced_unless_asked(
    tuned: tuple[Path, Result], transformer: Path, tmp_path: Path
) -> None:
    command = ["embed", TINY, "--train", "--from", transformer, "--out"]
    again = run(*command, tuned[0])
    assert again.exit_code == 2
    assert "give --force to replace it" in again.stderr
    foreign = tmp_path / "mine"
    foreign.mkdir()
    (foreign / "notes.txt").write_text("mine")
    assert run(*command, foreign, "--force").exit_code == 2
    assert (foreign / "notes.txt").read_text() == "mine"
    plan = run(*command, tmp_path / "new", "--until", TUNED_UNTIL, "--dry-run", "--json")
    assert json.loads(plan.stdout)["pairs"]["two posts of one account"] > 100
    assert not (tmp_path / "new").exists()


def test_a_tuning_that_fails_leaves_nothing(transformer: Path, tmp_path: Path) -> None:
    command = ["embed", TINY, "--train", "--from", transformer, "--out", tmp_path / "x"]
    result = run(*command, "--until", "1999-01-01")
    assert result.exit_code == 3
    assert "none of which is a negative" in result.stderr
    assert not [path for path in tmp_path.iterdir() if path.name != "home"]


def test_encoders_are_compared(tuned: tuple[Path, Result], tmp_path: Path) -> None:
    config = tmp_path / "small.yaml"
    config.write_text("encoder: {dim: 16, epochs: 1}\nevaluation: {n_bootstrap: 50}\n")
    command = ["embed", TINY, "--bench", "--config", config, "--until", TUNED_UNTIL]
    command += ["--encoder", tuned[0], "--encoder", "random", "--cache", tmp_path / "c"]
    result = run(*command, "--out", tmp_path / "figures.csv", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert set(found["encoders"]) == {"builtin", str(tuned[0]), "random"}
    names = {one["encoder"] for one in found["figures"]}
    assert names >= {"tfidf", "builtin", "builtin + tfidf", "random", str(tuned[0])}
    assert {"post to post of one account", "brief to hired accounts"} == {
        one["task"] for one in found["figures"]
    }
    table = pd.read_csv(tmp_path / "figures.csv")
    assert len(table) == len(found["figures"])
    assert table["value"].tolist() == pytest.approx([one["value"] for one in found["figures"]])
    shown = run(*command)
    assert "against tfidf" in shown.stdout
    assert "fitted on what was known before 2024-09-01" in shown.stdout
    assert "no public sets in ../shared/data/embedding" in shown.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--bench", "--train"], "expected one of them"),
        (["--epochs", "2"], "got --epochs, which is an option of `embed --train` only"),
        (["--bench", "--seed", "0"], "got --seed, which is an option of `embed --train` only"),
        (["--public", "."], "got --public, which is an option of `embed --bench` only"),
        (["--until", "2024"], "an option of `embed --bench` and `embed --train` only"),
        (["--encoder", "a", "--encoder", "b"], "got 2 encoders; expected one"),
        (["--train", "--out", "x"], "--from PATH is missing"),
        (["--train", "--from", "x"], "--out DIR is missing"),
        (["--train", "--from", "builtin", "--out", "x"], "got --from builtin"),
        (["--train", "--from", "x", "--out", "x", "--learning-rate", "5"], "`learning_rate` is 5"),
        (["--bench", "--out", "x.txt"], "got suffix '.txt'"),
        (["--bench", "--public", "/nowhere"], "holds none of the public sets"),
    ],
)
def test_misuse_is_2_and_says_what_to_do(options: list[str], message: str) -> None:
    result = run("embed", TINY, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_a_comparison_can_be_planned(tmp_path: Path) -> None:
    config = tmp_path / "other.yaml"
    config.write_text("encoder: {name: random}\n")
    for options in (["--encoder", "random"], ["--config", config]):
        plan = run("embed", TINY, "--bench", *options, "--dry-run", "--json")
        assert json.loads(plan.stdout)["would"] == "compare encoders with TF-IDF"
        assert json.loads(plan.stdout)["encoders"].count("dimensions") == 2
