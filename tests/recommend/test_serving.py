"""A model that stays in memory and answers tables of briefs."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from matcher.errors import BundleError, ConfigError, DataError, MatcherError, UsageError
from matcher.features.context import MarketData
from matcher.market.brief_table import briefs_of_table
from matcher.market.load import load_market
from matcher.ranking.store import read_model
from matcher.recommend.recommend import recommend
from matcher.recommend.recommendations import COLUMNS
from matcher.recommend.serving import Recommender

ROOT = Path(__file__).parents[2]
TINY = ROOT / "data" / "tiny_market"
BUNDLE = ROOT / "tests" / "ranking" / "fixtures" / "format-1" / "bundle"
BRIEFS = [
    {"brief_id": "noodles", "brief": "mì ly siêu cay", "platforms": ["tiktok"], "n_creators": 3},
    {"brief_id": "sun", "brief": "mineral sunscreen", "countries": ["VN"]},
]


@pytest.fixture(scope="module")
def recommender() -> Recommender:
    return Recommender(BUNDLE, market=TINY, model_version="matcher/3")


@pytest.fixture(scope="module")
def answer(recommender: Recommender) -> pd.DataFrame:
    return recommender.recommend(BRIEFS, top_k=4, order="blend", lang="vi")


def test_rows_are_those_of_recommend_in_every_bit(answer: pd.DataFrame) -> None:
    model, bundle = read_model(BUNDLE)
    data = MarketData(load_market(TINY, model.settings.market))
    expected = recommend(
        model, data, briefs_of_table(BRIEFS), top_k=4, order="blend", language="vi",
        model_id=bundle.model_id, model_version="matcher/3",
    ).frame  # fmt: skip
    assert list(answer) == list(expected) == list(COLUMNS)
    for name, dtype in COLUMNS.items():
        if dtype in ("float64", "int64", "bool"):
            known = expected[name].astype(object).where(expected[name].notna(), None)
            assert answer[name].tolist() == known.tolist(), name
        elif dtype == "object":
            assert answer[name].map(tuple).tolist() == expected[name].tolist(), name
        elif dtype == "str":
            assert (
                answer[name].tolist()
                == expected[name].astype(object).where(expected[name].notna(), None).tolist()
            ), name
        else:
            seen = pd.to_datetime(answer[name], format="ISO8601", utc=True)
            assert seen.tolist() == expected[name].tolist(), name


def test_values_are_those_of_json(answer: pd.DataFrame) -> None:
    records = answer.to_dict("records")
    text = json.dumps(records, allow_nan=False)
    assert json.loads(text) == records
    assert {row["model_version"] for row in records} == {"matcher/3"}


def test_one_brief_alone_gets_the_same_list(recommender: Recommender, answer: pd.DataFrame) -> None:
    alone = recommender.recommend(BRIEFS[1], top_k=4, order="blend", lang="vi")
    both = answer[answer["brief_id"] == "sun"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, both, check_dtype=False, check_exact=True)


def test_threads_get_what_one_caller_gets(recommender: Recommender, answer: pd.DataFrame) -> None:
    def ask(_number: int) -> pd.DataFrame:
        return recommender.recommend(BRIEFS, top_k=4, order="blend", lang="vi")

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(ask, range(4)):
            pd.testing.assert_frame_equal(found, answer)


def test_a_market_that_was_written_anew_is_read_anew(tmp_path: Path) -> None:
    shutil.copytree(TINY, tmp_path / "market")
    recommender = Recommender(BUNDLE)
    first = recommender.recommend(BRIEFS[0], market=tmp_path / "market", top_k=1)
    best = first["influencer_id"].iloc[0]
    path = tmp_path / "market" / "influencers.parquet"
    people = pd.read_parquet(path)
    people.loc[people["influencer_id"] == best, "display_name"] = "Tên mới"
    people.to_parquet(path, index=False)
    again = recommender.recommend(BRIEFS[0], market=tmp_path / "market", top_k=1)
    assert (first["display_name"] != "Tên mới").all()
    assert again["display_name"].tolist() == ["Tên mới"]


@pytest.mark.parametrize(
    ("briefs", "options", "error", "message"),
    [
        ([{"brief_id": "b", "breif": "x"}], {}, ConfigError, "did you mean `brief`"),
        ([{"brief_id": "b", "title": 5}], {}, ConfigError, "`title`: got 5"),
        ([{"brief_id": "b"}, {"brief_id": "b"}], {}, DataError, "an id stands twice"),
        (BRIEFS, {"market": "/elsewhere"}, UsageError, "set where the model was loaded"),
        (BRIEFS, {"lang": "fr"}, UsageError, "got 'fr'; expected en or vi"),
        (BRIEFS, {"order": "best"}, UsageError, "got 'best'; expected one of objective, fit"),
        (BRIEFS, {"top_k": 0}, UsageError, "top_k: got 0"),
        (BRIEFS, {"as_of": "today-ish"}, UsageError, "as_of: got 'today-ish'"),
        (BRIEFS, {"as_of": "2025-06-01"}, UsageError, "without timezone"),
        (BRIEFS, {"as_of": "2020-06-01T00:00:00Z"}, DataError, "was trained until 2025-01-10"),
    ],
)
def test_what_cannot_be_answered_is_said(
    recommender: Recommender,
    briefs: object,
    options: dict,
    error: type[MatcherError],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        recommender.recommend(briefs, **options)


def test_without_a_market_it_says_how_to_name_one(tmp_path: Path) -> None:
    recommender = Recommender(BUNDLE)
    with pytest.raises(UsageError, match="no market is named.*MATCHER_MARKET"):
        recommender.recommend(BRIEFS)
    with pytest.raises(UsageError, match="does not exist"):
        recommender.recommend(BRIEFS, market=tmp_path / "none")


def test_a_bundle_is_verified(tmp_path: Path) -> None:
    shutil.copytree(BUNDLE, tmp_path / "b")
    (tmp_path / "b" / "prior.json").write_bytes(b"[]")
    with pytest.raises(BundleError, match=r"prior\.json"):
        Recommender(tmp_path / "b")
