"""Brands and what their campaigns ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from matcher.columns import OBJECTIVES
from matcher.world.knobs import WorldKnobs
from matcher.world.people import FX_VND, N_TONES, PLATFORM_NAMES
from matcher.world.streams import stream
from matcher.world.vocabulary import AGE_CENTRE, FEMALE_SHARE, NICHE_PRICE, Vocabulary

__all__ = ["N_DAYS", "Brands", "Campaigns", "simulate_brands", "simulate_campaigns"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Masks = npt.NDArray[np.bool_]

N_DAYS: Final = 730.0
"""Days of history; day 0 is the first, campaigns and readings are dated in days since it."""

_HEAD_VN: Final = (
    "An", "Bảo", "Cát", "Diệp", "Gia", "Hạ", "Khang", "Lam", "Minh", "Nhã", "Phúc", "Sen",
    "Tâm", "Thiên", "Vĩnh", "Xuân",
)  # fmt: skip
_TAIL_VN: Final = ("Nhiên", "Lạc", "Sơn", "Vy", "Thịnh", "Mộc", "Hòa", "Tường", "Khuê", "Phát")
_HEAD_EN: Final = (
    "Alder", "Bram", "Cinder", "Dova", "Ember", "Fern", "Glen", "Hollo", "Iris", "Juno", "Kelp",
    "Luma", "Mira", "Nova", "Orin", "Pell",
)  # fmt: skip
_TAIL_EN: Final = ("vale", "wick", "ora", "stead", "lyn", "mont", "haven", "quill", "ridge", "by")
_TIER_FOLLOWERS: Final = np.array([5e3, 2.5e4, 1.2e5, 6e5])
"""Followers that buyers have in mind (assumed)."""
_TIER_WEIGHTS: Final = (0.35, 0.4, 0.2, 0.05)
"""How often they have each of these in mind (assumed)."""
_PLATFORM_ASKED: Final[dict[str, float]] = {
    "facebook": 0.65, "instagram": 0.70, "tiktok": 0.85, "youtube": 0.60, "x": 0.25,
    "threads": 0.25, "snapchat": 0.10, "linkedin": 0.15, "zalo": 0.25, "blog": 0.15,
    "podcast": 0.12,
}  # fmt: skip
"""Share of campaigns that accept a platform (assumed)."""
_OBJECTIVE_WEIGHTS: Final = (0.3, 0.3, 0.12, 0.06, 0.16, 0.06)
"""Share of campaigns of each objective, in the order of `OBJECTIVES` (assumed)."""


@dataclass(frozen=True, eq=False)
class Brands:
    """Invented brands; arrays of shape (n_brands,)."""

    names: tuple[str, ...]
    category: Ints
    subs: Ints
    """Shape (n_brands, 2): sub-topics it sells in."""
    in_vietnam: Masks
    owner: Ints
    weight: Floats
    """Share of campaigns."""
    rivals: Masks
    """Shape (n_brands, n_brands): same category, other owner, same market."""

    @property
    def n(self) -> int:
        """Number of brands."""
        return len(self.names)


@dataclass(frozen=True, eq=False)
class Campaigns:
    """What campaigns ask for; arrays of shape (n_campaigns,), in order of decision."""

    brand: Ints
    sub: Ints
    second_sub: Ints
    objective: Ints
    brief_language: Ints
    """0 Vietnamese, 1 English, 2 both."""
    platforms: Masks
    """Shape (n_campaigns, 11)."""
    countries: Masks
    """Shape (n_campaigns, 5)."""
    speaks: Masks
    """Shape (n_campaigns, 3): writers of Vietnamese, of English, of both."""
    n_creators: Ints
    n_posts: Ints
    target_price: Floats
    """Price of one post that the buyer has in mind, VND."""
    budget: Floats
    """VND."""
    ages: Masks
    """Shape (n_campaigns, 6)."""
    gender: Ints
    """-1 any, 0 male, 1 female."""
    tone: Ints
    decided: Floats
    """Days since day 0; beyond `N_DAYS` when still open."""
    has_date: Masks

    @property
    def n(self) -> int:
        """Number of campaigns."""
        return len(self.brand)

    @property
    def is_open(self) -> Masks:
        """Whether the decision is still to come."""
        return np.asarray(self.decided >= N_DAYS)


def simulate_brands(n: int, knobs: WorldKnobs, vocabulary: Vocabulary, *, seed: int) -> Brands:
    """Draw invented brands with owners and rivals.

    Parameters
    ----------
    n : int
        Brands, 1 or more.
    knobs : WorldKnobs
        The world.
    vocabulary : Vocabulary
        Topics in use.
    seed : int
        Seed of the world.

    Returns
    -------
    Brands
        Brands.
    """
    rng = stream(seed, "brands")
    n_categories = len(vocabulary.categories)
    category = rng.permutation(np.arange(n) % n_categories)
    within = [np.flatnonzero(vocabulary.category_of == c) for c in range(n_categories)]
    subs = np.array([rng.choice(within[c], 2, replace=False) for c in category])
    in_vietnam = rng.random(n) < knobs.share_vietnamese
    owner = rng.integers(0, max(1, round(0.65 * n)), n)
    rivals = category[:, None] == category[None, :]
    rivals &= owner[:, None] != owner[None, :]
    rivals &= in_vietnam[:, None] == in_vietnam[None, :]
    weight = rng.gamma(3.0, size=n)
    return Brands(
        names=_draw_names(in_vietnam, rng),
        category=category,
        subs=subs,
        in_vietnam=in_vietnam,
        owner=owner,
        weight=weight / weight.sum(),
        rivals=rivals,
    )


def _draw_names(in_vietnam: Masks, rng: np.random.Generator) -> tuple[str, ...]:
    vietnamese = [f"{a} {b}" for a in _HEAD_VN for b in _TAIL_VN]
    english = [f"{a}{b}" for a in _HEAD_EN for b in _TAIL_EN]
    pools = {True: rng.permutation(vietnamese), False: rng.permutation(english)}
    used = {True: 0, False: 0}
    names = []
    for flag in in_vietnam.tolist():
        k = used[flag]
        used[flag] += 1
        pool = pools[flag]
        suffix = "" if k < len(pool) else f" {k // len(pool) + 1}"
        names.append(str(pool[k % len(pool)]) + suffix)
    return tuple(names)


def simulate_campaigns(
    n: int, brands: Brands, knobs: WorldKnobs, vocabulary: Vocabulary, *, seed: int
) -> Campaigns:
    """Draw what each campaign asks for.

    Parameters
    ----------
    n : int
        Campaigns, 0 or more.
    brands : Brands
        Who asks.
    knobs : WorldKnobs
        The world.
    vocabulary : Vocabulary
        Topics in use.
    seed : int
        Seed of the world.

    Returns
    -------
    Campaigns
        Campaigns in order of decision, open ones last.
    """
    rng = stream(seed, "campaigns")
    brand = rng.choice(brands.n, size=n, p=brands.weight)
    sub = brands.subs[brand, rng.integers(0, 2, n)]
    category = vocabulary.category_of[sub]
    second_sub = _draw_second(sub, vocabulary, rng)
    in_vietnam = brands.in_vietnam[brand]
    countries, speaks = _draw_places(in_vietnam, rng)
    n_creators = rng.integers(knobs.n_creators_low, knobs.n_creators_high + 1, n)
    n_posts = 1 + (rng.random(n) < 0.45)
    niche = vocabulary.per_category(NICHE_PRICE, 1.0)[category]
    scale = _TIER_FOLLOWERS[rng.choice(4, size=n, p=_TIER_WEIGHTS)] / 1e4
    price = np.where(in_vietnam, 1.8e6 * scale**0.75, 50 * FX_VND * scale**0.95) * niche
    ages, gender = _draw_audience(category, vocabulary, rng)
    decided, has_date = _draw_decided(n, knobs, rng)
    language = np.where(in_vietnam, 0, 1)
    odd = rng.random(n)
    language = np.where(odd < 0.06, 2, np.where(odd < 0.13, 1, language))
    both = (knobs.share_vietnamese > 0) & in_vietnam
    return Campaigns(
        brand=brand,
        sub=sub,
        second_sub=second_sub,
        objective=rng.choice(len(OBJECTIVES), size=n, p=_OBJECTIVE_WEIGHTS),
        brief_language=np.where(both, language, 1),
        platforms=_draw_platforms(n, rng),
        countries=countries,
        speaks=speaks,
        n_creators=n_creators,
        n_posts=n_posts,
        target_price=price,
        budget=price * n_creators * n_posts * rng.uniform(1.2, 1.8, n),
        ages=ages,
        gender=gender,
        tone=rng.integers(0, N_TONES, n),
        decided=decided,
        has_date=has_date,
    )


def _draw_second(sub: Ints, vocabulary: Vocabulary, rng: np.random.Generator) -> Ints:
    """Second sub-topic of a brief: next to the first, in its category or in what goes with it."""
    same = vocabulary.category_of[sub][:, None] == vocabulary.category_of[None, :]
    score = np.where(same, 0.0, -np.inf)
    score = np.where(vocabulary.kin[sub], 0.4, score)
    score[np.arange(len(sub)), sub] = -np.inf
    return np.asarray((score + rng.gumbel(size=score.shape)).argmax(axis=1))


def _draw_places(in_vietnam: Masks, rng: np.random.Generator) -> tuple[Masks, Masks]:
    n = len(in_vietnam)
    is_wide = rng.random(n) < 0.2
    countries = np.zeros((n, 5), dtype=bool)
    countries[:, 0] = in_vietnam | is_wide
    countries[:, 1:] = (~in_vietnam | is_wide)[:, None]
    speaks = np.ones((n, 3), dtype=bool)
    speaks[:, 1] = ~in_vietnam | is_wide
    speaks[:, 0] = in_vietnam | is_wide
    return countries, speaks


def _draw_platforms(n: int, rng: np.random.Generator) -> Masks:
    asked = np.array([_PLATFORM_ASKED[name] for name in PLATFORM_NAMES])
    chosen = rng.random((n, len(PLATFORM_NAMES))) < asked
    large = np.flatnonzero(asked >= 0.6)
    few = chosen[:, large].sum(axis=1) < 2
    chosen[np.ix_(few, large)] = True
    return chosen


def _draw_audience(
    category: Ints, vocabulary: Vocabulary, rng: np.random.Generator
) -> tuple[Masks, Ints]:
    n = len(category)
    centre = vocabulary.per_category(AGE_CENTRE, 1.8)[category] + rng.normal(0, 0.7, n)
    distance = np.abs(np.arange(6) - centre[:, None])
    ages = distance < 0.9
    ages[np.arange(n), distance.argmin(axis=1)] = True
    female = vocabulary.per_category(FEMALE_SHARE, 0.5)[category]
    asked = rng.random(n) < 0.55
    return ages, np.where(asked, (rng.random(n) < female).astype(np.int64), -1)


def _draw_decided(n: int, knobs: WorldKnobs, rng: np.random.Generator) -> tuple[Floats, Masks]:
    n_open = round(knobs.share_open * n)
    n_past = n - n_open
    first = N_DAYS - 30.4 * knobs.months_of_campaigns
    past = np.sort(rng.uniform(first, N_DAYS - 4, n_past))
    coming = np.sort(rng.uniform(N_DAYS + 0.5, N_DAYS + 14, n_open))
    has_date = np.ones(n, dtype=bool)
    has_date[n_past + 1 :: 6] = False
    return np.concatenate([past, coming]), has_date
