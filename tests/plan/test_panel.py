from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from matcher.errors import DataError, UsageError
from matcher.plan.panel import parse_panel, read_panel

IDS = pd.Index(["a", "b", "c"], dtype=object)


def table(**more: list[float]) -> pd.DataFrame:
    pairs = [("p1", "a"), ("p1", "b"), ("p2", "a"), ("p3", "b"), ("p4", "b")]
    frame = pd.DataFrame(pairs, columns=["person", "account_id"])
    return frame.assign(**more)


def test_each_option_reaches_what_is_wanted_and_overlap_is_counted_once() -> None:
    panel = parse_panel(table(weight=[10, 10, 20, 5, 5]), IDS, where="p")
    assert panel.is_known.tolist() == [True, True, False]
    reach, cut = panel.select(np.array([0, 1])).reach(np.array([12.0, 15.0]))
    assert not len(cut)
    assert reach.people_reached([0]) == pytest.approx(12, rel=1e-6)
    assert reach.people_reached([1]) == pytest.approx(15, rel=1e-6)
    together = reach.people_reached([0, 1])
    assert max(12, 15) < together < 27


def test_chances_that_are_given_set_the_order_of_people() -> None:
    panel = parse_panel(table(probability=[0.9, 0.5, 0.1, 0.5, 0.5]), IDS, where="p")
    reach, _ = panel.select(np.array([0])).reach(np.array([1.0]))
    first, second = reach.probability.toarray()[0]
    assert first + second == pytest.approx(1.0, rel=1e-6)
    # Rates keep their ratio.
    assert np.log1p(-first) / np.log1p(-second) == pytest.approx(np.log(0.1) / np.log(0.9))


def test_people_beyond_the_panel_are_an_options_own() -> None:
    panel = parse_panel(table(), IDS, where="p")
    reach, cut = panel.select(np.array([0, 1, 2])).reach(np.array([7.0, 2.0, 1.0]))
    assert cut.tolist() == [0, 2]
    assert [reach.people_reached([k]) for k in range(3)] == pytest.approx([7, 2, 1], rel=1e-6)
    assert reach.people_reached([0, 2]) == pytest.approx(8, rel=1e-6)
    # Only the person who sees both accounts is counted once.
    assert 8 < reach.people_reached([0, 1]) < 9


def test_without_weights_people_are_a_sample_in_which_all_count_alike() -> None:
    nobody = pd.DataFrame({"person": ["p5", "p6"], "account_id": [None, None]})
    panel = parse_panel(pd.concat([table(), nobody]), IDS, where="p")
    assert panel.is_sample
    assert not parse_panel(table(weight=[1, 1, 1, 1, 1]), IDS, where="p").is_sample
    scaled = panel.standing_for(6_000.0)
    # Two of six people see the first account, and who sees none counts too.
    assert scaled.weight.tolist() == [1_000.0] * 6
    reach, cut = scaled.select(np.array([0, 1])).reach(np.array([1_500.0, 1_200.0]))
    assert not len(cut)
    assert reach.people_reached([0]) == pytest.approx(1_500)
    weighted = parse_panel(table(weight=[1_000.0] * 5), IDS, where="p")
    same, _ = weighted.select(np.array([0, 1])).reach(np.array([1_500.0, 1_200.0]))
    assert reach.people_reached([0, 1]) == pytest.approx(same.people_reached([0, 1]))


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (table().rename(columns={"person": "who"}), "column person is missing"),
        (table(weight=[1, 2, 1, 1, 1]), "a person has two weights"),
        (table(weight=[0, 0, 1, 1, 1]), "no numbers above 0"),
        (table(probability=[2, 1, 1, 1, 1]), "above 0 and at most 1"),
        (pd.concat([table(), table().head(1)]), "1 rows repeat a person and account"),
        (table().tail(3).assign(account_id="x"), "none of its accounts is in the market"),
        (table().assign(person=None), "5 rows have no person"),
    ],
)
def test_what_is_no_panel_is_named(frame: pd.DataFrame, told: str) -> None:
    with pytest.raises(DataError, match=told):
        parse_panel(frame, IDS, where="p")


def test_files_of_both_kinds_say_the_same(tmp_path: Path) -> None:
    frame = table(weight=[10, 10, 20, 5, 5]).rename(columns={"person": "user"})
    frame.loc[5] = ["p9", None, 7]
    frame.to_csv(tmp_path / "p.csv", index=False)
    frame.to_parquet(tmp_path / "p.parquet")
    one, two = (read_panel(tmp_path / name, IDS) for name in ("p.csv", "p.parquet"))
    assert np.array_equal(one.weight, two.weight)
    assert np.array_equal(one.rates.toarray(), two.rates.toarray())
    with pytest.raises(UsageError, match="no such file"):
        read_panel(tmp_path / "none.csv", IDS)
    with pytest.raises(UsageError, match="expected .parquet or .csv"):
        read_panel(tmp_path / "p.xlsx", IDS)
