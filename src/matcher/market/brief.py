"""The brief: a campaign's text and terms, one ranking query."""

from __future__ import annotations

import datetime as dt
import difflib
import math
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pandas as pd
from pydantic import (
    AliasChoices,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from matcher.arguments import check_type, to_path
from matcher.columns import AGE_BUCKETS, FORMATS, PLATFORMS
from matcher.config import CheckedModel, parse_model, read_mapping
from matcher.errors import ConfigError, DataError
from matcher.market.instants import is_timezone
from matcher.market.taxonomy import read_taxonomy
from matcher.markup import html_facts
from matcher.plain import encodable

if TYPE_CHECKING:
    from matcher.market.market import Market

__all__ = ["Brief", "parse_brief", "read_brief"]

_SHOWN = 300
"""Characters of a text that a notebook shows."""
LANGUAGE = r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$"


def _words(value: Any) -> Any:
    """A lone word stands for a list of one; no value stands for an empty list."""
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    return value


def _held(text: str) -> str:
    """Text in NFC without blanks around it; a lone surrogate as its escape."""
    return unicodedata.normalize("NFC", encodable(text)).strip()


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]


def _nearest(word: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(word.lower(), known, n=1)
    return f"did you mean {near[0]!r}?" if near else "expected one of " + ", ".join(known)


class Brief(CheckedModel):
    """A campaign's text and terms.

    Days (`starts_on`, `ends_on`) are days in `timezone`; money is in `currency`; a missing term
    does not restrict. Text is held in NFC.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    brief_id: str = Field(min_length=1, validation_alias=AliasChoices("brief_id", "campaign_id"))
    """Id of the brief, that of the campaign when it has one."""
    brand_id: str | None = None
    """Brand in the market; None for a brand that the market does not know."""
    brand_name: str | None = None
    """Name as people write it."""
    brand_category: str | None = None
    """Taxonomy id."""
    brand_description: str | None = None
    """What the brand sells."""
    brand_owner: str | None = None
    """Company or group that owns the brand, when known."""
    competitor_ids: Words = ()
    """Rival brands in the market."""
    title: str | None = None
    """Title of the campaign."""
    brief: str | None = None
    """The brief itself, free text."""
    brief_language: str | None = Field(None, pattern=LANGUAGE)
    """BCP 47; ``mul`` when mixed."""
    objective: Literal["awareness", "engagement", "traffic", "leads", "sales", "trust"] | None = (
        None
    )
    """What the campaign is for."""
    kpi: str | None = None
    """Name of the figure it is measured by."""
    kpi_goal: float | None = Field(None, ge=0, allow_inf_nan=False)
    """Goal of that figure."""
    platforms: Words = ()
    """Platforms it runs on; empty is any."""
    formats: Words = ()
    """Formats it asks for; empty is any."""
    countries: Words = ()
    """Markets, ISO 3166 alpha-2; empty is any."""
    creator_languages: Words = ()
    """Languages asked for, BCP 47; empty is any."""
    n_creators: int | None = Field(None, ge=1)
    """Accounts to hire."""
    n_posts: int | None = Field(None, ge=1, le=1000)
    """Posts that each account makes; None for as many as was usual."""
    audience_age: Words = ()
    """Ages aimed at, buckets of the contract."""
    audience_interests: Words = ()
    """Interests aimed at."""
    audience_gender: Literal["female", "male", "other"] | None = None
    """Gender aimed at."""
    budget: float | None = Field(None, ge=0, allow_inf_nan=False)
    """Budget in `currency`."""
    currency: str | None = Field(None, pattern=r"^[A-Z]{3}$")
    """ISO 4217."""
    timezone: str | None = None
    """IANA zone of the campaign's days."""
    must_have: Words = ()
    """Accounts that have to be hired."""
    never: Words = ()
    """Accounts that may not be hired."""
    decided_at: dt.datetime | None = None
    """Decision instant; None while open."""
    starts_on: dt.date | None = None
    """First day of the flight."""
    ends_on: dt.date | None = None
    """Last day of the flight."""

    @field_validator("*", mode="before")
    @classmethod
    def _compose(cls, value: Any) -> Any:
        if isinstance(value, str):
            return _held(value) or None
        if isinstance(value, list | tuple):
            return tuple(_held(item) if isinstance(item, str) else item for item in value)
        return value

    @field_validator("platforms", "formats", "audience_age")
    @classmethod
    def _closed_words(cls, value: tuple[str, ...], info: Any) -> tuple[str, ...]:
        known: tuple[str, ...] = {
            "platforms": PLATFORMS,
            "formats": FORMATS,
            "audience_age": AGE_BUCKETS,
        }[info.field_name]
        lowered = tuple(word.lower() for word in value)
        for word in lowered:
            if word not in known:
                raise ValueError(f"{word!r} is unknown; {_nearest(word, known)}")
        return lowered

    @field_validator("countries")
    @classmethod
    def _country_codes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for code in value:
            if not (len(code) == 2 and code.isascii() and code.isalpha()):
                raise ValueError(f"{code!r} is no ISO 3166 alpha-2 code such as VN")
        return tuple(code.upper() for code in value)

    @field_validator("brand_category")
    @classmethod
    def _known_category(cls, value: str | None) -> str | None:
        if value is not None and value not in read_taxonomy():
            raise ValueError(f"no such category; {_nearest(value, read_taxonomy().ids)}")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None and not is_timezone(value):
            raise ValueError("no IANA zone; expected one such as Asia/Ho_Chi_Minh")
        return value

    @field_validator("decided_at", mode="before")
    @classmethod
    def _no_plain_day(cls, value: Any) -> Any:
        if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
            raise ValueError("a day is no instant; write 2025-03-01T09:00:00+07:00")
        return value

    @field_validator("decided_at")
    @classmethod
    def _in_utc(cls, value: dt.datetime | None) -> dt.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("has no offset; write 2025-03-01T09:00:00+07:00")
        return value.astimezone(dt.UTC)

    @model_validator(mode="after")
    def _days_in_order(self) -> Brief:
        if self.starts_on and self.ends_on and self.starts_on > self.ends_on:
            raise ValueError(f"`starts_on` {self.starts_on} lies after `ends_on` {self.ends_on}")
        return self

    @property
    def campaign_id(self) -> str:
        """Id of the campaign, the same as `brief_id`."""
        return self.brief_id

    @property
    def text(self) -> str:
        """Title and brief, one under the other; empty when neither is given."""
        return "\n".join(part for part in (self.title, self.brief) if part)

    @property
    def decision_instant(self) -> pd.Timestamp | None:
        """`decided_at` as a pandas instant in UTC; None while open."""
        return None if self.decided_at is None else pd.Timestamp(self.decided_at).as_unit("us")

    def _repr_html_(self) -> str:
        """Terms that are given, for notebooks; every text escaped, and cut where it is long."""
        facts = {
            name: f"{value[:_SHOWN]}…" if isinstance(value, str) and len(value) > _SHOWN else value
            for name, value in self.model_dump(mode="json").items()
            if name != "brief_id" and value not in (None, [])
        }
        return html_facts(facts, title=f"brief {self.brief_id}")

    @classmethod
    def from_campaign(cls, market: Market, campaign_id: str) -> Brief:
        """Brief of a row of `campaigns`, with its brand's row.

        Parameters
        ----------
        market : Market
            Market that holds the campaign.
        campaign_id : str
            The campaign.

        Returns
        -------
        Brief
            Its terms; `brand_owner` is read from a further column ``owner_group`` or ``owner``.
            Without a flight under ``market.flights_planned: false``.

        Raises
        ------
        DataError
            If the market has no such campaign.

        Examples
        --------
        >>> from matcher import load_market
        >>> brief = Brief.from_campaign(load_market("data/tiny_market"), "cmp_0000")
        >>> brief.brief_id, brief.decision_instant is not None
        ('cmp_0000', True)
        """
        check_type(campaign_id, str, where="Brief.from_campaign: campaign_id")
        campaigns = market.tables["campaigns"]
        chosen = campaigns[campaigns["campaign_id"] == campaign_id]
        if chosen.empty:
            known = campaigns["campaign_id"].tolist()
            near = difflib.get_close_matches(campaign_id, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known, first five: {known[:5]}"
            raise DataError(f"campaigns: got campaign_id {campaign_id!r}; {hint}")
        row = chosen.iloc[0]
        values = {
            name: _plain(row[name]) for name in market_columns(cls) if name in campaigns.columns
        }
        brands = market.tables["brands"]
        brand = brands[brands["brand_id"] == row["brand_id"]]
        if not brand.empty:
            values |= _brand_values(brand.iloc[0])
        if not market.settings.flights_planned:
            values |= dict.fromkeys(("starts_on", "ends_on"))
        values = {name: value for name, value in values.items() if value is not None}
        return parse_model(
            cls, {"brief_id": campaign_id, **values}, where=f"campaigns, row {campaign_id!r}"
        )


def market_columns(model: type[Brief]) -> tuple[str, ...]:
    """Fields of a brief that are columns of `campaigns`.

    Parameters
    ----------
    model : type
        The brief's class.

    Returns
    -------
    tuple of str
        Names.
    """
    own = ("brief_id", "competitor_ids", "n_posts")
    return tuple(
        name
        for name in model.model_fields
        if name not in own and not (name.startswith("brand_") and name != "brand_id")
    )


def _brand_values(brand: pd.Series) -> dict[str, Any]:
    values = {
        "brand_name": _plain(brand["name"]),
        "brand_category": _plain(brand["category"]),
        "brand_description": _plain(brand["description"]),
        "competitor_ids": _plain(brand["competitor_ids"]),
    }
    for name in ("owner_group", "owner"):
        if values.get("brand_owner") is None and name in brand.index:
            values["brand_owner"] = _plain(brand[name])
    return values


def _plain(value: Any) -> Any:
    """Cell of a frame as a plain Python value; missing is None."""
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, pd.Timestamp):
        moment = value.to_pydatetime(warn=False)
        return moment if moment.tzinfo else moment.date()
    return value


def read_brief(path: Path | str) -> Brief:
    """Brief that a YAML or JSON file holds.

    Parameters
    ----------
    path : pathlib.Path or str
        File in UTF-8. Without ``brief_id`` the file's name is the id.

    Returns
    -------
    Brief
        The checked brief.

    Raises
    ------
    ConfigError
        If the file cannot be read, or naming every unknown key, with the nearest known one, and
        every bad value.

    Examples
    --------
    >>> brief = read_brief("data/brief-vi.yaml")
    >>> brief.brief_id, brief.brief_language
    ('brief-vi', 'vi')
    """
    path = to_path(path, where="read_brief: path")
    values = read_mapping(path)
    if "brief_id" not in values and "campaign_id" not in values:
        values = {"brief_id": path.stem, **values}
    return parse_brief(values, where=str(path))


def parse_brief(values: dict[str, Any], *, where: str) -> Brief:
    """Brief of raw values, checked also for terms that contradict each other.

    Parameters
    ----------
    values : dict
        Values by field.
    where : str
        File or place that messages name.

    Returns
    -------
    Brief
        The checked brief.

    Raises
    ------
    ConfigError
        Naming every unknown key, with the nearest known one, and every bad value.
    """
    brief = parse_model(Brief, values, where=where)
    if brief.budget is not None and brief.currency is None:
        raise ConfigError(
            f"{where}: `budget` has no `currency`; add its ISO 4217 code, such as VND"
        )
    both = sorted(set(brief.must_have) & set(brief.never))
    if both:
        raise ConfigError(f"{where}: accounts {both[:5]} stand in both `must_have` and `never`")
    return brief
