"""Whether accounts accept an invitation: learnt from answers, and from none that came later."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

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

START = pd.Timestamp("2024-01-01T00:00:00Z")


def make_answers(values: np.ndarray, odds: np.ndarray, *, n_campaigns: int, seed: int) -> Answers:
    """Answers drawn with given log odds, one campaign a week, each known two days later."""
    owner = np.arange(len(values)) * n_campaigns // len(values)
    briefs = [Brief(brief_id=f"c{number:03d}", brief="") for number in range(n_campaigns)]
    instants = {one.brief_id: START + pd.Timedelta(days=7 * n) for n, one in enumerate(briefs)}
    accounts = {
        one.brief_id: [f"a{row}" for row in np.flatnonzero(owner == n)]
        for n, one in enumerate(briefs)
    }
    pairs = build_pairs(briefs, accounts, instants=instants)
    rng = np.random.default_rng(seed)
    return Answers(
        FeatureMatrix(values, COLUMNS, pairs),
        rng.random(len(values)) < expit(odds),
        pairs.pair_instants + np.timedelta64(2, "D"),
    )


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


def test_a_chance_depends_on_its_own_pair_alone() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(600, len(COLUMNS)))
    values[::7, 0] = np.nan
    answers = make_answers(values, 2.0 * values[:, 3], n_campaigns=20, seed=4)
    model, _ = fit_acceptance(answers)
    assert model is not None
    whole = model.predict(answers.matrix)
    assert ((whole > 0) & (whole < 1)).all()
    some = np.arange(5, 600, 11)
    np.testing.assert_allclose(model.predict(answers.matrix.select(some)), whole[some], rtol=1e-12)


def test_where_nothing_foretells_answers_chances_stay_at_the_base_rate() -> None:
    rng = np.random.default_rng(11)
    values = rng.normal(size=(1_500, len(COLUMNS)))
    answers = make_answers(values, np.full(1_500, 1.5), n_campaigns=50, seed=6)
    model, _ = fit_acceptance(answers)
    assert model is not None
    n_accepted = int(answers.accepted.sum())
    assert model.base_rate == pytest.approx((n_accepted + 0.5) / 1_501)
    assert np.abs(model.predict(answers.matrix) - model.base_rate).max() < 0.1


def test_columns_without_a_difference_leave_the_base_rate_and_say_so() -> None:
    values = np.full((200, len(COLUMNS)), np.nan)
    values[:, 0] = 0.1
    model, reason = fit_acceptance(make_answers(values, np.full(200, 1.0), n_campaigns=10, seed=0))
    assert reason == ""
    assert model is not None
    assert model.linear is None
    assert set(model.predict(make_answers(values, values[:, 0], n_campaigns=9, seed=1).matrix)) == {
        model.base_rate
    }
    assert "does not foretell the answers of later campaigns" in model.description


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
    assert again.predict(answers.matrix).tolist() == model.predict(answers.matrix).tolist()


def test_what_does_not_fit_is_refused() -> None:
    values = np.random.default_rng(3).normal(size=(500, len(COLUMNS)))
    answers = make_answers(values, 2 * values[:, 4], n_campaigns=25, seed=3)
    model, _ = fit_acceptance(answers)
    assert model is not None
    other = FeatureMatrix(values[:, :3], COLUMNS[:3], answers.matrix.pairs)
    with pytest.raises(FeatureMismatchError, match="9 of 12 are missing"):
        model.predict(other)
    with pytest.raises(DataError, match=r"got \(3,\) answers and \(500,\) instants"):
        Answers(answers.matrix, answers.accepted[:3], answers.known_at)
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
    return build_answers(context, fit_prior(context, until), found)


def halves(answers: Answers) -> tuple[Answers, np.ndarray]:
    """Answers of the campaigns decided in the first half, and the rows of the others."""
    decided = answers.matrix.pairs.pair_instants
    middle = answers.matrix.pairs.instants[len(answers.matrix.pairs.briefs) // 2]
    rows = np.flatnonzero((decided < middle) & (answers.known_at < middle))
    first = Answers(answers.matrix.select(rows), answers.accepted[rows], answers.known_at[rows])
    return first, np.flatnonzero(decided >= middle)


def test_later_answers_of_a_simulated_market_come_as_often_as_is_stated(simulated) -> None:
    first, later = halves(simulated)
    model, _ = fit_acceptance(first)
    assert model is not None
    stated = model.predict(simulated.matrix.select(later)).mean()
    assert len(later) > 300
    assert stated == pytest.approx(simulated.accepted[later].mean(), abs=0.05)


def test_stated_odds_of_later_answers_are_neither_too_bold_nor_too_timid(simulated) -> None:
    """Answers drawn anew from what is known of the pairs, some of it hidden from the model."""
    values = simulated.matrix.columns(COLUMNS)
    filled = np.where(np.isnan(values), np.nanmedian(values, axis=0), values)
    scaled = (filled - filled.mean(axis=0)) / np.maximum(filled.std(axis=0), 1e-9)
    rng = np.random.default_rng(8)
    odds = (
        1.2
        - 0.7 * scaled[:, place("followers_log")]
        + 0.6 * scaled[:, place("content_top5")]
        - 0.5 * np.maximum(scaled[:, place("ads_90d")], 0.0)
        + 0.5 * rng.normal(size=len(scaled))
    )
    drawn = Answers(simulated.matrix, rng.random(len(odds)) < expit(odds), simulated.known_at)
    first, later = halves(drawn)
    model, _ = fit_acceptance(first)
    assert model is not None
    assert model.linear is not None
    stated = model.linear.predict(values[later])
    # A regression of what happened on the log odds that were stated.
    check = fit_logistic(stated[:, None], drawn.accepted[later], ("stated",), penalty=1e-6)
    assert 0.5 < check.slopes[0] < 2.0
    assert expit(stated).mean() == pytest.approx(drawn.accepted[later].mean(), abs=0.06)
