from __future__ import annotations

import shutil
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from matcher.columns import AGE_BUCKETS, PLATFORMS
from matcher.errors import DataError, UsageError
from matcher.world.audience import Audience
from matcher.world.audience_model import SHAPE, affinities, solve_levels
from matcher.world.audience_profiles import AudienceProfiles
from matcher.world.audience_tables import read_audience
from matcher.world.population import PLACES, Population, build_population, place_weights
from matcher.world.truth import read_truth

N = 24
SIZES = np.geomspace(2_000, 9e6, N)


@cache
def population() -> Population:
    return build_population(("food", "beauty", "gaming", "travel"))


def profiles(size: np.ndarray = SIZES, *, seed: int = 0) -> AudienceProfiles:
    rng = np.random.default_rng(seed)
    m = len(size)
    place = np.array([p.country == "VN" for p in PLACES]) * 0.9 + 0.1 / len(PLACES)
    wide = (m, len(PLACES))
    place = place * rng.gamma(2.0, size=wide)
    age, interest = rng.gamma(2.0, size=(m, 6)), rng.gamma(0.7, size=(m, 4)) + 0.05
    return AudienceProfiles(
        creator=np.arange(m) // 2,
        platform=np.array([PLATFORMS.index(p) for p in ("tiktok", "facebook", "instagram")])[
            np.arange(m) % 3
        ],
        size=size,
        place=(place / place.sum(axis=1, keepdims=True)).astype(np.float32),
        age=(age / age.sum(axis=1, keepdims=True)).astype(np.float32),
        female=rng.uniform(0.1, 0.9, m).astype(np.float32),
        interest=(interest / interest.sum(axis=1, keepdims=True)).astype(np.float32),
    )


@cache
def audience() -> Audience:
    return Audience(profiles(), population())


def rates_of(accounts: list[int], totals: np.ndarray) -> np.ndarray:
    """Rates of following in each cell, one account at a time."""
    found = []
    for account, total in zip(accounts, totals, strict=True):
        one = np.array([account])
        rate = affinities(audience().profiles, one, population(), dtype=np.float64)
        level = solve_levels(rate, np.array([total]), precision=1e-10)
        found.append(rate.cells(level)[0].ravel())
    return np.array(found)


def by_integration(accounts: list[int], totals: np.ndarray) -> np.ndarray:
    """People who follow 0, 1, ... of the accounts, by summing over activities, not cells' formula.

    With s = activity ** SHAPE, the gamma density times its differential is
    exp(-activity) ds / gamma(SHAPE + 1).
    """
    s, width = np.polynomial.legendre.leggauss(600)
    top = 60.0**SHAPE
    s, width = (s + 1) * top / 2, width * top / 2
    activity = s ** (1 / SHAPE)
    chance_of_activity = width * np.exp(-activity) / special.gamma(SHAPE + 1)
    rates, model = rates_of(accounts, totals), population()
    use = model.use.reshape(len(PLATFORMS), -1).repeat(len(model.categories), axis=1)
    people = model.people.ravel()
    platform = audience().profiles.platform[accounts]
    counts = np.zeros(len(accounts) + 1)
    for pattern in np.ndindex(*(2,) * len(set(platform))):
        is_used = dict(zip(sorted(set(platform)), pattern, strict=True))
        weight = people.copy()
        for p, used in is_used.items():
            weight = weight * (use[p] if used else 1 - use[p])
        used_here = np.array([bool(is_used[p]) for p in platform])
        for a, chance in zip(activity, chance_of_activity, strict=True):
            follow = -np.expm1(-a * rates) * used_here[:, None]
            times = np.zeros((len(accounts) + 1, len(people)))
            times[0] = 1.0
            for one in follow:
                times[1:] = times[1:] * (1 - one) + times[:-1] * one
                times[0] *= 1 - one
            counts += chance * times @ weight
    return counts


def test_shares_of_every_dimension_sum_to_one() -> None:
    found = audience().shares(np.arange(N))
    assert [name for name, _, _ in found] == [
        "country", "city", "age", "gender", "language", "interest",
    ]  # fmt: skip
    for name, buckets, shares in found:
        assert shares.shape == (N, len(buckets)), name
        assert (shares >= 0).all(), name
        np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5, err_msg=name)


def test_shares_are_sums_over_the_membership_model() -> None:
    accounts = [0, 7, 23]
    model = population()
    rates = rates_of(accounts, SIZES[accounts])
    shares = {name: values for name, _, values in audience().shares(np.array(accounts))}
    for row, account in enumerate(accounts):
        users = model.users(int(audience().profiles.platform[account]))
        chance = (1 - (1 + rates[row]) ** -SHAPE).reshape(users.shape)
        assert (chance * users).sum() == pytest.approx(SIZES[account], rel=1e-6)
        total = dict.fromkeys(range(6), 0.0)
        country: dict[str, float] = {}
        for place, age, gender, interest in np.ndindex(users.shape):
            people = chance[place, age, gender, interest] * users[place, age, gender, interest]
            total[age] += people / SIZES[account]
            name = PLACES[place].country
            country[name] = country.get(name, 0.0) + people / SIZES[account]
        np.testing.assert_allclose(shares["age"][row], list(total.values()), atol=2e-5)
        np.testing.assert_allclose(shares["country"][row], list(country.values()), atol=2e-5)


def test_small_audiences_have_the_composition_of_their_profile() -> None:
    small = Audience(profiles(np.full(N, 20.0)), population())
    shares = {name: values for name, _, values in small.shares(np.arange(N))}
    wanted = small.profiles
    np.testing.assert_allclose(
        shares["country"], wanted.place @ place_weights("country"), atol=0.002
    )
    np.testing.assert_allclose(shares["age"], wanted.age, atol=0.02)
    np.testing.assert_allclose(shares["interest"], wanted.interest, atol=0.02)
    np.testing.assert_allclose(shares["gender"][:, 0], 0.985 * wanted.female, atol=0.02)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, N - 1), st.integers(0, N - 1)), min_size=1, max_size=8))
def test_overlaps_are_symmetric_shares(pairs: list[tuple[int, int]]) -> None:
    first, second = np.array(pairs).T
    found = audience().overlap(first, second)
    np.testing.assert_allclose(found, audience().overlap(second, first), rtol=1e-9)
    assert ((found >= 0) & (found <= 1 + 1e-9)).all()
    assert (found[first == second] == 1).all()


@settings(max_examples=30, deadline=None)
@given(
    accounts=st.lists(st.integers(0, N - 1), min_size=2, max_size=6, unique=True),
    share=st.floats(0.01, 1.0),
)
def test_union_lies_between_the_largest_and_the_sum_and_grows(
    accounts: list[int], share: float
) -> None:
    chosen = np.array(accounts)
    totals = share * SIZES[chosen]
    union = audience().union(chosen, totals)
    fewer = audience().union(chosen[:-1], totals[:-1])
    assert union <= totals.sum() * (1 + 1e-7)
    assert union >= max(totals.max(), fewer) * (1 - 1e-7)
    twice, thrice = (audience().union(chosen, totals, at_least=k) for k in (2, 3))
    assert union >= twice >= thrice >= -1e-3
    # Everybody who is reached is counted once, twice, three times or more.
    assert union + twice + thrice <= totals.sum() * (1 + 1e-7)
    if len(accounts) <= 3:
        assert union + twice + thrice == pytest.approx(totals.sum(), rel=1e-6)


def test_union_of_two_is_inclusion_and_exclusion() -> None:
    for i, j in combinations((0, 1, 3, 6, 21, 23), 2):
        pair = np.array([i, j])
        shared = audience().overlap(pair[:1], pair[1:])[0] * SIZES[pair].min()
        assert audience().union(pair) == pytest.approx(SIZES[pair].sum() - shared, rel=1e-7)
        assert audience().union(pair, at_least=2) == pytest.approx(shared, rel=1e-4)


@pytest.mark.parametrize("accounts", [[3, 9, 15, 21], [2, 12, 20, 23]])
def test_union_agrees_with_integration_over_activities(accounts: list[int]) -> None:
    totals = SIZES[accounts]
    counts = by_integration(accounts, totals)
    for at_least in (1, 2, 3):
        found = audience().union(np.array(accounts), at_least=at_least)
        assert found == pytest.approx(counts[at_least:].sum(), rel=1e-3)


def test_union_refuses_what_it_cannot_count() -> None:
    with pytest.raises(UsageError, match="an account is named twice"):
        audience().union(np.array([1, 1]))
    with pytest.raises(UsageError, match="at_least is 4; expected 1, 2 or 3"):
        audience().union(np.array([1, 2]), at_least=4)
    with pytest.raises(UsageError, match="expected 2 totals above 0"):
        audience().union(np.array([1, 2]), np.array([5.0, 0.0]))
    with pytest.raises(DataError, match="people asked for; .* use the platform"):
        audience().union(np.array([0]), np.array([9e9]))
    assert audience().union(np.array([4]), at_least=2) == 0
    assert audience().union(np.array([], dtype=np.int64)) == 0


def test_a_drawn_panel_agrees_with_the_formulas() -> None:
    accounts = np.array([5, 8, 16, 17, 20, 23])
    panel = audience().membership(accounts, 60_000, seed=4)
    follows = panel.follows.toarray()
    times = follows.sum(axis=1)

    def check(is_counted: np.ndarray, expected: float) -> None:
        # Weighted count of the panel, within four standard errors.
        each = panel.weight * is_counted
        error = each.std() * np.sqrt(len(each))
        assert abs(each.sum() - expected) < 4 * error + 1e-9

    for k, account in enumerate(accounts):
        check(follows[:, k], SIZES[account])
    for i, j in combinations(range(len(accounts)), 2):
        pair = accounts[[i, j]]
        overlap = audience().overlap(pair[:1], pair[1:])[0]
        check(follows[:, i] & follows[:, j], overlap * SIZES[pair].min())
    for at_least in (1, 2, 3):
        check(times >= at_least, audience().union(accounts, at_least=at_least))
    check(np.ones(len(times)), population().people.sum())


def test_channels_of_one_creator_share_followers() -> None:
    # As if every channel had an owner of its own: the same audiences, unbonded.
    one = profiles()
    kept = {name: getattr(one, name) for name in ("size", "platform", "place", "age", "female")}
    apart = Audience(
        AudienceProfiles(creator=np.arange(N), interest=one.interest, **kept), population()
    )
    first = np.arange(0, N, 2)
    bonded, unbonded = (who.overlap(first, first + 1) for who in (audience(), apart))
    assert (bonded > unbonded).all()
    assert np.median(bonded) > 1.5 * np.median(unbonded)
    others = first[:-1] + 1
    np.testing.assert_allclose(
        audience().overlap(others, others + 1), apart.overlap(others, others + 1), rtol=1e-9
    )


def test_panels_repeat_and_refuse_to_be_empty() -> None:
    first, again = (audience().membership(np.array([3]), 500, seed=1) for _ in range(2))
    other = audience().membership(np.array([3]), 500, seed=2)
    assert (first.cell == again.cell).all()
    assert (first.follows != again.follows).nnz == 0
    assert (first.cell != other.cell).any()
    with pytest.raises(UsageError, match="0 users and 1 accounts"):
        audience().membership(np.array([3]), 0, seed=1)


def test_target_share_agrees_with_the_shares() -> None:
    accounts = np.array([0, 23, 5, 23])
    shares = {name: values for name, _, values in audience().shares(accounts)}
    every_age, every_country = np.ones(6, dtype=bool), np.ones(5, dtype=bool)
    young = np.array([name in ("18-24", "25-34") for name in AGE_BUCKETS])
    vietnam = np.arange(5) == 0
    everybody, women = np.int64(-1), np.int64(0)
    find = audience().target_share
    np.testing.assert_allclose(
        find(accounts, every_age, everybody, vietnam), shares["country"][:, 0], atol=1e-5
    )
    np.testing.assert_allclose(
        find(accounts, every_age, everybody, every_country),
        1 - shares["country"][:, -1], atol=1e-5,
    )  # fmt: skip
    both = find(accounts, young, women, vietnam)
    assert (both < find(accounts, young, everybody, vietnam)).all()
    one = find(accounts[1:2], young[None], np.array([0]), vietnam[None])
    assert one[0] == pytest.approx(both[1])


@pytest.mark.parametrize(
    ("platform", "low", "high"),
    [
        # DataReportal, January 2024 and 2025, millions.
        ("facebook", 66.2, 76.2),
        ("youtube", 62.3, 63.0),
        ("instagram", 10.6, 10.9),
        ("tiktok", 40.9, 67.7),
    ],
)
def test_platforms_have_their_users_in_viet_nam(platform: str, low: float, high: float) -> None:
    in_vietnam = place_weights("country")[:, 0] == 1
    users = population().users(PLATFORMS.index(platform))[in_vietnam].sum()
    assert low <= users / 1e6 <= high
    assert 72.7 <= population().people[in_vietnam].sum() / 1e6 <= 76.2


def test_faulty_profiles_are_refused() -> None:
    good = profiles()
    kept = {
        name: getattr(good, name) for name in ("creator", "platform", "size", "place", "female")
    }
    with pytest.raises(DataError, match=r"age: 24 rows do not hold shares that sum to 1"):
        AudienceProfiles(**kept, age=2 * good.age, interest=good.interest)
    with pytest.raises(DataError, match=r"Population.people: shape \(2, 3\)"):
        Population(("food",), np.ones((2, 3)), np.ones((2, 3)))


def test_truth_alone_gives_the_audience_back(world) -> None:
    truth = read_audience(world.folder)
    accounts = world.truth("accounts")
    authentic = accounts["followers"] * (1 - accounts["fake_share"])
    assert truth.profiles.n == len(accounts)
    np.testing.assert_allclose(truth.profiles.size, np.maximum(authentic, 50), rtol=1e-9)
    assert (
        world.table("accounts")["platform"] == np.array(PLATFORMS)[truth.profiles.platform]
    ).all()


def test_the_truth_holds_the_same_audience(world) -> None:
    read, drawn = read_audience(world.folder), read_truth(world.folder).audience
    for name in ("creator", "platform", "size", "place", "age", "female", "interest"):
        found = getattr(read.profiles, name)
        np.testing.assert_array_equal(found, getattr(drawn.profiles, name), err_msg=name)
    np.testing.assert_array_equal(read.population.people, drawn.population.people)
    np.testing.assert_array_equal(read.population.use, drawn.population.use)
    accounts = np.arange(40)
    assert read.union(accounts) == drawn.union(accounts)


def test_a_missing_or_foreign_truth_is_refused(world, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"population.parquet: not found; expected the truth"):
        read_audience(tmp_path)
    (tmp_path / "truth").mkdir()
    for name in ("population", "audience_profiles"):
        shutil.copy(world.folder / "truth" / f"{name}.parquet", tmp_path / "truth")
    path = tmp_path / "truth" / "population.parquet"
    pd.read_parquet(path).iloc[:-1].to_parquet(path)
    with pytest.raises(DataError, match="of this version; simulate the market again"):
        read_audience(tmp_path)


def test_what_platforms_show_is_the_true_share_read_with_noise(world) -> None:
    truth, table = read_audience(world.folder), world.table("audiences")
    row = table["account_id"].str.removeprefix("acc_").astype(int).to_numpy()
    true = np.full(len(table), np.nan)
    for name, buckets, shares in truth.shares(np.arange(truth.profiles.n)):
        mine = (table["dimension"] == name).to_numpy()
        bucket = pd.Index(buckets).get_indexer(table["bucket"][mine])
        true[mine] = shares[row[mine], bucket]
    assert np.isfinite(true).all()
    error = np.log((table["share"] + 0.0005) / true)[true > 0.1]
    assert abs(error.mean()) < 0.01
    assert 0.03 < error.std() < 0.1
    sums = table.groupby(["account_id", "as_of", "dimension"])["share"].sum()
    assert sums.max() <= 1 + 1e-9
    assert sums.xs("age", level="dimension").min() > 0.97
    assert {"en", "vi"} == set(table.loc[table["dimension"] == "language", "bucket"])
    assert not ((table["bucket"] == "other") & (table["dimension"] != "gender")).any()
    readings = table.groupby("account_id")["as_of"].nunique()
    assert 0.5 < len(readings) / truth.profiles.n < 0.7
    assert 0.3 < (readings == 2).mean() < 0.5


def test_audiences_of_vietnamese_creators_live_where_they_are_known_to(world) -> None:
    truth = read_audience(world.folder)
    home = world.table("influencers").set_index("influencer_id")["country"]
    accounts = world.table("accounts")
    is_vn = np.flatnonzero((accounts["influencer_id"].map(home) == "VN").to_numpy())
    shares = {name: values for name, _, values in truth.shares(is_vn)}
    at_home = shares["country"][:, 0]
    assert 0.85 < at_home.mean() < 0.97
    assert 0.25 < (shares["city"][:, 0] / at_home).mean() < 0.35
    assert 0.18 < (shares["city"][:, 1] / at_home).mean() < 0.25


def test_pairs_of_one_niche_overlap_more_than_others(world) -> None:
    truth = read_audience(world.folder)
    market = read_truth(world.folder).market
    person = market.people.person
    accounts = world.table("accounts").assign(
        row=np.arange(len(person)),
        country=market.people.country[person],
        niche=market.vocabulary.category_of[market.people.main_sub[person]],
    )
    big = accounts[truth.profiles.size[accounts["row"]] >= 10_000]
    pairs = big.merge(big, on=["platform", "country"], suffixes=("", "_2"))
    pairs = pairs[pairs["row"] < pairs["row_2"]]
    mean = {}
    for is_same in (True, False):
        some = pairs[(pairs["niche"] == pairs["niche_2"]) == is_same]
        some = some.sample(min(len(some), 500), random_state=0)
        mean[is_same] = truth.overlap(some["row"].to_numpy(), some["row_2"].to_numpy()).mean()
    assert 0.10 < mean[True] < 0.30
    assert 0.01 < mean[False] < 0.08
