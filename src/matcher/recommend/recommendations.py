"""The list that comes out: one row per brief and recommended account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final

import numpy as np
import pandas as pd

from matcher.columns import REASON_GROUPS
from matcher.errors import LeakageError, MatcherError
from matcher.plain import plain_text
from matcher.recommend.outcomes import OUTCOME_COLUMNS

__all__ = [
    "AUDIT_COLUMNS",
    "COLUMNS",
    "EVIDENCE_PARTS",
    "N_EVIDENCE",
    "N_PAST",
    "N_REASONS",
    "N_SIMILAR",
    "PAST_PARTS",
    "SIMILAR_PARTS",
    "Recommendations",
    "join_rows",
]

N_REASONS: Final = 3
"""Sentences that speak for an account."""
N_EVIDENCE: Final = 3
"""Posts shown as evidence."""
N_PAST: Final = 2
"""Past hires shown of an account."""
N_SIMILAR: Final = 3
"""Past campaigns shown of a brief."""

EVIDENCE_PARTS: Final = ("post_id", "url", "url_of", "published_at", "similarity", "text")
"""What is said of each post, in columns ``evidence_<number>_<part>`` of the list."""
PAST_PARTS: Final = (
    "campaign_id",
    "brand_id",
    "account_id",
    "decided_at",
    "similarity",
    "outcome",
    "outcome_name",
    "outcome_ratio",
    "text",
)
"""What is said of each past hire, in columns ``past_<number>_<part>`` of the list."""
SIMILAR_PARTS: Final = (
    "campaign_id",
    "brand_id",
    "decided_at",
    "similarity",
    "n_hired",
    "n_outcomes",
    "outcome",
    "outcome_name",
    "text",
)
"""What is said of each similar campaign, in columns ``similar_<number>_<part>`` of the pools."""

AUDIT_COLUMNS: Final = (
    "model_id",
    "model_version",
    "data_hash",
    "config_hash",
    "as_of",
    "assumed_timeless",
)
"""What every row says of its origin; a model that is in no registry has no version."""

_EVIDENCE: Final = tuple(
    f"evidence_{number}_{part}" for number in range(1, N_EVIDENCE + 1) for part in EVIDENCE_PARTS
)

_PAST: Final = tuple(
    f"past_{number}_{part}" for number in range(1, N_PAST + 1) for part in PAST_PARTS
)


def _dtype(name: str) -> str:
    if name.endswith("_at"):
        return "datetime64[us, UTC]"
    return "float64" if name.endswith(("_similarity", "_outcome", "_ratio")) else "str"


COLUMNS: Final[Mapping[str, str]] = {
    "brief_id": "str",
    "campaign_id": "str",
    "rank": "int64",
    "account_id": "str",
    "influencer_id": "str",
    "display_name": "str",
    "handle": "str",
    "platform": "str",
    "url": "str",
    "fit": "float64",
    "fit_times_average": "float64",
    "n_hires_expected": "float64",
    "acceptance": "float64",
    "fit_score": "float64",
    "fit_percentile": "float64",
    "deliver_score": "float64",
    "deliver_percentile": "float64",
    "blend_score": "float64",
    "outcome_score": "float64",
    "fee": "float64",
    "fee_currency": "str",
    "fee_is_estimate": "bool",
    "fee_low": "float64",
    "fee_high": "float64",
    "fee_note": "str",
    **OUTCOME_COLUMNS,
    "order": "str",
    "explained": "str",
    "base": "float64",
    **{f"reason_{group}": "float64" for group in REASON_GROUPS},
    **{f"reason_{group}_text": "str" for group in REASON_GROUPS},
    **{f"why_{number}": "str" for number in range(1, N_REASONS + 1)},
    "against": "str",
    **{name: _dtype(name) for name in _EVIDENCE},
    "n_close_posts": "int64",
    **{name: _dtype(name) for name in _PAST},
    "warnings": "object",
    "warning_text": "str",
    "other_accounts": "object",
    "is_must_have": "bool",
    "retrieval_rank": "int64",
    "n_candidates": "int64",
    "n_eligible": "int64",
    "model_id": "str",
    "model_version": "str",
    "data_hash": "str",
    "config_hash": "str",
    "as_of": "datetime64[us, UTC]",
    "assumed_timeless": "str",
}
"""Columns of the list and their dtypes; object columns hold tuples of text.

``fit`` is the probability that the brand hires the account if it hires ``n_hires_expected`` of the
eligible ones, learnt from later campaigns; ``fit_times_average`` is that over the probability of
the average eligible account; all three are NaN where the model is not calibrated.
``acceptance`` is the chance that the account accepts if it is invited; NaN where too few answers
to invitations were known.
``explained`` names the score (``fit``, ``deliver`` or ``outcome``) to which ``base`` and the
``reason_*`` columns add up: the mean score of the typical candidates of the brief, and what sets
the account apart from these; ``reason_<group>_text`` says the most telling thing of a group in one
sentence, and is missing where the group contributes less than 2 % of what all groups do.
Percentiles are shares of the eligible accounts that stand lower, ties counting half; accounts that
retrieval left out stand lower. ``blend_score`` is the mean of the normal scores of both rankings,
``outcome_score`` the middle of the log of the outcome per post that stands for the objective.
``fee`` is the price of one post, as `matcher.recommend.fees.build_fees` says, and ``fee_note`` says
it in a sentence; of an estimate ``fee_low`` and ``fee_high`` are quantiles .1 and .9. ``outcome_*``
say what ``outcome_posts`` posts of the account bring of ``outcome_name``, which stands for the
brief's objective: 10, 50 and 90 % quantiles, the expected value, ``outcome_lift`` over what its
posts say of an ordinary ad, and the chance of ``outcome_goal``, its share of the brief's goal;
``<outcome>_*`` say the same of every outcome that is predicted, and ``cost_per_outcome`` is the fee
of these posts per one at the median, with what it is at the 90 and the 10 % quantile. They are NaN
where nothing is predicted, and ``outcome_note`` says why. ``past_*`` are earlier hires of the
account or its person, as `matcher.recommend.precedents.build_past_hires` says.
``evidence_<number>_url_of`` says whether the address is that of the post or only of its account,
see `matcher.recommend.links.post_addresses`.
``n_close_posts`` counts earlier posts at least as near to the brief as the closest post of the
median candidate.
"""

_SHOWN: Final = (
    "brief_id",
    "rank",
    "account_id",
    "handle",
    "platform",
    "fit",
    "fit_percentile",
    "why_1",
)


@dataclass(frozen=True, eq=False)
class Recommendations:
    """Ranked accounts for some briefs.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per brief and account with the columns of `COLUMNS`, briefs in the order asked for,
        accounts by rank.
    pools : pandas.DataFrame
        One row per brief: ``brief_id, as_of, n_accounts, n_eligible, n_candidates,
        n_recommended``, what each hard rule removed (``removed_<rule>``) or passed for want of a
        value (``unknown_<rule>``), the past campaigns most like the brief
        (``similar_<number>_<part>``, see `matcher.recommend.precedents.build_similar_campaigns`),
        and under an exposure floor ``exposure_<part>``, see
        `matcher.recommend.exposure.hold_to_floor`.
    notes : tuple of str
        What was noticed, in sentences.
    audit : mapping of str to str or None
        What the list rests on.
    decisions : pandas.DataFrame or None
        Where lists were drawn, one row per brief and eligible account with the columns of
        `matcher.recommend.explore.DECISION_COLUMNS`.
    """

    frame: pd.DataFrame
    pools: pd.DataFrame
    notes: tuple[str, ...] = ()
    audit: Mapping[str, str | None] = field(default_factory=dict)
    decisions: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        """Check columns, ranks, uniqueness, sums, the age of what is shown, and ranges of fees."""
        missing = [name for name in COLUMNS if name not in self.frame]
        if missing:
            raise MatcherError(
                f"recommendations: {len(missing)} columns are missing: {missing[:5]}"
            )
        if self.frame.duplicated(["brief_id", "account_id"]).any():
            raise MatcherError("recommendations: an account stands twice in the list of a brief")
        places = self.frame.groupby("brief_id", sort=False).cumcount() + 1
        if not np.array_equal(places.to_numpy(), self.frame["rank"].to_numpy()):
            raise MatcherError("recommendations: ranks must run from 1 without gaps in each brief")
        self._check_sums()
        self._check_evidence()
        self._check_past()
        outside = (self.frame["fee_low"] > self.frame["fee"]) | (
            self.frame["fee"] > self.frame["fee_high"]
        )
        if outside.any():
            raise MatcherError("recommendations: a fee lies outside its own range")

    def _check_sums(self) -> None:
        reasons = [f"reason_{group}" for group in REASON_GROUPS]
        total = self.frame["base"] + self.frame[reasons].sum(axis=1)
        explained = self.frame["explained"]
        unknown = sorted(set(explained) - {"fit", "deliver", "outcome"})
        if unknown:
            raise MatcherError(
                f"recommendations: `explained` holds {unknown[:5]}; expected fit, deliver, outcome"
            )
        score = np.zeros(len(self.frame))
        for name in explained.unique():
            rows = (explained == name).to_numpy(bool)
            score[rows] = self.frame.loc[rows, f"{name}_score"]
        worst = float(np.abs(total.to_numpy() - score).max(initial=0.0))
        if not worst <= 1e-9:
            raise MatcherError(
                f"recommendations: contributions miss the score by up to {worst:.3g}; expected "
                "1e-9 at most; the ranker's contributions are not those of its score"
            )

    def _check_evidence(self) -> None:
        for number in range(1, N_EVIDENCE + 1):
            published = self.frame[f"evidence_{number}_published_at"]
            if (published >= self.frame["as_of"]).any():
                raise LeakageError(
                    "recommendations: a post shown as evidence was published at or after the "
                    "instant from which its brief is seen"
                )

    def _check_past(self) -> None:
        for frame, what, n in ((self.frame, "past", N_PAST), (self.pools, "similar", N_SIMILAR)):
            for number in range(1, n + 1):
                name = f"{what}_{number}_decided_at"
                # Pools made by hand may say nothing of similar campaigns.
                if name in frame and (frame[name] >= frame["as_of"]).any():
                    raise LeakageError(
                        f"recommendations: a campaign shown as `{name}` was decided at or after "
                        "the instant from which its brief is seen"
                    )

    def __len__(self) -> int:
        return len(self.frame)

    def brief(self, brief_id: str) -> pd.DataFrame:
        """List of one brief.

        Parameters
        ----------
        brief_id : str
            The brief.

        Returns
        -------
        pandas.DataFrame
            Its rows, by rank.
        """
        return self.frame[self.frame["brief_id"] == brief_id].reset_index(drop=True)

    def _repr_html_(self) -> str:
        """Table for notebooks: the first 20 rows, every text escaped."""
        shown = self.frame[list(_SHOWN)].head(20)
        head = "".join(f"<th>{escape(name)}</th>" for name in shown.columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{_cell(value)}</td>" for value in row) + "</tr>"
            for row in shown.itertuples(index=False)
        )
        notes = "".join(f"<li>{escape(plain_text(note))}</li>" for note in self.notes)
        return (
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            f"<p>{len(self.frame):,} rows for {len(self.pools):,} briefs</p><ul>{notes}</ul>"
        )


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.3f}"
    return escape(plain_text(str(value)))


def join_rows(parts: Sequence[Mapping[str, Sequence[Any]]]) -> pd.DataFrame:
    """One list of the lists of several briefs.

    Parameters
    ----------
    parts : sequence of mapping of str to sequence
        What `matcher.recommend.rows.build_rows` gave for each brief.

    Returns
    -------
    pandas.DataFrame
        Columns and dtypes of `COLUMNS`.
    """
    series = {}
    for name, dtype in COLUMNS.items():
        values = [value for part in parts for value in part[name]]
        if dtype == "object":
            cells = np.empty(len(values), dtype=object)
            # One by one: numpy would unpack tuples of equal length.
            for place, value in enumerate(values):
                cells[place] = value
            series[name] = pd.Series(cells, dtype=object)
        else:
            series[name] = pd.Series(values, dtype=dtype)
    return pd.DataFrame(series)
