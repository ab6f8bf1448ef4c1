from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from matcher.config import MarketSettings
from matcher.features.context import MarketData
from matcher.market.market import build_market
from matcher.ranking.seen import SeenRanges
from matcher.recommend.bonds import describe_bonds
from matcher.recommend.recommend import recommend


def listed(shop, tables=None, *, model=None, brief=None, language="en"):
    data = shop.data if tables is None else MarketData(build_market(tables))
    found = recommend(
        model or shop.model,
        data,
        [brief or shop.make_brief()],
        as_of=shop.NOW,
        top_k=100,
        one_per_person=False,
        language=language,
    )
    return found.frame.set_index("account_id")


def warned(rows, name):
    return set(rows.index[rows["warnings"].map(lambda ids: name in ids)])


def followed(shop, **counts):
    tables = shop.make_tables()
    tables["account_snapshots"] = pd.DataFrame(
        [
            {
                "account_id": one,
                "as_of": shop.at(-9),
                "n_followers": float(followers),
                "n_following": float(following),
            }
            for one, (followers, following) in counts.items()
        ]
    )
    return tables


def test_followers_won_by_following(shop):
    tables = followed(
        shop, a00=(3_000, 1_600), a01=(3_000, 1_400), a02=(9_000, 4_000), a03=(1_950, 3_650)
    )
    rows = listed(shop, tables)
    assert warned(rows, "mass_following") == {"a00", "a03"}
    assert "It follows 3,650 accounts" in rows.loc["a03", "warning_text"]
    vi = listed(shop, tables, language="vi")
    assert "theo dõi 3.650 tài khoản khác" in vi.loc["a03", "warning_text"]


def test_followers_who_do_not_watch(shop):
    # Posts of this market have 10,000 to 90,000 views.
    rows = listed(shop, followed(shop, a00=(20_000_000, 9), a01=(900_000, 9)))
    assert warned(rows, "idle_followers") == {"a00"}
    said = rows.loc["a00", "warning_text"]
    assert "views at the median for every 1,000 followers: many of these may be" in said


def test_an_audience_elsewhere(shop):
    tables = shop.make_tables()
    tables["audiences"] = pd.DataFrame(
        [
            {
                "account_id": one,
                "as_of": shop.at(-9),
                "dimension": "country",
                "bucket": "VN",
                "share": share,
            }
            for one, share in (("a00", 0.127), ("a01", 0.3), ("a02", 0.9))
        ]
    )
    rows = listed(shop, tables, brief=shop.make_brief(countries=["VN"]))
    assert warned(rows, "audience_elsewhere") == {"a00"}
    assert "Only 12 % of its audience" in rows.loc["a00", "warning_text"]
    assert not warned(listed(shop, tables), "audience_elsewhere")


def test_values_far_outside_what_the_model_saw(shop):
    """One feature at a time is narrowed, so that the values of these accounts lie outside."""
    brief = shop.make_brief()
    plain = listed(shop)
    assert len(warned(plain, "extrapolation")) < 0.1 * len(plain)
    silent = dataclasses.replace(shop.model, seen=None)
    assert not warned(listed(shop, model=silent), "extrapolation")
    assert "views_level" in shop.model.feature_names()
    limits = {"views_level": (float(np.log1p(1_000)), float(np.log1p(20_000)))}
    model = dataclasses.replace(shop.model, seen=SeenRanges(limits, 9))
    rows = listed(shop, model=model, brief=brief)
    posts = shop.data.market["posts"]
    level = np.expm1(np.log1p(posts["views"]).groupby(posts["account_id"]).median())
    limit = 20_001 * (20_001 / 1_001) ** 0.1 - 1
    assert warned(rows, "extrapolation") == set(level.index[level > limit])
    account = next(iter(sorted(warned(rows, "extrapolation"))))
    assert (
        "Far outside what the model learnt from: the median of its views per post is "
        f"{level[account]:,.0f}; the model saw 1,000 to 20,000."
    ) in rows.loc[account, "warning_text"]
    vi = listed(shop, model=model, brief=brief, language="vi").loc[account, "warning_text"]
    value = f"{level[account]:,.0f}".replace(",", ".")
    assert f"là {value}, trong khi mô hình chỉ thấy từ 1.000 đến 20.000." in vi


def test_at_most_two_features_are_named(shop):
    names = [name for name in ("views_level", "posts_365d", "posts_per_week", "category_depth")
             if name in shop.model.feature_names()]  # fmt: skip
    assert len(names) > 2
    model = dataclasses.replace(shop.model, seen=SeenRanges(dict.fromkeys(names, (-2.0, -1.0)), 9))
    rows = listed(shop, model=model)
    assert warned(rows, "extrapolation") == set(rows.index)
    assert (rows["warning_text"].str.count("; the model saw") == 2).all()


@pytest.mark.parametrize(("margin", "is_warned"), [(0.2, False), (0.3, True)])
def test_counts_that_grow_with_time_have_more_room(shop, margin, is_warned):
    assert "hires_all" in shop.model.feature_names()
    table = shop.data.market["collaborations"]
    most = table.groupby("account_id")["campaign_id"].nunique()
    high = float(np.log1p(most.max())) / (1 + margin)
    model = dataclasses.replace(shop.model, seen=SeenRanges({"hires_all": (0.0, high)}, 9))
    busiest = set(most.index[most == most.max()])
    assert warned(listed(shop, model=model), "extrapolation") == (busiest if is_warned else set())


BONDS = [
    # person, brand, category, first and last day from the flight's first day
    ("p00", "br4", None, -20, -3),
    ("p01", "br4", None, -90, -40),
    ("p02", "br0", None, -90, 40),
    ("p03", None, "travel", -5, None),
    ("p04", "br2", "travel", 15, 60),
    ("p05", "br4", None, 50, 60),
    ("p06", "br4", None, -9, 4),
]


def bound(shop):
    tables = shop.make_tables()
    first = shop.at(10).tz_localize(None)
    days = [first + pd.Timedelta(days=one[3]) for one in BONDS]
    ends = [pd.NaT if one[4] is None else first + pd.Timedelta(days=one[4]) for one in BONDS]
    tables["exclusivities"] = pd.DataFrame(
        {
            "influencer_id": [one[0] for one in BONDS],
            "brand_id": [one[1] for one in BONDS],
            "category": [one[2] for one in BONDS],
            "from_on": days,
            "to_on": ends,
        }
    )
    tables["brands"]["category"] = ["beauty", "travel", "food"] * 2
    return tables


def bonds_brief(shop, **terms):
    return shop.make_brief(
        starts_on=shop.at(10).date(), ends_on=shop.at(15).date(), brand_category="beauty", **terms
    )


def test_exclusivities_near_the_flight(shop):
    tables, brief = bound(shop), bonds_brief(shop, must_have=["a06"])
    rows = listed(shop, tables, brief=brief)
    people = warned(rows, "exclusivity")
    assert {one for one in people if one.startswith("a")} == {"a00", "a03", "a04", "a06"}
    assert {one for one in people if one.startswith("b")} == {"b00", "b03", "b04"}
    said = {
        "a00": "to Brandname4 from 2025-02-19 to 2025-03-08, which ends 3 day(s) before the "
        "flight.",
        "a03": "in Travel from 2025-03-06 on, without an end, which touches the flight.",
        "a04": "to Brandname2 in Travel from 2025-03-26 to 2025-05-10, which begins 10 day(s) "
        "after the flight.",
        "a06": "to Brandname4 from 2025-03-02 to 2025-03-15, which touches the flight.",
    }
    for account, text in said.items():
        text = f"This person is bound exclusively {text}".casefold()
        assert text in rows.loc[account, "warning_text"].casefold()
    vi = listed(shop, tables, brief=brief, language="vi")
    assert (
        "Người này đang có cam kết độc quyền với Brandname4 từ 19/02/2025 đến 08/03/2025, kết thúc "
        "3 ngày trước khi chiến dịch bắt đầu."
    ) in vi.loc["a00", "warning_text"]


def test_exclusivities_that_began_later_do_not_count_under_strict_time(shop):
    data = MarketData(build_market(bound(shop), MarketSettings(strict_time=True)))
    codes = np.arange(len(data.index.account_ids))
    instant = int(shop.NOW.value // 1_000)
    found = describe_bonds(data, bonds_brief(shop), codes, instant, language="en")
    told = {one for one, text in zip(data.index.account_ids, found, strict=True) if text}
    assert told == {"a00", "b00"}
    assert "to br4 from" in str(found[0])


@pytest.mark.parametrize("language", ["en", "vi"])
def test_every_row_keeps_its_own_warnings(shop, language):
    """The list is ordered by score, warnings are found by account: they may not be mixed up."""
    rows = listed(shop, followed(shop, a20=(1_950, 3_650)), language=language)
    assert warned(rows, "mass_following") == {"a20"}
    assert (rows["warnings"].map(bool) == rows["warning_text"].notna()).all()
