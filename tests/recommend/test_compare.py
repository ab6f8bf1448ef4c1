from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.columns import REASON_GROUPS
from matcher.errors import DataError, UsageError
from matcher.files import TABLE_SUFFIXES
from matcher.recommend.compare import COMPARED_COLUMNS, compare_lists
from matcher.recommend.recommend import recommend
from matcher.recommend.write import read_recommendations, write_recommendations


def make_list(accounts, brief="b", **groups):
    frame = pd.DataFrame({"brief_id": brief, "account_id": list(accounts)})
    frame["handle"] = "@" + frame["account_id"]
    frame["rank"] = np.arange(1, len(frame) + 1)
    frame["explained"] = "fit"
    for group in REASON_GROUPS:
        frame[f"reason_{group}"] = groups.get(group, np.zeros(len(frame)))
    return frame


def test_who_entered_left_and_moved():
    found = compare_lists(make_list("abcd"), make_list("bace"))
    rows = found.changes.set_index("account_id")
    assert rows["change"].to_dict() == {
        "b": "up", "a": "down", "c": "same", "e": "entered", "d": "left"
    }  # fmt: skip
    assert found.changes["account_id"].tolist() == ["b", "a", "c", "e", "d"]
    assert rows.loc["e", "sentence"] == "Entered at rank 4."
    assert rows.loc["d", "sentence"] == "Left from rank 4."
    assert rows.loc["d", "handle"] == "@d"
    brief = found.briefs.iloc[0]
    names = ["n_old", "n_new", "n_common", "n_entered", "n_left", "n_moved"]
    assert brief[names].tolist() == [4, 4, 3, 1, 1, 2]
    assert brief["rank_correlation"] == pytest.approx(1 / 3)


def test_the_group_that_moved_more_than_the_others_is_named():
    old = make_list("abc", relevance=[1.0, 1.0, 1.0], history=[3.0, 2.0, 1.0])
    # Relevance lifts everybody alike; history lifts c and sinks a.
    new = make_list("cba", relevance=[5.0, 5.0, 5.0], history=[3.5, 2.0, 0.5])
    rows = compare_lists(old, new).changes.set_index("account_id")
    assert rows.loc["c", "sentence"] == "Up from rank 3 to 1, helped most by History (+2.50)."
    assert rows.loc["a", "sentence"] == "Down from rank 1 to 3, harmed most by History (-2.50)."
    assert rows["change_relevance"].tolist() == [0.0, 0.0, 0.0]
    vi = compare_lists(old, new, language="vi").changes.set_index("account_id")
    assert vi.loc["c", "sentence"] == (
        "Lên từ hạng 3 đến hạng 1, được nâng nhiều nhất nhờ Lịch sử hợp tác (+2,50)."
    )


def test_rows_beyond_the_top_tell_where_accounts_came_from():
    found = compare_lists(make_list("abc"), make_list("cab"), top=1).changes
    rows = found.set_index("account_id")["sentence"].to_dict()
    assert rows == {"c": "Entered at rank 1 from 3.", "a": "Left from rank 1 to 2."}


@given(st.permutations("abcdefgh"), st.permutations("abcdefgh"), st.integers(1, 9))
def test_counts_add_up_and_the_way_back_is_the_reverse(old, new, top):
    there = compare_lists(make_list(old[:6]), make_list(new[:7]), top=top)
    back = compare_lists(make_list(new[:7]), make_list(old[:6]), top=top)
    counts, reverse = there.briefs.iloc[0], back.briefs.iloc[0]
    assert counts["n_new"] == min(top, 7) == counts["n_common"] + counts["n_entered"]
    assert counts["n_old"] == min(top, 6) == counts["n_common"] + counts["n_left"]
    assert (counts["n_entered"], counts["n_left"]) == (reverse["n_left"], reverse["n_entered"])
    opposite = {"up": "down", "down": "up", "entered": "left", "left": "entered", "same": "same"}
    changes = there.changes.set_index("account_id")["change"].map(opposite).to_dict()
    assert back.changes.set_index("account_id")["change"].to_dict() == changes


def test_a_list_beside_itself_has_not_changed(shop, tmp_path):
    found = recommend(
        shop.model, shop.data, [shop.make_brief("=one"), shop.make_brief("two")], as_of=shop.NOW,
        top_k=9, context=shop.context,
    )  # fmt: skip
    read = []
    for suffix in TABLE_SUFFIXES:
        path = write_recommendations(found, tmp_path / f"list{suffix}")
        read.append(read_recommendations(path))
        same = compare_lists(found.frame, read[-1])
        assert set(same.changes["change"]) == {"same"}
        assert same.changes["handle"].tolist() == found.frame["handle"].tolist()
        assert same.briefs["brief_id"].tolist() == ["=one", "two"]
        columns = list(COMPARED_COLUMNS)
        pd.testing.assert_frame_equal(
            read[-1][columns].astype(found.frame[columns].dtypes), found.frame[columns]
        )


def test_a_change_that_would_be_shown_as_nothing_is_put_down_to_others():
    still = np.array([0.001, -0.001])
    new = make_list("ba", reach=still)
    assert compare_lists(make_list("ab"), new).changes["sentence"].tolist() == [
        "Up from rank 2 to 1, by what changed of others.",
        "Down from rank 1 to 2, by what changed of others.",
    ]
    vi = compare_lists(make_list("ab"), new, language="vi").changes["sentence"]
    assert vi.iloc[0] == "Lên từ hạng 2 đến hạng 1, do thay đổi ở các tài khoản khác."


def test_briefs_in_one_list_alone_are_said():
    old = pd.concat([make_list("ab"), make_list("ab", brief="gone")])
    new = pd.concat([make_list("ab").assign(explained="deliver"), make_list("ab", brief="fresh")])
    assert compare_lists(old, new).notes == (
        "1 brief(s) are in the old list alone: ['gone']",
        "1 brief(s) are in the new list alone: ['fresh']",
        "the lists of 1 brief(s), ['b'], explain different scores: deliver, fit",
    )


@pytest.mark.parametrize(
    ("old", "match"),
    [
        (make_list("ab").drop(columns="rank"), r"old list lacks 1 column\(s\): \['rank'\]"),
        (pd.concat([make_list("ab"), make_list("b")]), r"1 account\(s\) stand twice .*'b', 'b'"),
        (make_list("ab", brief="other"), "no brief is in both lists"),
    ],
)
def test_lists_that_cannot_be_compared(old, match):
    with pytest.raises(DataError, match=match):
        compare_lists(old, make_list("ab"))


def test_files_that_are_no_lists(tmp_path):
    with pytest.raises(UsageError, match="expected one of"):
        read_recommendations(tmp_path / "x.xlsx")
    with pytest.raises(UsageError, match="no such file"):
        read_recommendations(tmp_path / "x.csv")
    (tmp_path / "x.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="cannot be read as parquet"):
        read_recommendations(tmp_path / "x.parquet")
