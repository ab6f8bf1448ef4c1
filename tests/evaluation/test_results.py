"""The comparison of scorers: its shape, its numbers, what it says where there is none."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from matcher.config import EvaluationSettings
from matcher.errors import DataError
from matcher.evaluation.bootstrap import ONE_BRAND
from matcher.evaluation.figures import HIRED_ONLY, METRICS, NO_SCORE, OUTCOMES_ONLY
from matcher.evaluation.metrics import auc, ndcg_at_k
from matcher.evaluation.outcomes import TOO_FEW_OUTCOMES, lift, spearman
from matcher.evaluation.ranked import NO_CANDIDATE, NO_HIT, rank_candidates
from matcher.evaluation.results import evaluate_scores

SCORERS = ("model", "followers", "permuted")
DRAWS = {"permuted": [["draw_0"], ["draw_1"]]}


@pytest.fixture(scope="module")
def evaluate(evaluation_settings):
    def run(frame, scorers=SCORERS, multi_draw=DRAWS):
        return evaluate_scores(
            frame,
            scorers,
            protocol="time",
            settings=evaluation_settings,
            audit={"as_of": pd.Timestamp(2025, 1, 1, tz="UTC"), "nhãn": "Đà Nẵng"},
            multi_draw=multi_draw,
        )

    return run


@pytest.fixture(scope="module")
def result(evaluate, scored):
    return evaluate(scored)


def test_json_has_exactly_the_promised_shape(result):
    found = json.loads(result.to_json())
    assert list(found) == ["time", "paired", "exposure", "calibration", "audit"]
    assert list(found["time"]) == ["hired", "delivered"]
    slices = [
        "all",
        "warmth=hot",
        "warmth=warm",
        "warmth=cold",
        "platform=tiktok",
        "platform=youtube",
        "tier=nano",
        "tier=unknown",
        "brief_language=en",
        "brief_language=vi",
    ]
    for question in ("hired", "delivered"):
        assert list(found["time"][question]) == slices
        for in_slice in found["time"][question].values():
            assert tuple(in_slice) == SCORERS
            for metrics in in_slice.values():
                assert tuple(metrics) == METRICS
                for figure in metrics.values():
                    assert set(figure) - {"reason"} == {"value", "low", "high", "n"}
                    assert ("reason" in figure) == (figure["low"] is None)
                    assert (figure["value"] is None) == (figure["n"] == 0)
    paired = found["paired"]["time"]["hired"]
    assert list(paired) == ["all"]
    assert list(paired["all"]) == ["followers", "permuted"]
    assert set(paired["all"]["followers"]["auc"]) == {
        "difference",
        "low",
        "high",
        "includes_zero",
        "n",
    }
    assert found["audit"]["nhãn"] == "Đà Nẵng"
    assert found["audit"]["evaluation"]["n_bootstrap"] == 200


def test_figures_are_the_means_of_the_metrics(scored, result):
    figures = result.to_dict()["time"]
    codes, _ = pd.factorize(scored["campaign_id"], sort=True)
    hired = scored["hired"].to_numpy()
    ranked = rank_candidates(codes, scored["model"].to_numpy())
    got = figures["hired"]["all"]["model"]
    assert got["auc"]["value"] == pytest.approx(auc(ranked, hired).mean)
    assert got["ndcg_at_5"]["value"] == pytest.approx(ndcg_at_k(ranked, hired * 1, k=5).mean)
    outcomes, expected = scored["outcome"].to_numpy(), scored["expected"].to_numpy()
    got = figures["delivered"]["all"]["model"]
    assert got["spearman_raw"]["value"] == pytest.approx(spearman(ranked, outcomes).mean)
    assert got["spearman_lift"]["value"] == pytest.approx(
        spearman(ranked, lift(outcomes, expected)).mean
    )
    assert got["spearman_lift"]["n"] == (scored.groupby("campaign_id")["hired"].sum() >= 3).sum()


def test_a_slice_ranks_its_own_candidates_only(evaluate, scored, result):
    sliced = result.to_dict()["time"]
    alone = evaluate(scored[scored["platform"] == "tiktok"]).to_dict()["time"]
    for question in ("hired", "delivered"):
        for scorer in SCORERS:
            for metric in METRICS:
                got = sliced[question]["platform=tiktok"][scorer][metric]
                assert got == alone[question]["all"][scorer][metric]


def test_draws_are_averaged_campaign_by_campaign(evaluate, scored):
    figures = evaluate(scored, ("permuted", "draw_0", "draw_1")).to_dict()["time"]["hired"]["all"]
    both = [figures[name]["auc"]["value"] for name in ("draw_0", "draw_1")]
    assert figures["permuted"]["auc"]["value"] == pytest.approx(np.mean(both))


def test_columns_of_one_draw_are_averaged_and_draws_widen_the_interval(evaluate, scored):
    one = evaluate(scored, ("model",), {"permuted": [["draw_0", "draw_1"]]})
    two = evaluate(scored, ("model",), DRAWS)
    pooled, apart = (found.to_dict()["time"]["hired"]["all"]["permuted"] for found in (one, two))
    for metric in ("auc", "mrr"):
        assert pooled[metric]["value"] == pytest.approx(apart[metric]["value"])
        widths = [found[metric]["high"] - found[metric]["low"] for found in (pooled, apart)]
        assert widths[1] > widths[0]


def test_delivered_may_have_scores_and_scorers_of_its_own(evaluation_settings, scored, result):
    frame = scored.assign(**{"model@delivered": -scored["model"], "prior": -scored["followers"]})
    delivered = {"model": [["model@delivered"]], "prior": [["prior"]]}
    found = evaluate_scores(
        frame,
        ("model", "followers"),
        protocol="time",
        settings=evaluation_settings,
        audit={},
        delivered=delivered,
    )
    figures, before = found.to_dict()["time"], result.to_dict()["time"]
    assert list(figures["hired"]["all"]) == ["model", "followers"]
    assert list(figures["delivered"]["all"]) == ["model", "prior"]
    assert figures["hired"]["all"]["model"] == before["hired"]["all"]["model"]
    turned = figures["delivered"]["all"]["model"]["spearman_raw"]["value"]
    assert turned == pytest.approx(-before["delivered"]["all"]["model"]["spearman_raw"]["value"])
    assert list(found.to_dict()["paired"]["time"]["delivered"]["all"]) == ["prior"]
    assert found.to_markdown()


def test_paired_differences_are_model_minus_baseline(result):
    found = result.to_dict()
    figures, paired = found["time"]["hired"]["all"], found["paired"]["time"]["hired"]["all"]
    gap = figures["model"]["auc"]["value"] - figures["followers"]["auc"]["value"]
    assert paired["followers"]["auc"]["difference"] == pytest.approx(gap)
    assert paired["followers"]["auc"]["includes_zero"] is False
    assert paired["followers"]["spearman_raw"] == {
        "difference": None,
        "low": None,
        "high": None,
        "includes_zero": None,
        "n": 0,
        "reason": OUTCOMES_ONLY,
    }


def test_two_equal_scorers_differ_by_nothing(evaluate, scored):
    paired = evaluate(scored.assign(followers=scored["model"])).to_dict()["paired"]["time"]
    got = paired["delivered"]["all"]["followers"]["spearman_raw"]
    assert (got["low"], got["high"], got["includes_zero"]) == (0.0, 0.0, True)


def test_row_order_changes_no_bit(evaluate, scored, result):
    shuffled = scored.sample(frac=1, random_state=1)
    assert result.to_json() == evaluate(shuffled).to_json()


def test_questions_leave_out_what_they_cannot_answer(result):
    figures = result.to_dict()["time"]
    delivered = figures["delivered"]["all"]["model"]
    assert delivered["auc"] == {
        "value": None,
        "low": None,
        "high": None,
        "n": 0,
        "reason": HIRED_ONLY,
    }
    assert delivered["ndcg_at_10"]["value"] is not None
    assert figures["hired"]["all"]["model"]["spearman_lift"]["reason"] == OUTCOMES_ONLY
    assert figures["hired"]["warmth=cold"]["model"]["auc"]["reason"] == NO_CANDIDATE


def test_nothing_is_delivered_without_outcomes(evaluate, scored):
    frame = scored.drop(columns=["outcome", "expected"])
    figures = evaluate(frame).to_dict()["time"]["delivered"]["all"]["model"]
    assert figures["spearman_raw"]["value"] is None
    assert figures["spearman_raw"]["reason"] == TOO_FEW_OUTCOMES


def test_outcomes_of_unhired_candidates_do_not_count(evaluate, scored, result):
    filled = scored.assign(outcome=scored["outcome"].fillna(1e9))
    assert evaluate(filled).to_json() == result.to_json()


def test_a_scorer_without_scores_has_no_figures(evaluate, scored):
    result = evaluate(scored.assign(followers=np.nan))
    figures = result.to_dict()["time"]["hired"]["all"]["followers"]
    assert figures["auc"]["reason"] == NO_SCORE
    assert result.audit["evaluation"]["missing_scores"]["hired"] == {
        "model": 0,
        "followers": len(scored),
        "permuted": 0,
    }
    assert NO_SCORE in str(result.to_dict()["paired"]["time"]["hired"]["all"]["followers"]["auc"])


def test_some_missing_scores_rank_last(evaluate, scored):
    hidden = scored.assign(model=scored["model"].where(~scored["hired"]))
    figures = evaluate(hidden).to_dict()["time"]["hired"]["all"]["model"]
    assert figures["auc"]["value"] == 0.0


def test_campaigns_without_a_hit_are_counted(evaluate, scored):
    frame = scored.assign(hired=scored["hired"] & (scored["campaign_id"] > "c03"))
    result = evaluate(frame)
    assert result.to_dict()["time"]["hired"]["all"]["model"]["mrr"]["n"] == 8
    counts = result.audit["evaluation"]["questions"]["hired"]["all"]
    assert counts["n_campaigns"] == 12
    assert counts["n_candidates"] == 360
    assert counts["skipped"] == {NO_HIT: 4}


def test_one_campaign_has_values_without_intervals(evaluate, scored):
    result = evaluate(scored[scored["campaign_id"] == "c01"])
    figure = result.to_dict()["time"]["hired"]["all"]["model"]["auc"]
    assert 0 < figure["value"] <= 1
    assert (figure["low"], figure["high"], figure["n"]) == (None, None, 1)
    assert figure["reason"] == ONE_BRAND
    assert "interval" in Console(width=120).render_str(result.to_markdown()).plain


def test_an_empty_frame_gives_reasons_throughout(evaluate, scored):
    result = evaluate(scored.iloc[:0])
    assert result.figures["value"].isna().all()
    assert set(result.figures["reason"]) == {NO_CANDIDATE}
    assert json.loads(result.to_json())["time"]["hired"]["all"]["model"]["auc"]["n"] == 0
    assert result._repr_html_()


def test_optional_columns_may_be_absent(evaluate, scored):
    columns = ["campaign_id", "account_id", "brand_id", "hired", "model"]
    result = evaluate(scored[columns], ("model",), {})
    assert list(result.to_dict()["time"]["hired"]) == ["all"]
    assert "same_category" in result.to_dict()["time"]["hired"]["all"]["model"]["cauc"]["reason"]
    assert result.paired.empty


def test_long_table_holds_every_figure_and_survives_parquet(result, tmp_path):
    frame = result.to_frame()
    assert len(frame) == 2 * 10 * 3 * len(METRICS)
    assert frame["protocol"].unique().tolist() == ["time"]
    frame.to_parquet(tmp_path / "figures.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "figures.parquet"), frame)


def test_campaign_figures_average_to_the_reported_ones(result):
    means = result.per_campaign.groupby(["question", "scorer", "metric"])["value"].mean()
    got = result.figures.query("slice == 'all' and n > 0")
    for row in got.itertuples():
        assert means[row.question, row.scorer, row.metric] == pytest.approx(row.value)


# --- for people ------------------------------------------------------------------------------


def shown(renderable, width):
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    with console.file:
        console.print(renderable)
        return console.export_text()


@pytest.mark.parametrize("width", [80, 140])
def test_terminal_shows_every_number_at_any_width(evaluate, scored, width):
    result = evaluate(scored, ("followers", "model", "permuted"))
    text = shown(result, width)
    for metric in ("auc", "medr", "spearman_lift"):
        row = result.figures.query(
            f"slice == 'all' and scorer == 'followers' and metric == '{metric}' and n > 0"
        )
        value = row["value"].iloc[0]
        assert (f"{value:.1f}" if metric == "medr" else f"{value:.3f}") in text
    assert "…" not in text
    assert max(len(line) for line in text.splitlines()) <= width


def test_table_puts_the_model_first_and_stars_the_best_baseline(evaluate, scored):
    result = evaluate(scored, ("followers", "model", "permuted"))
    lines = [line.split() for line in shown(result.to_table("hired"), 140).splitlines()]
    rows = [line[0] for line in lines if line and line[0] in SCORERS]
    assert rows[0] == "model"
    values = result.figures.query("slice == 'all' and question == 'hired' and scorer != 'model'")
    for metric, is_best in (("auc", "idxmax"), ("medr", "idxmin")):
        column = values[values["metric"] == metric].set_index("scorer")["value"]
        digits = 1 if metric == "medr" else 3
        assert f"*{column[getattr(column, is_best)()]:.{digits}f}" in str(lines)


def test_every_metric_is_compared_with_its_best_baseline(evaluate, scored):
    same = evaluate(scored.assign(followers=scored["model"])).to_markdown()
    assert "| auc | followers | +0.000 | +0.000 to +0.000 | followers |" in same
    result = evaluate(scored)
    table = result.to_markdown().split("## hired, paired differences")[1].split("##")[0]
    paired = result.paired.query("question == 'hired' and slice == 'all'")
    figures = result.figures.query("question == 'hired' and slice == 'all' and scorer != 'model'")
    for metric in paired.loc[paired["low"].notna(), "metric"].unique():
        values = figures[figures["metric"] == metric].set_index("scorer")["value"]
        best = values.idxmin() if metric == "medr" else values.idxmax()
        row = paired[(paired["metric"] == metric) & (paired["baseline"] == best)].iloc[0]
        unsure = paired[(paired["metric"] == metric) & (paired["includes_zero"] == True)]  # noqa: E712
        assert (
            f"| {metric} | {best} | {row['difference']:+.3f} | {row['low']:+.3f} to "
            f"{row['high']:+.3f} | {', '.join(unsure['baseline']) or 'none'} |"
        ) in table


def test_markdown_tables_are_rectangular(evaluate, scored):
    frame = scored.assign(tier="a|b*c")
    for block in evaluate(frame).to_markdown().split("\n\n"):
        lines = [line for line in block.splitlines() if line.startswith("|")]
        widths = {line.replace("\\|", "").count("|") for line in lines}
        assert len(widths) <= 1


def test_html_escapes_names(evaluate, scored):
    frame = scored.rename(columns={"followers": "<b>&"})
    page = evaluate(frame, ("model", "<b>&"), {})._repr_html_()
    assert "&lt;b&gt;&amp;" in page
    assert "<b>" not in page


def test_an_unknown_question_is_refused(result):
    with pytest.raises(DataError, match="`question` is 'asked'; expected one of"):
        result.to_table("asked")


# --- what is refused -------------------------------------------------------------------------


def test_missing_columns_are_named(evaluate, scored):
    with pytest.raises(DataError, match=r"columns \['brand_id', 'lexical'\] are missing"):
        evaluate(scored.drop(columns="brand_id"), ("model", "lexical"))


def test_repeated_pairs_are_refused(evaluate, scored):
    twice = pd.concat([scored, scored.iloc[[3]]])
    with pytest.raises(DataError, match=r"1 of 361 rows repeat a pair .*\[\['c00', 'a03'\]\]"):
        evaluate(twice)


def test_a_campaign_has_one_brand(evaluate, scored):
    mixed = scored.assign(brand_id=[f"b{number}" for number in range(len(scored))])
    with pytest.raises(DataError, match="12 of 12 campaigns have several brands"):
        evaluate(mixed)


def test_hired_must_be_known(evaluate, scored):
    unsure = scored.assign(hired=scored["hired"].astype("boolean").mask(scored.index == 1))
    with pytest.raises(DataError, match="`hired` is boolean with 1 missing"):
        evaluate(unsure)


def test_scores_must_be_numbers(evaluate, scored):
    with pytest.raises(DataError, match=r"columns \['model'\] are not numbers"):
        evaluate(scored.assign(model="high"))


def test_candidates_need_a_campaign(evaluate, scored):
    lost = scored.assign(campaign_id=scored["campaign_id"].mask(scored.index == 0))
    with pytest.raises(DataError, match="1 of 360 rows have no `campaign_id`"):
        evaluate(lost)


def test_some_scorer_must_be_named(evaluate, scored):
    with pytest.raises(DataError, match="no score column for any scorer"):
        evaluate(scored, (), {})


def test_random_scores_come_out_at_chance(scored):
    result = evaluate_scores(
        scored,
        ("draw_0",),
        protocol="time",
        settings=EvaluationSettings(n_bootstrap=500),
        audit={},
    )
    figure = result.to_dict()["time"]["hired"]["all"]["draw_0"]["auc"]
    assert math.isclose(figure["value"], 0.5, abs_tol=0.06)
