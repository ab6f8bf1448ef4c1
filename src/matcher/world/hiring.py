"""Who was hired: a stochastic buyer with known inclusion probabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Final, TypedDict

import numpy as np
import numpy.typing as npt

from matcher.columns import KINDS, OBJECTIVES
from matcher.world.buyers import N_DAYS, Brands, Campaigns
from matcher.world.engagement import fit_of_campaign
from matcher.world.knobs import WorldKnobs
from matcher.world.people import People
from matcher.world.streams import stream
from matcher.world.vocabulary import Vocabulary

__all__ = ["Hiring", "inclusion_probabilities", "sample_fixed_size", "simulate_hiring"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Masks = npt.NDArray[np.bool_]

_RIVAL_DAYS = 90.0
_ROWS = 1_048_576
"""Decisions in one row group of a file."""
_APPEAL: Final[dict[str, dict[str, float]]] = {
    "awareness": {"celebrity": 1.0, "virtual": 0.3},
    "engagement": {"creator": 0.2, "koc": 0.3},
    "traffic": {"koc": 0.3},
    "leads": {"kol": 0.5, "koc": 0.3},
    "sales": {"koc": 1.0, "celebrity": -0.5, "kol": -0.3},
    "trust": {"kol": 0.8, "employee": 0.3, "customer": 0.5, "celebrity": -0.3},
}
"""What kinds of influencer buyers prefer for an objective (trade literature; sizes assumed)."""
_KIND_APPEAL: Final = np.array(
    [[_APPEAL[objective].get(kind, 0.0) for kind in KINDS] for objective in OBJECTIVES]
)


@dataclass(frozen=True, eq=False)
class Hiring:
    """The log of decisions: one row per campaign and longlisted account."""

    campaign: Ints
    account: Ints
    utility: Floats
    probability: Floats
    """Inclusion probability of being invited, 0..1; NaN for open campaigns."""
    score: Floats
    """What the buyer's records say: the utility without what no table shows."""
    recorded: Floats
    """Inclusion probability according to those records; NaN for open campaigns."""
    chosen: Masks
    willing: Floats
    """Probability of accepting an invitation, 0..1."""
    accepted: Masks
    fit: Floats
    repeats: Floats
    """Earlier hires by the same brand."""
    deals: Ints
    """Shape (n_deals, 2): person and brand with a partnership from before, outside campaigns."""

    def pieces(self) -> Iterator[Hiring]:
        """Consecutive rows of the log, so that no table of all of them need be held.

        Yields
        ------
        Hiring
            One or more; the only one of an empty log is empty.
        """
        logged = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "deals"}
        for first in range(0, max(len(self.campaign), 1), _ROWS):
            rows = slice(first, first + _ROWS)
            yield replace(self, **{name: held[rows] for name, held in logged.items()})


@dataclass(eq=False)
class _Memory:
    """What buyers remember while campaigns are decided one after another."""

    hires: npt.NDArray[np.float32]
    last_day: npt.NDArray[np.float32]
    recent: npt.NDArray[np.float32]
    """Hires per person, fading by half in 30 days."""
    today: float = 0.0

    def advance(self, day: float) -> None:
        """Let time pass until a day."""
        self.recent *= np.float32(0.5 ** (max(day - self.today, 0.0) / 30.0))
        self.today = max(day, self.today)


def inclusion_probabilities(utility: Floats, size: int) -> Floats:
    """Inclusion probabilities of a race with rates ``exp(utility)`` stopped at `size`.

    The time at which the race stops is taken at its expectation, so that the probabilities sum
    to `size` exactly; sampling then keeps to them exactly (see `sample_fixed_size`).

    Parameters
    ----------
    utility : ndarray of float, shape (n,)
        Log rates.
    size : int
        Accounts to be drawn, fewer than n.

    Returns
    -------
    ndarray of float, shape (n,)
        Probabilities in (0, 1], summing to `size`.
    """
    rate = np.exp(utility - utility.max())
    low, high = -30.0, 60.0
    for _ in range(80):
        middle = 0.5 * (low + high)
        if -np.expm1(-np.exp(middle) * rate).sum() < size:
            low = middle
        else:
            high = middle
    found = -np.expm1(-np.exp(high) * rate)
    return np.asarray(np.clip(found * (size / found.sum()), 1e-12, 1.0))


def sample_fixed_size(probability: Floats, rng: np.random.Generator) -> Masks:
    """Draw a set of fixed size that keeps given inclusion probabilities exactly.

    Randomised systematic sampling: items in random order on a line, as long as their
    probability, hit by a comb with teeth one apart.

    Parameters
    ----------
    probability : ndarray of float, shape (n,)
        Inclusion probabilities, summing to a whole number.
    rng : numpy.random.Generator
        Source of draws.

    Returns
    -------
    ndarray of bool, shape (n,)
        Drawn items.
    """
    order = rng.permutation(len(probability))
    edges = np.concatenate([[0.0], np.cumsum(probability[order])]) + rng.random()
    drawn = np.zeros(len(probability), dtype=bool)
    drawn[order] = np.diff(np.floor(edges)) > 0
    return drawn


def simulate_hiring(
    people: People,
    brands: Brands,
    campaigns: Campaigns,
    knobs: WorldKnobs,
    vocabulary: Vocabulary,
    *,
    seed: int,
    progress: Callable[[str, int, int], None],
) -> Hiring:
    """Decide all campaigns in order of time.

    Parameters
    ----------
    people : People
        Who can be hired.
    brands : Brands
        Who hires.
    campaigns : Campaigns
        What they ask for, in order of decision.
    knobs : WorldKnobs
        Weights of the buyers.
    vocabulary : Vocabulary
        Topics in use.
    seed : int
        Seed of the world.
    progress : callable
        Told the step, campaigns done and campaigns in all.

    Returns
    -------
    Hiring
        Decisions; open campaigns have pairs, but nobody is chosen.
    """
    deals = _draw_deals(people, brands, vocabulary, seed)
    shape = (people.n, brands.n)
    memory = _Memory(
        np.zeros(shape, np.float32),
        np.full(shape, -1e6, np.float32),
        np.zeros(people.n, np.float32),
    )
    memory.hires[deals[:, 0], deals[:, 1]] = 1
    parts = [_no_part()]
    for c in range(campaigns.n):
        rng = stream(seed, "hiring", c)
        parts.append(_decide(c, people, brands, campaigns, memory, knobs, vocabulary, rng))
        progress("hiring", c + 1, campaigns.n)
    return Hiring(
        campaign=np.concatenate([part["campaign"] for part in parts]),
        account=np.concatenate([part["account"] for part in parts]),
        utility=np.concatenate([part["utility"] for part in parts]),
        probability=np.concatenate([part["probability"] for part in parts]),
        score=np.concatenate([part["score"] for part in parts]),
        recorded=np.concatenate([part["recorded"] for part in parts]),
        chosen=np.concatenate([part["chosen"] for part in parts]),
        willing=np.concatenate([part["willing"] for part in parts]),
        accepted=np.concatenate([part["accepted"] for part in parts]),
        fit=np.concatenate([part["fit"] for part in parts]),
        repeats=np.concatenate([part["repeats"] for part in parts]),
        deals=deals,
    )


class _Part(TypedDict):
    """Decisions of one campaign."""

    campaign: Ints
    account: Ints
    utility: Floats
    probability: Floats
    score: Floats
    recorded: Floats
    chosen: Masks
    willing: Floats
    accepted: Masks
    fit: Floats
    repeats: Floats


def _no_part() -> _Part:
    whole, real, flag = np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.bool_)
    return {
        "campaign": whole,
        "account": whole,
        "utility": real,
        "probability": real,
        "score": real,
        "recorded": real,
        "chosen": flag,
        "willing": real,
        "accepted": flag,
        "fit": real,
        "repeats": real,
    }


def _draw_deals(people: People, brands: Brands, vocabulary: Vocabulary, seed: int) -> Ints:
    """Long-standing partnerships: about one person in three has one, near their topic."""
    rng = stream(seed, "deals")
    person = np.flatnonzero(rng.random(people.n) < 0.35)
    person = np.repeat(person, 1 + (rng.random(len(person)) < 0.3))
    category = vocabulary.category_of[people.main_sub[person]]
    near = vocabulary.related[category][:, brands.category]
    score = 2.5 * (category[:, None] == brands.category[None, :]) + 1.0 * near
    foreign = (people.country[person] == 0)[:, None] != brands.in_vietnam[None, :]
    score = score - 3.0 * foreign + rng.gumbel(size=score.shape)
    pairs = np.column_stack([person, score.argmax(axis=1)])
    return np.unique(pairs, axis=0).astype(np.int64)


def _decide(
    c: int,
    people: People,
    brands: Brands,
    campaigns: Campaigns,
    memory: _Memory,
    knobs: WorldKnobs,
    vocabulary: Vocabulary,
    rng: np.random.Generator,
) -> _Part:
    eligible = np.flatnonzero(_eligible(c, people, campaigns))
    if len(eligible) > knobs.longlist:
        eligible = np.sort(rng.choice(eligible, knobs.longlist, replace=False))
    who = people.person[eligible]
    brand = int(campaigns.brand[c])
    day = float(campaigns.decided[c])
    fit = fit_of_campaign(int(campaigns.sub[c]), int(campaigns.second_sub[c]), people, vocabulary)[
        who
    ]
    memory.advance(day)
    score = _utility(c, eligible, fit, people, brands, campaigns, memory, knobs)
    utility = score + knobs.weight_hidden * people.fame[who]
    repeats = memory.hires[who, brand].astype(np.float64)
    size = min(int(campaigns.n_creators[c]), len(eligible) // 3)
    probability = np.full(len(eligible), np.nan)
    recorded = probability
    chosen = np.zeros(len(eligible), dtype=bool)
    if size > 0 and day < N_DAYS:
        probability, recorded = (_inclusion(u, size, knobs) for u in (utility, score))
        chosen = sample_fixed_size(probability, rng)
    willing = 1 / (1 + np.exp(-(2.3 + 0.5 * people.reliability[who])))
    accepted = chosen & (rng.random(len(eligible)) < willing)
    memory.hires[who[accepted], brand] += 1
    memory.last_day[who[accepted], brand] = day
    np.add.at(memory.recent, who[accepted], np.float32(1))
    return {
        "campaign": np.full(len(eligible), c),
        "account": eligible,
        "utility": utility,
        "probability": probability,
        "score": score,
        "recorded": recorded,
        "chosen": chosen,
        "willing": willing,
        "accepted": accepted,
        "fit": fit,
        "repeats": repeats,
    }


def _inclusion(utility: Floats, size: int, knobs: WorldKnobs) -> Floats:
    if knobs.policy == "stochastic":
        return inclusion_probabilities(utility, size)
    first = np.argsort(-utility, kind="stable")[:size]
    probability = np.zeros(len(utility))
    probability[first] = 1.0
    return probability


def _eligible(c: int, people: People, campaigns: Campaigns) -> Masks:
    who = people.person
    reached = campaigns.platforms[c][people.platform]
    reached &= campaigns.countries[c][people.country[who]]
    reached &= campaigns.speaks[c][people.language[who]]
    reached &= people.price * campaigns.n_posts[c] <= 0.6 * campaigns.budget[c]
    return np.asarray(reached)


def _utility(
    c: int,
    accounts: Ints,
    fit: Floats,
    people: People,
    brands: Brands,
    campaigns: Campaigns,
    memory: _Memory,
    knobs: WorldKnobs,
) -> Floats:
    who = people.person[accounts]
    brand = int(campaigns.brand[c])
    day = float(campaigns.decided[c])
    tau = min(day / N_DAYS, 1.0)
    kin = np.flatnonzero(brands.owner == brands.owner[brand])
    rivals = np.flatnonzero(brands.rivals[brand])
    own = np.tanh(memory.hires[who, brand]) + 0.3 * np.tanh(
        memory.hires[np.ix_(who, kin)].sum(axis=1)
    )
    with_rival = np.zeros(len(who))
    if len(rivals):
        last = memory.last_day[np.ix_(who, rivals)].max(axis=1)
        with_rival = (day - last < _RIVAL_DAYS).astype(np.float64)
    gap = np.log(people.price[accounts] / campaigns.target_price[c])
    price = -np.minimum(np.where(gap > 0, (gap / 0.8) ** 2, (gap / 1.6) ** 2), 3.0)
    ages = people.audience_age[who][:, campaigns.ages[c]].sum(axis=1)
    female = people.audience_female[who]
    share = {-1: 0.5, 0: 1 - female, 1: female}[int(campaigns.gender[c])]
    audience = np.log(np.maximum(ages * share, 0.02) / 0.25)
    level = people.level_at(accounts, tau) - 1.5 * people.fake_share[accounts]
    language = int(campaigns.brief_language[c])
    speaks = (people.language[who] == language) | (people.language[who] == 2)
    # A threshold below and saturation above: not the shape a tree or a linear learner assumes.
    topical = np.tanh(1.5 * np.maximum(fit - 0.05, 0.0)) / np.tanh(1.5)
    return np.asarray(
        knobs.weight_fit * topical
        + knobs.weight_relation * own
        - knobs.weight_rival * with_rival
        - knobs.weight_busy * memory.recent[who]
        + knobs.weight_price * price
        + knobs.weight_audience * audience
        + knobs.weight_engagement * level / 0.6
        + knobs.weight_reliability * people.reliability[who]
        + knobs.weight_language * speaks
        + knobs.weight_tone * 2.0 * people.tone[who, campaigns.tone[c]]
        + knobs.weight_kind * _KIND_APPEAL[campaigns.objective[c], people.kind[who]],
        dtype=np.float64,
    )
