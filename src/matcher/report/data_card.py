"""The data card: what a market holds, since when, how whole it is, and what was set aside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from matcher.columns import HIRED_STATUSES
from matcher.market.schema import TABLES
from matcher.market.summary import profile_market, validation_report
from matcher.report.markdown import as_bullets, as_code, as_table, as_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from matcher.market.market import Market

__all__ = ["data_card", "find_licences", "market_window"]

LICENCE_COLUMNS: Final = ("licence", "license", "licence_url", "license_url", "rights")
"""Further columns in which a market can say under what terms its rows may be used."""
PROVENANCE_COLUMNS: Final = ("source", "source_url", "provenance", "fetched_at", "crawled_at")
PERSONAL: Final = (
    "influencers.display_name",
    "influencers.bio",
    "influencers.gender",
    "influencers.city",
    "accounts.handle",
    "accounts.url",
    "posts.text",
)
"""Columns that say something of a person by themselves."""
_MOST_VALUES: Final = 12
_LEAST_VALUES: Final = 3
_SMALL_SHARE: Final = 0.001
_WINDOW: Final = {
    "posts": ("published_at", "Posts"),
    "campaigns": ("decided_at", "Campaign decisions"),
    "collaborations": ("status_at", "Collaborations"),
    "account_snapshots": ("as_of", "Follower counts"),
}


def data_card(market: Market, name: str) -> str:
    """Card of a market in Markdown: counts and shares, nobody's text, name or id.

    Parameters
    ----------
    market : Market
        Market, whole or cut.
    name : str
        Name for people.

    Returns
    -------
    str
        Equal markets give equal cards; ends with a line break.
    """
    profile = profile_market(market)
    until = market.cut_at if market.cut_at is not None else market.all_known_at
    head = (
        f"# Data card: {as_text(name)}\n\n"
        f"What a model was trained on: data {as_code(market.data_hash)}, everything known before "
        f"{_second(until)}. Counts and shares only; no text, name or id of anybody stands here."
    )
    sections = {
        "Tables": _tables(market, profile),
        "Who and in which language": _counts(market),
        "Columns": _columns(profile),
        "What validation set aside": _set_aside(market),
        "What is assumed": as_bullets([*map(_sentence, market.assumptions), *_terms(market)])
        or "Nothing.",
        "Licence and provenance": _licence(market),
        "Personal data": _personal(market),
    }
    parts = [head, *(f"## {title}\n\n{body}" for title, body in sections.items())]
    return "\n\n".join(parts) + "\n"


def market_window(market: Market) -> list[str]:
    """Time that a market's main tables cover, in sentences of Markdown.

    Parameters
    ----------
    market : Market
        Market.

    Returns
    -------
    list of str
        One per table that holds a dated row.
    """
    found = []
    for table, (column, words) in _WINDOW.items():
        dated = market[table][column].dropna()
        if len(dated):
            said = f"{words}: {len(market[table]):,}, {_day(dated.min())} to {_day(dated.max())}"
            n_open = len(market[table]) - len(dated)
            found.append(f"{said}{f', {n_open:,} without a date' if n_open else ''}.")
    return found


def find_licences(market: Market) -> list[str]:
    """What the rows of a market say of their own licence, in sentences of Markdown.

    Parameters
    ----------
    market : Market
        Market.

    Returns
    -------
    list of str
        One per table and column; empty where no column says anything.
    """
    return [
        f"{as_code(f'{table}.{column}')}: {_shares(market[table][column], len(market[table]))}."
        for table, column in _further(market, LICENCE_COLUMNS)
    ]


def _further(market: Market, columns: Iterable[str]) -> list[tuple[str, str]]:
    return [
        (table, column)
        for table in TABLES
        for column in columns
        if len(market[table]) and column in market[table]
    ]


def _tables(market: Market, profile: Mapping[str, Any]) -> str:
    rows = []
    for name, held in profile["tables"].items():
        spec = TABLES[name]
        n_read = market.n_read.get(name)
        span = held["span"].get(spec.known_at or "", ("", ""))
        rows.append(
            [
                as_code(name),
                spec.description.rstrip("."),
                f"{n_read:,}" if n_read is not None else "made by Matcher",
                f"{held['rows']:,}",
                *(str(end)[:10] for end in span),
            ]
        )
    header = ["table", "what a row is", "rows read", "rows used", "from", "to"]
    text = as_table(header, rows, n_names=2)
    absent = [as_code(name) for name in TABLES if name not in profile["tables"]]
    return text + (f"\n\nWithout rows: {', '.join(absent)}." if absent else "")


def _counts(market: Market) -> str:
    accounts, posts, campaigns = (market[name] for name in ("accounts", "posts", "campaigns"))
    hires = market["collaborations"]
    n_people = accounts["influencer_id"].nunique()
    said = [f"{n_people:,} people with {len(accounts):,} accounts: {_of(accounts, 'platform')}."]
    if len(posts):
        said.append(f"Posts by language: {_of(posts, 'language')}.")
        said.append(f"Posts by format: {_of(posts, 'format')}.")
    spoken = market["influencers"]["languages"].explode().dropna()
    said.append(
        "Languages that people declare: " + _shares(spoken, len(market["influencers"])) + "."
    )
    if len(campaigns):
        said.append(f"Briefs by language: {_of(campaigns, 'brief_language')}.")
        said.append(f"Briefs by objective: {_of(campaigns, 'objective')}.")
    if len(hires):
        n_hired = int(hires["status"].isin(HIRED_STATUSES).sum())
        known = hires["outcome_at"].notna().mean()
        paid = hires["fee"].notna().mean()
        said.append(
            f"{len(hires):,} collaborations, {n_hired:,} of them hires: {_of(hires, 'status')}. "
            f"An outcome is dated for {_percent(known)}, a fee is given for {_percent(paid)}."
        )
    return as_bullets(said)


def _columns(profile: Mapping[str, Any]) -> str:
    rows = []
    for name, held in profile["tables"].items():
        missing = held["null_share"]
        known = TABLES[name].column_names
        named = {column: as_code(column) + ("" if column in known else "\\*") for column in missing}
        rows.append(
            [
                as_code(name),
                ", ".join(named[column] for column in missing if missing[column] == 0),
                ", ".join(
                    f"{named[column]} {_percent(missing[column])}"
                    for column in missing
                    if 0 < missing[column] < 1
                ),
                ", ".join(named[column] for column in missing if missing[column] == 1),
            ]
        )
    header = ["table", "always given", "missing in part, and how often", "always missing"]
    return as_table(header, rows, n_names=4) + (
        "\n\n\\* A further column, which the contract does not name: kept, and read only where "
        "the documentation says so."
    )


def _set_aside(market: Market) -> str:
    report = validation_report(market)
    if report["is_clean"]:
        return "Nothing: every row and value passed."
    rows = [
        [
            as_code(one["table"] if one["column"] is None else f"{one['table']}.{one['column']}"),
            as_text(one["rule"].replace("_", " ")),
            one["level"],
            as_text(one["fix"]),
            f"{one['n']:,}",
        ]
        for one in sorted(report["entries"], key=lambda one: -one["n"])
    ]
    levels = ", ".join(f"{n:,} of level {level}" for level, n in sorted(report["levels"].items()))
    table = as_table(["where", "rule", "level", "what to do", "entries"], rows, n_names=4)
    return (
        f"{report['n_entries']:,} entries, {levels}. A row of level `row` is not used, a value of "
        f"level `value` is read as missing, a `warning` changes nothing but is worth a look.\n\n"
        + table
    )


def _terms(market: Market) -> list[str]:
    terms = [
        name
        for name, spec in TABLES.items()
        if len(market[name]) and any(column.known_at == "term" for column in spec.columns)
    ]
    if not terms:
        return []
    return [f"Agreed terms count as always known: those in {', '.join(map(as_code, terms))}."]


def _licence(market: Market) -> str:
    said = find_licences(market) or [
        f"No table has a further column {as_code('licence')}; whoever made the market answers for "
        "the right to use it."
    ]
    origins = [
        f"{as_code(f'{table}.{column}')} is given for "
        f"{_percent(float(market[table][column].notna().mean()))} of rows."
        for table, column in _further(market, PROVENANCE_COLUMNS)
    ] or ["No table says where its rows come from (`source`, `fetched_at`)."]
    return as_bullets([*said, *origins])


def _personal(market: Market) -> str:
    held = []
    for place in PERSONAL:
        table, column = place.split(".")
        share = market[table][column].notna().mean() if len(market[table]) else 0.0
        if share:
            held.append(f"{as_code(place)} ({_percent(share)} of rows)")
    return (
        f"Rows of the market tell of people: {', '.join(held) or 'ids only'}. This card holds none "
        "of it, and a tracked run, beside the model, only ids of campaigns and brands. A model "
        "holds single words of posts and bios, as the vocabulary of its lexicon and of the "
        "built-in encoder, and no text as it was written. To forget a person, take them out of "
        "the market's tables and train again."
    )


def _of(frame: pd.DataFrame, column: str) -> str:
    return _shares(frame[column], len(frame))


def _shares(values: pd.Series, n_rows: int) -> str:
    counts = values.dropna().astype(str).value_counts()
    # Ties in the order of names, so that equal tables read the same.
    ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    if not ordered:
        return "not given"
    shown = [
        (name, n)
        for place, (name, n) in enumerate(ordered[:_MOST_VALUES])
        if place < _LEAST_VALUES or n >= _SMALL_SHARE * n_rows
    ]
    said = [f"{as_code(name)} {_percent(n / n_rows)}" for name, n in shown]
    if len(ordered) > len(shown):
        said.append(f"{len(ordered) - len(shown)} others")
    if missing := int(values.isna().sum()):
        said.append(f"not given {_percent(missing / n_rows)}")
    return ", ".join(said)


def _percent(share: float) -> str:
    if 0 < share < 0.001:
        return "under 0.1 %"
    if 0.999 < share < 1:
        return "over 99.9 %"
    return f"{100 * share:.1f} %"


def _day(instant: pd.Timestamp) -> str:
    return f"{instant:%Y-%m-%d}"


def _second(instant: pd.Timestamp) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"


def _sentence(text: str) -> str:
    said = as_text(text, longest=5_000)
    return said[:1].upper() + said[1:] + ("" if said.endswith((".", "…")) else ".")
