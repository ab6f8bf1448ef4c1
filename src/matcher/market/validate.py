"""One pass over all tables that reports every failure, and what is left of the data."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from matcher.errors import ConfigError, SchemaError
from matcher.market.check import TableCheck
from matcher.market.frames import build_frame, empty_frame, hash_columns
from matcher.market.money import list_missing_rates
from matcher.market.quarantine import Failures, describe_failures
from matcher.market.rules import check_across_columns, check_across_tables
from matcher.market.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from matcher.config import MarketSettings

__all__ = ["RawTable", "Validated", "validate_tables"]

CLOCK_TOLERANCE: Final = pd.Timedelta(days=1)
"""How far an observation may lie ahead of this machine's clock."""


@dataclass
class RawTable:
    """A table as read, before any rule.

    Parameters
    ----------
    columns : dict of str to pyarrow.ChunkedArray
        Columns of any type.
    n_rows : int
        Rows.
    """

    columns: dict[str, pa.ChunkedArray]
    n_rows: int


@dataclass(frozen=True)
class Validated:
    """Tables that passed, and what did not.

    Parameters
    ----------
    tables : dict of str to pandas.DataFrame
        Every contract table, in the in-memory dtypes.
    present : frozenset of str
        Tables that were given.
    quarantine : pandas.DataFrame
        What was set aside.
    notes : tuple of str
        What was assumed or changed harmlessly.
    data_hash : str
        First 16 hexadecimal digits of a SHA-256 over the content.
    n_read : dict of str to int
        Rows as read, per given table.
    """

    tables: dict[str, pd.DataFrame]
    present: frozenset[str]
    quarantine: pd.DataFrame
    notes: tuple[str, ...]
    data_hash: str
    n_read: dict[str, int] = field(default_factory=dict)


def validate_tables(
    raw: dict[str, RawTable],
    settings: MarketSettings,
    *,
    where: str,
    failures: Failures | None = None,
    notes: tuple[str, ...] = (),
    latest: pd.Timestamp | None = None,
    strict: bool = False,
) -> Validated:
    """Check all tables in one pass; nothing is dropped silently.

    Parameters
    ----------
    raw : dict of str to RawTable
        Tables as read; emptied on the way to hold the memory down.
    settings : MarketSettings
        How naive instants are read.
    where : str
        Folder or place that messages name.
    failures : Failures, optional
        Failures of reading, reported with the others.
    notes : tuple of str, optional
        Notes of reading.
    latest : pandas.Timestamp, optional
        Latest instant at which anything can have been observed; the clock plus one day when None.
    strict : bool, default False
        Raise on any entry of the quarantine.

    Returns
    -------
    Validated
        What is left.

    Raises
    ------
    SchemaError
        When a required table or column is missing or of a wrong type, when a required table keeps
        no row, or (with `strict`) when anything was set aside.
    """
    failures = Failures() if failures is None else failures
    bound = pd.Timestamp.now("UTC") + CLOCK_TOLERANCE if latest is None else latest
    _check_zone(settings.assume_timezone)
    present = frozenset(raw)
    n_read = {name: table.n_rows for name, table in raw.items()}
    remarks = list(notes)
    _check_tables_given(n_read, failures)
    remarks += _link_influencers(raw)
    checks: dict[str, TableCheck] = {}
    for name, spec in TABLES.items():
        if name not in raw:
            continue
        table = raw.pop(name)
        check = checks[name] = TableCheck(spec, table.n_rows, failures)
        check.read_columns(table.columns, assume_timezone=settings.assume_timezone)
        remarks += check.notes
        if not check.is_usable:
            del checks[name]
            continue
        check.check_instants(bound)
        check_across_columns(check)
        check.check_references(checks)
        check.check_keys()
        check_across_tables(check, checks)
    remarks += _unchecked_references(present)
    _check_rows_left(checks, n_read, failures)
    _raise_if_broken(failures.frame(), where=where, strict=strict)
    tables, data_hash = _finish(checks)
    for pair in list_missing_rates(tables):
        failures.add("exchange_rates", None, rule="missing_rate", level="warning", values=pair)
    quarantine = failures.frame()
    _raise_if_broken(quarantine, where=where, strict=strict)
    remarks += _assumptions(tables, present)
    return Validated(tables, present, quarantine, tuple(remarks), data_hash, n_read)


def _check_zone(zone: str | None) -> None:
    if zone is None:
        return
    try:
        pc.assume_timezone(pa.array([0], pa.timestamp("us")), zone)
    except pa.ArrowInvalid as error:
        raise ConfigError(
            f"assume_timezone: got {zone!r}; expected an IANA zone such as Asia/Ho_Chi_Minh"
        ) from error


def _check_tables_given(n_read: Mapping[str, int], failures: Failures) -> None:
    read_before = set(failures.frame()["table"])
    if "accounts" not in n_read and "accounts" not in read_before:
        failures.add("accounts", None, rule="missing_table", level="table")
    if not {"posts", "account_snapshots"} & (set(n_read) | read_before):
        fix = "add `posts` or `account_snapshots`"
        failures.add("posts", None, rule="missing_table", level="table", fix=fix)
    for name in ("accounts", "posts"):
        if n_read.get(name) == 0:
            failures.add(name, None, rule="empty_file", level="table")


def _link_influencers(raw: dict[str, RawTable]) -> list[str]:
    """Give accounts an owner, and make one per account where the table is absent."""
    accounts = raw.get("accounts")
    if accounts is None or "influencers" in raw or "account_id" not in accounts.columns:
        return []
    own = accounts.columns["account_id"]
    given = accounts.columns.get("influencer_id")
    owners = own if given is None else pc.coalesce(_as_text(given), _as_text(own))
    accounts.columns["influencer_id"] = owners
    unique = pc.unique(owners).drop_null()
    raw["influencers"] = RawTable({"influencer_id": pa.chunked_array([unique])}, len(unique))
    return [
        f"influencers: no such table; {len(unique):,} were made, one per account"
        + ("" if given is None else " or per `accounts.influencer_id`")
    ]


def _as_text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    is_text = pa.types.is_string(values.type) or pa.types.is_integer(values.type)
    return values.cast(pa.large_string()) if is_text or pa.types.is_null(values.type) else values


def _unchecked_references(present: frozenset[str]) -> Iterator[str]:
    for name in sorted(present):
        for column in TABLES[name].columns:
            parent = (column.reference or "").split(".")[0]
            if parent and parent not in present and parent != "influencers":
                yield f"{name}.{column.name}: not checked, since `{parent}` was not given"


def _check_rows_left(
    checks: Mapping[str, TableCheck], n_read: Mapping[str, int], failures: Failures
) -> None:
    for name in ("accounts", "posts"):
        if name in checks and n_read[name] and not checks[name].alive.any():
            failures.add(name, None, rule="no_usable_row", level="table")


def _raise_if_broken(quarantine: pd.DataFrame, *, where: str, strict: bool) -> None:
    broken = quarantine[quarantine["level"] == "table"]
    if len(broken) == 0 and not (strict and len(quarantine)):
        return
    sentences = describe_failures(quarantine)
    lines = "\n".join(f"  {sentence}" for sentence in sentences)
    reason = "cannot be used" if len(broken) else "is refused under strict checking"
    raise SchemaError(
        f"{where}: the market {reason}; {len(quarantine):,} failure(s) of "
        f"{len(sentences)} kind(s):\n{lines}",
        quarantine,
    )


def _finish(checks: dict[str, TableCheck]) -> tuple[dict[str, pd.DataFrame], str]:
    tables: dict[str, pd.DataFrame] = {}
    digest = hashlib.sha256()
    for name, spec in TABLES.items():
        if name not in checks:
            tables[name] = empty_frame(spec)
            continue
        columns = checks.pop(name).finish()
        if len(columns[spec.key[0]]):
            digest.update(hash_columns(name, columns))
        tables[name] = build_frame(columns)
    return tables, digest.hexdigest()[:16]


def _assumptions(tables: Mapping[str, pd.DataFrame], present: frozenset[str]) -> Iterator[str]:
    collaborations = tables["collaborations"]
    undated = int(collaborations["status_at"].isna().sum())
    if undated:
        yield f"collaborations: {undated:,} row(s) without `status_at` never count as history"
    unread = int(
        (collaborations["outcome_at"].isna() & collaborations["engagements"].notna()).sum()
    )
    if unread:
        yield f"collaborations: {unread:,} outcome(s) without `outcome_at` are never known"
    if present and "posts" not in present:
        yield "posts: no such table; whatever rests on content is missing"
