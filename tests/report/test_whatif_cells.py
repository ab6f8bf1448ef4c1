"""Tables of what-if answers read as people of each language write them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from matcher.report.whatif_cells import part_title, table_in_words
from matcher.report.whatif_said import say_cost, say_support
from matcher.whatif.cost import Cost
from matcher.whatif.support import Support

TABLE = pd.DataFrame(
    {
        "scenario": ["a", "b"],
        "worth_before": [622.5494, 1234567.8],
        "overlap": [0.12345, 1.0],
        "objective": ["reach", "reach"],
        "entered": [("a1", "a2", "a3", "a4", "a5", "a6"), ()],
        "per_million": [np.nan, np.nan],
        "digest": ["x", "y"],
        "acts": [True, False],
    }
)


def test_numbers_have_the_separators_of_the_language() -> None:
    english, vietnamese = table_in_words(TABLE, "en"), table_in_words(TABLE, "vi")
    assert english["plan now"].tolist() == ["623", "1,234,568"]
    assert vietnamese["phương án hiện tại"].tolist() == ["623", "1.234.568"]
    assert english["overlap"].tolist() == ["0.123", "1.000"]
    assert vietnamese["độ trùng"].tolist() == ["0,123", "1,000"]


def test_what_says_nothing_is_left_out_and_long_lists_are_counted() -> None:
    shown = table_in_words(TABLE, "en")
    assert not {"digest", "per million more"} & set(shown)
    assert shown["entered"].tolist() == ["a1, a2, a3, a4 and 2 more", ""]
    assert shown["objective then"].tolist() == ["accounts reached"] * 2
    assert shown["moves the rank"].tolist() == ["yes", "no"]


def test_a_column_without_words_keeps_its_name() -> None:
    assert list(table_in_words(pd.DataFrame({"n_posts": [1], "note": ["x"]}), "vi")) == [
        "n_posts",
        "",
    ]
    assert part_title("ways", "en") == "What it would take"
    assert part_title("other", "en") == "other"


def test_fees_say_how_sure_they_are() -> None:
    same = Cost("VND", 1e6, 1e6, True, 0, 0)
    assert say_cost(same, "en") == "Fees of 1,000,000 VND, as now."
    other = Cost("VND", 1e6, 2e6, False, 3, 2)
    assert say_cost(other, "vi") == (
        "Chi phí 2.000.000 VND thay vì 1.000.000 VND; trong đó 2 giá là ước tính; 3 giá chưa biết; "
        "hai tổng này không so sánh được với nhau."
    )
    assert say_cost(Cost(None, 0.0, 0.0, False, 4, 0), "en") == "No fee is known."


@pytest.mark.parametrize(
    ("support", "said"),
    [
        (Support(12, np.nan, np.nan, 0), ["12 briefs were learnt from: too few to say how usual"]),
        (
            Support(93, 0.6875, 0.8, 2, ("posts_30d",)),
            [
                "farther from its like than 69 % of the 93",
                "beyond any learnt from: 2",
                "its posts in the last 30 days",
            ],
        ),
    ],
)
def test_support_is_said_in_sentences(support: Support, said: list[str]) -> None:
    lines = say_support(support, "en")
    assert len(lines) == len(said)
    assert all(part in line for part, line in zip(said, lines, strict=True))
