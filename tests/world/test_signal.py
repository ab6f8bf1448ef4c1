"""What is learnable, and what must not be."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata, spearmanr

from matcher.world import simulate_market
from matcher.world.truth import read_truth


def auc(score: np.ndarray, label: np.ndarray) -> float:
    ranks = rankdata(score)
    n_hits = label.sum()
    return float(
        (ranks[label].sum() - n_hits * (n_hits + 1) / 2) / (n_hits * (len(label) - n_hits))
    )


def mean_auc(decisions: pd.DataFrame, column: str) -> float:
    return float(
        np.mean(
            [
                auc(part[column].to_numpy(), part["chosen"].to_numpy())
                for _, part in decisions.groupby("campaign_id")
                if part["chosen"].any()
            ]
        )
    )


def tokens(text: str) -> set[str]:
    return set(re.findall(r"\w{3,}", text.lower()))


def word_overlap(folder: Path) -> pd.DataFrame:
    """Decisions with the share of an account's earlier posts that use a rare word of the brief."""
    decisions = pd.read_parquet(folder / "decisions.parquet")
    posts = pd.read_parquet(folder / "posts.parquet")
    posts = posts[posts["text"].notna()]
    words = [tokens(text) for text in posts["text"]]
    frequency = pd.Series([word for found in words for word in found]).value_counts()
    rare = set(frequency.index[frequency < 0.01 * len(posts)])
    posting: dict[str, list[int]] = {}
    for row, found in enumerate(words):
        for word in found & rare:
            posting.setdefault(word, []).append(row)
    campaigns = pd.read_parquet(folder / "campaigns.parquet").set_index("campaign_id")
    parts = []
    for campaign_id, part in decisions.groupby("campaign_id"):
        campaign = campaigns.loc[campaign_id]
        hits = sorted({row for w in tokens(campaign["brief"]) for row in posting.get(w, [])})
        found = posts.iloc[hits]
        found = found[found["published_at"] < campaign["decided_at"]]
        n_known = posts[posts["published_at"] < campaign["decided_at"]].groupby("account_id").size()
        share = found.groupby("account_id").size() / n_known
        parts.append(
            part.assign(
                overlap=part["account_id"].map(share).fillna(0.0),
                n_known=part["account_id"].map(n_known).fillna(0),
            )
        )
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def decisions(world) -> pd.DataFrame:
    accounts = world.truth("accounts").set_index("account_id")["followers"]
    found = word_overlap(world.folder)
    return found.assign(followers=found["account_id"].map(accounts))


def test_words_shared_with_the_brief_find_the_hired(decisions: pd.DataFrame) -> None:
    assert 0.65 < mean_auc(decisions, "overlap") < 0.85


def test_followers_alone_say_little(decisions: pd.DataFrame) -> None:
    assert 0.45 < mean_auc(decisions, "followers") < 0.6


def test_number_of_posts_says_nothing_about_being_hired(decisions: pd.DataFrame, world) -> None:
    hires = decisions.groupby("account_id")["chosen"].sum()
    n_posts = world.table("posts").groupby("account_id").size().reindex(hires.index)
    assert abs(spearmanr(n_posts, hires)[0]) < 0.07
    assert 0.46 < mean_auc(decisions, "n_known") < 0.54


def test_without_text_words_say_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "market"
    simulate_market(folder, n_influencers=800, n_campaigns=100, seed=4, world="no-text")
    assert 0.46 < mean_auc(word_overlap(folder), "overlap") < 0.54


@pytest.fixture(scope="module")
def deals(world) -> pd.DataFrame:
    """Finished collaborations beside what was to be expected of them."""
    found = world.table("collaborations").dropna(subset=["engagements"]).reset_index(drop=True)
    expected = read_truth(world.folder).expected(found["campaign_id"], found["account_id"])
    return found.join(expected.add_prefix("expected_"))


def test_outcomes_follow_their_expectation_within_campaigns(deals: pd.DataFrame) -> None:
    pairs = deals
    found = [
        spearmanr(part["expected_engagements"], part["engagements"])[0]
        for _, part in pairs.groupby("campaign_id")
        if len(part) >= 5
    ]
    assert 0.6 < np.mean(found) < 0.9


def test_expected_engagements_are_right_on_average(deals: pd.DataFrame) -> None:
    pairs = deals
    gap = np.log(pairs["engagements"] + 1) - np.log(pairs["expected_engagements"] + 1)
    # Log-normal shocks put the typical outcome below the expected one.
    assert -0.9 < gap.mean() < 0.05
