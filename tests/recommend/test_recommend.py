from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from matcher.columns import REASON_GROUPS
from matcher.config import MarketSettings, RetrievalSettings
from matcher.errors import DataError, LeakageError, MatcherError, SupportError, UsageError
from matcher.features.context import MarketData
from matcher.features.pairs import build_pairs
from matcher.market.market import build_market
from matcher.recommend.recommend import recommend, select_open_briefs
from matcher.recommend.recommendations import COLUMNS, Recommendations
from matcher.recommend.wording import GROUP_NAMES

REASONS = [f"reason_{group}" for group in REASON_GROUPS]


def run(shop, briefs, **options):
    known = {"as_of": shop.NOW, "top_k": 10, "context": shop.context, "order": "fit"}
    return recommend(shop.model, shop.data, briefs, **{**known, **options})


@pytest.fixture(scope="module")
def found(shop):
    return run(shop, [shop.make_brief("one"), shop.make_brief("two", brand_id="br1")])


def test_columns_and_dtypes(found):
    assert list(found.frame.columns) == list(COLUMNS)
    assert {name: str(dtype) for name, dtype in found.frame.dtypes.items()} == dict(COLUMNS)
    assert found.pools["n_recommended"].tolist() == [10, 10]


def test_scores_are_those_of_the_model_over_all_candidates(shop, found):
    brief = shop.make_brief("one")
    everyone = shop.data.index.account_ids.to_numpy(object)
    pairs = build_pairs([brief], {"one": everyone}, instants={"one": shop.NOW})
    scores = shop.model.score(shop.model.features(shop.context, pairs))
    hire = pd.Series(scores["hire"].to_numpy(), index=everyone)
    mine = found.brief("one")
    np.testing.assert_array_equal(mine["fit_score"], hire[mine["account_id"]])
    assert mine["n_candidates"].unique().tolist() == [54]


@pytest.mark.parametrize("order", ["fit", "deliver", "outcome", "value", "blend"])
def test_contributions_add_up(shop, order):
    rows = run(shop, [shop.make_brief()], order=order).frame
    explained = {"deliver": "deliver", "outcome": "outcome", "value": "outcome"}.get(order, "fit")
    assert set(rows["explained"]) == {explained}
    total = rows["base"] + rows[REASONS].sum(axis=1)
    np.testing.assert_allclose(total, rows[f"{explained}_score"], rtol=0, atol=1e-9)
    ordered = {
        "fit": rows["fit_score"],
        "deliver": rows["deliver_score"],
        "outcome": rows["outcome_score"],
        # No rate of anybody is known here, so that what is brought decides.
        "value": rows["outcome_score"] - np.log(rows["fee"].fillna(1.0)),
        "blend": rows["blend_score"],
    }[order].dropna()
    assert len(ordered)
    assert (np.diff(ordered) <= 1e-9 * ordered.abs().max()).all()


@pytest.mark.parametrize("language", ["en", "vi"])
def test_one_sentence_for_each_group_that_counts(shop, language):
    rows = run(shop, [shop.make_brief()], top_k=60, language=language).frame
    sums = rows[REASONS].to_numpy()
    counts = np.abs(sums) >= 0.02 * np.abs(sums).sum(axis=1, keepdims=True)
    assert 0 < counts.sum() < counts.size
    sides = {"en": ("in its favour: ", "against it: "), "vi": ("điểm cộng: ", "điểm trừ: ")}
    for place, group in enumerate(REASON_GROUPS):
        texts = rows[f"reason_{group}_text"]
        assert texts.notna().tolist() == counts[:, place].tolist()
        for text, total in zip(texts, sums[:, place], strict=True):
            if isinstance(text, str):
                side = sides[language][0 if total > 0 else 1]
                assert text.startswith(f"{GROUP_NAMES[group][language]}, {side}")
                assert text.endswith(".")


def test_a_shorter_list_is_the_beginning_of_a_longer_one(shop):
    lists = [run(shop, [shop.make_brief()], top_k=k).frame for k in (1, 7, 8, 1000)]
    for short, longer in pairwise(lists):
        pd.testing.assert_frame_equal(short, longer.head(len(short)))
    assert lists[-1]["influencer_id"].nunique() == len(lists[-1]) == 48


@pytest.mark.parametrize("top_k", [1, 4])
def test_lists_in_cells_stay_tuples(shop, top_k):
    rows = run(shop, [shop.make_brief()], top_k=top_k).frame
    for name in ("warnings", "other_accounts"):
        assert all(isinstance(cell, tuple) for cell in rows[name])
        assert all(isinstance(item, str) for cell in rows[name] for item in cell)
    assert all("no_followers" in cell for cell in rows["warnings"])


def test_ranks_run_without_gaps(shop):
    rows = run(shop, [shop.make_brief()], top_k=1000, one_per_person=False).frame
    assert rows["rank"].tolist() == list(range(1, 55))
    assert rows["account_id"].nunique() == 54
    assert (np.diff(rows["fit_percentile"]) <= 0).all()
    assert rows["fit_percentile"].between(0, 1).all()
    assert rows["fit_percentile"].mean() == pytest.approx(0.5)


def test_other_accounts_of_the_person_are_named(shop):
    rows = run(shop, [shop.make_brief()], top_k=1000).frame.set_index("influencer_id")
    row = rows.loc["p00"]
    assert {row["account_id"], *row["other_accounts"]} == {"a00", "b00"}
    assert rows.loc["p20", "other_accounts"] == ()


def test_the_order_of_briefs_does_not_matter(shop, found):
    briefs = [shop.make_brief("two", brand_id="br1"), shop.make_brief("one")]
    turned = run(shop, briefs)
    for name in ("one", "two"):
        pd.testing.assert_frame_equal(turned.brief(name), found.brief(name))
    alone = run(shop, [shop.make_brief("one")])
    pd.testing.assert_frame_equal(alone.brief("one"), found.brief("one"))


def test_small_batches_give_the_same_lists(shop, found, monkeypatch):
    monkeypatch.setattr("matcher.recommend.batches._PAIRS_AT_ONCE", 1)
    again = run(shop, [shop.make_brief("one"), shop.make_brief("two", brand_id="br1")])
    pd.testing.assert_frame_equal(again.frame, found.frame)


def test_evidence_is_earlier_and_nearest_first(shop, found):
    posts = shop.data.market["posts"].set_index("post_id")
    rows = found.frame
    for number in (1, 2, 3):
        cited = posts.loc[rows[f"evidence_{number}_post_id"]]
        assert (cited["published_at"] < shop.NOW).all()
        assert cited["account_id"].tolist() == rows["account_id"].tolist()
    assert (rows["evidence_1_similarity"] >= rows["evidence_2_similarity"]).all()
    assert (rows["evidence_2_similarity"] >= rows["evidence_3_similarity"]).all()


def test_facts_from_as_of_on_change_nothing(shop):
    tables = shop.make_tables()
    later = tables["posts"].head(40).copy()
    later["post_id"] = "later_" + later["post_id"]
    later["published_at"] = shop.at(0)
    later["text"] = "son môi dưỡng da"
    tables["posts"] = pd.concat([tables["posts"], later], ignore_index=True)
    data = MarketData(build_market(tables))
    brief = shop.make_brief()
    before = run(shop, [brief]).frame
    after = recommend(shop.model, data, [brief], as_of=shop.NOW, top_k=10, order="fit").frame
    drop = ["data_hash"]
    pd.testing.assert_frame_equal(before.drop(columns=drop), after.drop(columns=drop))


def test_a_brief_without_eligible_accounts_has_no_rows_but_a_note(shop):
    brief = shop.make_brief("nobody", platforms=["podcast"])
    found = run(shop, [brief, shop.make_brief("one")])
    assert found.brief("nobody").empty
    assert len(found.brief("one")) == 10
    assert any("nobody: none of 54" in note and "platform 54" in note for note in found.notes)
    alone = run(shop, [brief])
    assert len(alone) == 0
    assert alone.pools["removed_platform"].tolist() == [54]


def test_no_briefs_give_an_empty_list(shop):
    assert len(run(shop, [])) == 0


def test_must_have_and_never(shop):
    brief = shop.make_brief(platforms=["youtube"], must_have=["a40"], never=["b00"])
    rows = run(shop, [brief], top_k=100).frame
    assert set(rows["account_id"]) == {"b01", "b02", "b03", "b04", "b05", "a40"}
    assert rows.loc[rows["is_must_have"], "account_id"].tolist() == ["a40"]


def test_must_have_accounts_keep_their_places_in_a_short_list(shop):
    whole = run(shop, [shop.make_brief()], top_k=100).frame["account_id"].tolist()
    last = whole[-2:]
    rows = run(shop, [shop.make_brief(must_have=last)], top_k=3).frame
    assert rows["account_id"].tolist() == [whole[0], *last]
    assert rows["is_must_have"].tolist() == [False, True, True]
    both = run(shop, [shop.make_brief(must_have=["a00", "b00"])], top_k=1).frame
    assert set(both["account_id"]) == {"a00", "b00"}


def test_retrieval_limits_what_is_ranked(shop):
    settings = shop.settings.model_copy(update={"retrieval": RetrievalSettings(n_candidates=9)})
    rows = run(shop, [shop.make_brief()], settings=settings, top_k=100).frame
    assert rows["n_candidates"].unique().tolist() == [9]
    assert rows["n_eligible"].unique().tolist() == [54]
    assert rows["fit_percentile"].min() > 0.8


def test_open_campaigns(shop):
    briefs = select_open_briefs(shop.data.market, shop.NOW)
    assert [brief.brief_id for brief in briefs] == ["open1", "open2"]
    rows = run(shop, briefs).frame
    assert rows["campaign_id"].unique().tolist() == ["open1", "open2"]
    assert (rows["as_of"] == shop.NOW).all()


def test_a_brief_decided_before_the_model_was_closed_is_refused(shop):
    with pytest.raises(LeakageError, match="trained until"):
        run(shop, [shop.make_brief(decided_at=shop.at(-30).to_pydatetime())])


def test_a_brief_decided_too_early_is_refused_though_nobody_is_eligible(shop):
    brief = shop.make_brief(platforms=["podcast"], decided_at=shop.at(-30).to_pydatetime())
    with pytest.raises(LeakageError, match="trained until"):
        run(shop, [brief])


def test_what_a_brief_names_and_the_market_does_not_hold_is_said(shop):
    brief = shop.make_brief(brand_id="br00", never=["a1", "a2", "b00"], competitor_ids=["br3"])
    notes = run(shop, [brief], top_k=1).notes
    said = "brand(s) are not in the market"
    assert [note for note in notes if said in note] == [
        "brief new: brand_id: 1 brand(s) are not in the market, and nothing earlier is known of "
        "them: ['br00']; did you mean 'br0'?"
    ]
    assert "brief new: never: 2 account(s) are not in the market: ['a1', 'a2']" in notes
    assert not any("competitor_ids" in note or "must_have" in note for note in notes)


def test_a_list_without_a_near_post_is_warned_of(shop):
    rows = run(shop, [shop.make_brief()], top_k=100).frame
    warned = rows["warnings"].map(lambda ids: "no_close_post" in ids)
    assert warned.any()
    assert (warned == (rows["n_close_posts"] == 0)).all()


def test_a_brief_decided_before_as_of_is_seen_from_its_decision(shop):
    decided = shop.at(3).to_pydatetime()
    rows = run(shop, [shop.make_brief(decided_at=decided)], as_of=shop.at(9)).frame
    assert (rows["as_of"] == shop.at(3)).all()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"top_k": 0}, "top_k"),
        ({"order": "price"}, "order"),
        ({"as_of": pd.Timestamp("2025-01-01")}, "without timezone"),
    ],
)
def test_wrong_requests(shop, options, match):
    with pytest.raises(UsageError, match=match):
        run(shop, [shop.make_brief()], **options)


def test_a_brief_id_that_stands_twice(shop):
    with pytest.raises(DataError, match="stands twice"):
        run(shop, [shop.make_brief(), shop.make_brief()])


def test_order_by_a_ranker_that_the_model_lacks(shop):
    model = dataclasses.replace(shop.model, deliver=None)
    with pytest.raises(SupportError, match="deliver"):
        recommend(model, shop.data, [shop.make_brief()], as_of=shop.NOW, order="blend")
    rows = recommend(model, shop.data, [shop.make_brief()], as_of=shop.NOW, top_k=3).frame
    assert rows["deliver_score"].isna().all()
    assert rows["deliver_percentile"].isna().all()


def test_warnings(shop):
    tables = shop.make_tables()
    posts = tables["posts"]
    mine = posts["account_id"] == "a20"
    tables["posts"] = posts[~mine | posts["post_id"].isin(posts[mine]["post_id"].head(2))].copy()
    quiet = tables["posts"]["account_id"] == "a20"
    tables["posts"].loc[quiet, "published_at"] = shop.at(-100)
    tables["posts"].loc[quiet, "language"] = "en"
    tables["posts"].loc[tables["posts"]["account_id"] == "a00", "is_sponsored"] = True
    worked = tables["collaborations"]["account_id"].isin(["a20"])
    tables["collaborations"] = tables["collaborations"][~worked]
    data = MarketData(build_market(tables))
    loose = RetrievalSettings(min_posts=1)
    found = recommend(
        shop.model, data, [shop.make_brief()], as_of=shop.NOW, top_k=100,
        settings=shop.model.settings.model_copy(update={"retrieval": loose}),
    )  # fmt: skip
    rows = found.frame.set_index("account_id")
    bad = {"cold_account", "few_posts", "stale", "language_mismatch", "no_followers"}
    assert set(rows.loc["a20", "warnings"]) - {"no_close_post", "extrapolation"} == bad
    assert "100 days" in rows.loc["a20", "warning_text"]
    main = rows.index.intersection(["a00", "b00"])[0]
    loaded = {"ad_load_high", "ad_load_always_high"} & set(rows.loc[main, "warnings"])
    assert bool(loaded) is (main == "a00")
    assert len(loaded) < 2
    rival = run(shop, [shop.make_brief(competitor_ids=["br3"])], top_k=100).frame
    hires = shop.data.market["collaborations"].merge(shop.data.market["campaigns"])
    warned = rival["warnings"].map(lambda ids: "rival_contact" in ids).to_numpy()
    partners = set(hires.loc[hires["brand_id"] == "br3", "account_id"])
    assert set(rival["account_id"][warned]) == partners & set(rival["account_id"])


def test_late_followers_are_marked(shop):
    tables = shop.make_tables()
    tables["account_snapshots"] = pd.DataFrame(
        {"account_id": ["a20", "a23"], "as_of": [shop.at(9), shop.at(-9)], "n_followers": 10.0}
    )
    data = MarketData(build_market(tables, MarketSettings(allow_late_snapshots=True)))
    rows = recommend(shop.model, data, [shop.make_brief()], as_of=shop.NOW, top_k=100).frame
    marks = rows.set_index("account_id")["warnings"]
    assert "late_followers" in marks["a20"]
    assert not {"late_followers", "no_followers"} & set(marks["a23"])


def test_both_languages_say_the_same(shop, found):
    vi = run(shop, [shop.make_brief("one")], language="vi").frame
    en = found.brief("one")
    sentences = ("why_", "reason_", "fee_note", "outcome_note", "warning_text", "against", "past_")
    texts = [
        name
        for name, dtype in COLUMNS.items()
        if dtype == "str" and name.startswith(sentences) and not name.endswith("_id")
    ]
    same = [name for name in COLUMNS if name not in texts]
    pd.testing.assert_frame_equal(vi[same], en[same])
    assert (vi["why_1"] != en["why_1"]).all()
    assert en["why_1"].str.endswith(".").all()


def test_audit(shop, found):
    assert found.audit["data_hash"] == shop.data.market.data_hash
    assert found.audit["config_hash"] == shop.settings.hash
    assert "influencers.display_name" in found.audit["assumed_timeless"]
    assert (found.frame["model_id"] == found.audit["model_id"]).all()
    assert found.frame["model_version"].isna().all()
    named = run(shop, [shop.make_brief()], model_id="m-7", model_version="matcher/3", top_k=1)
    assert named.frame["model_id"].tolist() == ["m-7"]
    assert named.frame["model_version"].tolist() == [named.audit["model_version"]] == ["matcher/3"]


def test_progress_is_told(shop):
    told = []
    briefs = [shop.make_brief("one"), shop.make_brief("two")]
    run(shop, briefs, progress=lambda *step: told.append(step))
    assert told == [("briefs", 1, 2), ("briefs", 2, 2)]


def test_html_is_escaped(found):
    found.frame.loc[0, "handle"] = "<script>alert(1)</script>"
    page = found._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_list_checks_itself(found):
    frame = found.frame.copy()
    frame["rank"] = frame["rank"] + 1
    with pytest.raises(MatcherError, match="ranks must run"):
        Recommendations(frame, found.pools)


def test_a_list_checks_its_sums(found):
    frame = found.frame.copy()
    frame["reason_history"] += 1e-6
    with pytest.raises(MatcherError, match="miss the score"):
        Recommendations(frame, found.pools)


def test_a_list_checks_its_evidence(shop, found):
    frame = found.frame.copy()
    frame.loc[3, "evidence_2_published_at"] = shop.NOW
    with pytest.raises(LeakageError, match="evidence"):
        Recommendations(frame, found.pools)
