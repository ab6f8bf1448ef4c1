from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.errors import BundleError, OutputExistsError
from matcher.ranking.bundle import read_bundle, unpack_files, write_bundle

FILES = {
    "hire-0.txt": b"tree\nversion=v4\n",
    "arrays.safetensors": bytes(range(64)),
    "encoder/config.json": b"{}",
    "empty.json": b"",
}
VALUES = {"trained_until": "2026-01-01", "features": ["best_post", "n_hires"], "auc": 0.75}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_bundle(tmp_path / "model", FILES, VALUES)
    return tmp_path / "model"


def test_reading_gives_back_what_was_written(folder: Path) -> None:
    bundle = read_bundle(folder)
    assert dict(bundle.files) == FILES
    assert {key: bundle.manifest[key] for key in VALUES} == VALUES
    assert bundle.manifest["files"]["empty.json"]["size"] == 0


def test_equal_content_gives_equal_bytes_and_another_content_another_id(tmp_path: Path) -> None:
    first = write_bundle(tmp_path / "a", FILES, VALUES)
    again = write_bundle(tmp_path / "b", dict(reversed(FILES.items())), VALUES)
    other = write_bundle(tmp_path / "c", FILES, {**VALUES, "auc": 0.76})
    read = [(tmp_path / name / "manifest.json").read_bytes() for name in "ab"]
    assert read[0] == read[1]
    assert first.model_id == again.model_id == read_bundle(tmp_path / "a").model_id
    assert first.model_id != other.model_id


def test_what_write_returns_is_what_read_returns(tmp_path: Path) -> None:
    written = write_bundle(tmp_path / "m", FILES, {"edges": (1, 2), "names": {1: "một", "b": "é"}})
    assert written == read_bundle(tmp_path / "m")


def test_bundle_survives_a_copy(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    assert read_bundle(tmp_path / "copy") == read_bundle(folder)


JSON_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
)


@given(
    files=st.dictionaries(
        st.from_regex(r"[a-z0-9_]{1,8}(/[a-z0-9_]{1,8}\.txt)?", fullmatch=True),
        st.binary(max_size=64),
        max_size=5,
    ),
    values=st.dictionaries(
        st.text(max_size=8).map(lambda key: "x" + key),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.text(max_size=12),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
            max_leaves=8,
        ),
        max_size=4,
    ),
)
def test_any_content_comes_back(files: dict[str, bytes], values: dict[str, object]) -> None:
    roots = {name.split("/")[0] for name in files if "/" in name}
    files = {name: content for name, content in files.items() if name not in roots}
    with tempfile.TemporaryDirectory() as place:
        write_bundle(Path(place) / "m", files, values)
        bundle = read_bundle(Path(place) / "m")
    assert dict(bundle.files) == files
    assert {key: bundle.manifest[key] for key in values} == values


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("bundle") / "model"
    write_bundle(place, FILES, VALUES)
    yield place
    read_bundle(place)


@pytest.mark.parametrize("name", ["manifest.json", "hire-0.txt", "arrays.safetensors"])
def test_every_truncation_is_an_error(pristine: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(pristine, tmp_path / "cut")
    whole = (pristine / name).read_bytes()
    for size in range(len(whole)):
        (tmp_path / "cut" / name).write_bytes(whole[:size])
        with pytest.raises(BundleError, match="cut short|altered|damaged"):
            read_bundle(tmp_path / "cut")


@given(data=st.data())
def test_every_altered_byte_is_an_error(pristine: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["manifest.json", "hire-0.txt", "encoder/config.json"]))
    whole = bytearray((pristine / name).read_bytes())
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    with tempfile.TemporaryDirectory() as place:
        shutil.copytree(pristine, Path(place) / "m")
        (Path(place) / "m" / name).write_bytes(bytes(whole))
        with pytest.raises(BundleError, match=r"model|manifest|m/"):
            read_bundle(Path(place) / "m")


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(BundleError, match=r"1 files are missing: |empty folder"):
        read_bundle(folder)


def test_what_file_managers_leave_behind_is_passed_over(folder: Path) -> None:
    before = read_bundle(folder)
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "encoder" / "Thumbs.db").write_bytes(b"x")
    assert read_bundle(folder) == before


def test_an_added_file_is_named(folder: Path) -> None:
    (folder / "encoder" / "more.bin").write_bytes(b"")
    with pytest.raises(BundleError, match="1 files do not belong to it: encoder/more.bin"):
        read_bundle(folder)


def test_an_added_empty_folder_is_named(folder: Path) -> None:
    (folder / "more").mkdir()
    with pytest.raises(BundleError, match=r"more/ \(empty folder\)"):
        read_bundle(folder)


@pytest.mark.parametrize("target", ["hire-0.txt", "manifest.json"])
def test_a_link_is_refused_even_to_equal_content(folder: Path, tmp_path: Path, target: str) -> None:
    (folder / target).rename(tmp_path / "moved")
    (folder / target).symlink_to(tmp_path / "moved")
    with pytest.raises(BundleError, match=rf"{target} \(link\)"):
        read_bundle(folder)


def test_a_linked_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "encoder").rename(tmp_path / "moved")
    (folder / "encoder").symlink_to(tmp_path / "moved")
    with pytest.raises(BundleError, match=r"encoder \(link\)"):
        read_bundle(folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_and_not_waited_for(folder: Path) -> None:
    (folder / "empty.json").unlink()
    os.mkfifo(folder / "empty.json")
    with pytest.raises(BundleError, match=r"empty.json \(no plain file\)"):
        read_bundle(folder)


def _forge(folder: Path, change: dict[str, object]) -> None:
    """Alter the manifest as somebody would who knows how it is sealed."""
    path = folder / "manifest.json"
    forged = {**json.loads(path.read_bytes()), **change}
    del forged["manifest_sha256"]
    forged["manifest_sha256"] = hashlib.sha256(_canonical(forged)).hexdigest()
    path.write_bytes(_canonical(forged))


def _canonical(manifest: dict[str, object]) -> bytes:
    return (json.dumps(manifest, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()


@pytest.mark.parametrize(
    "name",
    ["../out.txt", "/etc/passwd", "a/../../b", "a//b", "", ".", "a\\b", "nul", "con.txt", "é.txt",
     "a\0b", "-x", ".hidden", "a.", "a/b/c/d/e/f/g", "MANIFEST.json"],
)  # fmt: skip
def test_names_that_lead_elsewhere_are_refused_on_both_sides(folder: Path, name: str) -> None:
    entry = {"sha256": "0" * 64, "size": 1}
    _forge(folder, {"files": {**read_bundle(folder).manifest["files"], name: entry}})
    with pytest.raises(BundleError, match="file names are not allowed"):
        read_bundle(folder)
    with pytest.raises(BundleError, match="file names are not allowed"):
        write_bundle(folder.parent / "new", {name: b""}, {})
    assert not (folder.parent / "new").exists()


def test_names_that_differ_in_case_only_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"2 of 2 file names are not allowed: a\.txt, A\.txt"):
        write_bundle(tmp_path / "m", {"a.txt": b"", "A.txt": b""}, {})


def test_a_newer_format_says_to_update(folder: Path) -> None:
    _forge(folder, {"format_version": 2})
    with pytest.raises(BundleError, match="is of format 2; .* reads up to 1; update Matcher"):
        read_bundle(folder)


@pytest.mark.parametrize("version", [None, 0, "1", True, 1.5])
def test_a_senseless_format_is_refused(folder: Path, version: object) -> None:
    _forge(folder, {"format_version": version})
    with pytest.raises(BundleError, match="`format_version` is .*; expected a number"):
        read_bundle(folder)


@pytest.mark.parametrize(
    "files",
    [None, [], {"a": None}, {"a": {"sha256": 1, "size": 1}}, {"a": {"sha256": "", "size": -1}}],
)
def test_senseless_entries_are_refused(folder: Path, files: object) -> None:
    _forge(folder, {"files": files})
    with pytest.raises(BundleError, match="`files` is not a mapping of names"):
        read_bundle(folder)


def test_a_declared_giant_is_refused_before_it_is_read(folder: Path) -> None:
    files = dict(read_bundle(folder).manifest["files"])
    files["hire-0.txt"] = {"sha256": "0" * 64, "size": 2**40}
    _forge(folder, {"files": files})
    with pytest.raises(BundleError, match="larger than 1073741824 bytes: hire-0.txt"):
        read_bundle(folder)


def test_a_giant_manifest_is_refused_before_it_is_read(folder: Path) -> None:
    with (folder / "manifest.json").open("ab") as file:
        file.truncate(2**40)
    with pytest.raises(BundleError, match="has 1099511627776 bytes; expected at most 16777216"):
        read_bundle(folder)


@pytest.mark.parametrize("text", [b"[" * 100_000, b'"text"', b"\xff\xfe", b'{"a": 1e999}'])
def test_a_manifest_of_another_kind_is_refused(folder: Path, text: bytes) -> None:
    (folder / "manifest.json").write_bytes(text)
    with pytest.raises(BundleError, match=r"manifest\.json: "):
        read_bundle(folder)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.write_text("x"), "is no folder"),
        (lambda path: path.mkdir(), r"holds no manifest\.json"),
    ],
)
def test_what_is_no_bundle_says_so(tmp_path: Path, make: object, message: str) -> None:
    make(tmp_path / "m")
    with pytest.raises(BundleError, match=message):
        read_bundle(tmp_path / "m")


@pytest.mark.parametrize(
    "values",
    [{"x": float("nan")}, {"x": b"bytes"}, {"x": object()}, {"files": {}}, {"format_version": 9}],
)
def test_values_that_json_cannot_hold_are_refused(
    tmp_path: Path, values: dict[str, object]
) -> None:
    with pytest.raises(BundleError, match="not plain finite JSON|bundle's own"):
        write_bundle(tmp_path / "m", {}, values)
    assert not [*tmp_path.iterdir()]


def test_a_bundle_is_replaced_only_by_force(folder: Path) -> None:
    with pytest.raises(OutputExistsError, match="a model bundle stands there; give --force"):
        write_bundle(folder, {}, {})
    assert dict(read_bundle(folder).files) == FILES
    write_bundle(folder, {"new.txt": b"1"}, {}, force=True)
    assert dict(read_bundle(folder).files) == {"new.txt": b"1"}
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_that_is_no_bundle_is_never_replaced(tmp_path: Path, force: bool) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    (tmp_path / "link").symlink_to(tmp_path / "thesis")
    for name in ("thesis", "thesis/chapter.txt", "link"):
        with pytest.raises(OutputExistsError, match="exists and is no model bundle"):
            write_bundle(tmp_path / name, FILES, VALUES, force=force)
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "years of work"


def test_an_empty_folder_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "deep" / "m").mkdir(parents=True)
    write_bundle(tmp_path / "deep" / "m", FILES, VALUES)
    assert dict(read_bundle(tmp_path / "deep" / "m").files) == FILES


def test_a_place_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(BundleError, match="the bundle cannot be written"):
        write_bundle(tmp_path / "file" / "m", FILES, VALUES)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_killed_write_leaves_no_bundle_that_looks_whole(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from matcher.ranking import bundle\n"
        "seen = []\n"
        "def fsync(number): seen.append(number); len(seen) == 3 and os._exit(9)\n"
        "os.fsync = fsync\n"
        f"bundle.write_bundle(Path({str(tmp_path / 'm')!r}), {FILES!r}, {{}})"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    assert not (tmp_path / "m").exists()
    write_bundle(tmp_path / "m", FILES, VALUES)
    assert dict(read_bundle(tmp_path / "m").files) == FILES


def test_unpacking_writes_the_checked_bytes(folder: Path, tmp_path: Path) -> None:
    bundle = read_bundle(folder)
    (folder / "encoder" / "config.json").write_bytes(b"altered after the check")
    unpack_files(bundle, tmp_path / "out", prefix="encoder")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["config.json"]
    assert (tmp_path / "out" / "config.json").read_bytes() == b"{}"


def test_unpacking_what_is_not_there_is_an_error(folder: Path, tmp_path: Path) -> None:
    bundle = read_bundle(folder)
    with pytest.raises(BundleError, match="holds no file under 'tables/'"):
        unpack_files(bundle, tmp_path / "out", prefix="tables")
