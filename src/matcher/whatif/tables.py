"""Edits of accounts and of the market, made in its tables as they were known before an instant."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.errors import ConfigError
from matcher.market.instants import to_microseconds
from matcher.market.money import find_exchange_rate
from matcher.whatif.checks import check_not_demanded
from matcher.whatif.joining import check_known, join_accounts
from matcher.whatif.lacking import lacking

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from matcher.market.brief import Brief
    from matcher.market.market import Market
    from matcher.whatif.edits import InfluencerEdit, MarketEdit
    from matcher.whatif.scenario import Scenario

__all__ = ["ASPECTS", "RIVAL", "EditedTables", "edit_tables"]

ASPECTS: Final = ("rates", "audiences", "snapshots", "counters", "times", "terms", "accounts")
"""What edits may change of a market; features say which of it they read."""
RIVAL: Final = "another brand (scenario)"
"""Brand to which a scenario binds people; no brand of any market."""

_ENGAGEMENTS: Final = ("likes", "comments", "shares", "saves")
_COUNTS: Final = (
    "impressions",
    "reach",
    "views",
    *_ENGAGEMENTS,
    "link_clicks",
    "watch_time_s",
    "screenshots",
    "profile_visits",
    "follows",
)
_SECOND: Final = pd.Timedelta(seconds=1)


@dataclass(eq=False)
class EditedTables:
    """Tables of a market as a scenario has them.

    Parameters
    ----------
    market : Market
        The market as it is.
    brief : Brief
        The brief as the scenario has it.
    instant : int
        What was known strictly before it is edited, in microseconds since 1970.
    digest : str
        First 8 hexadecimal digits of a SHA-256 of the edits and the instant.
    tables : dict of str to pandas.DataFrame
        Tables that differ.
    aspects : set of str
        What of `ASPECTS` differs.
    newcomers : EditedTables, optional
        Market of the accounts that join, of these alone and as edited; None where none joins.
    """

    market: Market
    brief: Brief
    instant: int
    digest: str
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    aspects: set[str] = field(default_factory=set)
    newcomers: EditedTables | None = None

    @property
    def moment(self) -> pd.Timestamp:
        """The instant, aware of its zone."""
        return pd.Timestamp(self.instant, unit="us", tz="UTC")

    def table(self, name: str) -> pd.DataFrame:
        """Table as edited so far.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        pandas.DataFrame
            A copy may be kept with `keep`.
        """
        return self.tables.get(name, self.market.tables[name])

    def keep(self, name: str, frame: pd.DataFrame, aspect: str) -> None:
        """Put an edited table in place of another.

        Parameters
        ----------
        name : str
            Its name.
        frame : pandas.DataFrame
            Edited table.
        aspect : str
            What of `ASPECTS` differs.
        """
        self.tables[name] = frame.reset_index(drop=True)
        self.aspects.add(aspect)

    def add(self, name: str, rows: list[dict[str, Any]], aspect: str) -> None:
        """Add rows to a table.

        Parameters
        ----------
        name : str
            Its name.
        rows : list of dict
            Values by column; what is left out is missing.
        aspect : str
            What of `ASPECTS` differs.
        """
        held = self.table(name)
        if not rows:
            return
        values = {
            column: pd.Series([row.get(column) for row in rows], dtype=held[column].dtype)
            for column in held.columns
        }
        new = pd.DataFrame(values)
        self.keep(name, pd.concat([held, new], ignore_index=True) if len(held) else new, aspect)


def edit_tables(market: Market, scenario: Scenario, brief: Brief, instant: int) -> EditedTables:
    """Tables of a market under the edits of a scenario.

    What became known at the instant or later is left as it is: nothing that is scored may see it.

    Parameters
    ----------
    market : Market
        Market.
    scenario : Scenario
        Edits; those of the brief are made already.
    brief : Brief
        The brief as the scenario has it.
    instant : int
        Instant from which it is seen, in microseconds since 1970.

    Returns
    -------
    EditedTables
        What differs.

    Raises
    ------
    DataError
        If an account does not exist, or a currency has no rate.
    SupportError
        If an edit needs what is not known of an account, such as a price.
    ConfigError
        If the brief demands an account that the scenario takes away.
    """
    edits = [one.model_dump_json() for one in (*scenario.influencers, *scenario.markets)]
    said = json.dumps([instant, brief.currency, *edits])
    digest = hashlib.sha256(said.encode()).hexdigest()[:8]
    edited = EditedTables(market, brief, instant, digest)
    joining = [account for one in scenario.markets for account in one.new_accounts or ()]
    if joining:
        edited.newcomers = join_accounts(edited, joining)
    parts = [edited] if edited.newcomers is None else [edited, edited.newcomers]
    part_of = {account: part for part in parts for account in part.table("accounts")["account_id"]}
    for edit in scenario.influencers:
        check_known(part_of, [edit.account_id])
        _edit_account(part_of[edit.account_id], edit)
    for one in scenario.markets:
        away = {*(one.unavailable or ()), *(one.hired_by_rival or ())}
        check_known(part_of, away)
        check_not_demanded(brief, away)
        for part in parts:
            _edit_market(part, one)
    return edited


def _edit_market(edited: EditedTables, edit: MarketEdit) -> None:
    """Terms and reach of the accounts that a part of the market holds."""
    platforms = edited.table("accounts").set_index("account_id")["platform"]
    away, bound = (
        tuple(one for one in asked or () if one in platforms.index)
        for asked in (edit.unavailable, edit.hired_by_rival)
    )
    _take_away(edited, away, bound)
    if edit.platform_reach and edit.as_if_always:
        for name, factor in sorted(edit.platform_reach.items()):
            owners = set(platforms.index[platforms == name])
            _scale_counters(edited, owners, factor, _COUNTS)


def _edit_account(edited: EditedTables, edit: InfluencerEdit) -> None:
    if edit.price is not None or edit.price_factor is not None or edit.formats:
        _edit_rates(edited, edit)
    if edit.cadence_factor is not None:
        _retime(edited, edit.account_id, edit.cadence_factor)
    if edit.engagement_factor is not None:
        _scale_counters(edited, {edit.account_id}, edit.engagement_factor, _ENGAGEMENTS)
    if edit.followers_factor is not None:
        table = edited.table("account_snapshots").copy()
        rows = (table["account_id"] == edit.account_id) & (table["as_of"] < edited.moment)
        if not rows.any():
            raise lacking("followers", account=edit.account_id, moment=edited.moment)
        table.loc[rows, "n_followers"] = table.loc[rows, "n_followers"] * edit.followers_factor
        edited.keep("account_snapshots", table, "snapshots")
    for dimension, shares in sorted((edit.audience or {}).items()):
        _edit_audience(edited, edit.account_id, dimension, shares)


def _in_force(edited: EditedTables, account: str) -> NDArray[np.bool_]:
    table = edited.table("rates")
    known = (table["account_id"] == account) & (table["as_of"] < edited.moment)
    holds = table["valid_until"].isna() | (table["valid_until"] >= edited.moment)
    return (known & holds).to_numpy(bool)


def _edit_rates(edited: EditedTables, edit: InfluencerEdit) -> None:
    account = edit.account_id
    table = edited.table("rates").copy()
    rows = _in_force(edited, account)
    if edit.price_factor is not None:
        if not rows.any():
            raise lacking("price", account=account, moment=edited.moment)
        table.loc[rows, "price"] = table.loc[rows, "price"] * edit.price_factor
    currency = edit.currency or edited.brief.currency
    if edit.price is not None:
        if currency is None:
            raise ConfigError(
                f"scenario: the price of {account} has no currency, and neither has the brief; "
                "add `currency`"
            )
        _check_convertible(edited, currency)
        table.loc[rows, "price"] = edit.price
        table.loc[rows, "currency"] = currency
        table.loc[rows, "n_posts"] = 1.0
    edited.keep("rates", table, "rates")
    quoted = set(table.loc[rows, "format"].dropna())
    buys_any = bool(table.loc[rows, "format"].isna().any())
    wanted: list[str | None] = (
        [] if buys_any else [name for name in edit.formats or () if name not in quoted]
    )
    if edit.price is not None and not rows.any():
        wanted = list(edit.formats or ()) or _formats_shown(edited, account) or [None]
    if not wanted:
        return
    price, currency, n_posts = _usual_price(table[rows], edit, currency, account)
    terms = {"price": price, "currency": currency, "n_posts": n_posts}
    quote = {"account_id": account, "as_of": edited.moment - _SECOND, **terms}
    edited.add("rates", [{**quote, "format": name} for name in wanted], "rates")


def _usual_price(
    held: pd.DataFrame, edit: InfluencerEdit, currency: str | None, account: str
) -> tuple[float, str, float]:
    """Price, currency and number of posts at which a further format is offered."""
    if edit.price is not None and currency is not None:
        return edit.price, currency, 1.0
    if held.empty:
        raise lacking("format_price", account=account)
    each = held["price"] / held["n_posts"].fillna(1.0)
    first = held.iloc[int(each.to_numpy().argmin())]
    posts = 1.0 if pd.isna(first["n_posts"]) else float(first["n_posts"])
    return float(first["price"]), str(first["currency"]), posts


def _check_convertible(edited: EditedTables, currency: str) -> None:
    """Refuse a price that could not be compared with the budget."""
    target = edited.brief.currency
    if target is not None and currency != target:
        find_exchange_rate(edited.market, currency, target=target, instant=edited.moment)


def _formats_shown(edited: EditedTables, account: str) -> list[str | None]:
    posts = edited.table("posts")
    own = posts[(posts["account_id"] == account) & (posts["published_at"] < edited.moment)]
    return sorted(set(own["format"].dropna()))


def _retime(edited: EditedTables, account: str, factor: float) -> None:
    """The same posts, `factor` times as often: each moved towards the instant, none across it."""
    posts = edited.table("posts").copy()
    rows = ((posts["account_id"] == account) & (posts["published_at"] < edited.moment)).to_numpy()
    if not rows.any():
        raise lacking("posts", account=account, moment=edited.moment)
    moved = _towards(posts.loc[rows, "published_at"], edited.instant, factor)
    # Two posts may not fall on one microsecond, which could change their order.
    if len(np.unique(moved)) < int(rows.sum()) <= len(np.unique(posts.loc[rows, "published_at"])):
        raise lacking("spot", account=account, factor=factor)
    posts.loc[rows, "published_at"] = _stamps(moved, posts["published_at"].dtype)
    read = rows & (posts["observed_at"] < edited.moment).fillna(False).to_numpy(bool)
    posts.loc[read, "observed_at"] = _stamps(
        _towards(posts.loc[read, "observed_at"], edited.instant, factor), posts["observed_at"].dtype
    )
    edited.keep("posts", posts, "times")
    metrics = edited.table("post_metrics").copy()
    mine = metrics["post_id"].isin(posts.loc[rows, "post_id"]) & (
        metrics["observed_at"] < edited.moment
    )
    held = mine.fillna(False).to_numpy(bool)
    if held.any():
        metrics.loc[held, "observed_at"] = _stamps(
            _towards(metrics.loc[held, "observed_at"], edited.instant, factor),
            metrics["observed_at"].dtype,
        )
        edited.keep("post_metrics", metrics, "times")


def _towards(instants: pd.Series, end: int, factor: float) -> NDArray[np.int64]:
    age = end - to_microseconds(instants)
    return np.asarray(end - np.maximum(np.round(age / factor), 1.0), dtype=np.float64).astype(
        np.int64
    )


def _stamps(ticks: NDArray[np.int64], dtype: Any) -> Any:
    return pd.Series(pd.DatetimeIndex(ticks.astype("datetime64[us]"), tz="UTC")).astype(dtype).array


def _scale_counters(
    edited: EditedTables, accounts: set[str], factor: float, counters: tuple[str, ...]
) -> None:
    """Multiply counters of the posts of some accounts, wherever they are read."""
    posts = edited.table("posts").copy()
    rows = posts["account_id"].isin(accounts) & (posts["published_at"] < edited.moment)
    names = [name for name in counters if name in posts]
    posts.loc[rows, names] = posts.loc[rows, names] * factor
    edited.keep("posts", posts, "counters")
    metrics = edited.table("post_metrics")
    if len(metrics):
        metrics = metrics.copy()
        held = metrics["post_id"].isin(posts.loc[rows, "post_id"])
        metrics.loc[held, names] = metrics.loc[held, names] * factor
        edited.keep("post_metrics", metrics, "counters")


def _edit_audience(
    edited: EditedTables, account: str, dimension: str, shares: Mapping[str, float]
) -> None:
    table = edited.table("audiences")
    old = (table["account_id"] == account) & (table["dimension"] == dimension)
    old &= table["as_of"] < edited.moment
    edited.keep("audiences", table[~old], "audiences")
    row = {"account_id": account, "as_of": edited.moment - _SECOND, "dimension": dimension}
    rows = [{**row, "bucket": name, "share": share} for name, share in sorted(shares.items())]
    edited.add("audiences", rows, "audiences")


def _take_away(edited: EditedTables, unavailable: tuple[str, ...], rival: tuple[str, ...]) -> None:
    # From the day before, so that the terms hold under `strict_time` too; with an open end.
    day = (edited.moment - pd.Timedelta(days=1)).tz_localize(None).normalize()
    gone = [
        {"account_id": one, "from_on": day, "reason": "scenario"} for one in sorted(unavailable)
    ]
    edited.add("availability", gone, "terms")
    owner = edited.table("accounts").set_index("account_id")["influencer_id"]
    people = sorted({str(owner[one]) for one in rival})
    bonds = [{"influencer_id": one, "brand_id": RIVAL, "from_on": day} for one in people]
    edited.add("exclusivities", bonds, "terms")
