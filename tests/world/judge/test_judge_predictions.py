"""Files of predictions: which are read as what, and which are refused with which words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from matcher.errors import DataError, UsageError
from matcher.world.judge.predictions import parse_predictions, read_predictions

RANKING = pd.DataFrame(
    {"campaign_id": ["c0", "c0"], "account_id": ["NA", "=1+2"], "score": [1.5, -2.0]}
)


def written(folder: Path, frame: pd.DataFrame, suffix: str) -> Path:
    path = folder / f"mine{suffix}"
    if suffix == ".parquet":
        frame.to_parquet(path)
    elif suffix == ".csv":
        frame.to_csv(path, index=False)
    elif suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_json(path, orient="records")
    return path


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".json", ".jsonl"])
def test_every_form_gives_the_same_rows(tmp_path: Path, suffix: str) -> None:
    found = read_predictions(written(tmp_path, RANKING, suffix))
    assert found.kind == "ranking"
    assert found.frame["account_id"].tolist() == ["NA", "=1+2"]
    assert found.frame["score"].tolist() == [1.5, -2.0]
    assert found.frame["method"].tolist() == ["mine", "mine"]


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        ({"score": 1.0}, "ranking"),
        ({"rank": 1}, "ranking"),
        ({"lower": 0.0, "upper": 1.0, "score": 3.0}, "interval"),
        ({}, "plan"),
        ({"n_posts": 2, "format": "video", "budget": 5.0}, "plan"),
        ({"scenario": '{"n_posts": 2}', "delta": 1.0, "lower": 0.0, "upper": 2.0}, "what-if"),
        ({"policy": "p", "value": 1.0, "probability": 0.1, "lower": 0.0, "upper": 2.0},
         "off-policy"),
    ],
)  # fmt: skip
def test_the_kind_is_known_from_the_columns(columns: dict[str, object], kind: str) -> None:
    frame = pd.DataFrame({"campaign_id": ["c0"], "account_id": ["a0"], **columns})
    assert parse_predictions(frame, "x.csv").kind == kind


def test_a_named_kind_counts(tmp_path: Path) -> None:
    assert parse_predictions(RANKING, "x", kind="plan").kind == "plan"
    with pytest.raises(UsageError, match="--kind: got 'order'; expected one of ranking, interval"):
        parse_predictions(RANKING, "x", kind="order")
    with pytest.raises(DataError, match=r"x: column lower, upper is missing; interval predictions"):
        parse_predictions(RANKING, "x", kind="interval")


def test_a_rank_of_1_is_the_best() -> None:
    frame = RANKING.drop(columns="score").assign(rank=[2, 1])
    assert parse_predictions(frame, "x").frame["score"].tolist() == [-2.0, -1.0]


def test_lists_of_recommend_are_read_by_the_score_they_are_ordered_by() -> None:
    lists = pd.DataFrame(
        {
            "brief_id": ["c0", "c0"], "campaign_id": ["c0", "c0"], "rank": [1, 2],
            "account_id": ["a0", "a1"], "fit_score": [0.1, 0.2], "deliver_score": [5.0, 4.0],
            "blend_score": [0.0, 0.0], "fee": [1.0, 1.0], "order": ["deliver", "deliver"],
        }
    )  # fmt: skip
    found = parse_predictions(lists, "lists.parquet")
    assert found.frame["score"].tolist() == [5.0, 4.0]
    assert found.frame["target"].tolist() == ["outcome", "outcome"]
    assert found.frame["method"].unique().tolist() == ["recommend --order deliver"]
    assert found.notes == ("read as lists of `matcher recommend`, by its deliver score",)
    lists.loc[1, "campaign_id"] = None
    lists.loc[1, "brief_id"] = "mine"
    found = parse_predictions(lists, "lists.parquet")
    assert found.frame["account_id"].tolist() == ["a0"]
    assert found.notes[1].startswith("1 of the briefs are no campaigns of a market and are left")
    with pytest.raises(DataError, match=r"no brief is a campaign of a market \(mine\)"):
        parse_predictions(lists[1:], "lists.parquet")


def test_the_log_of_a_drawn_list_is_read_by_its_scores() -> None:
    log = pd.DataFrame(
        {
            "campaign_id": ["c0", "c0"], "account_id": ["a0", "a1"], "policy_id": ["p", "p"],
            "score": [0.5, np.nan], "inclusion_probability": [0.5, 0.0], "chosen": [True, False],
            "rank": [1, None],
        }
    )  # fmt: skip
    found = parse_predictions(log, "log.csv")
    assert found.kind == "ranking"
    assert found.frame["account_id"].tolist() == ["a0"]
    assert found.frame["method"].tolist() == ["p"]


def test_figures_of_evaluate_are_refused_with_what_to_give_instead() -> None:
    figures = pd.DataFrame({"protocol": ["time"], "scorer": ["model"], "metric": ["auc"]})
    with pytest.raises(
        DataError, match=r"figures of `matcher evaluate`, which name no pair; judge"
    ):
        parse_predictions(figures, "figures.parquet")


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (RANKING.assign(score=[np.nan, 1.0]), r"1 of 2 values of `score` are missing or not finite"
         r" \(c0 NA\)"),
        (RANKING.assign(score=["high", "low"]), r"`score` holds high, low; expected numbers"),
        (RANKING.assign(account_id="a"), r"1 of 2 rows repeat a pair \(c0 a\)"),
        (RANKING.assign(campaign_id=["c0", None]), "1 of 2 rows have no campaign_id"),
        (RANKING.assign(target=["fit", "fit"]), "`target` holds fit; expected outcome"),
        (RANKING.iloc[:0], "holds no row"),
        (RANKING[["score"]], "column campaign_id, account_id is missing; ranking predictions need"),
        (RANKING[["account_id"]].assign(brand="b"), "columns account_id, brand fit no kind"),
        (RANKING.assign(lower=1.0, upper=0.0), "2 of 2 rows have `lower` above `upper`"),
        (RANKING.assign(lower=0.0, upper=1.0, level=80.0), "`level` lies outside 0 to 1"),
        (RANKING.assign(scenario="n_posts=2", delta=1.0), r"`scenario`: got 'n_posts=2'; expected"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_refused(frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_predictions(frame, "x.csv")


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"got suffix '.xlsx'; expected one of .parquet, .csv"):
        read_predictions(tmp_path / "x.xlsx")
    with pytest.raises(UsageError, match="no such file; expected predictions"):
        read_predictions(tmp_path / "x.csv")
    (tmp_path / "x.json").write_text("[1, 2]")
    with pytest.raises(DataError, match=r"x.json: cannot be read as json: expected a list of rows"):
        read_predictions(tmp_path / "x.json")
    (tmp_path / "y.json").write_text(json.dumps({"rows": RANKING.to_dict("records")}))
    assert len(read_predictions(tmp_path / "y.json").frame) == 2


def test_ids_of_another_market_are_counted_and_named(make_bench) -> None:
    bench = make_bench({"c0": [1.0, 2.0]})
    strange = pd.DataFrame({"campaign_id": "c0", "account_id": [f"b{n}" for n in range(7)]})
    with pytest.raises(
        DataError, match=r"7 of 7 values of `account_id` are not in the market: b0,"
    ):
        bench.check_ids(strange, "x.csv")
