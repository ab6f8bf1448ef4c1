"""Typed edits of a brief, of an influencer's account, and of the market."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from matcher.columns import DIMENSIONS, FORMATS, PLATFORMS
from matcher.config import CheckedModel
from matcher.market.brief import LANGUAGE, Brief

__all__ = [
    "EDITS",
    "BriefEdit",
    "Edit",
    "InfluencerEdit",
    "MarketEdit",
    "NewAccount",
]

Factor = Annotated[float, Field(gt=0.0, le=100.0, allow_inf_nan=False)]
"""Factors of a hypothetical change; a hundredfold one is a slip of the pen."""


def _words(value: Any) -> Any:
    if value is None:
        return None
    return (value,) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...] | None, BeforeValidator(_words)]


class BriefEdit(CheckedModel):
    """Other terms of the brief; what is left out stays, and null takes a term away.

    Values are checked when they stand in the brief, by the same rules as any brief. A budget has
    to be above 0: without one, no price is too high, which is asked for by null.
    """

    kind: Literal["brief"] = "brief"
    title: str | None = None
    brief: str | None = None
    brief_language: str | None = Field(None, pattern=LANGUAGE)
    objective: str | None = None
    kpi: str | None = None
    kpi_goal: float | None = None
    platforms: Words = None
    formats: Words = None
    countries: Words = None
    creator_languages: Words = None
    n_creators: int | None = None
    n_posts: int | None = None
    audience_age: Words = None
    audience_interests: Words = None
    audience_gender: str | None = None
    budget: float | None = Field(None, gt=0, allow_inf_nan=False)
    currency: str | None = None
    timezone: str | None = None
    must_have: Words = None
    never: Words = None
    starts_on: dt.date | None = None
    ends_on: dt.date | None = None
    brand_category: str | None = None
    competitor_ids: Words = None

    @model_validator(mode="after")
    def _changes_something(self) -> BriefEdit:
        if not self.changes:
            known = ", ".join(name for name in type(self).model_fields if name != "kind")
            raise ValueError(f"changes nothing; give at least one of {known}")
        return self

    @property
    def changes(self) -> dict[str, Any]:
        """New values by field of the brief, for the fields that were given."""
        given = sorted(self.model_fields_set - {"kind"})
        return {
            name: () if (value := getattr(self, name)) is None and _is_list(name) else value
            for name in given
        }


def _is_list(name: str) -> bool:
    return bool(Brief.model_fields[name].get_default() == ())


class InfluencerEdit(CheckedModel):
    """Another account: its price, formats, cadence, audience, engagement or followers.

    `price_factor` multiplies all its prices that are in force, `price` replaces them; `formats`
    are offered besides those it has; `cadence_factor` says how many times as often it posts, and
    `engagement_factor` what multiplies every counter of its posts, both as if always; `audience`
    replaces the shares of the dimensions named. Followers are no lever, and are there to be asked
    about.
    """

    kind: Literal["influencer"] = "influencer"
    account_id: str = Field(min_length=1)
    price: float | None = Field(None, gt=0, allow_inf_nan=False)
    """Price of one post, in `currency`."""
    currency: str | None = Field(None, pattern=r"^[A-Z]{3}$")
    """ISO 4217; that of the brief when left out."""
    price_factor: Factor | None = None
    formats: Words = None
    cadence_factor: Factor | None = None
    audience: Mapping[str, Mapping[str, float]] | None = None
    """Shares by bucket, by dimension."""
    engagement_factor: Factor | None = None
    followers_factor: Factor | None = None

    @field_validator("formats")
    @classmethod
    def _known_formats(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in value or ():
            if name not in FORMATS:
                raise ValueError(f"{name!r} is unknown; expected one of {', '.join(FORMATS)}")
        return value

    @field_validator("audience")
    @classmethod
    def _shares(
        cls, value: Mapping[str, Mapping[str, float]] | None
    ) -> Mapping[str, Mapping[str, float]] | None:
        for dimension, shares in (value or {}).items():
            if dimension not in DIMENSIONS:
                raise ValueError(
                    f"{dimension!r} is unknown; expected one of {', '.join(DIMENSIONS)}"
                )
            total = sum(shares.values())
            if not shares or min(shares.values()) < 0 or total > 1.000001:
                raise ValueError(
                    f"shares of {dimension} are {dict(shares)}; expected shares from 0 on that "
                    "sum to 1 at most"
                )
        return value

    @model_validator(mode="after")
    def _consistent(self) -> InfluencerEdit:
        if self.price is not None and self.price_factor is not None:
            raise ValueError("`price` and `price_factor` contradict each other; give one of them")
        if not self.model_fields_set - {"kind", "account_id", "currency"}:
            raise ValueError(
                "changes nothing; give price, price_factor, formats, cadence_factor, audience, "
                "engagement_factor or followers_factor"
            )
        return self


class NewAccount(CheckedModel):
    """An account that the market does not hold yet, with what is known of it.

    Its posts are `n_posts` with the text given, evenly spread over the 90 days before the brief is
    seen, each with the engagements and views given.
    """

    account_id: str = Field(min_length=1, max_length=256)
    platform: str
    display_name: str | None = None
    handle: str | None = None
    country: str | None = Field(None, pattern=r"^[A-Z]{2}$")
    languages: Words = None
    bio: str | None = None
    text: str = Field(min_length=1)
    """What its posts say."""
    format: str | None = None
    language: str | None = Field(None, pattern=LANGUAGE)
    n_posts: int = Field(12, ge=1, le=1_000)
    n_followers: float | None = Field(None, ge=0, allow_inf_nan=False)
    engagements: float | None = Field(None, ge=0, allow_inf_nan=False)
    """Likes, comments and shares of a post; held as likes."""
    views: float | None = Field(None, ge=0, allow_inf_nan=False)
    price: float | None = Field(None, gt=0, allow_inf_nan=False)
    currency: str | None = Field(None, pattern=r"^[A-Z]{3}$")

    @model_validator(mode="after")
    def _known_words(self) -> NewAccount:
        for value, known in ((self.platform, PLATFORMS), (self.format, FORMATS)):
            if value is not None and value not in known:
                raise ValueError(f"{value!r} is unknown; expected one of {', '.join(known)}")
        if self.price is not None and self.currency is None:
            raise ValueError("`price` has no `currency`; add its ISO 4217 code, such as VND")
        return self


class MarketEdit(CheckedModel):
    """Another market: who is free, what platforms reach, and who is there.

    `unavailable` accounts are busy all through the flight; `hired_by_rival` binds the people
    behind accounts to another brand alone. `platform_reach` multiplies what posts on a platform
    bring **from now on**; with ``as_if_always`` the counters of all its earlier posts instead, so
    that the model sees a platform that always was so. `new_accounts` join.
    """

    kind: Literal["market"] = "market"
    unavailable: Words = None
    hired_by_rival: Words = None
    platform_reach: Mapping[str, float] | None = None
    as_if_always: bool = False
    new_accounts: tuple[NewAccount, ...] | None = None

    @field_validator("platform_reach")
    @classmethod
    def _factors(cls, value: Mapping[str, float] | None) -> Mapping[str, float] | None:
        for name, factor in (value or {}).items():
            if name not in PLATFORMS:
                raise ValueError(f"{name!r} is unknown; expected one of {', '.join(PLATFORMS)}")
            if not 0 < factor <= 100:
                raise ValueError(f"factor of {name} is {factor}; expected above 0, 100 at most")
        return value

    @model_validator(mode="after")
    def _changes_something(self) -> MarketEdit:
        held = (self.unavailable, self.hired_by_rival, self.platform_reach, self.new_accounts)
        if not any(held):
            raise ValueError(
                "changes nothing; give unavailable, hired_by_rival, platform_reach or new_accounts"
            )
        if self.as_if_always and not self.platform_reach:
            raise ValueError("`as_if_always` goes with `platform_reach`; give both or none")
        ids = [one.account_id for one in self.new_accounts or ()]
        if len(set(ids)) != len(ids):
            raise ValueError("`new_accounts` names an account twice; give each its own id")
        return self


Edit = BriefEdit | InfluencerEdit | MarketEdit
EDITS: Final[Mapping[str, type[Edit]]] = {
    "brief": BriefEdit,
    "influencer": InfluencerEdit,
    "market": MarketEdit,
}
"""Edits by kind."""
