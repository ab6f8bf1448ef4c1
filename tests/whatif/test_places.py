from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from matcher.whatif.places import Places

IDS = st.sets(st.text("abÀ0_", min_size=1, max_size=4), max_size=12)


def split(ids: set[str], others: set[str]) -> tuple[list[str], list[str]]:
    return sorted(others), sorted(ids - others)


@given(IDS, IDS)
def test_the_whole_is_sorted_and_every_row_is_found_again(ids: set[str], others: set[str]) -> None:
    old, new = split(ids, others)
    places = Places.of_sorted(pd.Index(old, dtype=object), pd.Index(new, dtype=object))
    whole = places.merge(np.array(old, dtype=object), np.array(new, dtype=object))
    assert whole.tolist() == sorted(ids | others)
    assert whole[places.of_others(np.arange(len(old)))].tolist() == old
    assert whole[places.of_newcomers(np.arange(len(new)))].tolist() == new
    is_new, rows = places.origin(np.arange(len(whole)))
    assert [new[row] if one else old[row] for one, row in zip(is_new, rows, strict=True)] == (
        whole.tolist()
    )
    frames = (pd.DataFrame({"id": pd.Series(one, dtype="str")}) for one in (old, new))
    assert places.merge_frames(*frames)["id"].tolist() == whole.tolist()


def test_none_stays_none() -> None:
    places = Places.of_sorted(pd.Index(["a", "c"]), pd.Index(["b"]))
    none = np.array([-1, 0])
    assert places.of_others(none).tolist() == [-1, 0]
    assert places.of_newcomers(none).tolist() == [-1, 1]
    is_new, rows = places.origin(np.array([-1, 1]))
    assert is_new.tolist() == [False, True]
    assert rows.tolist() == [-1, 0]
    empty = np.empty(0, dtype=np.int64)
    assert places.of_others(empty).tolist() == []


def test_rows_keep_their_columns_and_type() -> None:
    places = Places(3, np.array([1, 1, 3]))
    whole = places.merge(np.zeros((3, 2), dtype=np.float16), np.ones((3, 2), dtype=np.float16))
    assert whole.dtype == np.float16
    assert whole[:, 0].tolist() == [0, 1, 1, 0, 0, 1]
