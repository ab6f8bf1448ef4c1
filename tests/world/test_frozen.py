"""Named worlds stay as they are: ``python tests/world/test_frozen.py`` pins what they are now."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path

import pandas as pd
import pytest

from matcher.world import WORLD_VERSION, WORLDS, find_world, simulate_market
from matcher.world.simulate import hash_knobs

PINS = Path(__file__).with_name("frozen.json")
ADVICE = (
    "raise WORLD_VERSION in matcher/world/knobs.py, since equal arguments give another market now, "
    "and pin it by `python tests/world/test_frozen.py`"
)


def fingerprint(folder: Path) -> str:
    """Digest of all tables, floating-point numbers to 6 digits, so that no processor matters."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.parquet")):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(pd.read_parquet(path).to_csv(float_format="%.6g").encode())
    return digest.hexdigest()


def describe(world: str, folder: Path) -> dict[str, str]:
    simulate_market(folder, n_influencers=40, n_campaigns=8, seed=1, world=world)
    return {"knobs": hash_knobs(find_world(world)), "market": fingerprint(folder)}


def write_pins() -> None:
    with tempfile.TemporaryDirectory() as place:
        worlds = {name: describe(name, Path(place) / name) for name in sorted(WORLDS)}
    pins = {"version": WORLD_VERSION, "worlds": worlds}
    PINS.write_text(json.dumps(pins, indent=2) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def pins() -> dict:
    return json.loads(PINS.read_text(encoding="utf-8"))


def test_all_worlds_of_this_version_are_pinned(pins: dict) -> None:
    assert pins["version"] == WORLD_VERSION, "run `python tests/world/test_frozen.py`"
    assert sorted(pins["worlds"]) == sorted(WORLDS), "run `python tests/world/test_frozen.py`"


@pytest.mark.parametrize("world", sorted(WORLDS))
def test_a_world_changes_only_with_its_version(world: str, pins: dict, tmp_path: Path) -> None:
    assert describe(world, tmp_path / "m") == pins["worlds"].get(world), f"{world}: {ADVICE}"


def test_the_record_holds_all_that_the_bytes_rest_on(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    summary = simulate_market(folder, n_influencers=20, n_campaigns=3, seed=9, world="tiny")
    record = json.loads((folder / "truth" / "world.json").read_text(encoding="utf-8"))
    asked = {name: record[name] for name in ("world", "seed", "n_influencers", "n_campaigns")}
    assert asked == {"world": "tiny", "seed": 9, "n_influencers": 20, "n_campaigns": 3}
    assert record["version"] == WORLD_VERSION
    assert record["knobs"] == find_world("tiny").as_dict()
    assert record["knobs_sha256"] == hash_knobs(find_world("tiny"))
    assert set(record["libraries"]) == {"numpy", "pyarrow"}
    assert record["content_sha256"] == summary.content_hash
    digests = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.parquet")
    }
    assert record["files"] == digests


if __name__ == "__main__":
    write_pins()
