"""Bundles of earlier releases are read, and score as they did when they were written.

``fixtures/`` holds one bundle per format of the manifest, small enough to be kept, the market that
it was trained on, and the scores that it gave. A committed bundle is never made anew: that it can
still be read is the test. When the format changes, ``python tests/ranking/test_formats.py`` writes
one of the new format beside it.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from matcher.config import Settings
from matcher.errors import BundleError
from matcher.features.context import MarketData
from matcher.features.pairs import build_pairs
from matcher.market.load import load_market
from matcher.ranking.fit import fit_model
from matcher.ranking.manifest import FORMAT_VERSION
from matcher.ranking.model import Model
from matcher.ranking.store import read_model, write_model
from matcher.recommend.recommend import recommend, select_open_briefs

TINY = Path(__file__).parents[2] / "data" / "tiny_market"
FIXTURES = Path(__file__).parent / "fixtures"
BUNDLES = sorted(FIXTURES.glob("format-*/bundle"))
SETTINGS = {
    "encoder": {"dim": 8, "epochs": 1},
    "ranker": {"n_trees": 4, "n_draws": 1, "min_rows_in_leaf": 3},
    "outcome": {"n_trees": 3},
    "retrieval": {"min_posts": 1},
}
UNTIL = pd.Timestamp("2025-01-10T00:00:00Z")


def scores_of(model: Model, data: MarketData) -> dict[str, list[float]]:
    """Scores of all accounts of the tiny market for its open campaigns, by question."""
    now = data.market.all_known_at
    briefs = select_open_briefs(data.market, now)
    accounts = sorted(data.index.account_ids)
    pairs = build_pairs(
        briefs,
        {brief.brief_id: accounts for brief in briefs},
        instants={brief.brief_id: now for brief in briefs},
    )
    scores = model.score(model.features(model.context(data), pairs))
    return {name: scores[name].tolist() for name in ("hire", "deliver", "lift")}


def test_the_present_format_has_a_bundle() -> None:
    assert FIXTURES / f"format-{FORMAT_VERSION}" / "bundle" in BUNDLES
    for bundle in BUNDLES:
        assert sum(path.stat().st_size for path in bundle.rglob("*")) < 300_000


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.parent.name)
def test_a_bundle_of_an_earlier_release_scores_as_it_did(bundle: Path) -> None:
    data = MarketData(load_market(bundle.parent / "market"))
    model, read = read_model(bundle)
    recorded = json.loads((bundle.parent / "scores.json").read_text(encoding="utf-8"))
    assert f"format-{read.manifest['format_version']}" == bundle.parent.name
    assert data.market.data_hash == recorded["data_hash"], "its market has changed"
    # Bit by bit: Python writes the shortest digits that give a number back.
    assert scores_of(model, data) == recorded["scores"]


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.parent.name)
def test_a_bundle_of_an_earlier_release_recommends(bundle: Path) -> None:
    data = MarketData(load_market(bundle.parent / "market"))
    model, _ = read_model(bundle)
    briefs = select_open_briefs(data.market, data.market.all_known_at)
    found = recommend(model, data, briefs, top_k=3, order="blend")
    assert found.frame["rank"].tolist() == [1, 2, 3] * len(briefs)


def test_a_bundle_of_a_later_release_is_refused(tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / f"format-{FORMAT_VERSION}" / "bundle", tmp_path / "m")
    path = tmp_path / "m" / "manifest.json"
    newer = json.loads(path.read_text(encoding="utf-8"))
    newer |= {"format_version": FORMAT_VERSION + 1, "written_by": "matcher 99.0", "new": "key"}
    del newer["manifest_sha256"]

    def canonical() -> bytes:
        # Its own digest is right, so that the format alone speaks against it.
        text = json.dumps(newer, sort_keys=True, indent=1, ensure_ascii=False)
        return text.encode() + b"\n"

    newer["manifest_sha256"] = hashlib.sha256(canonical()).hexdigest()
    path.write_bytes(canonical())
    message = f"is of format {FORMAT_VERSION + 1}; .* reads up to {FORMAT_VERSION}; update Matcher"
    with pytest.raises(BundleError, match=re.compile(message)):
        read_model(tmp_path / "m")


def write_fixture() -> Path:
    """Market, bundle of the present format and its scores, where there are none yet."""
    folder = FIXTURES / f"format-{FORMAT_VERSION}"
    shutil.copytree(TINY, folder / "market")
    market = MarketData(load_market(folder / "market"))
    model, _, _ = fit_model(market, UNTIL, Settings.model_validate(SETTINGS))
    write_model(model, folder / "bundle")
    recorded = {"data_hash": market.market.data_hash, "scores": scores_of(model, market)}
    (folder / "scores.json").write_text(json.dumps(recorded, indent=0) + "\n", encoding="utf-8")
    return folder


if __name__ == "__main__":
    write_fixture()
