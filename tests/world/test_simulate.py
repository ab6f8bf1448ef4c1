from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.columns import FORMATS, OBJECTIVES, PLATFORMS, STATUSES
from matcher.errors import OutputExistsError, UsageError
from matcher.market.brief import Brief, read_brief
from matcher.market.load import load_market
from matcher.world import WORLD_VERSION, WORLDS, WorldKnobs, find_world, simulate_market
from matcher.world.hiring import inclusion_probabilities, sample_fixed_size

ROOT = Path(__file__).parents[2]
END = pd.Timestamp("2025-07-01", tz="UTC")


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        simulate_market(tmp_path / name, n_influencers=40, n_campaigns=8, seed=3)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_other_seed_writes_another_market(tmp_path: Path) -> None:
    hashes = {
        simulate_market(
            tmp_path / str(seed), n_influencers=40, n_campaigns=8, seed=seed
        ).content_hash
        for seed in range(3)
    }
    assert len(hashes) == 3


@pytest.mark.parametrize("name", sorted(WORLDS))
def test_every_world_passes_the_contract_strictly(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "market"
    simulate_market(folder, n_influencers=60, n_campaigns=12, seed=5, world=name)
    market = load_market(folder, strict=True)
    assert market.quarantine.empty
    assert {"posts", "collaborations", "decisions", "audiences", "rates"} <= market.present


@pytest.mark.parametrize(("n_influencers", "n_campaigns"), [(1, 0), (1, 1), (3, 2), (12, 5)])
def test_the_smallest_markets_pass_too(
    n_influencers: int, n_campaigns: int, tmp_path: Path
) -> None:
    folder = tmp_path / "market"
    summary = simulate_market(folder, n_influencers=n_influencers, n_campaigns=n_campaigns, seed=1)
    assert summary.n_rows["influencers"] == n_influencers
    assert load_market(folder, strict=True).quarantine.empty


def test_large_markets_come_in_parts_that_read_as_one(tmp_path: Path) -> None:
    folder = tmp_path / "market"
    summary = simulate_market(folder, n_influencers=4_100, n_campaigns=3, seed=2, world="tiny")
    parts = sorted(path.name for path in (folder / "posts").iterdir())
    posts = pd.read_parquet(folder / "posts", columns=["post_id"])
    assert parts == ["part-000.parquet", "part-001.parquet"]
    assert len(posts) == summary.n_posts == posts["post_id"].nunique()


def test_record_beside_the_truth_names_version_seed_and_knobs(world) -> None:
    record = json.loads((world.folder / "truth" / "world.json").read_text(encoding="utf-8"))
    assert record["version"] == WORLD_VERSION
    assert record["seed"] == 11
    assert record["knobs"] == find_world("default").as_dict()
    assert record["content_sha256"] == world.summary.content_hash
    assert record["n_rows"]["posts"] == len(world.table("posts")) == world.summary.n_posts


def test_truth_lies_under_truth_only(world) -> None:
    latent = {"level", "trend", "reliability", "fit", "utility", "fake_share", "main_sub_topic"}
    for path in world.folder.glob("*.parquet"):
        assert not latent & set(pd.read_parquet(path).columns), path.name
    assert {path.name for path in world.folder.iterdir() if path.is_dir()} == {"truth"}


def test_a_folder_that_holds_something_is_kept(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputExistsError, match="holds something already"):
        simulate_market(tmp_path, n_influencers=5, n_campaigns=1, seed=0)


def test_force_replaces_the_folder_whole(tmp_path: Path) -> None:
    folder = tmp_path / "market"
    simulate_market(folder, n_influencers=5, n_campaigns=1, seed=0)
    (folder / "old.parquet").write_bytes(b"old")
    with pytest.raises(OutputExistsError, match="pass --force to replace"):
        simulate_market(folder, n_influencers=5, n_campaigns=1, seed=0)
    simulate_market(folder, n_influencers=5, n_campaigns=1, seed=0, force=True)
    assert not (folder / "old.parquet").exists()
    assert (folder / "posts.parquet").exists()


@pytest.mark.parametrize("name", ["mine.txt", "posts.parquet", "truth/people.parquet"])
def test_force_replaces_no_folder_but_a_simulated_market(name: str, tmp_path: Path) -> None:
    mine = tmp_path / "folder" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("mine", encoding="utf-8")
    with pytest.raises(OutputExistsError, match=r"no truth/world\.json, so it is not replaced"):
        simulate_market(tmp_path / "folder", n_influencers=5, n_campaigns=1, seed=0, force=True)
    assert contents(tmp_path) == {f"folder/{name}": b"mine"}


@pytest.mark.parametrize("world_name", sorted(WORLDS))
def test_a_market_without_campaigns_holds_people_and_posts(world_name: str, tmp_path: Path) -> None:
    folder = tmp_path / "market"
    summary = simulate_market(folder, n_influencers=50, n_campaigns=0, seed=0, world=world_name)
    assert summary.n_posts > 0
    assert summary.n_hires == summary.n_open == summary.n_rows["campaign_posts"] == 0
    assert load_market(folder, strict=True).quarantine.empty


def test_an_interrupted_run_leaves_nothing(tmp_path: Path) -> None:
    def stop(step: str, done: int, total: int) -> None:
        if step == "posts":
            raise KeyboardInterrupt("stopped")

    with pytest.raises(KeyboardInterrupt, match="stopped"):
        simulate_market(tmp_path / "market", n_influencers=5, n_campaigns=1, seed=0, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_unknown_world_lists_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"`drfit`.*choose one of: cold, confounded, default"):
        find_world("drfit")


def test_sizes_out_of_range_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="n_influencers is 0; expected 1 or more"):
        simulate_market(tmp_path / "market", n_influencers=0, n_campaigns=1, seed=0)


def test_knobs_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match=r"share_vietnamese: got 1\.4; expected 0\.\.1"):
        WorldKnobs(share_vietnamese=1.4)
    with pytest.raises(UsageError, match=r"phrases: got `old`; expected one of: training"):
        WorldKnobs(phrases="old")


def test_references_hold_and_words_are_those_of_the_contract(world) -> None:
    posts, accounts = world.table("posts"), world.table("accounts")
    campaigns, collaborations = world.table("campaigns"), world.table("collaborations")
    assert set(accounts["influencer_id"]) == set(world.table("influencers")["influencer_id"])
    assert set(posts["account_id"]) <= set(accounts["account_id"])
    assert set(world.table("post_metrics")["post_id"]) <= set(posts["post_id"])
    assert set(collaborations["campaign_id"]) <= set(campaigns["campaign_id"])
    assert set(campaigns["brand_id"]) <= set(world.table("brands")["brand_id"])
    made = world.table("campaign_posts").merge(posts, on="post_id", how="left")
    assert made["account_id"].notna().all()
    assert set(posts["format"]) <= set(FORMATS)
    assert set(accounts["platform"]) <= set(PLATFORMS)
    assert set(collaborations["status"]) <= set(STATUSES)
    assert set(campaigns["objective"]) <= set(OBJECTIVES)


def test_nothing_was_observed_after_the_end(world) -> None:
    for name, column in [
        ("posts", "published_at"),
        ("posts", "observed_at"),
        ("post_metrics", "observed_at"),
        ("account_snapshots", "as_of"),
        ("collaborations", "status_at"),
        ("collaborations", "outcome_at"),
        ("decisions", "logged_at"),
    ]:
        assert world.table(name)[column].max() < END, (name, column)


def test_answers_posts_and_outcomes_follow_the_decision_in_order(world) -> None:
    decided = world.table("campaigns").set_index("campaign_id")["decided_at"]
    deals = world.table("collaborations")
    decided_at = deals["campaign_id"].map(decided)
    measured = deals["outcome_at"].notna()
    assert (deals["status_at"] > decided_at).all()
    assert (deals["outcome_at"] > deals["status_at"])[measured].all()
    assert (deals["status"] == "completed")[measured].all()
    assert deals["engagements"].notna().equals(measured)
    made = world.table("campaign_posts").merge(world.table("posts"), on="post_id")
    assert (made["published_at"] > made["campaign_id"].map(decided)).all()


def test_outcomes_sum_the_posts_made_for_the_campaign(world) -> None:
    deals = world.table("collaborations")
    made = world.table("campaign_posts").merge(world.table("posts"), on="post_id")
    n_made = made.groupby(["campaign_id", "account_id"]).size()
    done = deals[deals["status"] == "completed"].set_index(["campaign_id", "account_id"])
    assert (n_made.loc[done.index] == done["n_posts_delivered"]).all()


def test_open_campaigns_have_no_collaboration_and_come_after_all_that_is_known(world) -> None:
    campaigns = world.table("campaigns")
    is_open = campaigns["decided_at"].isna() | (campaigns["decided_at"] >= END)
    taken = set(world.table("collaborations")["campaign_id"])
    taken |= set(world.table("decisions")["campaign_id"])
    assert is_open.sum() == world.summary.n_open == 10
    assert not taken & set(campaigns.loc[is_open, "campaign_id"])
    assert campaigns.loc[is_open, "decided_at"].isna().any()


def test_followers_have_a_heavy_tail_and_the_tiers_of_a_market(world) -> None:
    followers = world.truth("accounts")["followers"].sort_values()
    top_share = followers.tail(len(followers) // 100).sum() / followers.sum()
    assert followers.mean() > 5 * followers.median()
    assert top_share > 0.2
    assert 0.5 < (followers < 10_000).mean() < 0.7


def test_texts_come_in_both_languages_and_ways_of_writing(world) -> None:
    texts = world.table("posts")["text"].dropna()
    has_accents = texts.str.contains("[ạảấầẩậắằẵặẹẻẽếềểễệịỉĩọỏốồổỗộớờởỡợụủứừửữự]")
    assert 0.2 < has_accents.mean() < 0.7
    for sign in ("#", "mn", " ko ", "moi nguoi", "Honest review", "❤️", "#quangcao", "#ad"):
        assert texts.str.contains(sign).any(), sign
    assert texts.str.len().between(3, 400).all()
    assert texts.nunique() > 0.75 * len(texts)


def test_briefs_name_brand_product_audience_and_money(world) -> None:
    campaigns = world.table("campaigns")
    market = load_market(world.folder)
    brands = world.table("brands").set_index("brand_id")["name"]
    assert set(campaigns["brief_language"]) == {"vi", "en", "mul"}
    for row in campaigns.itertuples():
        assert brands[row.brand_id] in row.brief
        assert str(row.n_creators) in row.brief
    brief = Brief.from_campaign(market, str(campaigns["campaign_id"].iloc[0]))
    assert brief.brief == campaigns["brief"].iloc[0]


def test_counters_come_in_both_forms_and_some_without_a_reading_time(world) -> None:
    posts, metrics = world.table("posts"), world.table("post_metrics")
    read = posts["likes"].notna()
    assert not set(posts.loc[read, "post_id"]) & set(metrics["post_id"])
    assert 0.01 < posts.loc[read, "observed_at"].isna().mean() < 0.1
    readings = metrics.groupby("post_id")["likes"].agg(["size", "first", "last"])
    assert (readings["size"] == 2).mean() > 0.9
    assert (readings["last"] >= readings["first"]).all()


def test_sponsored_posts_come_with_and_without_disclosure_and_brand(world) -> None:
    posts = world.table("posts")
    paid = posts[posts["is_sponsored"]]
    assert 0.1 < len(paid) / len(posts) < 0.4
    assert 0.3 < paid["is_disclosed"].astype(bool).mean() < 0.9
    assert 0.2 < paid["sponsor_brand_id"].notna().mean() < 0.8
    assert posts.loc[~posts["is_sponsored"], "sponsor_brand_id"].isna().all()


def test_audience_shares_sum_to_at_most_one(world) -> None:
    sums = world.table("audiences").groupby(["account_id", "as_of", "dimension"])["share"].sum()
    assert sums.max() <= 1 + 1e-9


def test_decision_log_holds_probabilities_that_sum_to_the_number_chosen(world) -> None:
    decisions = world.table("decisions")
    probability = decisions["inclusion_probability"]
    by_campaign = decisions.groupby("campaign_id")[["inclusion_probability", "chosen"]].sum()
    assert ((probability > 0) & (probability <= 1)).all()
    np.testing.assert_allclose(
        by_campaign["inclusion_probability"], by_campaign["chosen"], atol=1e-6
    )
    deals = world.table("collaborations").merge(decisions, on=["campaign_id", "account_id"])
    assert deals["chosen"].all()
    assert len(deals) == decisions["chosen"].sum()


@given(
    utility=st.lists(st.floats(-8, 8), min_size=4, max_size=40),
    seed=st.integers(0, 2**32 - 1),
    share=st.floats(0.05, 0.6),
)
def test_sampling_keeps_to_the_size_and_probabilities_to_the_order(
    utility: list[float], seed: int, share: float
) -> None:
    size = max(1, int(share * len(utility)))
    probability = inclusion_probabilities(np.array(utility), size)
    drawn = sample_fixed_size(probability, np.random.default_rng(seed))
    assert abs(int(drawn.sum()) - size) <= (abs(probability.sum() - size) > 1e-9)
    assert (np.diff(probability[np.argsort(utility, kind="stable")]) >= -1e-12).all()


def test_sampling_keeps_inclusion_probabilities_over_many_draws() -> None:
    rng = np.random.default_rng(0)
    probability = inclusion_probabilities(rng.normal(0, 2, 12), 4)
    n_draws = 8_000
    counts = sum(sample_fixed_size(probability, rng).astype(int) for _ in range(n_draws))
    error = np.sqrt(probability * (1 - probability) / n_draws)
    assert (np.abs(counts / n_draws - probability) < 4.5 * error + 1e-9).all()


def test_example_briefs_read() -> None:
    briefs = [read_brief(ROOT / "data" / f"brief-{name}.yaml") for name in ("vi", "en")]
    assert [brief.brief_language for brief in briefs] == ["vi", "en"]
    assert [brief.currency for brief in briefs] == ["VND", "USD"]


def test_tiny_market_in_the_repository_is_what_the_command_writes(tmp_path: Path) -> None:
    kept = ROOT / "data" / "tiny_market"
    simulate_market(tmp_path / "again", n_influencers=60, n_campaigns=24, seed=7, world="tiny")
    assert not (kept / "truth").exists()
    assert sum(path.stat().st_size for path in kept.iterdir()) < 300_000
    for path in sorted((tmp_path / "again").glob("*.parquet")):
        pd.testing.assert_frame_equal(pd.read_parquet(kept / path.name), pd.read_parquet(path))
