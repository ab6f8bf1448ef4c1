"""What became of each invitation: answers, fees, posts and dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from matcher.world.buyers import N_DAYS
from matcher.world.hiring import Hiring
from matcher.world.interventions import Setting
from matcher.world.people import People
from matcher.world.streams import stream
from matcher.world.terms import agreed_fee_ratio, agreed_format, fee_of_post

__all__ = ["STATUS_NAMES", "Deals", "Schedule", "simulate_deals"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Masks = npt.NDArray[np.bool_]

STATUS_NAMES: Final = ("declined", "cancelled", "accepted", "completed")
_NOTICE: Final = 5.0
"""Days between the decision and the first post at the earliest."""
_PATIENCE: Final = 75.0
"""Days after which a post that is not due by itself is asked for."""
_YEARS_KEY: Final = 10_000.0
"""More days than any market has, so that account and day make one number."""


@dataclass(frozen=True, eq=False)
class Deals:
    """Invitations of past campaigns; arrays of shape (n_deals,)."""

    campaign: Ints
    account: Ints
    fit: Floats
    repeats: Floats
    status: Ints
    """Index into `STATUS_NAMES`."""
    status_day: Floats
    outcome_day: Floats
    """NaN where the outcome is never known."""
    form: Ints
    n_agreed: Ints
    n_delivered: Ints
    fee: Floats
    """VND; NaN where unknown."""


@dataclass(frozen=True, eq=False)
class Schedule:
    """When everyone posts, sorted by account and time; arrays of shape (n_posts,)."""

    account: Ints
    day: Floats
    deal: Ints
    """Deal that the post is made for; -1 for none."""
    number: Ints
    """Number of the post within its deal, from 0; 0 without a deal."""


def simulate_deals(setting: Setting, hiring: Hiring) -> tuple[Deals, Schedule]:
    """Answers to invitations, and the posts that follow.

    A campaign post takes a place that the account's own schedule holds anyway, rather than
    adding one: how often somebody posts must say nothing about being hired.

    Parameters
    ----------
    setting : Setting
        People, campaigns, knobs and seed.
    hiring : Hiring
        Who was invited, and who accepts.

    Returns
    -------
    Deals
        One row per invitation.
    Schedule
        All posts, campaign posts among them.
    """
    people, campaigns, seed = setting.people, setting.campaigns, setting.seed
    rng = stream(seed, "deals-outcome")
    rows = np.flatnonzero(hiring.chosen)
    campaign, account = hiring.campaign[rows], hiring.account[rows]
    n = len(rows)
    decided = campaigns.decided[campaign]
    accepted = hiring.accepted[rows]
    works = accepted & (rng.random(n) >= 0.03)
    n_agreed = campaigns.n_posts[campaign]
    schedule, last = _place_posts(people, account, decided, np.where(works, n_agreed, 0), seed)
    completed_day = last + rng.uniform(2, 6, n)
    outcome_day = last + 15 + rng.uniform(0, 6, n)
    done = works & (completed_day < N_DAYS)
    early = decided + rng.uniform(0.5, 3.5, n)
    status = np.where(~accepted, 0, np.where(~works, 1, np.where(done, 3, 2)))
    is_measured = done & (outcome_day < N_DAYS) & (rng.random(n) < 0.97)
    form = agreed_format(setting, campaign, account)
    price = fee_of_post(people, account, form, decided) * n_agreed
    price = price * agreed_fee_ratio(setting, campaign, account)
    is_paid = works & (rng.random(n) < 0.9)
    deals = Deals(
        campaign=campaign,
        account=account,
        fit=hiring.fit[rows],
        repeats=hiring.repeats[rows],
        status=status,
        status_day=np.where(done, completed_day, early),
        outcome_day=np.where(is_measured, outcome_day, np.nan),
        form=form,
        n_agreed=n_agreed,
        n_delivered=np.where(done, n_agreed, 0),
        fee=np.where(is_paid, price, np.nan),
    )
    return deals, schedule


def _place_posts(
    people: People, account: Ints, decided: Floats, n_posts: Ints, seed: int
) -> tuple[Schedule, Floats]:
    """Schedule of all posts, and the day of each deal's last post (infinite when to come)."""
    rng = stream(seed, "schedule")
    own = np.repeat(np.arange(people.n_accounts), people.n_posts)
    start = people.start_day[own]
    day = start + rng.random(len(own)) * (N_DAYS - start)
    order = np.lexsort((day, own))
    day = day[order]
    deal = np.repeat(np.arange(len(account)), n_posts)
    deal = deal[np.lexsort((deal, decided[deal], account[deal]))]
    who, from_day = account[deal], decided[deal] + _NOTICE
    key = own * _YEARS_KEY + day
    slot = np.searchsorted(key, who * _YEARS_KEY + from_day)
    # The next free place: each campaign post moves on past those of earlier campaigns.
    step = np.arange(len(slot))
    slot = np.maximum.accumulate(slot - step) + step if len(slot) else slot
    fits = slot < len(own)
    fits[fits] = own[slot[fits]] == who[fits]
    asked = from_day + rng.uniform(1, 30, len(slot))
    due = np.full(len(slot), np.inf)
    due[fits] = day[slot[fits]]
    is_late = fits & (due - from_day > _PATIENCE) & (asked < N_DAYS)
    due = np.where(is_late, asked, due)
    day[slot[fits]] = due[fits]
    made_for = np.full(len(own), -1)
    made_for[slot[fits]] = deal[fits]
    number = np.zeros(len(own), dtype=np.int64)
    number[slot[fits]] = _number_within(deal)[fits]
    last = np.full(len(account), -np.inf)
    np.maximum.at(last, deal, due)
    order = np.lexsort((day, own))
    return Schedule(own, day[order], made_for[order], number[order]), last


def _number_within(deal: Ints) -> Ints:
    """Number of each post among those of its deal, which stand in any order."""
    order = np.argsort(deal, kind="stable")
    ranked = deal[order]
    first = np.searchsorted(ranked, ranked)
    number = np.empty(len(deal), dtype=np.int64)
    number[order] = np.arange(len(deal)) - first
    return number
