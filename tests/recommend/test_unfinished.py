from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from matcher.recommend import batches
from matcher.recommend.explore import Lottery
from matcher.recommend.recommend import recommend
from matcher.recommend.unfinished import BriefList, Unfinished, request_key
from matcher.recommend.write import write_recommendations


class Killed(Exception):
    pass


@pytest.fixture(scope="module")
def briefs(shop):
    return [shop.make_brief(f"b{number}", brand_id=f"br{number}") for number in range(4)]


def run(shop, briefs, folder: Path | None, *, stop_after: int | None = None, **options):
    def progress(_step: str, n_done: int, _n_all: int) -> None:
        if stop_after is not None and n_done >= stop_after:
            raise Killed("stopped")

    unfinished = None if folder is None else Unfinished(folder)
    known = {"as_of": shop.NOW, "top_k": 10, "context": shop.context}
    found = recommend(
        shop.model,
        shop.data,
        briefs,
        unfinished=unfinished,
        progress=progress,
        **{**known, **options},
    )
    return found, unfinished


@pytest.mark.parametrize("lottery", [None, Lottery(0.3)])
@pytest.mark.parametrize("stop_after", [1, 2])
def test_a_run_that_was_stopped_goes_on_and_ends_the_same(
    shop, briefs, tmp_path, monkeypatch, stop_after, lottery
):
    monkeypatch.setattr(batches, "_PAIRS_AT_ONCE", 1)
    whole, _ = run(shop, briefs, None, lottery=lottery)
    with pytest.raises(Killed, match="stopped"):
        run(shop, briefs, tmp_path / "kept", stop_after=stop_after, lottery=lottery)
    again, unfinished = run(shop, briefs, tmp_path / "kept", lottery=lottery)
    assert unfinished.n_resumed == stop_after
    pd.testing.assert_frame_equal(again.frame, whole.frame, check_exact=True)
    pd.testing.assert_frame_equal(again.pools, whole.pools, check_exact=True)
    assert again.notes == whole.notes
    assert again.audit == whole.audit
    if lottery is not None:
        pd.testing.assert_frame_equal(again.decisions, whole.decisions, check_exact=True)
    for suffix in (".parquet", ".csv", ".jsonl"):
        one = write_recommendations(whole, tmp_path / f"whole{suffix}")
        two = write_recommendations(again, tmp_path / f"again{suffix}")
        assert one.read_bytes() == two.read_bytes()
    unfinished.discard()
    assert not list((tmp_path / "kept").iterdir())


def test_another_request_starts_anew(shop, briefs, tmp_path):
    with pytest.raises(Killed, match="stopped"):
        run(shop, briefs, tmp_path, stop_after=2)
    assert run(shop, briefs, tmp_path, top_k=3)[1].n_resumed == 0
    assert run(shop, briefs, tmp_path, language="vi")[1].n_resumed == 0
    changed = [briefs[0].model_copy(update={"brief": "khác hẳn"}), *briefs[1:]]
    assert run(shop, changed, tmp_path)[1].n_resumed == 1


def test_a_damaged_list_is_ranked_again(shop, briefs, tmp_path):
    whole, _ = run(shop, briefs, None)
    with pytest.raises(Killed, match="stopped"):
        run(shop, briefs, tmp_path, stop_after=2)
    for kept in tmp_path.rglob("*.json"):
        kept.write_text(kept.read_text()[:-40])
    again, unfinished = run(shop, briefs, tmp_path)
    assert unfinished.n_resumed == 0
    pd.testing.assert_frame_equal(again.frame, whole.frame, check_exact=True)


def test_whatever_a_list_holds_comes_back(tmp_path):
    log = pd.DataFrame(
        {
            "text": pd.Series(["Đà Nẵng", None, "=1+1\x00\u202e"], dtype="str"),
            "cells": pd.Series([("a", "b"), (), ("\udfff",)], dtype=object),
            "number": [0.1 + 0.2, np.nan, -np.inf],
            "count": pd.Series([1, None, 2**62], dtype="Int64"),
            "flag": [True, False, True],
            "seen_at": pd.DatetimeIndex(
                ["2025-01-01T00:00:00.000001Z", None, "1969-12-31T00:00:00.5Z"]
            ).as_unit("us"),
        }
    )
    instant = pd.Timestamp("2025-01-01T00:00:00.5Z")
    rows = {
        "text": ["\ud800 lone", None],
        "cells": [("a", "b"), ()],
        "number": np.array([0.1 + 0.2, 1e-300]),
        "flag": np.array([True, False]),
        "seen_at": [instant, None],
        "missing": [pd.NaT, None],
    }
    pool = {"brief_id": "b", "as_of": instant, "n": np.int64(3),
            "alike": ({"id": "c", "median": np.float64(0.1)},), "none": None}  # fmt: skip
    Unfinished(tmp_path).keep("k", "brief", BriefList(rows, pool, ("\ud800",), log))
    held = Unfinished(tmp_path).begin("k", ["brief", "other"])
    assert list(held) == ["brief"]
    assert held["brief"].rows == {
        **rows, "number": [0.1 + 0.2, 1e-300], "flag": [True, False], "missing": [None, None],
    }  # fmt: skip
    pd.testing.assert_frame_equal(held["brief"].log, log, check_exact=True)
    assert held["brief"].pool == pool
    assert held["brief"].notes == ("\ud800",)


def test_what_nobody_asks_for_is_removed_after_a_week(tmp_path):
    empty = BriefList(None, {}, ())
    for name, days in (("old", 8), ("new", 6)):
        Unfinished(tmp_path).keep(name, "brief", empty)
        for file in (tmp_path / name).iterdir():
            os.utime(file, (time.time() - days * 86_400,) * 2)
    (tmp_path / ".DS_Store").write_text("of a file manager")
    Unfinished(tmp_path).begin("other", [])
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".DS_Store", "new"]


def test_a_request_is_named_by_all_that_is_asked():
    assert request_key({"a": 1, "b": 2}) == request_key({"b": 2, "a": 1})
    assert request_key({"a": 1}) != request_key({"a": 2})
