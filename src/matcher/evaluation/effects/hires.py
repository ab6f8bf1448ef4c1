"""Logged hires with their terms and what is known of the accounts: what effects are read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.columns import FORMATS, HIRED_STATUSES, PLATFORMS, REASON_GROUPS
from matcher.errors import DataError, SupportError, UsageError
from matcher.evaluation.effects.words import outcome_words
from matcher.features.pair_features import FEATURES, build_features
from matcher.features.pairs import build_pairs
from matcher.market.brief import Brief
from matcher.ranking.fit import fit_prior, fit_text
from matcher.ranking.outcomes.names import OUTCOME_NAMES, RATES
from matcher.ranking.relevance import hire_outcomes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.config import Settings
    from matcher.features.context import MarketData
    from matcher.market.market import Market

__all__ = ["TREATMENTS", "Hires", "Treatment", "look_at_hires", "read_treatment"]

TREATMENTS: Final = (
    "fee_per_post",
    "n_posts",
    "budget_per_creator",
    "disclosed",
    *(f"format:{name}" for name in FORMATS),
)
"""Terms of a hire whose effect can be asked about."""

_GROUP_OF: Final = {spec.name: spec.group for spec in FEATURES}
_FORMAT: Final = "format"
_PAIR: Final = ("campaign_id", "account_id")


@dataclass(frozen=True, eq=False)
class Hires:
    """Hires with an outcome.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``campaign_id, account_id, person_id, platform, format, n_posts, fee, currency,
        budget_per_creator, disclosed, outcome, log_each``; NaN where unknown. ``log_each`` is the
        mean over the posts of the hire of ln(1 + outcome of the post).
    values : numpy.ndarray of float64, shape (n, n_columns)
        What was known of each hire as of its decision.
    names : tuple of str
        Columns.
    groups : tuple of str
        Group of each column: a reason group, ``platform``, or ``time``.
    outcome_name : str
        What is counted.
    """

    frame: pd.DataFrame
    values: NDArray[np.float64]
    names: tuple[str, ...]
    groups: tuple[str, ...]
    outcome_name: str

    def __post_init__(self) -> None:
        expected = (len(self.frame), len(self.names))
        if self.values.shape != expected or len(self.groups) != len(self.names):
            raise DataError(
                f"hires: got {self.values.shape} values and {len(self.groups)} groups; expected "
                f"{expected} and a group for each column"
            )

    def __len__(self) -> int:
        return len(self.frame)


@dataclass(frozen=True, eq=False)
class Treatment:
    """One term of hires, and what it is compared on.

    Parameters
    ----------
    name : str
        One of `TREATMENTS`.
    values : numpy.ndarray of float64, shape (n,)
        Its natural logarithm where it is an amount, 1 or 0 where it is had or not; NaN where
        unknown or where it could not have been otherwise.
    outcome : numpy.ndarray of float64, shape (n,)
        Natural logarithm of 1 + outcome of a post; for the number of posts the mean of those of
        each post, since the logarithm of a sum grows with the spread of its parts.
    contrast : float
        Step that is told: ln 2 for amounts (doubling), 1 where it is had or not.
    is_amount : bool
        Whether it is an amount.
    offset : float
        What the effect has by arithmetic beside the slope: 1 for the number of posts, whose
        outcome is that of one post.
    held : tuple of str
        Terms that the comparison holds still, as dummies: some of ``format, n_posts, currency``.
    mechanical : tuple of str
        Groups of columns that settle the treatment by arithmetic, such as the price asked settles
        the fee; they are adjusted for, but are no yardstick of what might be hidden.
    """

    name: str
    values: NDArray[np.float64]
    outcome: NDArray[np.float64]
    contrast: float
    is_amount: bool
    offset: float
    held: tuple[str, ...]
    mechanical: tuple[str, ...]


def look_at_hires(data: MarketData, settings: Settings, *, outcome: str = "engagements") -> Hires:
    """Hires of a market with an outcome, seen as of each decision.

    Encoder, lexicon and levels are fitted on what was known before the first of these decisions.

    Parameters
    ----------
    data : MarketData
        Market.
    settings : Settings
        Settings of the text objects.
    outcome : str
        What is counted, one of `matcher.ranking.outcomes.names.OUTCOME_NAMES`.

    Returns
    -------
    Hires
        Hires by campaign and account.

    Raises
    ------
    UsageError
        If there is no such outcome.
    SupportError
        If no hire of a dated campaign has it.
    """
    if outcome not in OUTCOME_NAMES:
        raise UsageError(f"outcome: got {outcome!r}; expected one of {', '.join(OUTCOME_NAMES)}")
    market = data.market
    frame = _terms_of_hires(market, outcome)
    if frame.empty:
        raise SupportError(
            f"effects: no hire of a campaign with a decision has {outcome}",
            {
                "en": "no hire of a campaign with a decision has a known figure of "
                f"{outcome_words(outcome, 'en')}; log what hires bring",
                "vi": "không lần thuê nào của một chiến dịch đã quyết định có số liệu "
                f"{outcome_words(outcome, 'vi')}; hãy ghi lại kết quả của các lần thuê",
            },
        )
    decided = market.tables["campaigns"].set_index("campaign_id")["decided_at"]
    names = frame["campaign_id"].drop_duplicates().tolist()
    instants = {name: decided[name] for name in names}
    cut = min(instants.values())
    context = fit_text(data, cut, settings)
    accounts = {
        str(name): part.to_numpy(object)
        for name, part in frame.groupby("campaign_id")["account_id"]
    }
    pairs = build_pairs(
        [Brief.from_campaign(market, name) for name in names], accounts, instants=instants
    )
    matrix = build_features(context, fit_prior(context, cut), pairs)
    platforms = matrix.platforms
    if platforms is None:
        raise DataError("effects: features tell no platforms")
    frame = frame.assign(platform=platforms)
    is_on = np.column_stack([(platforms == name).astype(np.float64) for name in PLATFORMS])
    days = frame["campaign_id"].map(decided)
    quarter = days.dt.quarter.to_numpy()
    seasons = np.column_stack([(quarter == one).astype(np.float64) for one in (2, 3, 4)])
    elapsed = ((days - days.min()).dt.total_seconds() / 86_400.0).to_numpy(np.float64)
    values = np.hstack([matrix.values, is_on, seasons, elapsed[:, None]])
    return Hires(
        frame=frame.reset_index(drop=True),
        values=values,
        names=(*matrix.names, *(f"platform_{one}" for one in PLATFORMS), *_TIME),
        groups=(
            *(_GROUP_OF.get(name, REASON_GROUPS[0]) for name in matrix.names),
            *("platform" for _ in PLATFORMS),
            *("time" for _ in _TIME),
        ),
        outcome_name=outcome,
    )


_TIME: Final = ("quarter_2", "quarter_3", "quarter_4", "days")


def _terms_of_hires(market: Market, outcome: str) -> pd.DataFrame:
    campaigns = market.tables["campaigns"].set_index("campaign_id")
    found = hire_outcomes(market)
    found = found[found[outcome].notna()]
    is_dated = campaigns["decided_at"].reindex(found["campaign_id"]).notna().to_numpy(bool)
    found = found[is_dated]
    if found.empty:
        return found
    found = found.sort_values(["campaign_id", "account_id"], ignore_index=True)
    keys = pd.MultiIndex.from_frame(found[["campaign_id", "account_id"]])
    deals = market.tables["collaborations"]
    deals = deals[deals["status"].isin(HIRED_STATUSES)]
    grouped = deals.groupby(list(_PAIR))
    fee = grouped["fee"].sum(min_count=1).reindex(keys).to_numpy(np.float64)
    # A fee in two currencies is no amount.
    kinds = deals.dropna(subset="currency").drop_duplicates([*_PAIR, "currency"])
    is_one = kinds.groupby(list(_PAIR)).size().reindex(grouped.size().index) == 1
    currency = grouped["currency"].first().where(is_one).reindex(keys).to_numpy(object)
    persons = market.tables["accounts"].set_index("account_id")["influencer_id"]
    person = found["account_id"].map(persons).fillna(found["account_id"])
    budget = campaigns["budget"] / campaigns["n_creators"].where(campaigns["n_creators"] > 0)
    return pd.DataFrame(
        {
            "campaign_id": found["campaign_id"],
            "account_id": found["account_id"],
            "person_id": person,
            "format": found["format"],
            "n_posts": found["n_posts"],
            "fee": np.where(pd.isna(currency), np.nan, fee),
            "currency": currency,
            "budget_per_creator": found["campaign_id"].map(budget).to_numpy(np.float64),
            "disclosed": _disclosed(market).reindex(keys).to_numpy(np.float64),
            "outcome": found[outcome].to_numpy(np.float64),
            "log_each": _mean_log(market, outcome).reindex(keys).to_numpy(np.float64),
        }
    )


def _mean_log(market: Market, outcome: str) -> pd.Series:
    """Mean of ln(1 + newest reading) over the posts of each hire, where all are read."""
    parts = {"engagements": ["likes", "comments", "shares", "saves"]}.get(outcome, [outcome])
    links = market.tables["campaign_posts"]
    nothing = pd.Series(dtype=np.float64, index=pd.MultiIndex.from_arrays([[], []]))
    if outcome in RATES or links.empty:
        return nothing
    readings = market.readings_of(links["post_id"])
    if any(name not in readings for name in parts):
        return nothing
    newest = readings.sort_values("known_at").drop_duplicates("post_id", keep="last")
    posts = market.tables["posts"]
    posts = posts.loc[posts["post_id"].isin(links["post_id"]), ["post_id", "account_id"]]
    read = newest.drop(columns="account_id", errors="ignore")
    made = links.merge(posts, on="post_id", validate="m:1").merge(
        read, how="left", on="post_id", validate="m:1"
    )
    logs = np.log1p(made[parts].astype(np.float64).sum(axis=1, skipna=False))
    grouped = logs.groupby([made["campaign_id"], made["account_id"]])
    table = pd.DataFrame({"mean": grouped.mean(), "n": grouped.count(), "all": grouped.size()})
    return table["mean"].where(table["n"] == table["all"])


def _disclosed(market: Market) -> pd.Series:
    """Share of the posts of each hire that are marked as advertising."""
    posts = market.tables["posts"]
    if "is_disclosed" not in posts:
        return pd.Series(dtype=np.float64, index=pd.MultiIndex.from_arrays([[], []]))
    links = market.tables["campaign_posts"]
    told = posts.loc[posts["post_id"].isin(links["post_id"]), ["post_id", "account_id"]].assign(
        is_disclosed=posts["is_disclosed"].astype("Float64")
    )
    made = links.merge(told, on="post_id", validate="m:1")
    shares = made.groupby(["campaign_id", "account_id"])["is_disclosed"].mean()
    return shares.astype("Float64").astype(np.float64)


def read_treatment(hires: Hires, name: str) -> Treatment:
    """One term of hires.

    Parameters
    ----------
    hires : Hires
        Hires.
    name : str
        One of `TREATMENTS`; ``format:short_video`` compares that format with the others that
        hires on the same platform have.

    Returns
    -------
    Treatment
        Its values.

    Raises
    ------
    UsageError
        If there is no such term.
    """
    frame = hires.frame
    n_posts = frame["n_posts"].to_numpy(np.float64)
    total = frame["outcome"].to_numpy(np.float64)
    # A rate holds for one post as for many.
    per_post = total if hires.outcome_name in RATES else total / n_posts
    each = np.log1p(per_post)
    if name == "fee_per_post":
        fee = frame["fee"].to_numpy(np.float64)
        values = _log(fee / n_posts)
        return Treatment(
            name, values, each, np.log(2.0), is_amount=True, offset=0.0,
            held=("format", "n_posts", "currency"), mechanical=("price",),
        )  # fmt: skip
    if name == "n_posts":
        return Treatment(
            name, _log(n_posts), frame["log_each"].to_numpy(np.float64), np.log(2.0),
            is_amount=True, offset=1.0, held=("format",), mechanical=(),
        )  # fmt: skip
    if name == "budget_per_creator":
        budget = frame["budget_per_creator"].to_numpy(np.float64)
        return Treatment(
            name, _log(budget), each, np.log(2.0), is_amount=True, offset=0.0,
            held=("format", "n_posts", "currency"), mechanical=("price",),
        )  # fmt: skip
    if name == "disclosed":
        share = frame["disclosed"].to_numpy(np.float64)
        values = np.where(np.isin(share, (0.0, 1.0)), share, np.nan)
        return Treatment(
            name, values, each, 1.0, is_amount=False, offset=0.0,
            held=("format", "n_posts"), mechanical=(),
        )  # fmt: skip
    if name in TREATMENTS:
        return Treatment(
            name, _has_format(frame, name.partition(":")[2]), each, 1.0,
            is_amount=False, offset=0.0, held=("n_posts",), mechanical=("platform",),
        )  # fmt: skip
    raise UsageError(f"treatment: got {name!r}; expected one of {', '.join(TREATMENTS)}")


def _log(values: NDArray[np.float64]) -> NDArray[np.float64]:
    found = np.full(len(values), np.nan)
    known = values > 0
    found[known] = np.log(values[known])
    return found


def _has_format(frame: pd.DataFrame, wanted: str) -> NDArray[np.float64]:
    """1 and 0 on platforms where hires have the format and others; NaN elsewhere."""
    known = frame[_FORMAT].notna().to_numpy(bool)
    has = (frame[_FORMAT] == wanted).fillna(False).to_numpy(bool) & known
    share = pd.Series(has[known]).groupby(frame.loc[known, "platform"].to_numpy(object)).mean()
    varied = share.index[(share > 0) & (share < 1)]
    usable = known & frame["platform"].isin(varied).to_numpy(bool)
    return np.where(usable, has.astype(np.float64), np.nan)
