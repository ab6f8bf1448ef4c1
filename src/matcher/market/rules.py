"""Rules that look at more than one column of a table, or at two tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from matcher.columns import AGE_BUCKETS, GENDER_BUCKETS
from matcher.market.instants import is_timezone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matcher.market.check import TableCheck

__all__ = ["check_across_columns", "check_across_tables"]

SHARE_TOLERANCE: Final = 0.01
"""Published shares are rounded; their sum may exceed 1 by this much."""

MONEY: Final = {"campaigns": ("budget",), "collaborations": ("fee", "revenue")}


def check_across_columns(check: TableCheck) -> None:
    """Apply the rules of one table.

    Parameters
    ----------
    check : TableCheck
        Table with converted columns.
    """
    name = check.spec.name
    if name in ("posts", "post_metrics", "collaborations"):
        rows = check.rows_where(pc.greater(check.columns["reach"], check.columns["impressions"]))
        check.flag(rows, "reach", "reach_above_impressions", level="warning")
    if name in ("availability", "exclusivities"):
        rows = check.rows_where(pc.greater(check.columns["from_on"], check.columns["to_on"]))
        check.flag(rows, "from_on", "span_reversed", level="row")
    if name in MONEY:
        _check_currency(check, MONEY[name])
    if name == "posts":
        late = pc.less(check.columns["observed_at"], check.columns["published_at"])
        check.blank(check.rows_where(late), "observed_at", "observed_before_published")
    if name == "exclusivities":
        neither = pc.and_(
            pc.is_null(check.columns["brand_id"]), pc.is_null(check.columns["category"])
        )
        check.flag(check.rows_where(neither), "brand_id", "subject_missing", level="row")
    if name == "campaigns":
        reversed_ = pc.greater(check.columns["starts_on"], check.columns["ends_on"])
        check.blank(check.rows_where(reversed_), "ends_on", "span_reversed")
        n_creators = check.columns["n_creators"]
        split = pc.not_equal(n_creators, pc.floor(n_creators))
        check.blank(check.rows_where(split), "n_creators", "not_whole")
        zone = check.columns["timezone"]
        given = pc.unique(zone).drop_null().to_pylist()
        zones = pa.array([name for name in given if is_timezone(name)], pa.large_string())
        unknown = pc.and_(pc.is_valid(zone), pc.invert(pc.is_in(zone, value_set=zones)))
        check.blank(check.rows_where(unknown), "timezone", "unknown_timezone")
    if name == "audiences":
        _check_audiences(check)


def _check_currency(check: TableCheck, amounts: tuple[str, ...]) -> None:
    for amount in amounts:
        bare = pc.and_(pc.is_valid(check.columns[amount]), pc.is_null(check.columns["currency"]))
        check.flag(check.rows_where(bare), amount, "without_currency", level="warning")


def _check_audiences(check: TableCheck) -> None:
    for dimension, buckets in (("age", AGE_BUCKETS), ("gender", GENDER_BUCKETS)):
        known = pc.is_in(check.columns["bucket"], value_set=pa.array(buckets, pa.large_string()))
        bad = pc.and_(pc.equal(check.columns["dimension"], dimension), pc.invert(known))
        check.flag(check.rows_where(bad), "bucket", "bucket_unknown", level="row")


def check_share_sums(check: TableCheck) -> None:
    """Send every row of a dimension whose shares sum to more than 1 to the quarantine.

    Parameters
    ----------
    check : TableCheck
        The table `audiences`, its keys checked.
    """
    alive = np.flatnonzero(check.alive)
    if len(alive) == 0:
        return
    keys = ("account_id", "as_of", "dimension")
    take = pa.array(alive)
    columns = {name: check.columns[name].take(take) for name in (*keys, "share")}
    table = pa.table({**columns, "row": take})
    sums = table.group_by(list(keys)).aggregate([("share", "sum")])
    high = sums.filter(pc.greater(sums["share_sum"], 1.0 + SHARE_TOLERANCE)).select(list(keys))
    if high.num_rows == 0:
        return
    bad = table.join(high, keys=list(keys), join_type="inner")["row"]
    rows = np.sort(bad.to_numpy()).astype(np.int64)
    check.flag(rows, "share", "shares_above_one", level="row")


def check_across_tables(check: TableCheck, checks: Mapping[str, TableCheck]) -> None:
    """Apply the rules that need a second table.

    Parameters
    ----------
    check : TableCheck
        Table whose references hold.
    checks : mapping of str to TableCheck
        All tables checked so far.
    """
    if check.spec.name == "audiences":
        check_share_sums(check)
    if check.spec.name == "post_metrics" and "posts" in checks:
        posts = checks["posts"]
        found = pc.index_in(check.columns["post_id"], value_set=posts.columns["post_id"])
        published = posts.columns["published_at"].take(found)
        early = pc.less(check.columns["observed_at"], published)
        rows = check.rows_where(early)
        check.flag(rows, "observed_at", "observed_before_published", level="row")
