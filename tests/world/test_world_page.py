"""The page about the world says what the code says; the default world keeps to its sources."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from matcher.world import WORLDS, WorldKnobs
from matcher.world.moments import ASSUMED, MOMENTS, check_market, measure_moments
from matcher.world.moments.check import Check
from matcher.world.moments.constants import inline_numbers, world_constants
from matcher.world.moments.export import Export
from matcher.world.moments.page import record_of, world_page
from matcher.world.moments.prose import EDGES, NODES


def make_record(values: dict[str, float]) -> dict[str, Any]:
    sizes = {"world": "w", "version": 0, "seed": 4, "n_influencers": 5, "n_campaigns": 6}
    return {**sizes, "values": values}


def test_every_knob_is_listed_with_its_value() -> None:
    listed = {one.name: one.value for one in world_constants()}
    for field in fields(WorldKnobs):
        value = getattr(WorldKnobs(), field.name)
        shown = listed[f"WorldKnobs.{field.name}"]
        assert shown == (f"{value:.6g}" if isinstance(value, float) else str(value))


def test_constants_are_listed_once_and_say_whether_a_source_is_named() -> None:
    constants = world_constants()
    names = [one.name for one in constants]
    assert len(set(names)) == len(names)
    by_name = {one.name: one for one in constants}
    assert by_name["clicks.ORDERS"].status == "calibrated"
    assert by_name["clicks.LEADS"].status == "assumed"
    assert "reels" in by_name["platforms.PLATFORM_TRAITS[instagram]"].text
    assert {one.status for one in constants} <= {"calibrated", "partly", "assumed"}
    assert [one.name for one in constants if not one.text] == []


def test_numbers_inside_formulas_are_listed_but_not_those_that_count_or_scale() -> None:
    lines = {one.where: one.lines for one in inline_numbers()}
    assert "ad_gap=rng.normal(np.log(0.85), 0.4, n)," in lines["people.simulate_people"]
    assert (
        "n_each = 1 + rng.choice(4, size=n, p=(0.70, 0.22, 0.06, 0.02))"
        in (lines["channels.draw_channels"])
    )
    # 1e4 and -0.5 stand in it, and belong to its formula.
    assert "engagement.log_exposure" not in lines
    page = world_page(make_record({}))
    assert all(f"\n| `{name}` | `" in page for name in lines)


def test_the_page_shows_every_moment_world_and_assumption() -> None:
    page = world_page(make_record({}))
    for one in (*MOMENTS, *ASSUMED):
        assert f"\n| {one.name}" in page
    for name in WORLDS:
        assert f"\n| `{name}` |" in page
    assert "not market lift" in page


def test_a_value_outside_its_range_stands_out() -> None:
    moment = next(one for one in MOMENTS if one.name == "Orders per link click")
    inside, outside = (world_page(make_record({moment.name: value})) for value in (0.02, 0.5))
    assert "| Orders per link click | 0.01 to 0.03 | 0.02 |" in inside
    assert "| Orders per link click | 0.01 to 0.03 | **0.5** |" in outside
    assert f"1 of {sum(not one.held_out for one in MOMENTS)} calibrated" in inside


def test_what_the_page_keeps_of_a_check_is_nine_digits_of_everything() -> None:
    measured = measure_moments(Export({}), (*MOMENTS, *ASSUMED))
    record = record_of(Check({"world": "w"}, measured[: len(MOMENTS)], measured[len(MOMENTS) :]))
    assert set(record["values"]) == {one.name for one in (*MOMENTS, *ASSUMED)}
    assert set(record["values"].values()) == {None}


def test_arrows_of_the_graph_join_nodes_and_never_run_in_a_circle() -> None:
    later: dict[str, set[str]] = {name: set() for name in NODES}
    for start, end in EDGES:
        later[start].add(end)
    done: list[str] = []
    while len(done) < len(NODES):
        ready = [name for name in NODES if name not in done and later[name] <= set(done)]
        assert ready, "a circle"
        done += ready


@pytest.mark.slow
def test_the_default_world_keeps_to_its_sources(tmp_path) -> None:
    # Half a minute: smaller markets hold too few accounts above a million followers.
    from matcher.cli.world_check import N_CAMPAIGNS, N_INFLUENCERS
    from matcher.world import simulate_market

    size = {"n_influencers": N_INFLUENCERS, "n_campaigns": N_CAMPAIGNS}
    simulate_market(tmp_path / "m", seed=0, **size)
    result = check_market(tmp_path / "m").as_dict()
    failed = {row["moment"]: row["value"] for row in result["moments"] if not row["ok"]}
    assert result["ok"], failed
