"""Ablations, robustness and learning curves: the parts of the table, each held to another road."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.config import EvaluationSettings, Settings
from matcher.errors import DataError, SupportError
from matcher.evaluation.ablations.block import Cut, build_cut
from matcher.evaluation.ablations.curves import ALL, SIZES, latest_campaigns, without_earlier
from matcher.evaluation.ablations.distorted import FRAUD, Distorter, buys_followers
from matcher.evaluation.ablations.distortions import BRIEFS, POSTS, rewritten_data
from matcher.evaluation.ablations.full import evaluate_fully
from matcher.evaluation.ablations.results import FullEvaluation
from matcher.evaluation.ablations.sources import list_others, strict_data
from matcher.evaluation.ablations.table import FIGURES, build_rows
from matcher.evaluation.ablations.variants import (
    ACCOUNT_COLUMNS,
    FAMILY_COLUMNS,
    PERMUTED,
    VECTOR_COLUMNS,
    Variant,
    list_variants,
)
from matcher.evaluation.ablations.vectors import tfidf_encoder
from matcher.evaluation.protocol import walk_forward
from matcher.evaluation.results import evaluate_scores
from matcher.features.context import MarketData
from matcher.features.pair_features import FEATURES, FeatureMatrix, build_features
from matcher.market.brief import Brief
from matcher.market.load import load_market
from matcher.market.market import Market
from matcher.ranking.fit import candidate_pairs, fit_model
from matcher.text.encoder import random_encoder
from matcher.text.lexical import fit_lexicon

TINY = Path(__file__).parents[2] / "data" / "tiny_market"
CUT = pd.Timestamp("2025-03-01", tz="UTC")
QUICK = Settings.model_validate(
    {
        "encoder": {"name": "random", "dim": 16, "seed": 5},
        "ranker": {"n_trees": 6, "n_draws": 1, "min_rows_in_leaf": 3},
        "outcome": {"n_trees": 6, "n_periods": 2, "min_rows_in_leaf": 3},
        "retrieval": {"min_posts": 1},
        "evaluation": {
            "n_blocks": 2, "min_earlier_hired": 10, "n_bootstrap": 50, "n_permutations": 1
        },
    }
)  # fmt: skip


@pytest.fixture(scope="module")
def data() -> MarketData:
    return MarketData(load_market(TINY))


@pytest.fixture(scope="module")
def told() -> list[tuple[str, int, int]]:
    return []


@pytest.fixture(scope="module")
def full(data: MarketData, told: list) -> FullEvaluation:
    return evaluate_fully(data, QUICK, audit={"market": "tiny"}, tell=lambda *one: told.append(one))


@pytest.fixture(scope="module")
def cut(data: MarketData) -> Cut:
    return build_cut(data, CUT, QUICK)


@pytest.fixture(scope="module")
def matrix(cut: Cut) -> FeatureMatrix:
    campaigns = cut.context.index.market.tables["campaigns"]
    later = campaigns[campaigns["decided_at"] >= CUT].sort_values("decided_at")
    pairs = candidate_pairs(cut.context.data, later["campaign_id"].tolist(), QUICK)
    return cut.features(pairs)


@pytest.fixture
def distorter(cut: Cut) -> Distorter:
    return Distorter(cut.context, cut.prior, (), 0)


def rows_of(full: FullEvaluation, group: str) -> pd.DataFrame:
    return full.table[full.table["group"] == group].set_index(
        ["variant", "against", "question", "metric"]
    )


def moved_columns(one: FeatureMatrix, other: FeatureMatrix) -> set[str]:
    assert one.names == other.names
    same = np.isclose(one.values, other.values, rtol=0, atol=0, equal_nan=True).all(axis=0)
    return {name for name, is_same in zip(one.names, same, strict=True) if not is_same}


# --- the table -------------------------------------------------------------------------------


def test_the_model_and_its_control_are_those_of_walking_forward(
    data: MarketData, full: FullEvaluation
) -> None:
    walked = walk_forward(data, QUICK).figures
    walked = walked[walked["slice"] == "all"].set_index(["scorer", "question", "metric"])
    rows = rows_of(full, "ablations")
    for name, against, scorer in (("model", "", "model"), (PERMUTED, "model", "permuted")):
        for question, metric in FIGURES:
            ours = rows.loc[(name, against, question, metric), ["value", "low", "high", "n"]]
            theirs = walked.loc[(scorer, question, metric), ["value", "low", "high", "n"]]
            assert ours.tolist() == pytest.approx(theirs.tolist(), rel=1e-12, nan_ok=True)
    # A campaign of this market has too few outcomes to rank, so delivered is undefined in both.
    assert rows["value"].notna().sum() > 70


def test_later_campaigns_are_judged_as_in_the_whole_walk(data: MarketData) -> None:
    whole = walk_forward(data, QUICK).per_campaign
    decided = data.market.tables["campaigns"].set_index("campaign_id")["decided_at"]
    judged = decided[whole["campaign_id"].unique()].sort_values()
    since = judged.iloc[len(judged) // 2]
    found = walk_forward(data, QUICK, since=since)
    kept = whole[whole["campaign_id"].map(decided) >= since].reset_index(drop=True)
    assert 0 < len(kept) < len(whole)
    pd.testing.assert_frame_equal(found.per_campaign.reset_index(drop=True), kept)
    assert found.audit["judged_since"] == str(since)
    assert found.audit["skipped_campaigns"]["decided before those that are judged"] == sum(
        judged < since
    )


def test_all_columns_give_the_rankers_of_the_model(data: MarketData) -> None:
    until = data.market.all_known_at
    model, _, _ = fit_model(data, until, QUICK)
    cut = build_cut(data, until, QUICK)
    rankers = cut.fit(list_variants(QUICK, with_strict=False)[0])
    assert (rankers.names, rankers.hire) == (model.hire.names, model.hire)
    assert model.deliver is not None
    assert rankers.deliver == model.deliver


def test_a_difference_is_that_of_the_means_where_both_have_all_campaigns(
    full: FullEvaluation,
) -> None:
    rows = rows_of(full, "ablations").reset_index()
    base = rows[rows["against"] == ""].set_index(["question", "metric"])
    other = rows[(rows["against"] == "model") & rows["value"].notna()]
    checked = 0
    for row in other.to_dict("records"):
        own = base.loc[(row["question"], row["metric"])]
        if row["n"] == own["n"]:
            assert row["difference"] == pytest.approx(row["value"] - own["value"], abs=1e-12)
            assert row["difference_low"] <= row["difference_high"]
            inside = row["difference_low"] <= 0 <= row["difference_high"]
            assert bool(row["includes_zero"]) == inside
            checked += 1
    assert checked > 70


def test_text_that_is_the_same_to_a_reader_moves_nothing(full: FullEvaluation) -> None:
    rows = full.table[full.table["variant"].str.endswith("in NFD")]
    assert set(rows["variant"]) == {"briefs in NFD", "posts in NFD"}
    known = rows[rows["value"].notna()]
    assert len(known) >= 4
    assert (known[["difference", "difference_low", "difference_high"]] == 0.0).all(axis=None)


def test_other_distortions_move_something(full: FullEvaluation) -> None:
    rows = full.table[(full.table["group"] == "robustness") & (full.table["against"] == "model")]
    moved = rows[rows["difference"].abs() > 0].groupby("variant").size()
    wanted = {one.name for one in (*BRIEFS, *POSTS) if "NFD" not in one.name}
    # Few trees look at followers; what the fraud does to features is tested below.
    assert set(moved.index) | {FRAUD} == wanted | {FRAUD}
    assert FRAUD in set(rows["variant"])


def test_an_english_brief_is_compared_with_the_same_in_vietnamese_too(
    full: FullEvaluation,
) -> None:
    rows = rows_of(full, "robustness")
    english, vietnamese = "briefs by category, English", "briefs by category, Vietnamese"
    key = ("hired", "auc")
    assert rows.loc[(english, vietnamese, *key), "difference"] == pytest.approx(
        rows.loc[(english, "model", *key), "difference"]
        - rows.loc[(vietnamese, "model", *key), "difference"],
        abs=1e-12,
    )


def test_sizes_beyond_the_history_are_left_out_and_said(
    full: FullEvaluation,
) -> None:
    [note] = [text for text in full.notes if text.startswith("learning curve over")]
    assert "30, 100, 300, 1,000 campaigns: left out, since" in note
    names = full.variants["learning curve"]
    assert names == (ALL, "no campaign", "10 learnt from", "10 on record")
    assert all(f"{size:,} on record" not in names for size in SIZES[1:])


def test_progress_reaches_its_end_and_never_falls(full: FullEvaluation, told: list) -> None:
    for task in ("ablations and robustness", "learning curve"):
        steps = [(done, total) for name, done, total in told if name == task]
        assert len({total for _, total in steps}) == 1
        done = [one for one, _ in steps]
        assert done == sorted(done)
        assert done[-1] == steps[0][1]
        # Each step but the last is told once: the total is a count, no guess.
        assert len(set(done)) == len(done)


def test_every_form_holds_every_row(full: FullEvaluation) -> None:
    held = json.loads(full.to_json())
    assert len(held["table"]) == len(full.table)
    assert held["audit"]["market"] == "tiny"
    assert [row["value"] for row in held["table"]] == [
        None if pd.isna(value) else value for value in full.table["value"]
    ]
    page = full.to_markdown()
    assert page.count("\n## ") == 2
    for name in {name for names in full.variants.values() for name in names}:
        assert f"| {name}" in page.replace("\\", "")
    assert full.to_frame().equals(full.table)
    assert "<table>" in full._repr_html_()


def test_a_table_that_contradicts_itself_is_refused(full: FullEvaluation) -> None:
    table = full.table
    twice = pd.concat([table, table.head(1)], ignore_index=True)
    with pytest.raises(DataError, match="rows stand twice"):
        replace(full, table=twice)
    with pytest.raises(DataError, match=r"columns \['low'\] are missing"):
        replace(full, table=table.drop(columns="low"))
    bare = table.assign(value=np.nan, reason="")
    with pytest.raises(DataError, match="neither value nor reason"):
        replace(full, table=bare)
    lost = table[table["against"] != ""]
    with pytest.raises(DataError, match="compared with .* which have no row"):
        replace(full, table=lost)
    with pytest.raises(DataError, match=r"parts \['x'\]"):
        replace(full, table=table[table["group"] == "ablations"].assign(group="x"))


def test_without_anything_to_judge_there_is_no_table(data: MarketData) -> None:
    chosen = QUICK.evaluation.model_copy(update={"min_earlier_hired": 10_000})
    with pytest.raises(SupportError, match=r"none of 24 campaigns can be evaluated"):
        evaluate_fully(data, QUICK.model_copy(update={"evaluation": chosen}))


def test_what_a_market_lacks_is_left_out_and_said(data: MarketData) -> None:
    bare = {
        name: frame.iloc[:0] if name in ("rates", "audiences", "account_snapshots") else frame
        for name, frame in data.market.tables.items()
    }
    settings = QUICK.market.model_copy(update={"strict_time": True})
    market = replace(data.market, tables=bare, settings=settings)
    chosen = QUICK.evaluation.model_copy(update={"n_blocks": 1})
    found = evaluate_fully(MarketData(market), QUICK.model_copy(update={"evaluation": chosen}))
    names = found.variants["ablations"]
    for family in ("audience", "price"):
        assert not [name for name in names if family in name]
    assert "strict time" not in names
    assert FRAUD not in found.variants["robustness"]
    said = " ".join(found.notes)
    assert "audience, price: left out" in said
    assert "strict time: left out" in said
    assert f"{FRAUD}: left out" in said


def test_rows_of_both_questions_are_those_of_the_comparison(
    scored: pd.DataFrame, evaluation_settings: EvaluationSettings
) -> None:
    columns = {"a@delivered": "model", "b": "followers", "b@delivered": "followers"}
    frame = scored.rename(columns={"model": "a"}).assign(
        **{name: scored[column] for name, column in columns.items()}
    )
    table = build_rows("ablations", frame, ["a", "b"], evaluation_settings, against="a")
    table = table.set_index(["variant", "question", "metric"])
    bare = scored.drop(columns=["warmth", "platform", "tier", "brief_language"])
    result = evaluate_scores(
        bare, ["model", "followers"], protocol="x", settings=evaluation_settings, audit={}
    )
    paired = result.paired.set_index(["question", "metric"])
    figures = result.figures.set_index(["scorer", "question", "metric"])
    for key in FIGURES:
        row, theirs = table.loc[("b", *key)], paired.loc[key]
        assert row["value"] == figures.loc[("followers", *key), "value"]
        assert row["difference"] == -theirs["difference"]
        assert (row["difference_low"], row["difference_high"]) == (-theirs["high"], -theirs["low"])
        assert row["against"] == "a"
        base = table.loc[("a", *key)]
        assert (base["against"], base["value"]) == ("", figures.loc[("model", *key), "value"])
        assert pd.isna(base["difference"])


# --- variants --------------------------------------------------------------------------------


@given(st.sets(st.sampled_from(sorted(FAMILY_COLUMNS)), max_size=4))
def test_a_family_alone_and_the_model_without_it_make_up_the_model(left_out: set[str]) -> None:
    ranker = QUICK.ranker.model_copy(update={"leave_out": tuple(sorted(left_out))})
    variants = list_variants(QUICK.model_copy(update={"ranker": ranker}), with_strict=True)
    by_name = {one.name: one for one in variants}
    assert len(by_name) == len(variants)
    whole = by_name["model"].uses
    for family, columns in FAMILY_COLUMNS.items():
        alone = by_name[f"{family} alone"].uses
        assert alone == columns
        if family in left_out:
            assert not alone & whole
            assert by_name[f"with {family}"].uses == whole | alone
        else:
            without = by_name[f"without {family}"].uses
            assert (without | alone, without & alone) == (whole, frozenset())


def test_families_share_no_column_and_leave_none_out() -> None:
    names = [name for columns in FAMILY_COLUMNS.values() for name in columns]
    assert sorted(names) == sorted(spec.name for spec in FEATURES)


def test_a_variant_of_unknown_columns_or_sources_is_refused() -> None:
    with pytest.raises(DataError, match=r"1 columns are no feature \(\['nothing'\]\)"):
        Variant("x", "", frozenset({"nothing"}))
    with pytest.raises(DataError, match="got source 'dreams'"):
        Variant("x", "", frozenset(), "dreams")  # type: ignore[arg-type]


def test_vector_columns_are_those_that_another_encoder_moves(
    cut: Cut, matrix: FeatureMatrix
) -> None:
    noise = replace(cut.context, encoder=random_encoder(16, 7))
    assert moved_columns(matrix, build_features(noise, cut.prior, matrix.pairs)) == VECTOR_COLUMNS


def test_without_the_brief_no_column_can_tell_two_briefs_apart(
    cut: Cut, matrix: FeatureMatrix
) -> None:
    asked = tuple(Brief(brief_id=brief.brief_id, brief="?") for brief in matrix.pairs.briefs)
    blank = build_features(cut.context, cut.prior, replace(matrix.pairs, briefs=asked))
    known = {spec.name for spec in FEATURES} - moved_columns(matrix, blank)
    # No brand of this market names a rival, whom only its own brief could name.
    assert known == ACCOUNT_COLUMNS | {"rival_contacts"}


# --- other sources ---------------------------------------------------------------------------


def test_other_sources_compute_all_that_differs_and_nothing_else(
    data: MarketData, cut: Cut, matrix: FeatureMatrix
) -> None:
    ranker = QUICK.ranker.model_copy(update={"leave_out": ()})
    briefs = [brief.text for brief in matrix.pairs.briefs]
    others = list_others(
        cut.context,
        cut.prior,
        QUICK.model_copy(update={"ranker": ranker}),
        briefs=briefs,
        strict=strict_data(data),
    )
    assert set(others) == {"tfidf", "random", "strict"}
    for other in others.values():
        seen = other.of(matrix)
        anew = build_features(other.context, cut.prior, matrix.pairs)
        assert not moved_columns(seen, anew)
        assert moved_columns(matrix, seen)


words = st.sampled_from(["phở", "bún", "ngon", "quá", "son", "môi", "đẹp", "trip", "#ẨmThực"])
captions = st.lists(st.lists(words, min_size=1, max_size=8).map(" ".join), min_size=1, max_size=8)


@given(captions, st.lists(words, min_size=1, max_size=5).map(" ".join))
def test_cosines_of_a_brief_are_those_of_tfidf(texts: list[str], brief: str) -> None:
    lexicon = fit_lexicon(texts, None)
    encoder = tfidf_encoder(lexicon, [brief])
    posts = encoder.encode(texts, role="content").astype(np.float64)
    asked = encoder.encode([brief], role="brief").astype(np.float64)
    exact = (lexicon.vectors(texts) @ lexicon.vectors([brief]).T).toarray()
    np.testing.assert_allclose(posts @ asked.T, exact, atol=2e-3)
    # Words whose hashes cancel are rare, and then the row is made of what is left.
    np.testing.assert_allclose((posts * posts).sum(axis=1), 1.0, atol=2e-3)
    assert not encoder.encode(["xyz"], role="content").any()


def test_tfidf_of_sums_of_posts_is_nearly_right(cut: Cut) -> None:
    texts = list(cut.context.index.post_texts)[:400]
    lexicon = cut.context.lexicon
    found = tfidf_encoder(lexicon, ["phở bò"]).encode(texts, role="content").astype(np.float64)
    exact = lexicon.vectors(texts)
    for low in range(0, 400, 50):
        length = np.linalg.norm(found[low : low + 50].sum(axis=0))
        true = np.linalg.norm(np.asarray(exact[low : low + 50].sum(axis=0)))
        assert length == pytest.approx(true, rel=0.15)


# --- distortions -----------------------------------------------------------------------------


@pytest.mark.parametrize("change", BRIEFS, ids=lambda one: one.name)
def test_a_brief_that_is_told_anew_moves_its_own_campaign_alone(
    distorter: Distorter, matrix: FeatureMatrix, change: object
) -> None:
    seen, ids = distorter.retold(matrix, change)  # type: ignore[arg-type]
    anew = build_features(distorter.context, distorter.prior, seen.pairs)
    assert not moved_columns(seen, anew)
    inside = np.isin(matrix.pairs.campaign_ids, list(ids))
    assert 0 < inside.sum() < len(inside)
    np.testing.assert_array_equal(seen.values[~inside], matrix.values[~inside])
    if "NFD" in change.name:  # type: ignore[attr-defined]
        assert seen.pairs.briefs == matrix.pairs.briefs
    else:
        assert moved_columns(matrix, seen)


def test_an_english_brief_asks_for_the_same_creators(matrix: FeatureMatrix) -> None:
    english = next(one for one in BRIEFS if one.name.endswith("English"))
    for brief in matrix.pairs.briefs:
        told = english.retell(brief)
        assert (told is not None) == (brief.brief_language == "vi")
        if told is not None:
            assert told.brief_language == "en"
            assert told.creator_languages == (brief.creator_languages or ("vi",))
            assert told.text.isascii()
            assert english.retell(told) is None
    assert english.retell(Brief(brief_id="x", brief="Tìm bạn", brief_language="vi")) is None


@pytest.mark.parametrize("change", POSTS, ids=lambda one: one.name)
def test_creators_who_write_otherwise_move_what_reads_them(
    data: MarketData, distorter: Distorter, matrix: FeatureMatrix, change: object
) -> None:
    other = rewritten_data(data, change)  # type: ignore[arg-type]
    seen = distorter.rewritten(matrix, other)
    context = replace(distorter.context, data=other)
    assert not moved_columns(seen, build_features(context, distorter.prior, matrix.pairs))
    assert bool(moved_columns(matrix, seen)) == ("NFD" not in change.name)  # type: ignore[attr-defined]
    texts = data.market.tables["posts"]["text"]
    assert other.market.tables["posts"]["text"].isna().equals(texts.isna())


def test_bought_followers_are_those_of_a_market_in_which_they_were_bought(
    data: MarketData, distorter: Distorter, matrix: FeatureMatrix
) -> None:
    seen, ids = distorter.inflated(matrix)
    assert {"followers_log", "views_per_follower"} <= moved_columns(matrix, seen)
    assert ids
    pairs = matrix.pairs
    bought = buys_followers(pairs.account_ids, 0)
    assert 0.02 < bought.mean() < 0.3
    np.testing.assert_array_equal(seen.values[~bought], matrix.values[~bought])
    place = seen.names.index("followers_log")
    for code in range(0, len(pairs.briefs), 2):
        instant = pd.Timestamp(pairs.instants[code], tz="UTC")
        table = data.market.tables["account_snapshots"]
        late = buys_followers(table["account_id"].to_numpy(object), 0) & (
            table["as_of"] >= instant - pd.Timedelta(days=60)
        )
        n_followers = table["n_followers"].where(~late, 5 * table["n_followers"])
        tables = {**data.market.tables}
        tables["account_snapshots"] = table.assign(n_followers=n_followers)
        context = replace(distorter.context, data=MarketData(replace(data.market, tables=tables)))
        inside = pairs.brief_codes == code
        anew = build_features(context, distorter.prior, pairs.select(inside))
        np.testing.assert_array_equal(seen.values[inside], anew.values)
        ratio = np.exp(anew.values[:, place] - matrix.values[inside, place])
        assert np.nanmax(ratio, initial=1.0) < 5.0


# --- learning curves -------------------------------------------------------------------------


def test_the_latest_campaigns_keep_their_rows_labels_and_draws(cut: Cut) -> None:
    rows = cut.rows
    n = len(rows.matrix.pairs.briefs)
    whole = latest_campaigns(rows, n)
    assert len(whole.matrix.pairs) == len(rows.matrix.pairs)
    assert len(latest_campaigns(rows, n + 5).matrix.pairs) == len(rows.matrix.pairs)
    part = latest_campaigns(rows, 3)
    wanted = [brief.brief_id for brief in rows.matrix.pairs.briefs[-3:]]
    assert list(dict.fromkeys(part.matrix.pairs.campaign_ids)) == wanted
    inside = np.isin(rows.matrix.pairs.campaign_ids, wanted)
    np.testing.assert_array_equal(part.hired, rows.hired[inside])
    np.testing.assert_array_equal(part.matrix.values, rows.matrix.values[inside])
    np.testing.assert_array_equal(part.levels, rows.levels[inside])
    for short, long in zip(part.draws, rows.draws, strict=True):
        kept = long[inside[long]]
        np.testing.assert_array_equal(
            part.matrix.pairs.account_ids[short], rows.matrix.pairs.account_ids[kept]
        )
        np.testing.assert_array_equal(
            part.matrix.pairs.campaign_ids[short], rows.matrix.pairs.campaign_ids[kept]
        )


def test_records_begin_with_the_first_campaign_that_is_kept(data: MarketData, cut: Cut) -> None:
    kept = [brief.brief_id for brief in cut.rows.matrix.pairs.briefs[-4:]]
    market: Market = without_earlier(data, kept).market
    campaigns = data.market.tables["campaigns"].set_index("campaign_id")["decided_at"]
    gone = set(campaigns.index) - set(market.tables["campaigns"]["campaign_id"])
    assert gone == set(campaigns.index[campaigns < campaigns[kept[0]]])
    for name in ("collaborations", "campaign_posts", "decisions"):
        held = data.market.tables[name]
        assert len(market.tables[name]) == (~held["campaign_id"].isin(gone)).sum()
    assert market.tables["posts"].equals(data.market.tables["posts"])
