from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError as SklearnNotFittedError
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from matcher.columns import REASON_GROUPS
from matcher.errors import DataError, FeatureMismatchError, MatcherError, NotFittedError
from matcher.features.context import FeatureContext, PairView
from matcher.features.pair_features import (
    FAMILIES,
    FEATURES,
    FeatureMatrix,
    PairFeatures,
    build_features,
)
from matcher.features.pairs import Pairs, build_pairs
from matcher.features.spec import FeatureSpec
from matcher.market.brief import Brief


def test_declared_features_are_valid_and_unique():
    names = [spec.name for spec in FEATURES]
    assert len(set(names)) == len(names) > 80
    for spec in FEATURES:
        assert spec.name.isascii()
        assert spec.name.isidentifier()
        assert spec.group in REASON_GROUPS
        assert all(text.strip() for text in (spec.unit, spec.formula, spec.known))
    assert {spec.group for spec in FEATURES} == set(REASON_GROUPS)
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"group": "luck"}, "got group 'luck'; expected one of reach"),
        ({"name": "giá"}, "expected ASCII letters"),
        ({"name": "a b"}, "expected ASCII letters"),
    ],
)
def test_wrong_metadata_is_refused(change, message):
    known = {"name": "x", "unit": "u", "formula": "f", "group": "reach", "known": "k"}
    with pytest.raises(MatcherError, match=message):
        FeatureSpec(**{**known, **change})


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_families_return_what_they_declare(whole, family):
    view = PairView(whole.context, whole.pairs)
    found = family.compute(whole.context, view)
    assert set(found) == {spec.name for spec in family.specs}
    for values in found.values():
        assert values.dtype == np.float64
        assert values.shape == (len(whole.pairs),)
        assert not np.isinf(values).any()


def test_matrix_has_the_declared_columns_in_order(whole):
    assert whole.matrix.names == tuple(spec.name for spec in FEATURES)
    assert whole.matrix.values.dtype == np.float64


@pytest.mark.parametrize("families", [("content",), ("resonance",), ("price", "reach"), ()])
def test_families_can_be_computed_alone(m, whole, families):
    some = build_features(whole.context, whole.prior, whole.pairs, families=families)
    kept = whole.matrix.columns(some.names)
    assert m.changed_columns(some, FeatureMatrix(kept, some.names, whole.pairs)) == []


def test_shares_and_cosines_keep_their_range(whole):
    for spec in FEATURES:
        low, high = {"share": (0, 1), "cosine": (-1, 1)}.get(spec.unit[:6].strip(", "), (None, 0))
        if low is not None:
            values = whole.matrix.columns([spec.name])
            known = values[~np.isnan(values)]
            slack = 2e-3  # rows of float16 are of unit length to three digits
            assert ((known >= low - slack) & (known <= high + slack)).all(), spec.name


@pytest.mark.parametrize("n_parts", [1, 2, 7])
def test_partitions_of_pairs_change_no_bit(m, whole, n_parts):
    part_of = np.array([int(name[1:]) % n_parts for name in whole.pairs.account_ids])
    for part in range(n_parts):
        rows = part_of == part
        alone = build_features(whole.context, whole.prior, whole.pairs.select(rows))
        assert m.changed_columns(alone, whole.matrix.select(rows)) == []


def test_one_brief_at_a_time_changes_no_bit(m, whole):
    for code in range(len(whole.pairs.briefs)):
        rows = whole.pairs.brief_codes == code
        alone = build_features(whole.context, whole.prior, whole.pairs.select(rows))
        assert m.changed_columns(alone, whole.matrix.select(rows)) == []


def test_threads_change_no_bit(m, whole):
    context = FeatureContext(whole.data, whole.context.encoder, whole.context.lexicon, n_threads=2)
    other = build_features(context, whole.prior, whole.pairs)
    assert m.changed_columns(other, whole.matrix) == []


@pytest.mark.parametrize("seed", [1, 2])
def test_order_of_rows_in_tables_changes_no_bit(m, whole, tables, seed):
    mixed = {name: table.sample(frac=1, random_state=seed) for name, table in tables.items()}
    context = m.make_context(m.make_data(mixed))
    other = build_features(context, m.make_prior(context), whole.pairs)
    assert m.changed_columns(other, whole.matrix) == []


OPTIONAL = (
    "influencers", "account_snapshots", "posts", "post_metrics", "audiences", "rates",
    "exchange_rates", "campaign_posts", "collaborations", "campaigns", "brands",
)  # fmt: skip
NEEDED_BY = {
    "posts": ("post_metrics", "campaign_posts"),
    "brands": ("campaigns", "collaborations", "campaign_posts"),
    "campaigns": ("collaborations", "campaign_posts"),
    "exchange_rates": ("rates",),
}


@pytest.mark.parametrize("absent", OPTIONAL)
def test_absent_tables_leave_the_rest_as_it_was(m, tables, absent):
    if absent == "brands":
        tables["posts"] = tables["posts"].drop(columns="sponsor_brand_id")
    for name in (absent, *NEEDED_BY.get(absent, ())):
        del tables[name]
    brief = m.make_brief(
        brand_category="beauty", currency="VND", budget=1e8, audience_age=("18-24",)
    )
    found = m.compute(tables, brief)
    assert len(found) == 10
    assert not np.isinf(found[[spec.name for spec in FEATURES]].to_numpy()).any()
    unknown = {
        "influencers": ["bio_similarity", "category_declared"],
        "account_snapshots": ["followers_log", "follower_tier", "views_per_follower"],
        "posts": ["content_best", "days_since_post", "views_level", "lexical_mean"],
        "post_metrics": ["reach_level", "shares_per_view"],
        "audiences": ["audience_age"],
        "rates": ["price_log", "price_share_of_budget"],
        "exchange_rates": ["price_log"],
        "collaborations": ["like_hired_all"],
        "campaigns": ["like_hired_all"],
    }
    assert found[unknown.get(absent, [])].isna().all(axis=None)
    zero = {
        "collaborations": ["hires_all", "person_hires_all"],
        "brands": ["hires_all", "sponsored_any", "mentions_any", "rival_contacts"],
        "posts": ["posts_365d", "sponsored_any", "mentions_brand"],
    }
    assert (found[zero.get(absent, [])] == 0).all(axis=None)


def test_accounts_and_posts_alone(m, tables):
    posts = tables["posts"][["post_id", "account_id", "published_at", "text"]]
    found = m.compute({"accounts": tables["accounts"], "posts": posts}, m.make_brief())
    assert found["content_best"].notna().any()
    assert found["posts_365d"].max() > 0


def test_accounts_and_snapshots_alone(m, tables):
    kept = {name: tables[name] for name in ("accounts", "account_snapshots")}
    found = m.compute(kept, m.make_brief())
    assert found["followers_log"].notna().any()


def test_texts_without_a_word(m, tables):
    tables["posts"]["text"] = ["", "🔥🔥", None, "  "] * 12 + ["...", "\u200b", "#"]
    found = m.compute(tables, m.make_brief(title=None, brief=None))
    assert found["lexical_best"].dropna().eq(0).all()
    assert found["posts_365d"].max() > 0


def test_brief_that_says_nothing(m, tables):
    found = m.compute(tables, Brief(brief_id="blank"))
    names = ["audience_age", "price_log", "language_share", "category_share"]
    assert found[names].isna().all(axis=None)
    assert (found[["hires_brand", "sponsored_brand", "mentions_brand"]] == 0).all(axis=None)


def test_brief_of_a_brand_without_owner_is_not_kin_of_others(m, tables):
    """Two unknown owners are not the same owner."""
    tables["brands"]["owner_group"] = None
    found = m.compute(tables, m.make_brief("x", brand_id="zz", brand_category="travel"))
    assert (found["hires_owner"] == 0).all()


def test_a_language_never_seen(m, tables):
    found = m.compute(tables, m.make_brief(brief_language="sw", title=None, brief="habari"))
    assert found["language_share"].dropna().eq(0).all()
    assert found["lexical_best"].dropna().eq(0).all()
    assert found["content_best"].notna().any()


def test_one_platform(m, tables):
    tables["accounts"]["platform"] = "zalo"
    assert m.compute(tables, m.make_brief())["engagements_expected"].notna().all()


def test_nobody_to_score(whole):
    nobody = whole.pairs.select(np.zeros(len(whole.pairs), dtype=bool))
    assert build_features(whole.context, whole.prior, nobody).values.shape == (0, len(FEATURES))
    nothing = build_pairs([], {}, instants={})
    assert build_features(whole.context, whole.prior, nothing).values.shape == (0, len(FEATURES))


def test_brief_without_candidates_between_others(m, whole):
    rows = whole.pairs.brief_codes != 3
    found = build_features(whole.context, whole.prior, whole.pairs.select(rows))
    assert m.changed_columns(found, whole.matrix.select(rows)) == []


def test_transformer_in_a_pipeline(whole):
    step = PairFeatures(whole.context, whole.prior)
    pipeline = make_pipeline(
        step, SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True)
    )
    found = pipeline.fit_transform(whole.pairs)
    np.testing.assert_array_equal(found, np.nan_to_num(whole.matrix.values))
    assert step.get_feature_names_out().tolist() == [spec.name for spec in FEATURES]
    assert pipeline[:1].get_feature_names_out().tolist() == list(whole.matrix.names)


def test_transformer_can_be_cloned(whole):
    step = PairFeatures(whole.context, whole.prior).fit(whole.pairs)
    twin = clone(step)
    assert set(twin.get_params(deep=False)) == {"context", "prior"}
    assert not hasattr(twin, "feature_names_out_")
    np.testing.assert_array_equal(twin.fit(whole.pairs).transform(whole.pairs), whole.matrix.values)


def test_transformer_before_fit_is_refused(whole):
    step = PairFeatures(whole.context, whole.prior)
    with pytest.raises((NotFittedError, SklearnNotFittedError), match="before `transform`"):
        step.transform(whole.pairs)


def test_names_before_fit_are_refused(whole):
    step = PairFeatures(whole.context, whole.prior)
    with pytest.raises((NotFittedError, SklearnNotFittedError), match="fit"):
        step.get_feature_names_out()


def test_transformer_of_a_frame_is_refused(whole):
    step = PairFeatures(whole.context, whole.prior)
    with pytest.raises(MatcherError, match="got a DataFrame; expected Pairs"):
        step.fit(pd.DataFrame())


def test_matrix_names_its_missing_columns(whole):
    with pytest.raises(FeatureMismatchError, match=r"2 of 3 are missing \(luck, fame\)"):
        whole.matrix.columns(["luck", "content_best", "fame"])


def test_matrix_refuses_other_shapes_and_doubled_names(whole):
    with pytest.raises(MatcherError, match="expected"):
        FeatureMatrix(whole.matrix.values, ("one",), whole.pairs)


def test_frame_holds_pairs_and_features(whole):
    frame = whole.matrix.to_frame()
    assert list(frame.columns) == ["campaign_id", "account_id", *whole.matrix.names]
    assert frame["campaign_id"].iloc[-1] == "stranger"


def test_pairs_refuse_doubled_accounts_and_briefs(m):
    brief, instants = m.make_brief(), {"new": m.NOW}
    with pytest.raises(DataError, match="candidates of new: an account stands twice"):
        build_pairs([brief], {"new": ["a", "a"]}, instants=instants)
    with pytest.raises(DataError, match="an id stands twice"):
        build_pairs([brief, brief], {}, instants=instants)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"brief_codes": np.array([1, 0])}, "not together; sort by brief first"),
        ({"brief_codes": np.array([0])}, "1 brief codes but 2 accounts"),
        ({"instants": np.array(["2025-01-01"], "M8[us]")}, "2 briefs but 1 instants"),
        ({"instants": np.array(["2025-01-01", "NaT"], "M8[us]")}, "has no decision instant"),
    ],
)
def test_pairs_check_themselves(m, change, message):
    known = {
        "briefs": (m.make_brief("x"), m.make_brief("y")),
        "instants": np.array(["2025-01-01", "2025-01-02"], "M8[us]"),
        "brief_codes": np.array([0, 1]),
        "account_ids": np.array(["a", "a"], dtype=object),
    }
    with pytest.raises(DataError, match=message):
        Pairs(**{**known, **change})


def test_bounds_of_pairs_with_an_empty_brief(m):
    briefs = [m.make_brief(name) for name in "xyz"]
    pairs = build_pairs(briefs, {"x": ["a", "b"], "z": ["c"]}, instants=dict.fromkeys("xyz", m.NOW))
    assert pairs.bounds.tolist() == [0, 2, 2, 3]
    assert pairs.campaign_ids.tolist() == ["x", "x", "z"]
    assert pairs.select(np.array([1, 2])).bounds.tolist() == [0, 1, 1, 2]
