from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from matcher.errors import LeakageError
from matcher.features.context import FeatureContext, MarketData, PairView
from matcher.features.pair_features import FEATURES, build_features
from matcher.features.pairs import Pairs

Tables = dict[str, pd.DataFrame]


def rows_of(pairs: Pairs, code: int) -> Pairs:
    """One brief alone with its candidates."""
    inside = pairs.brief_codes == code
    return Pairs(
        pairs.briefs[code : code + 1],
        pairs.instants[code : code + 1],
        np.zeros(int(inside.sum()), dtype=np.int64),
        pairs.account_ids[inside],
    )


@pytest.mark.parametrize("code", range(7))
def test_whole_market_gives_what_the_market_of_the_decision_gives(m, whole, code):
    pairs = rows_of(whole.pairs, code)
    instant = pd.Timestamp(pairs.instants[0]).tz_localize("UTC")
    known = MarketData(whole.data.market.as_of(instant))
    context = FeatureContext(known, whole.context.encoder, whole.context.lexicon)
    early = build_features(context, whole.prior, pairs)
    late = build_features(whole.context, whole.prior, pairs)
    assert m.changed_columns(early, late) == []


def test_every_feature_takes_two_values_somewhere(whole):
    """Else the test above would prove nothing for it."""
    flat = [
        name
        for name, column in zip(whole.matrix.names, whole.matrix.values.T, strict=True)
        if len(np.unique(column[~np.isnan(column)])) < 2
    ]
    left = {
        "impressions_level", "engagement_rate_by_impressions", "audience_gender",
        "audience_interest", "audience_language",
    }  # fmt: skip
    assert set(flat) <= left


def later_rows(m: SimpleNamespace, tables: Tables) -> Tables:
    """The market with every kind of row that became known at or after `NOW`."""
    more: Tables = {
        "posts": m.frame(
            {
                "post_id": "late",
                "account_id": "a2",
                "published_at": m.NOW,
                "text": "Alphabrand son môi",
                "language": "vi",
                "sponsor_brand_id": "b0",
                "likes": 9e5,
                "views": 1e6,
                "observed_at": m.at(1),
            }
        ),
        "post_metrics": m.frame(
            {"post_id": "a2_00", "observed_at": m.NOW, "likes": 9e5, "views": 1e6},
            {"post_id": "a3_00", "observed_at": m.at(300), "likes": 9e5, "views": 1e6},
        ),
        "account_snapshots": m.frame({"account_id": "a2", "as_of": m.NOW, "n_followers": 9e6}),
        "audiences": m.frame(
            {"account_id": "a2", "as_of": m.NOW, "dimension": "age", "bucket": "18-24",
             "share": 1.0}
        ),
        "rates": m.frame(
            {"account_id": "a2", "as_of": m.NOW, "format": "short_video", "price": 5.0,
             "currency": "VND"}
        ),
        "exchange_rates": m.frame({"from": "USD", "to": "VND", "on": m.NOW.tz_localize(None),
                                   "rate": 1.0}),
        "campaigns": m.frame(
            {"campaign_id": "late", "brand_id": "b0", "brief": "son môi dưỡng da",
             "decided_at": m.NOW}
        ),
        "collaborations": m.frame(
            *(
                {"collaboration_id": f"late_{name}", "campaign_id": name, "account_id": "a2",
                 "status": "completed", "status_at": m.NOW, "outcome_at": m.at(1),
                 "engagements": 9e9}
                for name in ("c0", "c4", "late")
            )
        ),
    }  # fmt: skip
    return {
        name: pd.concat([table, more[name]], ignore_index=True) if name in more else table
        for name, table in tables.items()
    }


def test_rows_of_the_decision_and_later_change_nothing(m, tables):
    brief = m.make_brief(currency="VND", budget=1e8, audience_age=("18-24",), countries=("VN",))
    results = []
    lexicon = m.make_data(tables).texts.fit_lexicon(m.NOW)
    for version in (tables, later_rows(m, tables)):
        data = m.make_data(version)
        assert data.market.quarantine[data.market.quarantine["level"] != "warning"].empty
        context = FeatureContext(data, m.ENCODER, lexicon)
        results.append(build_features(context, m.make_prior(context), m.make_pairs(data, [brief])))
    assert m.changed_columns(*results) == []


def test_one_microsecond_later_they_are_seen(m, tables):
    """The planted rows would be visible, were the comparison not strict."""
    brief = m.make_brief(currency="VND", budget=1e8, audience_age=("18-24",), countries=("VN",))
    later = m.NOW + pd.Timedelta(microseconds=1)
    one = m.compute(tables, brief, instant=later)
    other = m.compute(later_rows(m, tables), brief, instant=later)
    moved = {name for name in one if not one[name].equals(other[name])}
    assert {
        "content_mean", "hires_brand", "followers_log", "audience_age", "price_log",
        "sponsored_brand", "engagements_expected", "days_since_post",
    } <= moved  # fmt: skip


def test_posts_made_for_a_campaign_are_hidden_from_it(m, tables):
    """Even where they came before the decision: no feature may see them."""
    own = m.frame(
        *(
            {
                "post_id": f"own{place}",
                "account_id": account,
                "published_at": m.at(-15 - place),
                "text": "Alphabrand son môi dưỡng da makeup #makeup",
                "language": "vi",
                "is_sponsored": True,
                "sponsor_brand_id": brand,
                "likes": 9e5,
                "comments": 9e4,
                "views": 1e6,
            }
            for place, (account, brand) in enumerate(
                [("a2", "b0"), ("a2", "b1"), ("a3", "b0"), ("a4", "b3")]
            )
        )
    )
    links = m.frame(*({"campaign_id": "new", "post_id": f"own{place}"} for place in range(4)))
    campaign = m.frame({"campaign_id": "new", "brand_id": "b0", "decided_at": m.NOW})
    without = tables | {"campaigns": pd.concat([tables["campaigns"], campaign])}
    planted = without | {
        "posts": pd.concat([tables["posts"], own], ignore_index=True),
        "campaign_posts": pd.concat([tables["campaign_posts"], links], ignore_index=True),
    }
    data = m.make_data(without)
    clean = m.make_context(data)
    prior = m.make_prior(clean)
    seen = FeatureContext(m.make_data(planted), m.ENCODER, clean.lexicon)
    pairs = m.make_pairs(data, [m.make_brief()])
    one, other = (build_features(context, prior, pairs) for context in (clean, seen))
    assert m.changed_columns(one, other) == []
    others = m.make_pairs(data, [m.make_brief("another")])
    moved = m.changed_columns(
        *(build_features(context, prior, others) for context in (clean, seen))
    )
    assert {"content_mean", "sponsored_brand", "engagements_expected", "posts_30d"} <= set(moved)


def test_hires_of_a_campaign_itself_are_hidden_from_it(m, tables):
    """An invitation accepted before the recorded decision is the label, not a feature."""
    campaign = m.frame({"campaign_id": "new", "brand_id": "b0", "decided_at": m.NOW})
    without = tables | {"campaigns": pd.concat([tables["campaigns"], campaign])}
    own = m.frame(
        {"collaboration_id": "own", "campaign_id": "new", "account_id": "a2",
         "status": "accepted", "status_at": m.at(-3)}
    )  # fmt: skip
    planted = without | {"collaborations": pd.concat([tables["collaborations"], own])}
    brief = m.make_brief()
    one, other = (m.compute(version, brief) for version in (without, planted))
    names = [spec.name for spec in FEATURES]
    pd.testing.assert_frame_equal(one[names], other[names], check_exact=True)


def test_market_cut_before_the_decision_is_refused(m, whole):
    early = MarketData(whole.data.market.as_of(m.at(-100)))
    context = FeatureContext(early, whole.context.encoder, whole.context.lexicon)
    with pytest.raises(LeakageError, match="cut it at or after the last decision"):
        build_features(context, whole.prior, whole.pairs)


def test_strict_time_uses_no_undated_description(m, tables):
    brief = m.make_brief()
    plain = m.compute(tables, brief)
    blank = {
        "influencers": tables["influencers"].assign(
            bio=tables["influencers"]["bio"].where(tables["influencers"]["as_of"].notna()),
            categories=None,
        )
    }
    strict = m.compute(tables, brief, strict_time=True)
    expected = m.compute(tables | blank, brief, strict_time=True)
    assert plain["bio_similarity"].notna().sum() > strict["bio_similarity"].notna().sum()
    np.testing.assert_array_equal(strict["bio_similarity"], expected["bio_similarity"])


def test_late_snapshots_stand_in_only_where_none_is_known_in_time(m, tables):
    """An account measured in time keeps its size and its growth."""
    brief = m.make_brief()
    plain = m.compute(tables, brief)
    late = m.compute(tables, brief, allow_late_snapshots=True)
    timely = plain["followers_log"].notna()
    assert timely.any()
    names = ["followers_log", "follower_growth_30d"]
    pd.testing.assert_frame_equal(late.loc[timely, names], plain.loc[timely, names])


def test_view_of_an_instant_holds_only_earlier_posts(m, whole):
    view = PairView(whole.context, whole.pairs)
    for block in view.blocks:
        assert (whole.data.index.post_published[block.posts] < block.instant).all()


def test_specs_say_when_inputs_are_known():
    assert all(spec.known for spec in FEATURES)
