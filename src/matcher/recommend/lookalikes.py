"""The list of accounts like one of the market."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

from matcher.errors import MatcherError
from matcher.markup import html_table
from matcher.recommend.compared import PARTS

__all__ = ["SIMILAR_COLUMNS", "SimilarAccounts"]

SIMILAR_COLUMNS: Final[Mapping[str, str]] = {
    "like": "str",
    "rank": "int64",
    "account_id": "str",
    "influencer_id": "str",
    "display_name": "str",
    "handle": "str",
    "platform": "str",
    "tier": "str",
    "url": "str",
    "likeness": "float64",
    **dict.fromkeys(PARTS, "float64"),
    "cosine": "float64",
    **{f"why_{part}": "str" for part in PARTS},
    "shared_hashtags": "str",
    "own_post_id": "str",
    "own_post_url": "str",
    "own_post_text": "str",
    "post_id": "str",
    "post_url": "str",
    "post_text": "str",
    "post_similarity": "float64",
    "is_same_person": "bool",
    "model_id": "str",
    "data_hash": "str",
    "as_of": "datetime64[us, UTC]",
    "assumed_timeless": "str",
}
"""Columns of the list of similar accounts and their dtypes.

``like`` is the account asked about. ``content``, ``audience`` and ``engagement`` are shares of the
compared accounts that are less alike (ties counting half), NaN where the part is not known of both
accounts or not asked for. ``likeness`` combines the known parts as
`matcher.recommend.likeness.combine` says. ``own_post_*`` and ``post_*`` are the two posts, one of
each account, that lie nearest to each other; missing where content is not compared.
"""


@dataclass(frozen=True, eq=False)
class SimilarAccounts:
    """Accounts like one of the market, the most alike first.

    Parameters
    ----------
    account_id : str
        The account asked about.
    as_of : pandas.Timestamp
        Instant before which everything that was used was known.
    by : tuple of str
        Parts compared.
    frame : pandas.DataFrame
        One row per similar account with the columns of `SIMILAR_COLUMNS`.
    n_compared : int
        Accounts it was compared with.
    notes : tuple of str
        Whom it was not compared with and what is not known, in sentences.
    audit : mapping of str to str
        What the list rests on.
    """

    account_id: str
    as_of: pd.Timestamp
    by: tuple[str, ...]
    frame: pd.DataFrame
    n_compared: int
    notes: tuple[str, ...] = ()
    audit: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check columns, ranks, order, uniqueness and ranges."""
        missing = [name for name in SIMILAR_COLUMNS if name not in self.frame]
        if missing:
            raise MatcherError(f"similar: {len(missing)} columns are missing: {missing[:5]}")
        ids = self.frame["account_id"]
        if ids.duplicated().any() or (ids == self.account_id).any():
            raise MatcherError("similar: an account stands twice, or beside itself")
        likeness = self.frame["likeness"].to_numpy(np.float64)
        if not np.array_equal(self.frame["rank"], np.arange(1, len(ids) + 1)):
            raise MatcherError("similar: ranks must run from 1 without gaps")
        if (np.diff(likeness) > 0).any() or not ((likeness >= 0) & (likeness <= 1)).all():
            raise MatcherError("similar: likeness must fall from rank to rank, within 0 and 1")

    def __len__(self) -> int:
        return len(self.frame)

    def _repr_html_(self) -> str:
        """Table for notebooks: the first 20 rows, every text escaped."""
        names = ["rank", "account_id", "handle", "platform", "tier", "likeness", *self.by]
        shown = self.frame[[*names, *(f"why_{part}" for part in self.by)]]
        title = f"like {self.account_id} as of {self.as_of:%Y-%m-%d %H:%M} UTC"
        return html_table(shown, title=title, notes=self.notes)
