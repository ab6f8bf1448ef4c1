"""The cards of a model and its data, and the record of its run."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt

from matcher.config import EvaluationSettings, Settings
from matcher.evaluation.results import EvaluationResult, evaluate_scores
from matcher.market.load import load_market
from matcher.market.market import Market, build_market
from matcher.ranking.exposure import ExposureRule
from matcher.ranking.fit import fit_model
from matcher.ranking.model import Model
from matcher.report.card_exposure import describe_shortfalls, exposure_section
from matcher.report.card_figures import describe_limits
from matcher.report.comparison_pictures import draw_comparison
from matcher.report.data_card import data_card
from matcher.report.model_card import describe_run, model_card
from matcher.report.training_record import build_cards, build_record
from matcher.training import feature_table

MARKET = Path(__file__).parents[2] / "data" / "tiny_market"
SETTINGS = Settings.model_validate(
    {
        "encoder": {"dim": 16, "epochs": 1},
        "ranker": {"n_trees": 5, "n_draws": 1},
        "outcome": {"n_trees": 5, "n_periods": 1},
        "retrieval": {"min_posts": 1},
    }
)
HOSTILE = "<img src=x onerror=alert(1)> [a](javascript:b) | `c` \u202e# d\n\n# e"


def scored_frame(n_campaigns: int = 12, n_candidates: int = 60, *, seed: int = 5) -> pd.DataFrame:
    """Candidates whose hiring follows `strong` more than `model`."""
    rng = np.random.default_rng(seed)
    n = n_campaigns * n_candidates
    campaign, fit = np.repeat(np.arange(n_campaigns), n_candidates), rng.normal(size=n)
    return pd.DataFrame(
        {
            "campaign_id": [f"c{number}" for number in campaign],
            "account_id": [f"a{number % n_candidates}" for number in range(n)],
            "brand_id": [f"b{number % 5}" for number in campaign],
            "hired": fit > 1.2,
            "outcome": np.where(fit > 1.2, np.exp(5 + fit + rng.normal(size=n)), np.nan),
            "expected": np.exp(5 + rng.normal(size=n)),
            "warmth": rng.choice(["hot", "warm"], size=n),
            "platform": rng.choice(["tiktok", "youtube"], size=n),
            "tier": "nano",
            "brief_language": np.where(campaign < 2, "en", "vi"),
            "model": fit + rng.normal(scale=0.8, size=n),
            "strong": fit + rng.normal(scale=0.1, size=n),
            "random": rng.normal(size=n),
            "random_vectors": fit + rng.normal(scale=3, size=n),
        }
    )


@pytest.fixture(scope="module")
def market() -> Market:
    return load_market(MARKET)


@pytest.fixture(scope="module")
def model(market: Market) -> Model:
    from matcher.features.context import MarketData

    return fit_model(MarketData(market), market.all_known_at, SETTINGS)[0]


@pytest.fixture(scope="module")
def result() -> EvaluationResult:
    return evaluate_scores(
        scored_frame(),
        ("model", "strong", "random", "random_vectors"),
        protocol="time",
        settings=EvaluationSettings(n_bootstrap=200, seed=3),
        audit={"skipped_campaigns": {"no decision yet": 2}},
    )


def titles(card: str) -> list[str]:
    return re.findall(r"^## (.+)$", card, re.M)


def rows(card: str, section: str) -> dict[str, list[str]]:
    """Cells of the last table of a section by their first one."""
    body = card.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    lines = [line for line in body.splitlines() if line.startswith("| ")]
    return {line.split(" | ")[0][2:]: line[2:-2].split(" | ")[1:] for line in lines}


def test_a_model_card_says_all_that_is_asked_of_it(
    model: Model, market: Market, result: EvaluationResult
) -> None:
    card = model_card(model, market, "tiny", result)
    assert titles(card) == [
        "What it is for, and what not",
        "What it learnt from",
        "How it was trained",
        "How well it does: who is hired",
        "How well it does: what a hire delivers",
        "Negative controls",
        "Whom it shows",
        "Known failures and limits",
        "Assumptions",
        "Licences",
        "Versions",
    ]
    for said in (
        "2023-07-02 to 2025-06-30", "`builtin`, 16 dimensions", "Apache-2.0", market.data_hash,
        SETTINGS.hash, model.encoder.identity.digest, "scikit-learn", "reading scores as",
    ):  # fmt: skip
        assert said in card


def test_the_figures_of_a_card_are_those_of_the_evaluation(
    model: Model, market: Market, result: EvaluationResult
) -> None:
    card = model_card(model, market, "tiny", result)
    found = result.to_dict()["time"]["hired"]
    held = rows(card, "How well it does: who is hired")
    for name in ("warmth=hot", "platform=tiktok", "tier=nano", "brief_language=vi"):
        own, best = found[name]["model"]["auc"], found[name]["strong"]["auc"]
        assert held[f"`{name}`"][:3] == [
            str(own["n"]),
            f"{own['value']:.3f} ({own['low']:.3f} to {own['high']:.3f})",
            f"{best['value']:.3f} `strong`",
        ]
    control = found["all"]["random_vectors"]["auc"]
    assert rows(card, "Negative controls")["`random_vectors`"][-1] == (
        f"{control['value']:.3f} ({control['low']:.3f} to {control['high']:.3f})"
    )


def test_a_card_says_whom_the_lists_show(
    model: Model, market: Market, result: EvaluationResult
) -> None:
    card = model_card(model, market, "tiny", result)
    held = rows(card, "Whom it shows")
    shares = result.to_dict()["exposure"]["shares"]
    for by, groups in shares.items():
        for group, found in groups.items():
            row = found["first_10"]
            assert held[f"`{by}={group}`"][:3] == [
                f"{100 * row[name]:.1f} %" for name in ("supply", "hired", "listed")
            ]
    spread = result.to_dict()["exposure"]["spread"]["model"]["first_10"]
    assert f"with a Gini coefficient of {spread['gini']:.3f}" in card
    assert "*Acceptance* of an invitation: not stated (" in card


def test_groups_that_surely_get_less_than_their_supply_are_a_limit() -> None:
    frame = scored_frame()
    frame["model"] -= 3.0 * (frame["platform"] == "youtube")
    result = evaluate_scores(
        frame, ("model", "random"), protocol="time",
        settings=EvaluationSettings(n_bootstrap=200, seed=3), audit={},
        exposure=ExposureRule("platform"),
    )  # fmt: skip
    less, more = describe_shortfalls(result.exposure)
    assert "get less of the first 10 places" in less
    assert "`platform=youtube`" in less
    assert "`platform=tiktok`" in more
    (section,) = exposure_section(result.exposure)
    assert "With at least 0.8 of its supply for each group of platform: NDCG@10" in section[1]
    even = dataclasses.replace(
        result.exposure, shares=result.exposure.shares.assign(over_supply_low=0.9)
    )
    assert [text for text in describe_shortfalls(even) if "get more" in text] == []
    assert describe_shortfalls(None) == exposure_section(None) == []


def test_the_limits_are_what_the_evaluation_says_against_the_model(
    result: EvaluationResult,
) -> None:
    said = "\n".join(describe_limits(result))
    behind = result.paired[
        (result.paired["question"] == "hired")
        & (result.paired["baseline"] == "strong")
        & (result.paired["metric"] == "auc")
    ]
    assert behind["high"].item() < 0
    assert re.search(r"\*hired\*: behind the best baseline on `auc` \(`strong`\)", said)
    assert re.search(r"by slice: a baseline is as good or better in `warmth=hot` \(", said)
    assert "fewer than 10 campaigns each: `brief_language=en` 2" in said
    assert "nothing is known of `warmth=cold`" in said
    assert "The control `random_vectors` (random vectors in place of embeddings) has an AUC" in said
    assert "The control `random` " not in said
    assert "2 campaigns could not be judged: 2 no decision yet." in said


def test_a_model_that_is_ahead_is_not_said_to_be_behind() -> None:
    frame = scored_frame().rename(columns={"model": "weak", "strong": "model"})
    result = evaluate_scores(
        frame, ("model", "weak", "random"), protocol="time",
        settings=EvaluationSettings(n_bootstrap=200, seed=3), audit={},
    )  # fmt: skip
    said = [text for text in describe_limits(result) if text.startswith("*hired*")]
    assert not [text for text in said if "behind" in text or "as good or better" in text]


def test_a_model_that_was_not_judged_says_so(model: Model, market: Market) -> None:
    why = "none of 3 campaigns can be evaluated; lower `evaluation.min_earlier_hired`"
    card = model_card(model, market, "tiny", None, unevaluated=why)
    assert "Not evaluated: none of 3 campaigns" in card
    assert "Take it as unproven" in card
    assert "Not evaluated" in describe_run(model, None, unevaluated=why)


def test_what_could_not_be_learnt_is_in_the_card(model: Model, market: Market) -> None:
    facts = {**model.facts, "no_content": "no post with <b>text</b>"}
    card = model_card(dataclasses.replace(model, facts=facts), market, "tiny", None)
    assert "Not learnt: content is not compared: no post with &lt;b&gt;text" in card


def test_a_data_card_counts_what_is_there(market: Market) -> None:
    card = data_card(market, "tiny")
    posts = market["posts"]
    held = rows(card, "Tables")["`posts`"]
    span = [f"{end:%Y-%m-%d}" for end in (posts["published_at"].min(), posts["published_at"].max())]
    assert held[1:] == [f"{len(posts)}", f"{len(posts)}", *span]
    assert f"`language` {100 * posts['language'].isna().mean():.1f} %" in card
    assert "Nothing: every row and value passed." in card
    assert "`owner_group`\\*" in card
    assert "Without rows: `exclusivities`." in card


def test_a_data_card_says_what_was_set_aside_and_under_which_licence(market: Market) -> None:
    tables = {name: market[name].copy() for name in ("influencers", "accounts", "posts")}
    tables["posts"].loc[:4, "likes"] = -1
    tables["posts"]["licence"] = "CC-BY-4.0"
    tables["posts"]["source"] = None
    card = data_card(build_market(tables, latest=pd.Timestamp("2026-01-01", tz="UTC")), "x")
    set_aside = rows(card, "What validation set aside")
    assert set_aside["`posts.likes`"][:2] == ["below minimum", "value"]
    assert set_aside["`posts.likes`"][-1] == "5"
    assert "`posts.licence`: `CC-BY-4.0` 100.0 %." in card
    assert "`posts.source` is given for 0.0 % of rows." in card


def test_no_card_holds_a_persons_text_name_or_id(
    model: Model, market: Market, result: EvaluationResult
) -> None:
    cards = "\n".join(build_cards(model, market, "tiny", result).values())
    people = market["influencers"]
    personal = [
        *people["display_name"].dropna(), *people["bio"].dropna(), *people["influencer_id"],
        *market["accounts"]["handle"].dropna(), *market["accounts"]["account_id"],
        *market["posts"]["text"].dropna(), *market["brands"]["name"].dropna(),
        *market["campaigns"]["brief"].dropna(),
    ]  # fmt: skip
    assert [text for text in personal if len(text) > 3 and text in cards] == []


def test_hostile_names_stay_words_in_the_cards(
    model: Model, market: Market, result: EvaluationResult
) -> None:
    tables = {name: market[name].copy() for name in ("influencers", "accounts", "posts")}
    tables["posts"][HOSTILE] = "x"
    tables["posts"]["licence"] = HOSTILE
    tables["posts"]["language"] = "vi"
    hostile = build_market(tables, latest=pd.Timestamp("2026-01-01", tz="UTC"))
    cards = build_cards(model, hostile, HOSTILE, result, unevaluated=HOSTILE)
    reader = MarkdownIt("commonmark", {"html": True}).enable("table")
    for card in cards.values():
        tokens = reader.parse(card)
        inside = {child.type for token in tokens for child in token.children or ()}
        assert {token.type for token in tokens} & {"html_block"} == set()
        assert inside & {"html_inline", "link_open", "image"} == {"html_inline"} & inside
        # The only tags are the line breaks that the tables put into their own cells.
        tags = {child.content for token in tokens for child in token.children or ()
                if child.type == "html_inline"}  # fmt: skip
        assert tags <= {"<br>"}
        assert "\u202e" not in card


def test_equal_input_gives_equal_cards_and_pictures(
    model: Model, market: Market, result: EvaluationResult
) -> None:
    once, again = (build_cards(model, market, "tiny", result) for _ in range(2))
    assert once == again
    assert not re.search(r"/(tmp|home|root|usr)/", "".join(once.values()))
    pictures = draw_comparison(result)
    assert pictures == draw_comparison(result)
    assert set(pictures) == {"hired.png", "hired-slices.png", "delivered.png",
                             "delivered-slices.png"}  # fmt: skip
    assert all(content.startswith(b"\x89PNG") for content in pictures.values())


def test_an_encoder_on_disk_is_named_without_its_place(model: Model, market: Market) -> None:
    identity = dataclasses.replace(
        model.encoder.identity, name="/data/secret place/multilingual-e5-small"
    )
    encoder = dataclasses.replace(model.encoder, identity=identity)
    settings = SETTINGS.model_copy(
        update={"encoder": SETTINGS.encoder.model_copy(update={"name": identity.name})}
    )
    other = dataclasses.replace(model, encoder=encoder, settings=settings)
    card = model_card(other, market, "tiny", None)
    assert "secret place" not in card
    assert "Encoder `multilingual-e5-small`: MIT according to its family's publisher" in card


def record_of(model: Model, market: Market, result: EvaluationResult | None) -> Any:
    return build_record(
        model, market, "tiny", result, unevaluated="", bundle=Path("model"), model_id="0" * 12,
        cards={"model_card.md": "x"}, features=feature_table(), started_at=0.0,
    )  # fmt: skip


def test_a_record_holds_figures_by_slice_and_both_sets_of_data(
    model: Model, market: Market, result: EvaluationResult
) -> None:
    record = record_of(model, market, result)
    figures = result.to_dict()["time"]["hired"]
    assert record.metrics["hired/strong/auc"] == figures["all"]["strong"]["auc"]
    assert record.metrics["hired/by_warmth/hot/model/auc"] == figures["warmth=hot"]["model"]["auc"]
    digest = model.encoder.identity.digest[:12]
    assert (record.encoder, record.tags["encoder_revision"]) == (f"builtin {digest}", digest)
    training, evaluation = record.datasets
    assert (training.context, evaluation.context) == ("training", "evaluation")
    assert training.digest == market.data_hash
    assert training.columns["posts.published_at"] == "instant"
    assert training.columns["brands.owner_group"] == "other"
    assert training.profile["rows"]["posts"] == len(market["posts"])
    assert evaluation.profile["n_campaigns"] == 12
    assert set(record.tables) == {"evaluation", "paired", "per_campaign"}
    assert "hired.png" in record.pictures


def test_a_record_without_an_evaluation_names_the_training_alone(
    model: Model, market: Market
) -> None:
    record = record_of(model, market, None)
    assert [one.context for one in record.datasets] == ["training"]
    assert record.metrics == {}
    assert record.pictures == {}
