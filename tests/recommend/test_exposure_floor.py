"""Lists held to a floor: who enters and leaves, what it costs, and what stays as it was."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from matcher.errors import UsageError
from matcher.features.data import MarketData
from matcher.market.market import build_market
from matcher.ranking.calibration import FitCalibration
from matcher.ranking.exposure import ExposureRule
from matcher.recommend import batches
from matcher.recommend.explore import Lottery
from matcher.recommend.recommend import recommend
from matcher.recommend.unfinished import Unfinished


@pytest.fixture(scope="module")
def market(shop):
    """The market of the shop, in which people who write on travel declared another gender."""
    tables = shop.make_tables()
    people = tables["influencers"]
    topic = people["influencer_id"].str.removeprefix("p").astype(int) % 3
    people["gender"] = topic.map({0: "female", 1: "male", 2: None})
    data = MarketData(build_market(tables))
    return data, shop.model.context(data), people.set_index("influencer_id")["gender"]


def run(shop, market, *, briefs=None, **options):
    data, context, _ = market
    known = {"as_of": shop.NOW, "top_k": 10, "context": context, "order": "fit"}
    return recommend(shop.model, data, briefs or [shop.make_brief()], **{**known, **options})


def genders(found, market) -> pd.Series:
    return found.frame["influencer_id"].map(market[2]).fillna("unknown").value_counts()


@pytest.mark.parametrize("order", ["fit", "deliver", "outcome", "blend"])
def test_every_group_gets_its_places_and_the_rest_go_by_score(shop, market, order):
    rule = ExposureRule("gender", 0.9)
    plain, held = (run(shop, market, order=order, exposure=one) for one in (None, rule))
    # 54 accounts, of which each of three groups has 18: 0.9 of a third of ten places.
    least = int(0.9 * 10 / 3)
    assert genders(plain, market).reindex(["female", "male", "unknown"]).fillna(0).min() < least
    assert genders(held, market).min() == least
    everyone = run(shop, market, order=order, top_k=60).frame
    column = f"{order}_score"
    assert (np.diff(held.frame[column]) <= 0).all()
    assert held.frame["rank"].tolist() == list(range(1, 11))
    group = everyone["influencer_id"].map(market[2]).fillna("unknown")
    promised = everyone[group.groupby(group).cumcount() < least]
    rest = everyone.drop(index=promised.index).head(10 - len(promised))
    assert set(held.frame["account_id"]) == {*promised["account_id"], *rest["account_id"]}


def test_notes_and_pools_say_who_moved_and_what_it_costs(shop, market):
    briefs = [shop.make_brief("one"), shop.make_brief("two", brand_id="br1")]
    rule = ExposureRule("gender", 1.0)
    plain, held = (run(shop, market, briefs=briefs, exposure=one) for one in (None, rule))
    losses = []
    for name in ("one", "two"):
        before, after = plain.brief(name), held.brief(name)
        (note,) = [text for text in held.notes if text.startswith(f"brief {name}: exposure")]
        pool = held.pools.set_index("brief_id").loc[name]
        entered = [a for a in after["account_id"] if a not in set(before["account_id"])]
        left = [a for a in before["account_id"] if a not in set(after["account_id"])]
        assert entered
        assert f"entered: {', '.join(entered)}; left: {', '.join(left)}; " in note
        assert pool["exposure_entered"] == "|".join(entered)
        assert pool["exposure_left"] == "|".join(left)
        assert pool["exposure_measure"] == "fit_percentile"
        means = before["fit_percentile"].mean(), after["fit_percentile"].mean()
        assert (pool["exposure_plain"], pool["exposure_reranked"]) == pytest.approx(means)
        losses.append(means)
        cost = 100 * (1 - means[1] / means[0])
        assert note.endswith(f"{cost:.1f} % less")
    overall = 100 * (1 - np.sum(losses, axis=0)[1] / np.sum(losses, axis=0)[0])
    (total,) = [text for text in held.notes if "changes 2 of 2 lists" in text]
    assert total.endswith(f"{overall:.1f} % less")
    assert held.audit["exposure"] == "by gender, at least 1 of supply"


def test_the_cost_is_in_chances_where_fit_is_one(shop, market):
    calibrated = replace(
        shop.model, calibration=FitCalibration((1.0, 0.0), (0.0,), 4.0, None, 10, 50)
    )
    data, context, _ = market
    known = {"as_of": shop.NOW, "top_k": 10, "context": context, "order": "fit"}
    rule = ExposureRule("gender", 1.0)
    plain, held = (
        recommend(calibrated, data, [shop.make_brief()], exposure=one, **known)
        for one in (None, rule)
    )
    pool = held.pools.iloc[0]
    assert pool["exposure_measure"] == "fit"
    assert pool["exposure_plain"] == pytest.approx(plain.frame["fit"].mean())
    assert pool["exposure_reranked"] == pytest.approx(held.frame["fit"].mean())
    assert pool["exposure_reranked"] < pool["exposure_plain"]


def test_without_a_floor_and_under_one_that_does_not_bear_lists_are_the_same(shop, market):
    plain = run(shop, market)
    low = run(shop, market, exposure=ExposureRule("gender", 0.01))
    pd.testing.assert_frame_equal(low.frame, plain.frame)
    assert low.pools["exposure_entered"].tolist() == [""]
    assert any("the list holds to it as it is" in note for note in low.notes)
    assert any("changes 0 of 1 lists" in note for note in low.notes)
    assert "exposure_entered" not in plain.pools
    assert "exposure" not in plain.audit
    assert not any("exposure" in note for note in plain.notes)


def test_accounts_that_must_be_there_stay_and_take_places_of_their_group(shop, market):
    must = ("a46", "a43", "a40")
    brief = shop.make_brief(must_have=must)
    found = run(shop, market, briefs=[brief], exposure=ExposureRule("gender", 0.9), top_k=5)
    assert set(must) <= set(found.frame["account_id"])
    assert len(found.frame) == 5
    crowded = run(shop, market, briefs=[brief], exposure=ExposureRule("gender", 1.0), top_k=3)
    assert set(crowded.frame["account_id"]) == set(must)
    (note,) = [text for text in crowded.notes if text.startswith("brief new: exposure")]
    assert "promised places that nobody who may be listed could take: " in note


@pytest.mark.parametrize("one_per_person", [True, False])
def test_a_person_has_one_account_in_a_list_unless_all_are_asked_for(shop, market, one_per_person):
    rule = ExposureRule("platform", 1.0)
    found = run(shop, market, exposure=rule, top_k=20, one_per_person=one_per_person)
    if one_per_person:
        assert found.frame["influencer_id"].is_unique
    else:
        # 6 of 54 accounts: two of twenty places.
        assert (found.frame["platform"] == "youtube").sum() >= 2
    (note,) = [text for text in found.notes if text.startswith("brief new: exposure")]
    assert re.search(r"tiktok \d+|as it is", note)


def test_a_drawn_list_cannot_be_held_to_a_floor(shop, market):
    with pytest.raises(UsageError, match="both an exposure floor and a lottery"):
        run(shop, market, exposure=ExposureRule("tier"), lottery=Lottery(0.2))
    with pytest.raises(UsageError, match="recommend: exposure: got str; expected ExposureRule"):
        run(shop, market, exposure="tier")


def test_a_run_that_was_stopped_ends_the_same(shop, market, tmp_path, monkeypatch):
    class Killed(Exception):
        pass

    def stop(_step: str, n_done: int, _n_all: int) -> None:
        if n_done == 1:
            raise Killed("stopped")

    monkeypatch.setattr(batches, "_PAIRS_AT_ONCE", 1)
    briefs = [shop.make_brief(name) for name in ("one", "two")]
    options = {"briefs": briefs, "exposure": ExposureRule("gender", 1.0)}
    whole = run(shop, market, **options)
    with pytest.raises(Killed, match="stopped"):
        run(shop, market, unfinished=Unfinished(tmp_path), progress=stop, **options)
    kept = Unfinished(tmp_path)
    again = run(shop, market, unfinished=kept, **options)
    assert kept.n_resumed == 1
    pd.testing.assert_frame_equal(again.frame, whole.frame, check_exact=True)
    pd.testing.assert_frame_equal(again.pools, whole.pools, check_exact=True)
    assert again.notes == whole.notes
    # What was kept of a list without a floor, or under another one, is not taken for it.
    other = Unfinished(tmp_path)
    run(shop, market, briefs=briefs, unfinished=other)
    assert other.n_resumed == 0
