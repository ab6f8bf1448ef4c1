"""Whether accounts accept an invitation: learnt from answers, and from none that came later."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from matcher.config import Settings
from matcher.errors import DataError, FeatureMismatchError
from matcher.features.context import MarketData
from matcher.features.pair_features import FeatureMatrix
from matcher.features.pairs import build_pairs
from matcher.market.brief import Brief
from matcher.market.load import load_market
from matcher.ranking.acceptance import AcceptanceModel, fit_acceptance
from matcher.ranking.answers import (
    COLUMNS,
    Answers,
    build_answers,
    list_answers,
    settled_answers,
)
from matcher.ranking.fit import fit_model, fit_prior, fit_text
from matcher.ranking.linear import fit_logistic
from matcher.ranking.store import model_files, read_model, write_model
from matcher.world.simulate import simulate_market

DAY = 86_400_000_000


def make_answers(values: np.ndarray, odds: np.ndarray, *, n_campaigns: int, seed: int) -> Answers:
    """Answers drawn with given log odds, one campaign a week, each known two days later."""
    owner = np.arange(len(values)) * n_campaigns // len(values)
    decided = owner * 7 * DAY
    rng = np.random.default_rng(seed)
    accepted = rng.random(len(values)) < expit(odds)
    return Answers(values, accepted, owner, decided, decided + 2 * DAY)


def as_matrix(values: np.ndarray, names: tuple[str, ...] = COLUMNS) -> FeatureMatrix:
    """Candidates of one brief."""
    pairs = build_pairs(
        [Brief(brief_id="b", brief="")],
        {"b": [f"a{row}" for row in range(len(values))]},
        instants={"b": pd.Timestamp("2024-01-01T00:00:00Z")},
    )
    return FeatureMatrix(values, names, pairs)


def place(name: str) -> int:
    return COLUMNS.index(name)


def test_known_slopes_are_recovered_and_what_says_nothing_gets_none() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(size=(8_000, len(COLUMNS)))
    price, brand = place("price_share_of_budget"), place("hires_brand")
    odds = 1.0 - 0.9 * values[:, price] + 0.6 * values[:, brand]
    # Who keeps the price back says no more often.
    silent = rng.random(len(values)) < 0.3
    odds = np.where(silent, 1.0 - 0.8 + 0.6 * values[:, brand], odds)
    values[silent, price] = np.nan
    model, reason = fit_acceptance(make_answers(values, odds, n_campaigns=80, seed=1))
    assert reason == ""
    assert model is not None
    assert model.linear is not None
    assert model.log_loss < model.base_log_loss
    slopes = dict(zip(model.linear.names, model.linear.slopes, strict=True))
    assert slopes.pop("price_share_of_budget") == pytest.approx(-0.9, abs=0.1)
    assert slopes.pop("hires_brand") == pytest.approx(0.6, abs=0.1)
    assert max(map(abs, slopes.values())) < 0.1
    assert model.linear.absent[price] == pytest.approx(-0.8, abs=0.15)


def test_counts_that_grow_with_history_are_taken_relative_to_the_candidates() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(600, len(COLUMNS)))
    values[::7, 0] = np.nan
    odds = 2.0 * values[:, place("posts_30d")] + values[:, place("hires_brand")]
    model, _ = fit_acceptance(make_answers(values, odds, n_campaigns=20, seed=4))
    assert model is not None
    assert model.linear is not None
    whole = model.predict(as_matrix(values))
    assert ((whole > 0) & (whole < 1)).all()
    later = values.copy()
    for name in ("hires_recent", "hires_brand", "rival_contacts"):
        later[:, place(name)] = 5.0 + 3.0 * later[:, place(name)]
    np.testing.assert_array_equal(model.predict(as_matrix(later)), whole)
    later[:, place("posts_30d")] -= 0.5
    fewer = model.predict(as_matrix(later))
    # The very lowest are held where the lowest known answers were.
    assert (fewer <= whole).all()
    assert (fewer < whole).mean() > 0.95


def test_where_nothing_foretells_answers_chances_stay_at_the_base_rate() -> None:
    rng = np.random.default_rng(11)
    values = rng.normal(size=(1_500, len(COLUMNS)))
    answers = make_answers(values, np.full(1_500, 1.5), n_campaigns=50, seed=6)
    model, _ = fit_acceptance(answers)
    assert model is not None
    n_accepted = int(answers.accepted.sum())
    assert model.base_rate == pytest.approx((n_accepted + 0.5) / 1_501)
    assert np.abs(model.predict(as_matrix(values)) - model.base_rate).max() < 0.1


def test_columns_without_a_difference_leave_the_base_rate_and_say_so() -> None:
    values = np.full((200, len(COLUMNS)), np.nan)
    values[:, 0] = 0.1
    model, reason = fit_acceptance(make_answers(values, np.full(200, 1.0), n_campaigns=10, seed=0))
    assert reason == ""
    assert model is not None
    assert model.linear is None
    assert set(model.predict(as_matrix(values))) == {model.base_rate}
    assert "does not surely foretell the answers of later campaigns" in model.description


def test_answers_of_one_decision_leave_the_base_rate_since_no_later_one_can_judge() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(100, len(COLUMNS)))
    model, _ = fit_acceptance(make_answers(values, 3 * values[:, 0], n_campaigns=1, seed=1))
    assert model is not None
    assert model.linear is None
    assert np.isnan(model.log_loss)
    assert "too few to learn whose invitations are declined" in model.description


@pytest.mark.parametrize(
    ("n_accepted", "n_declined", "reason"),
    [
        (19, 10, "29 answered invitations with 10 declines are known; 30 with 10 are needed"),
        (21, 9, "30 answered invitations with 9 declines are known; 30 with 10 are needed"),
        (20, 10, ""),
    ],
)
def test_too_few_answers_give_no_model_and_a_reason(
    n_accepted: int, n_declined: int, reason: str
) -> None:
    odds = np.repeat([np.inf, -np.inf], [n_accepted, n_declined])
    values = np.random.default_rng(0).normal(size=(len(odds), len(COLUMNS)))
    model, said = fit_acceptance(make_answers(values, odds, n_campaigns=10, seed=0))
    assert said == reason
    assert (model is None) == bool(reason)


@pytest.mark.parametrize("scale", [0.0, 2.0])
def test_it_survives_json_in_every_bit(scale: float) -> None:
    values = np.random.default_rng(3).normal(size=(500, len(COLUMNS)))
    answers = make_answers(values, scale * values[:, 4], n_campaigns=25, seed=3)
    model, _ = fit_acceptance(answers)
    assert model is not None
    again = AcceptanceModel.from_dict(json.loads(json.dumps(model.to_dict())))
    assert again.to_dict() == model.to_dict()
    assert again.predict(as_matrix(values)).tolist() == model.predict(as_matrix(values)).tolist()


def test_what_does_not_fit_is_refused() -> None:
    values = np.random.default_rng(3).normal(size=(500, len(COLUMNS)))
    answers = make_answers(values, 2 * values[:, 4], n_campaigns=25, seed=3)
    model, _ = fit_acceptance(answers)
    assert model is not None
    with pytest.raises(FeatureMismatchError, match="9 of 12 are missing"):
        model.predict(as_matrix(values[:, :3], COLUMNS[:3]))
    parts = [getattr(answers, one.name) for one in dataclasses.fields(answers)]
    with pytest.raises(DataError, match=r"got values of shape \(3, 12\) for 500 answers"):
        Answers(values[:3], *parts[1:])
    with pytest.raises(DataError, match="not in the order of their decisions"):
        Answers(*(part[::-1] for part in parts))
    with pytest.raises(DataError, match="base rate of 1.0 from 3 declines among 2 answers"):
        AcceptanceModel(1.0, None, 2, 3, 1, np.nan, np.nan)


def with_declines(m) -> dict[str, pd.DataFrame]:
    """The small market with two declines and other statuses per campaign."""
    tables = m.make_tables(n_campaigns=16)
    hires = tables["collaborations"]
    rows = []
    for number, (name, held) in enumerate(hires.groupby("campaign_id")):
        others = sorted(set(tables["accounts"]["account_id"]) - set(held["account_id"]))
        for status, account in zip(
            ("declined", "declined", "invited", "shortlisted", "cancelled"), others, strict=False
        ):
            rows.append(
                {
                    "collaboration_id": f"{name}_{status}_{account}",
                    "campaign_id": name,
                    "account_id": account,
                    "status": status,
                    "status_at": m.at(-89.5 + 5 * number),
                }
            )
    return {**tables, "collaborations": pd.concat([hires, pd.DataFrame(rows)], ignore_index=True)}


def test_only_answers_count_and_each_pair_once(m) -> None:
    tables = with_declines(m)
    first = tables["collaborations"].iloc[[0]]
    # Another format of the same hire, declined: the pair has accepted.
    again = first.assign(collaboration_id="again", status="declined", status_at=m.at(-89.9))
    tables["collaborations"] = pd.concat([tables["collaborations"], again], ignore_index=True)
    found = list_answers(m.make_data(tables).market, m.NOW)
    table = tables["collaborations"].drop_duplicates(["campaign_id", "account_id"])
    is_answer = table["status"].isin(["completed", "cancelled", "declined"])
    kept = table[is_answer].set_index(["campaign_id", "account_id"])
    by_pair = found.set_index(["campaign_id", "account_id"])
    assert not by_pair.index.has_duplicates
    expected = (kept["status"] != "declined").sort_index()
    assert by_pair["accepted"].sort_index().to_dict() == expected.to_dict()
    without = list_answers(m.make_data(tables).market, m.NOW, exclude_brands=frozenset({"b1"}))
    brands = tables["campaigns"].set_index("campaign_id")["brand_id"]
    assert set(without["campaign_id"].map(brands)) == {"b0", "b2"}


def test_an_answer_known_at_the_cut_or_later_does_not_exist(m) -> None:
    tables = with_declines(m)
    table = tables["collaborations"]
    declined = table.index[table["status"] == "declined"]
    until = m.at(-60)
    table.loc[declined[0], "status_at"] = until
    table.loc[declined[1], "status_at"] = until - pd.Timedelta(microseconds=1)
    pairs = table.loc[declined[:2], ["campaign_id", "account_id"]].apply(tuple, axis=1).tolist()
    found = list_answers(m.make_data(tables).market, until)
    held = list(zip(found["campaign_id"], found["account_id"], strict=True))
    assert pairs[0] not in held
    assert pairs[1] in held
    assert (found["known_at"] < until).all()


def test_campaigns_whose_acceptances_are_not_known_yet_do_not_show_their_declines() -> None:
    day = 86_400_000_000
    decided = np.arange(20) * day
    accepted = np.tile([True, False], 10)
    known_at = decided + np.where(accepted, 4, 1) * day
    # At day 20 acceptances are known of what was decided by day 15.
    known = known_at < 20 * day
    settled = settled_answers(decided[known], known_at[known], accepted[known], until=20 * day)
    assert np.flatnonzero(known)[settled].tolist() == list(range(16))
    nobody = np.zeros(20, dtype=bool)
    assert settled_answers(decided, known_at, nobody, until=20 * day).all()


def test_a_model_knows_nothing_of_later_answers(m) -> None:
    tables = with_declines(m)
    until = m.at(-20)
    whole, _, _ = fit_model(m.make_data(tables), until, m.SETTINGS)
    assert whole.acceptance is not None
    later = tables["collaborations"]["status_at"] >= until
    assert later.sum() > 5
    swapped = tables["collaborations"].copy()
    is_declined = swapped["status"] == "declined"
    swapped.loc[later, "status"] = np.where(is_declined[later], "cancelled", "declined")
    other, _, _ = fit_model(m.make_data({**tables, "collaborations": swapped}), until, m.SETTINGS)
    assert other.acceptance is not None
    assert other.acceptance.to_dict() == whole.acceptance.to_dict()
    earlier = tables["collaborations"].copy()
    earlier.loc[~later & is_declined, "status"] = "cancelled"
    changed, _, _ = fit_model(m.make_data({**tables, "collaborations": earlier}), until, m.SETTINGS)
    assert changed.acceptance is None
    assert "answered invitations with 0 declines are known" in changed.facts["no_acceptance"]


def test_a_bundle_holds_it_and_one_without_it_is_read(m, fitted, tmp_path) -> None:
    model, _, context = fit_model(m.make_data(with_declines(m)), m.NOW, m.SETTINGS)
    assert model.acceptance is not None
    write_model(model, tmp_path / "with")
    again, bundle = read_model(tmp_path / "with")
    assert again.acceptance is not None
    assert "acceptance.json" in bundle.files
    matrix = model.features(context, m.all_pairs(context.data, "new"))
    assert again.acceptance.predict(matrix).tolist() == model.acceptance.predict(matrix).tolist()
    assert fitted.model.acceptance is None
    assert fitted.model.facts["no_acceptance"].startswith("48 answered invitations with 0 declines")
    assert "acceptance.json" not in model_files(fitted.model)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory) -> Answers:
    """Answers of a simulated market with what was known of each pair."""
    folder = tmp_path_factory.mktemp("markets") / "m"
    simulate_market(folder, n_influencers=500, n_campaigns=140, seed=4)
    data = MarketData(load_market(folder))
    until = data.market.all_known_at
    settings = Settings.model_validate({"encoder": {"dim": 16, "epochs": 1}})
    context = fit_text(data, until, settings)
    found = list_answers(data.market, until)
    return build_answers(context, fit_prior(context, until), found, settings)


def halves(answers: Answers) -> tuple[Answers, Answers]:
    """Answers known before the later half of the campaigns began, and those of that half."""
    middle = int(np.median(np.unique(answers.decided_at)))
    known = np.flatnonzero((answers.decided_at < middle) & (answers.known_at < middle))
    first = answers.select(known)
    settled = settled_answers(first.decided_at, first.known_at, first.accepted, until=middle)
    later = np.flatnonzero(answers.decided_at >= middle)
    return first.select(np.flatnonzero(settled)), answers.select(later)


def stated_odds(model: AcceptanceModel, answers: Answers) -> np.ndarray:
    base = np.full(len(answers.accepted), logit(model.base_rate))
    return base if model.linear is None else model.linear.predict(answers.values)


def test_later_answers_of_a_simulated_market_come_as_often_as_is_stated(simulated) -> None:
    first, later = halves(simulated)
    model, _ = fit_acceptance(first)
    assert model is not None
    assert len(later.accepted) > 300
    stated = expit(stated_odds(model, later)).mean()
    assert stated == pytest.approx(later.accepted.mean(), abs=0.05)


@pytest.mark.parametrize("seed", [8, 9])
def test_stated_odds_of_later_answers_are_neither_too_bold_nor_too_timid(simulated, seed) -> None:
    """Answers drawn anew from what is known of the pairs, some of it hidden from the model."""
    values = simulated.values
    filled = np.where(np.isnan(values), np.nanmedian(values, axis=0), values)
    scaled = (filled - filled.mean(axis=0)) / np.maximum(filled.std(axis=0), 1e-9)
    rng = np.random.default_rng(seed)
    odds = (
        1.2
        - 0.7 * scaled[:, place("followers_log")]
        + 0.6 * scaled[:, place("content_top5")]
        - 0.5 * np.maximum(scaled[:, place("ads_90d")], 0.0)
        + 0.5 * rng.normal(size=len(scaled))
    )
    drawn = dataclasses.replace(simulated, accepted=rng.random(len(odds)) < expit(odds))
    first, later = halves(drawn)
    model, _ = fit_acceptance(first)
    assert model is not None
    assert model.linear is not None
    stated = stated_odds(model, later)
    # A regression of what happened on the log odds that were stated.
    check = fit_logistic(stated[:, None], later.accepted, ("stated",), penalty=1e-6)
    assert 0.5 < check.slopes[0] < 2.0
    assert expit(stated).mean() == pytest.approx(later.accepted.mean(), abs=0.06)


def test_answers_are_seen_as_at_the_decision_and_only_of_who_was_eligible(m) -> None:
    tables = with_declines(m)
    # An account that posts from later on is no candidate of the first campaigns.
    own = tables["posts"]["account_id"] == "a01"
    tables["posts"].loc[own, "published_at"] = m.at(-50)
    data = m.make_data(tables)
    context = fit_text(data, m.NOW, m.SETTINGS)
    found = list_answers(data.market, m.NOW)
    invited = found[found["account_id"] == "a01"]
    assert (invited["decided_at"] < m.at(-50)).any()
    built = build_answers(context, fit_prior(context, m.NOW), found, m.SETTINGS)
    # A post is known strictly after its publication.
    early = invited["decided_at"] <= m.at(-50)
    assert len(built.accepted) == len(found) - int(early.sum())
    assert built.accepted.sum() == found["accepted"].sum() - int(invited["accepted"][early].sum())
    # Hires of the campaign itself, and later ones, are not known at its decision.
    first = built.decided_at == built.decided_at.min()
    assert len(set(built.values[first, place("hires_recent")])) == 1
