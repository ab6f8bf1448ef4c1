"""A market's written tables as an analyst with the export would join them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

import pandas as pd

from matcher.columns import COUNTERS
from matcher.errors import DataError, SupportError
from matcher.world.moments.panel import Panel, read_panel

__all__ = ["Export", "read_export"]

_FINAL_DAYS: Final = 7.0
"""Age from which a reading counts as final, the contract's counter lag."""
_TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "influencers": ("influencer_id", "country", "categories", "kind"),
    "accounts": ("account_id", "influencer_id", "platform"),
    "account_snapshots": ("account_id", "as_of", "n_followers"),
    "posts": (
        "post_id", "account_id", "published_at", "format", "language", "is_sponsored",
        "is_disclosed", "observed_at", *COUNTERS,
    ),
    "post_metrics": ("post_id", "observed_at", *COUNTERS),
    "campaign_posts": ("campaign_id", "post_id"),
    "audiences": ("account_id", "as_of", "dimension", "bucket", "share"),
    "rates": ("account_id", "as_of", "format", "price", "currency", "n_posts"),
    "campaigns": ("campaign_id", "objective", "starts_on"),
    "collaborations": (
        "campaign_id", "account_id", "format", "n_posts_agreed", "n_posts_delivered", "fee",
        "currency", "impressions", "reach", "engagements", "link_clicks", "conversions", "revenue",
    ),
    "exchange_rates": ("from", "to", "on", "rate"),
}  # fmt: skip
"""Tables and columns that measures read; those that an export lacks are unknown."""
_TRUTH: Final[Mapping[str, tuple[str, ...]]] = {
    "accounts": ("account_id", "fake_share", "bought_at", "in_pod"),
}


@dataclass(frozen=True, eq=False)
class Export:
    """Tables of a market, joined where a measure needs it.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Tables by their name in the contract. One that is missing counts as empty, a column that
        is missing as unknown.
    truth : mapping of str to pandas.DataFrame, default empty
        Tables of the truth; only measures that say so read them.
    panel : Panel, optional
        People and overlaps of the truth; only measures that say so read them.
    """

    tables: Mapping[str, pd.DataFrame]
    truth: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    panel: Panel | None = None

    def table(self, name: str) -> pd.DataFrame:
        """Table with all columns that measures read.

        Parameters
        ----------
        name : str
            Name in the contract.

        Returns
        -------
        pandas.DataFrame
            Unknown columns hold missing values.
        """
        return self._with_columns(self.tables, name, _TABLES[name])

    def true_table(self, name: str) -> pd.DataFrame:
        """Table of the truth.

        Parameters
        ----------
        name : str
            Name in the folder ``truth``.

        Returns
        -------
        pandas.DataFrame
            Unknown columns hold missing values.

        Raises
        ------
        SupportError
            If there is no such table.
        """
        if name not in self.truth:
            raise SupportError(f"truth/{name}: no such table; it is needed here")
        return self._with_columns(self.truth, name, _TRUTH[name])

    @staticmethod
    def _with_columns(
        tables: Mapping[str, pd.DataFrame], name: str, columns: Sequence[str]
    ) -> pd.DataFrame:
        return tables.get(name, pd.DataFrame()).reindex(columns=list(columns))

    @cached_property
    def accounts(self) -> pd.DataFrame:
        """Accounts with country and first category of their owner, and their newest followers.

        Returns
        -------
        pandas.DataFrame
            Index `account_id`; columns ``influencer_id, platform, country, category, kind,
            followers``.
        """
        people = self.table("influencers").set_index("influencer_id")
        accounts = self.table("accounts").set_index("account_id")
        owner = accounts["influencer_id"]
        snapshots = self.table("account_snapshots").dropna().sort_values("as_of")
        newest = snapshots.drop_duplicates("account_id", keep="last").set_index("account_id")
        first = people["categories"].map(_first, na_action="ignore")
        return accounts.assign(
            country=owner.map(people["country"]),
            category=owner.map(first),
            kind=owner.map(people["kind"]),
            followers=newest["n_followers"].reindex(accounts.index).astype(float),
        )

    @cached_property
    def all_posts(self) -> pd.DataFrame:
        """Posts with platform, final counters and the followers nearest in time.

        Returns
        -------
        pandas.DataFrame
            One row per post; counters are missing where no reading is `_FINAL_DAYS` old. A reading
            of unknown time counts as final, as the contract says.
        """
        posts = self.table("posts").sort_values("published_at", kind="stable")
        if posts.empty:
            return posts.assign(platform=None, is_campaign=False, followers=float("nan"))
        posts = _with_final_counters(posts, self.table("post_metrics"))
        posts["platform"] = posts["account_id"].map(self.accounts["platform"])
        posts["is_campaign"] = posts["post_id"].isin(self.table("campaign_posts")["post_id"])
        snapshots = self.table("account_snapshots").dropna().sort_values("as_of", kind="stable")
        if snapshots.empty:
            return posts.assign(followers=float("nan"))
        return pd.merge_asof(
            posts,
            snapshots.rename(columns={"n_followers": "followers"}),
            left_on="published_at",
            right_on="as_of",
            by="account_id",
            direction="nearest",
        )

    @cached_property
    def posts(self) -> pd.DataFrame:
        """Organic posts: neither flagged as sponsored nor made for a campaign.

        Returns
        -------
        pandas.DataFrame
            As `all_posts`; a post whose flag is unknown is left out.
        """
        is_organic = self.all_posts["is_sponsored"].eq(False) & ~self.all_posts["is_campaign"]
        return self.all_posts[is_organic.fillna(False).astype(bool)]

    def posts_on(self, platform: str) -> pd.DataFrame:
        """Rows of `posts` on one platform.

        Parameters
        ----------
        platform : str
            Platform.

        Returns
        -------
        pandas.DataFrame
            Its posts.
        """
        return self.posts[self.posts["platform"].eq(platform)]

    @cached_property
    def prices(self) -> pd.DataFrame:
        """Newest price of one post per account and format.

        Returns
        -------
        pandas.DataFrame
            Columns ``account_id, format, price, currency, platform, country, category,
            followers``; in the row's own currency.
        """
        rates = self.table("rates").dropna(subset=["account_id", "price"]).sort_values("as_of")
        rates = rates.drop_duplicates(["account_id", "format"], keep="last")
        rates = rates.assign(price=rates["price"] / rates["n_posts"].fillna(1).clip(lower=1))
        known = self.accounts[["platform", "country", "category", "followers"]]
        return rates.drop(columns=["as_of", "n_posts"]).join(known, on="account_id")

    @cached_property
    def main_prices(self) -> pd.DataFrame:
        """Price of one post in the account's main format.

        Returns
        -------
        pandas.DataFrame
            As `prices`, one row per account: the format that it posts most among those that have
            a price, stories last.
        """
        counts = self.all_posts.groupby(["account_id", "format"]).size().rename("n")
        priced = self.prices.join(counts, on=["account_id", "format"])
        priced = priced.assign(is_story=priced["format"].eq("story"))
        order = priced.sort_values(["is_story", "n"], ascending=[True, False], kind="stable")
        return order.drop_duplicates("account_id").drop(columns=["n", "is_story"])

    @cached_property
    def dong_per_dollar(self) -> float:
        """Newest exchange rate.

        Returns
        -------
        float
            VND per USD.

        Raises
        ------
        SupportError
            If there is none.
        """
        rates = self.table("exchange_rates").sort_values("on")
        there = rates[rates["from"].eq("USD") & rates["to"].eq("VND")]["rate"]
        back = rates[rates["from"].eq("VND") & rates["to"].eq("USD")]["rate"]
        if len(there):
            return float(there.iloc[-1])
        if len(back):
            return 1 / float(back.iloc[-1])
        raise SupportError("exchange_rates: no rate between USD and VND")

    @cached_property
    def hires(self) -> pd.DataFrame:
        """Collaborations with their account's and campaign's facts; money in USD as well.

        Returns
        -------
        pandas.DataFrame
            Columns of `collaborations`, and ``platform, country, followers, objective, starts_on,
            usd`` (USD per unit of the row's currency).
        """
        hires = self.table("collaborations").join(
            self.accounts[["platform", "country", "followers"]], on="account_id"
        )
        campaigns = self.table("campaigns")
        hires = hires.merge(campaigns, on="campaign_id", how="left")
        is_dong = hires["currency"].eq("VND")
        rate = 1 / self.dong_per_dollar if is_dong.any() else 1.0
        return hires.assign(usd=is_dong.map({True: rate, False: 1.0}).astype(float))


def _first(values: Sequence[str]) -> str | None:
    return values[0] if len(values) else None


def _with_final_counters(posts: pd.DataFrame, readings: pd.DataFrame) -> pd.DataFrame:
    """Posts with the newest reading of each counter, where it is final."""
    counters = list(COUNTERS)
    age = posts["observed_at"] - posts["published_at"]
    is_early = age < pd.Timedelta(days=_FINAL_DAYS)
    short = posts[counters].astype(float).mask(is_early)
    readings = readings.dropna(subset=["post_id", "observed_at"])
    if not readings.empty:
        published = posts.set_index("post_id")["published_at"]
        age = readings["observed_at"] - readings["post_id"].map(published)
        final = readings[age >= pd.Timedelta(days=_FINAL_DAYS)].sort_values("observed_at")
        newest = final.groupby("post_id")[counters].last().astype(float)
        known = newest.reindex(posts["post_id"]).set_index(posts.index)
        short = known.where(known.notna(), short)
    return posts.drop(columns=[*counters, "observed_at"]).join(short)


def read_export(folder: Path | str) -> Export:
    """Export of a market that was simulated.

    Parameters
    ----------
    folder : pathlib.Path or str
        Market folder, its truth inside.

    Returns
    -------
    Export
        Its tables.

    Raises
    ------
    DataError
        If the folder holds no simulated market, or a table cannot be read.
    """
    folder = Path(folder)
    if not (folder / "truth" / "world.json").is_file():
        raise DataError(
            f"{folder}: no truth/world.json; expected a market made by `matcher simulate`"
        )
    return Export(
        {name: _read(folder, name, columns) for name, columns in _TABLES.items()},
        {name: _read(folder / "truth", name, columns) for name, columns in _TRUTH.items()},
        read_panel(folder),
    )


def _read(folder: Path, name: str, columns: Sequence[str]) -> pd.DataFrame:
    import pyarrow.dataset as ds

    whole, parts = folder / f"{name}.parquet", folder / name
    path = whole if whole.is_file() else parts
    if not path.exists():
        return pd.DataFrame(columns=list(columns))
    try:
        source = ds.dataset(path, format="parquet")
        there = [column for column in columns if column in source.schema.names]
        table: pd.DataFrame = source.to_table(columns=there).to_pandas()
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as Parquet: {error}") from error
    return table
