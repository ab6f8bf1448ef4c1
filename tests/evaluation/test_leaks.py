"""The product moves nothing when the future is another one, and planted leaks are found by name."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from matcher.config import (
    EncoderSettings,
    EvaluationSettings,
    MarketSettings,
    RankerSettings,
    RetrievalSettings,
    Settings,
)
from matcher.errors import LeakageError, SupportError
from matcher.evaluation.leak_report import LeakReport, Move
from matcher.evaluation.leaks import check_leaks
from matcher.features import pair_features
from matcher.features.context import MarketData
from matcher.features.spec import Family, FeatureSpec
from matcher.market.brief import Brief
from matcher.market.load import load_market
from matcher.market.market import build_market
from matcher.ranking import fit
from matcher.retrieval import eligibility
from matcher.text.encoder import fit_builtin_encoder

TINY = Path(__file__).parents[2] / "data" / "tiny_market"


CAMPAIGNS = [f"cmp_{number:04d}" for number in range(10)]


@pytest.fixture(scope="module")
def tables():
    """The tiny market with its first campaigns only, all of which were followed to their end."""
    market = load_market(TINY)
    kept = {name: market.tables[name] for name in market.present}
    for name, table in kept.items():
        if "campaign_id" in table:
            chosen = table["campaign_id"].isin(CAMPAIGNS)
            kept[name] = table[chosen].reset_index(drop=True)
    return kept


@pytest.fixture(scope="module")
def data(tables):
    return MarketData(build_market(tables))


def settings(n_blocks=1, *, encoder="builtin", min_earlier_hired=12):
    """Settings under which, unless told otherwise, only the last campaign is checked."""
    return Settings(
        encoder=EncoderSettings(name=encoder, dim=32, epochs=1),
        retrieval=RetrievalSettings(min_posts=1),
        ranker=RankerSettings(n_trees=4, n_draws=1, unlabelled_per_campaign=20),
        evaluation=EvaluationSettings(n_blocks=n_blocks, min_earlier_hired=min_earlier_hired),
    )


def plant(monkeypatch, name, compute):
    spec = FeatureSpec(name, unit="1", formula="planted", group="relevance", known="never")
    planted = Family(name, (spec,), lambda context, view: {name: compute(context, view)})
    monkeypatch.setattr(pair_features, "FAMILIES", (*pair_features.FAMILIES, planted))


def moved(report, what):
    return {move.column for move in report.moved if move.what == what}


def of_accounts(view, values):
    """A value by account id for each pair, 0 where there is none."""
    return pd.Series(view.pairs.account_ids).map(values).fillna(0.0).to_numpy(np.float64)


def test_the_product_is_clean(data):
    told = []
    report = check_leaks(
        data, settings(2, min_earlier_hired=11), tell=lambda *step: told.append(step)
    )
    assert [str(move) for move in report.moved] == []
    assert report.is_clean
    assert report.verdict.startswith("No leak: nothing moved")
    report.raise_if_leaky()
    assert (report.n_campaigns, report.n_instants, report.n_refits) == (6, 6, 2)
    assert report.n_features == len(pair_features.FEATURES)
    assert report.n_feature_values > 5_000
    assert report.n_priors > 50
    assert report.n_scores > 1_000
    assert "influencers.bio" in report.assumed_timeless
    tasks, done, totals = zip(*told, strict=True)
    assert set(tasks) == {"checking leaks"}
    assert list(done) == sorted(done)
    assert done[-1] == totals[-1]


def test_a_post_of_the_campaign_itself_is_caught(data, monkeypatch):
    def likes_of_own_posts(context, view):
        posts = context.index.posts
        found = np.zeros(len(view.pairs))
        for block in view.blocks:
            own = context.index.own_posts.get(block.brief.brief_id, np.empty(0, int))
            by_account = posts.iloc[own].groupby("account_id")["likes"].sum()
            found[block.rows] = of_accounts(view, by_account)[block.rows]
        return found

    plant(monkeypatch, "own_likes", likes_of_own_posts)
    report = check_leaks(data, settings(encoder="random"))
    assert not report.is_clean
    assert moved(report, "feature") == {"own_likes"}
    assert "feature own_likes" in report.verdict


@pytest.fixture(scope="module")
def with_teaser(tables):
    """The market with a post for its last campaign that was published before the decision."""
    links, posts = tables["campaign_posts"], tables["posts"]
    campaigns, hires = (tables[name].set_index("campaign_id").loc[CAMPAIGNS[-1]]
                        for name in ("campaigns", "collaborations"))  # fmt: skip
    early = posts[posts["published_at"] < campaigns["decided_at"]]
    early = early[early["account_id"].isin(hires["account_id"])]
    free = early[~early["post_id"].isin(links["post_id"]) & early["account_id"].duplicated()]
    link = pd.DataFrame({"campaign_id": CAMPAIGNS[-1:], "post_id": [free["post_id"].iloc[-1]]})
    longer = pd.concat([links, link.astype("str")], ignore_index=True)
    return MarketData(build_market({**tables, "campaign_posts": longer}))


def test_an_earlier_post_of_the_campaign_itself_is_caught(with_teaser, monkeypatch):
    def n_earlier_posts(_context, view):
        counts = [block.ends - block.starts for block in view.blocks]  # hidden ones among them
        return np.concatenate(counts).astype(np.float64)

    plant(monkeypatch, "n_earlier_posts", n_earlier_posts)
    report = check_leaks(with_teaser, settings(encoder="random"))
    assert moved(report, "feature") == {"n_earlier_posts"}  # and none of the product's
    assert not moved(report, "candidates") | moved(report, "control")
    assert {len(move.account_ids) for move in report.moved if move.what == "feature"} == {1}


@pytest.fixture(scope="module")
def with_absences(tables):
    """The market with absences around the flight of its last campaign, and long after it."""
    campaign = tables["campaigns"].set_index("campaign_id").loc[CAMPAIGNS[-1]]
    offsets = [-20, 0, 12, 30, 45, 90, 200, 300]  # the flight takes 33 days
    accounts = tables["accounts"]["account_id"].iloc[: 5 * len(offsets)]
    first = campaign["starts_on"] + pd.to_timedelta(np.resize(offsets, len(accounts)), unit="D")
    absences = pd.DataFrame(
        {"account_id": accounts, "from_on": first, "to_on": first + pd.Timedelta(days=8)}
    )
    return {**tables, "availability": absences}


def test_absences_touching_a_planned_flight_are_no_leak(with_absences):
    data = MarketData(build_market(with_absences, strict=True))
    flights = with_absences["campaigns"].set_index("campaign_id").loc[CAMPAIGNS[-1]]
    absences = with_absences["availability"]
    during = absences["from_on"].between(flights["starts_on"], flights["ends_on"])
    assert during.sum() == 15
    report = check_leaks(data, settings(encoder="random"))
    assert [str(move) for move in report.moved] == []
    assert report.assumed_planned == ("campaigns.starts_on", "campaigns.ends_on", "availability")


def test_the_length_of_a_flight_is_caught(data, monkeypatch):
    def days_of_flight(_context, view):
        found = np.zeros(len(view.pairs))
        for block in view.blocks:
            found[block.rows] = (block.brief.ends_on - block.brief.starts_on).days
        return found

    plant(monkeypatch, "days_of_flight", days_of_flight)
    report = check_leaks(data, settings(encoder="random"))
    assert moved(report, "feature") == {"days_of_flight"}
    assert not moved(report, "candidates")


def test_absences_after_the_flight_are_caught(with_absences, monkeypatch):
    def n_absences(context, view):
        return of_accounts(view, context.index.market["availability"]["account_id"].value_counts())

    plant(monkeypatch, "n_absences", n_absences)
    data = MarketData(build_market(with_absences))
    report = check_leaks(data, settings(encoder="random"))
    assert moved(report, "feature") == {"n_absences"}
    assert not moved(report, "candidates")


def test_freedom_beyond_the_flight_is_caught(with_absences, monkeypatch):
    honest = eligibility.flight_days

    def until_a_year_later(brief, instant):
        first, last = honest(brief, instant)
        return first, last + 365

    monkeypatch.setattr(eligibility, "flight_days", until_a_year_later)
    report = check_leaks(MarketData(build_market(with_absences)), settings(encoder="random"))
    assert "candidates" in moved(report, "candidates")


def test_a_flight_read_off_posts_is_caught_where_it_decides_who_is_free(with_absences, monkeypatch):
    told = MarketSettings(flights_planned=False)
    data = MarketData(build_market(with_absences, told))
    chosen = settings(encoder="random").model_copy(update={"market": told})
    assert check_leaks(data, chosen).is_clean
    honest = Brief.from_campaign.__func__

    def with_flight(cls, market, campaign_id):
        return honest(cls, dataclasses.replace(market, settings=MarketSettings()), campaign_id)

    monkeypatch.setattr(Brief, "from_campaign", classmethod(with_flight))
    report = check_leaks(data, chosen)
    assert "candidates" in moved(report, "candidates")
    assert report.assumed_planned == ("availability",)


def test_an_outcome_of_the_campaign_is_caught(data, monkeypatch):
    def own_engagements(context, view):
        table = context.index.market.tables["collaborations"]
        found = np.zeros(len(view.pairs))
        for block in view.blocks:
            own = table[table["campaign_id"] == block.brief.brief_id]
            found[block.rows] = of_accounts(view, own.groupby("account_id")["engagements"].sum())[
                block.rows
            ]
        return found

    plant(monkeypatch, "own_engagements", own_engagements)
    report = check_leaks(data, settings(encoder="random"))
    assert moved(report, "feature") == {"own_engagements"}
    with pytest.raises(LeakageError, match=r"leak check: .* feature `own_engagements` \(\d+ of"):
        report.raise_if_leaky()


def test_the_newest_snapshot_whenever_taken_is_caught(data, monkeypatch):
    def newest_followers(context, view):
        table = context.index.market.tables["account_snapshots"].sort_values("as_of")
        return of_accounts(view, table.groupby("account_id")["n_followers"].last())

    plant(monkeypatch, "newest_followers", newest_followers)
    report = check_leaks(data, settings(encoder="random"))
    assert moved(report, "feature") == {"newest_followers"}
    (before, *_) = [move for move in report.moved if move.what == "feature"]
    assert 0 < before.n_moved <= before.n_compared
    assert len(before.account_ids) == min(5, before.n_moved)
    assert not before.is_refitted


def test_an_encoder_fitted_on_later_texts_is_caught(data, monkeypatch):
    honest = fit.fit_encoder

    def late_encoder(data, trained_until, settings, pairs=()):
        encoder = honest(data, trained_until + pd.Timedelta(days=3650), settings, pairs)
        claimed = dataclasses.replace(encoder.identity, trained_until=trained_until)
        return dataclasses.replace(encoder, identity=claimed)

    monkeypatch.setattr(fit, "fit_encoder", late_encoder)
    report = check_leaks(data, settings())
    assert moved(report, "encoder") == {"encoder.digest"}
    assert not moved(report, "prior")
    assert {move.is_refitted for move in report.moved} == {True}
    assert report.verdict.startswith("Leak: encoder encoder.digest")


def test_an_encoder_fitted_on_later_pairs_is_caught(data, monkeypatch):
    def paired_encoder(data, trained_until, settings, pairs=()):
        tables = data.market.tables
        seen = tables["posts"][tables["posts"]["published_at"] < trained_until]
        links = tables["campaign_posts"].merge(tables["posts"], on="post_id")
        links = links.merge(tables["campaigns"][["campaign_id", "title"]], on="campaign_id")
        return fit_builtin_encoder(
            seen["text"].fillna("").tolist(),
            seen["account_id"].tolist(),
            pairs=list(zip(links["title"].fillna(""), links["text"].fillna(""), strict=True)),
            settings=settings.encoder,
            trained_until=trained_until,
        )

    monkeypatch.setattr(fit, "fit_encoder", paired_encoder)
    assert "encoder.digest" in moved(check_leaks(data, settings()), "encoder")


def test_labels_known_later_are_caught(data, monkeypatch):
    honest = fit.build_training_rows

    def with_hindsight(context, prior, trained_until, settings, **options):
        rows = honest(context, prior, trained_until, settings, **options)
        table = context.index.market.tables["collaborations"]
        keys = pd.MultiIndex.from_arrays([rows.matrix.pairs.campaign_ids,
                                          rows.matrix.pairs.account_ids])  # fmt: skip
        shared = table.groupby("account_id")["collaboration_id"].count()
        busy = keys.get_level_values(1).map(shared).fillna(0) > shared.median()
        return dataclasses.replace(rows, hired=rows.hired | np.asarray(busy))

    monkeypatch.setattr(fit, "build_training_rows", with_hindsight)
    report = check_leaks(data, settings())
    assert "hire.texts" in moved(report, "ranker")
    assert "model.hire" in moved(report, "score")
    assert not moved(report, "feature")


def test_a_market_without_enough_hires_is_refused(data):
    with pytest.raises(SupportError, match="leak check: none of 10 campaigns can be evaluated"):
        check_leaks(data, settings(min_earlier_hired=10_000))


def test_the_report_is_json_with_causes_and_counts():
    move = Move("feature", "c1", "views", 7, 9, ("a1", "a2", "a3", "a4", "a5"))
    report = LeakReport(1, 1, 1, 2, 18, 30, 9, (move,), ("influencers.bio",))
    plain = json.loads(json.dumps(report.to_dict()))
    assert plain["verdict"].startswith("Leak: feature views moved after")
    assert plain["is_clean"] is False
    assert plain["moved"][0]["account_ids"] == ["a1", "a2", "a3", "a4", "a5"]
    assert plain["assumed_timeless"] == ["influencers.bio"]
