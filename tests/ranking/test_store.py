from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from matcher.errors import BundleError, OutputExistsError
from matcher.ranking.bundle import read_bundle, write_bundle
from matcher.ranking.fit import fit_model
from matcher.ranking.store import model_files, read_model, write_model


@pytest.fixture(scope="module")
def written(fitted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "model"
    write_model(fitted.model, folder, extra={"market": "small"})
    return folder


@pytest.fixture
def copy(written, tmp_path):
    folder = tmp_path / "copy"
    for path in written.rglob("*"):
        if path.is_file():
            target = folder / path.relative_to(written)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return folder


def test_read_model_scores_bit_by_bit_as_the_written_one(m, fitted, written):
    model, bundle = read_model(written)
    context = model.context(m.make_data(m.make_tables()))
    matrix = model.features(context, m.all_pairs(context.data, "one", "two"))
    np.testing.assert_array_equal(matrix.values, fitted.matrix.values)
    scores, expected = model.score(matrix), fitted.model.score(fitted.matrix)
    pd.testing.assert_frame_equal(scores, expected, check_exact=True)
    np.testing.assert_array_equal(
        model.contributions(matrix), fitted.model.contributions(fitted.matrix)
    )
    assert model.trained_until == fitted.model.trained_until
    assert model.settings == fitted.model.settings
    assert model.facts == fitted.model.facts
    assert model.data_hash == fitted.data.market.data_hash
    assert bundle.manifest["market"] == "small"


def test_prior_survives_in_every_bit(fitted, written):
    model, _ = read_model(written)
    pd.testing.assert_frame_equal(
        model.prior.table, fitted.model.prior.table, check_exact=True, check_dtype=False
    )


def test_read_model_writes_the_same_bundle(fitted, written, tmp_path):
    model, bundle = read_model(written)
    again = write_model(model, tmp_path / "again", extra={"market": "small"})
    assert again.model_id == bundle.model_id
    assert model_files(model) == model_files(fitted.model)


def test_model_without_deliver_survives(m, tables, tmp_path):
    tables["collaborations"]["engagements"] = np.nan
    model, _, _ = fit_model(m.make_data(tables), m.NOW, m.SETTINGS)
    write_model(model, tmp_path / "model")
    again, _ = read_model(tmp_path / "model")
    assert again.deliver is None
    assert again.facts["no_deliver"] == model.facts["no_deliver"]


def test_a_model_is_not_overwritten(fitted, written):
    before = (written / "manifest.json").read_bytes()
    with pytest.raises(OutputExistsError, match="give --force to replace it"):
        write_model(fitted.model, written)
    assert (written / "manifest.json").read_bytes() == before


def test_force_replaces_a_model(fitted, copy):
    write_model(fitted.model, copy, extra={"market": "other"}, force=True)
    assert read_bundle(copy).manifest["market"] == "other"


def test_nothing_of_a_model_is_a_pickle(written):
    names = {path.suffix for path in written.rglob("*") if path.is_file()}
    assert names <= {".json", ".txt", ".safetensors"}


FILES = ["hire/0000.txt", "prior.json", "lexicon.safetensors", "manifest.json"]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["cut", "bit", "longer", "empty", "missing"])
def test_damaged_files_are_refused(copy, name, damage):
    path = copy / name
    content = path.read_bytes()
    middle = len(content) // 2
    changed = {
        "cut": content[:middle],
        "bit": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
        "longer": content + b"\n#",
        "empty": b"",
    }
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(changed[damage])
    with pytest.raises(BundleError, match="copy"):
        read_model(copy)


def test_a_truncated_ranker_does_not_end_the_process(copy):
    """LightGBM aborts on such a text; the manifest is checked before it sees a byte."""
    ranker = copy / "hire/0000.txt"
    ranker.write_bytes(ranker.read_bytes()[:2_000])
    code = (
        "import sys; from pathlib import Path\n"
        "from matcher.errors import BundleError\n"
        "from matcher.ranking.store import read_model\n"
        "try:\n    read_model(Path(sys.argv[1]))\n"
        "except BundleError as error:\n    sys.exit(7 if 'hire/0000.txt' in str(error) else 8)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(copy)], check=False, timeout=120)
    assert done.returncode == 7


def test_another_kind_of_bundle_is_refused(tmp_path):
    write_bundle(tmp_path / "other", {"a.txt": b"x"}, {"kind": "plan"})
    with pytest.raises(BundleError, match="is a bundle of 'plan'"):
        read_model(tmp_path / "other")


def rewritten(folder: Path, target: Path, change) -> Path:
    """A bundle whose checksums are right but whose content another version wrote."""
    bundle = read_bundle(folder)
    own = ("files", "format_version", "written_by", "manifest_sha256")
    manifest = {name: value for name, value in bundle.manifest.items() if name not in own}
    files = dict(bundle.files)
    change(files, manifest)
    write_bundle(target, files, json.loads(json.dumps(manifest)))
    return target


@pytest.mark.parametrize(
    "change",
    [
        lambda files, manifest: files.pop("prior.json"),
        lambda files, manifest: files.update({"prior.json": b"[{}]"}),
        lambda files, manifest: files.update({"prior.json": b"no JSON"}),
        lambda files, manifest: files.update({"lexicon.safetensors": b"no tensors at all"}),
        lambda files, manifest: manifest["rankers"].pop("hire"),
        lambda files, manifest: manifest.pop("trained_until"),
        lambda files, manifest: manifest["config"].update(unheard_of=1),
        lambda files, manifest: [files.pop(n) for n in list(files) if n.startswith("hire/")],
        lambda files, manifest: [files.pop(n) for n in list(files) if n.startswith("encoder/")],
    ],
)
def test_whole_files_of_another_version_are_refused(written, tmp_path, change):
    folder = rewritten(written, tmp_path / "other", change)
    with pytest.raises(BundleError, match="train the model again"):
        read_model(folder)


def test_ranker_of_other_features_is_refused(m, fitted, written, tmp_path):
    def swap(files, manifest):
        manifest["rankers"]["hire"]["features"].reverse()

    model, _ = read_model(rewritten(written, tmp_path / "other", swap))
    with pytest.raises(Exception, match="are not the .* of its manifest; train it again"):
        model.score(fitted.matrix)
