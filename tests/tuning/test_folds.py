"""What a fold may learn from, what judges it, and that trials see what a training would see."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import ndcg_score

from matcher.config import Settings
from matcher.errors import LeakageError, SupportError
from matcher.evaluation.truth import Truth
from matcher.features.context import MarketData
from matcher.features.pair_features import build_features
from matcher.ranking.candidates import candidate_pairs
from matcher.ranking.fit import build_training_rows, fit_encoder, fit_model, fit_prior, fit_text
from matcher.ranking.relevance import closed_campaigns
from matcher.tuning.folds import PURGE_DAYS, Fold, PlannedFold, build_fold, plan_folds
from matcher.tuning.trial import judge_fold

SIZES = (2, 5, 200, 300)
GAP = pd.Timedelta(days=PURGE_DAYS)


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """Settings with as many folds and judged campaigns as this market allows."""
    evaluation = settings.evaluation.model_copy(update={"min_earlier_hired": 3})
    return settings.model_copy(update={"evaluation": evaluation})


@pytest.fixture(scope="module")
def plans(data: MarketData, until: pd.Timestamp, settings: Settings) -> tuple[PlannedFold, ...]:
    return plan_folds(data, until, settings)


@pytest.fixture(scope="module")
def fold(data: MarketData, plans: tuple[PlannedFold, ...], settings: Settings) -> Fold:
    return build_fold(data, plans[-1], settings, SIZES, truth=Truth.of(data))


def drawing(settings: Settings, size: int) -> Settings:
    ranker = settings.ranker.model_copy(update={"unlabelled_per_campaign": size})
    return settings.model_copy(update={"ranker": ranker})


def test_folds_roll_forward_and_no_campaign_is_judged_twice(
    data: MarketData, plans: tuple[PlannedFold, ...], until: pd.Timestamp
) -> None:
    decided = data.market.tables["campaigns"].set_index("campaign_id")["decided_at"]
    assert len(plans) == 4
    judged = [name for plan in plans for name in plan.campaign_ids]
    assert len(judged) == len(set(judged))
    assert decided[judged].is_monotonic_increasing
    assert decided[judged].max() < until - pd.Timedelta(days=30)
    for plan in plans:
        assert decided[list(plan.campaign_ids)].min() == plan.first_decided_at
        assert plan.first_decided_at == plan.trained_until + GAP


def test_a_fold_learns_only_from_what_was_closed_before_its_cut(
    data: MarketData, fold: Fold
) -> None:
    cut = fold.plan.trained_until
    closed = set(closed_campaigns(data.market.as_of(cut), cut))
    for rows in fold.rows.values():
        taught = {brief.brief_id for brief in rows.matrix.pairs.briefs}
        assert taught
        assert taught <= closed
        assert not taught & set(fold.plan.campaign_ids)
        assert (rows.outcomes["outcome_at"] < cut).all()
        assert set(rows.outcomes["campaign_id"]) & taught


@pytest.mark.parametrize("size", SIZES)
def test_rows_are_those_of_a_training_with_the_same_settings(
    data: MarketData, fold: Fold, settings: Settings, size: int
) -> None:
    cut = fold.plan.trained_until
    context = fit_text(data, cut, settings)
    own = build_training_rows(context, fit_prior(context, cut), cut, drawing(settings, size))
    shared = fold.rows[size]
    assert shared.matrix.names == own.matrix.names
    assert shared.matrix.pairs.account_ids.tolist() == own.matrix.pairs.account_ids.tolist()
    np.testing.assert_array_equal(shared.matrix.values, own.matrix.values)
    np.testing.assert_array_equal(shared.hired, own.hired)
    for one, other in zip(shared.draws, own.draws, strict=True):
        np.testing.assert_array_equal(one, other)


def test_sizes_share_the_features_of_the_same_candidates(fold: Fold) -> None:
    # All candidates of this market are fewer than either.
    assert fold.rows[300].matrix is fold.rows[200].matrix
    assert len(fold.rows[2].matrix.pairs) < len(fold.rows[300].matrix.pairs)


def test_an_encoder_that_is_kept_is_that_of_the_first_cut(
    data: MarketData, fold: Fold, plans: tuple[PlannedFold, ...], settings: Settings
) -> None:
    builtin = settings.encoder.model_copy(update={"name": "builtin", "dim": 8, "epochs": 0})
    chosen = settings.model_copy(update={"encoder": builtin})
    encoder = fit_encoder(data, plans[0].trained_until, chosen)
    truth = Truth.of(data)
    kept = build_fold(data, fold.plan, chosen, (5,), truth=truth, encoder=encoder)
    own = build_fold(data, fold.plan, chosen, (5,), truth=truth)
    context = fit_text(data, fold.plan.trained_until, chosen, encoder=encoder)
    cut = fold.plan.trained_until
    rows = build_training_rows(context, fit_prior(context, cut), cut, drawing(chosen, 5))
    np.testing.assert_array_equal(kept.rows[5].matrix.values, rows.matrix.values)
    assert not np.array_equal(kept.rows[5].matrix.values, own.rows[5].matrix.values)


def test_figures_are_those_of_a_model_trained_at_the_cut(
    data: MarketData, fold: Fold, settings: Settings
) -> None:
    chosen = drawing(settings, 5)
    found = judge_fold(fold, chosen)
    model, _, context = fit_model(data, fold.plan.trained_until, chosen)
    pairs = candidate_pairs(data, fold.plan.campaign_ids, chosen)
    matrix = build_features(context, model.prior, pairs)
    truth = Truth.of(data)
    keys = pd.MultiIndex.from_arrays([pairs.campaign_ids, pairs.account_ids])
    hired = keys.isin(truth.hires)
    outcomes = truth.outcomes.reindex(keys).to_numpy(np.float64)
    hire = model.hire.score(matrix.relative(model.hire.names))
    assert model.deliver is not None
    deliver = model.deliver.score(matrix.relative(model.deliver.names))
    for code in range(len(pairs.briefs)):
        inside = np.flatnonzero(pairs.brief_codes == code)
        # scikit-learn shares the gain among ties too.
        ndcg = ndcg_score([hired[inside]], [hire[inside]], k=10)
        assert found.ndcg[code] == pytest.approx(ndcg)
        measured = inside[hired[inside] & np.isfinite(outcomes[inside])]
        if len(measured) < 3:
            assert np.isnan(found.spearman[code])
        elif np.ptp(deliver[measured]) == 0:
            assert found.spearman[code] == 0
        else:
            rho = spearmanr(deliver[measured], outcomes[measured]).statistic
            assert found.spearman[code] == pytest.approx(rho)
    assert np.isfinite(found.spearman).any()


def test_a_campaign_within_the_gap_is_a_leak() -> None:
    cut = pd.Timestamp("2025-01-01", tz="UTC")
    with pytest.raises(LeakageError, match="expected 7 days or more after the cut"):
        PlannedFold(cut, cut + GAP - pd.Timedelta(seconds=1), cut + GAP, ("a",))


def test_a_campaign_that_teaches_and_judges_is_a_leak(
    data: MarketData, fold: Fold, settings: Settings
) -> None:
    early = fold.rows[2].matrix.pairs.briefs[0].brief_id
    first = fold.plan.first_decided_at
    plan = PlannedFold(fold.plan.trained_until, first, first, (early,))
    with pytest.raises(LeakageError, match="1 campaigns teach and judge"):
        build_fold(data, plan, settings, (5,), truth=Truth.of(data))


@pytest.mark.parametrize(("least", "n_folds"), [(3, 4), (40, 2), (60, 0)])
def test_little_history_makes_fewer_folds_and_too_little_is_said(
    data: MarketData, until: pd.Timestamp, settings: Settings, least: int, n_folds: int
) -> None:
    evaluation = settings.evaluation.model_copy(update={"min_earlier_hired": least})
    chosen = settings.model_copy(update={"evaluation": evaluation})
    if n_folds:
        assert len(plan_folds(data, until, chosen)) == n_folds
        return
    with pytest.raises(
        SupportError, match=r"tuning: \d of 24 campaigns can judge.*2 folds are needed"
    ):
        plan_folds(data, until, chosen)
