"""The log of decisions with what came of them, as arrays by candidate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from matcher.errors import DataError, SupportError, UsageError
from matcher.evaluation.offpolicy.notes import Note
from matcher.evaluation.offpolicy.words import LOGGING_ADVICE
from matcher.ranking.outcomes.names import OUTCOME_NAMES
from matcher.ranking.relevance import closed_campaigns, hire_outcomes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.market.market import Market

__all__ = ["DecisionLog", "check_policy", "read_log"]

_SETTLED: Final = 0.95


@dataclass(frozen=True, eq=False)
class DecisionLog:
    """Candidates of past campaigns, who of them was chosen with which chance, and what it brought.

    Parameters
    ----------
    campaign_ids : tuple of str
        Campaigns in order of decision; their position is their code.
    codes : numpy.ndarray of int64, shape (n,)
        Campaign of each candidate, never decreasing.
    account_ids : numpy.ndarray of object, shape (n,)
        Account of each candidate, once in a campaign.
    probability : numpy.ndarray of float64, shape (n,)
        Chance with which the logging policy chose the candidate, 0..1; NaN throughout where the
        log knows none.
    chosen : numpy.ndarray of bool, shape (n,)
        Whether it was chosen.
    outcome : numpy.ndarray of float64, shape (n,)
        What came of it; NaN unless it was chosen and measured.
    waited_days : numpy.ndarray of float64, shape (n_campaigns,)
        Days from each decision to the end of the market.
    score : numpy.ndarray of float64, shape (n,), optional
        Score that the logging policy gave; NaN where unknown. None where it is not told.
    outcome_name : str
        What is counted.
    notes : tuple of Note
        What was left out on the way.

    Raises
    ------
    DataError
        If arrays do not match, a chance lies outside 0..1, somebody was chosen without a chance,
        or an outcome is stated of somebody who was not chosen.
    """

    campaign_ids: tuple[str, ...]
    codes: NDArray[np.int64]
    account_ids: NDArray[np.object_]
    probability: NDArray[np.float64]
    chosen: NDArray[np.bool_]
    outcome: NDArray[np.float64]
    waited_days: NDArray[np.float64]
    score: NDArray[np.float64] | None = None
    outcome_name: str = "engagements"
    notes: tuple[Note, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.codes)
        columns = [self.account_ids, self.probability, self.chosen, self.outcome]
        columns += [] if self.score is None else [self.score]
        if any(len(column) != n for column in columns):
            raise DataError(f"decision log: columns differ in length; expected {n} rows each")
        if len(self.waited_days) != self.n_campaigns:
            raise DataError(
                f"decision log: {len(self.waited_days)} waits for {self.n_campaigns} campaigns"
            )
        if n and ((np.diff(self.codes) < 0).any() or self.codes[-1] >= self.n_campaigns):
            raise DataError("decision log: rows of a campaign are not together; sort by campaign")
        known = ~np.isnan(self.probability)
        if known.any() and not known.all():
            raise DataError(
                f"decision log: {int((~known).sum())} of {n} candidates have no "
                "`inclusion_probability`; state it for all, or for none to have it estimated"
            )
        self._check_choices(known)

    def _check_choices(self, known: NDArray[np.bool_]) -> None:
        wrong = known & ~((self.probability >= 0) & (self.probability <= 1))
        self._refuse(wrong, "have an `inclusion_probability` outside 0..1")
        self._refuse(
            known & self.chosen & (self.probability == 0),
            "were chosen though their `inclusion_probability` is 0; log the chance that was drawn "
            "with",
        )
        self._refuse(~np.isnan(self.outcome) & ~self.chosen, "have an outcome but were not chosen")

    def _refuse(self, wrong: NDArray[np.bool_], what: str) -> None:
        if wrong.any():
            rows = np.flatnonzero(wrong)[:5]
            first = "; ".join(
                f"{self.campaign_ids[self.codes[row]]} {self.account_ids[row]}" for row in rows
            )
            raise DataError(
                f"decision log: {int(wrong.sum())} of {len(wrong)} candidates {what} ({first})"
            )

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def n_campaigns(self) -> int:
        """Number of campaigns."""
        return len(self.campaign_ids)

    @property
    def knows_chances(self) -> bool:
        """Whether the log states with which chance it chose."""
        return bool(len(self)) and not bool(np.isnan(self.probability[0]))

    @property
    def is_deterministic(self) -> bool:
        """Whether it states chances, and none of them lies between 0 and 1."""
        return self.knows_chances and bool(np.isin(self.probability, (0.0, 1.0)).all())

    @cached_property
    def observed(self) -> NDArray[np.bool_]:
        """Whether an outcome is known, shape (n,)."""
        return ~np.isnan(self.outcome)

    @cached_property
    def bounds(self) -> NDArray[np.int64]:
        """First row of each campaign and, last, the number of rows; shape (n_campaigns + 1,)."""
        return np.searchsorted(self.codes, np.arange(self.n_campaigns + 1)).astype(np.int64)

    @cached_property
    def n_chosen(self) -> NDArray[np.int64]:
        """Chosen candidates by campaign, shape (n_campaigns,)."""
        return np.bincount(self.codes, weights=self.chosen, minlength=self.n_campaigns).astype(
            np.int64
        )

    @cached_property
    def row_campaigns(self) -> NDArray[np.object_]:
        """Campaign id of each candidate, shape (n,)."""
        return np.array(self.campaign_ids, dtype=object)[self.codes]

    def without_chances(self) -> DecisionLog:
        """The same log, as if it did not say with which chance it chose."""
        return replace(self, probability=np.full(len(self), np.nan))

    def without_scores(self) -> DecisionLog:
        """The same log, as if it did not say how it scored."""
        return replace(self, score=None)

    def take_campaigns(self, names: pd.Index) -> DecisionLog:
        """Some campaigns.

        Parameters
        ----------
        names : pandas.Index
            Campaigns to keep.

        Returns
        -------
        DecisionLog
            Those campaigns, in the same order.
        """
        kept = np.isin(np.array(self.campaign_ids, dtype=object), names.to_numpy(object))
        new_code = np.cumsum(kept) - 1
        rows = kept[self.codes]
        return DecisionLog(
            campaign_ids=tuple(np.array(self.campaign_ids, dtype=object)[kept]),
            codes=new_code[self.codes[rows]].astype(np.int64),
            account_ids=self.account_ids[rows],
            probability=self.probability[rows],
            chosen=self.chosen[rows],
            outcome=self.outcome[rows],
            waited_days=self.waited_days[kept],
            score=None if self.score is None else self.score[rows],
            outcome_name=self.outcome_name,
            notes=self.notes,
        )


def read_log(
    market: Market,
    outcome: str = "engagements",
    *,
    policy_id: str | None = None,
    settle_days: float | None = None,
) -> DecisionLog:
    """Log of a market's closed campaigns, from the tables `decisions` and `collaborations`.

    Parameters
    ----------
    market : Market
        Market.
    outcome : str
        What is counted, one of `matcher.ranking.outcomes.names.OUTCOME_NAMES`.
    policy_id : str, optional
        Policy whose decisions count; may be left out where there is one.
    settle_days : float, optional
        Days after a decision from which its outcomes count as in, 0 or more; those after which 95
        of 100 known outcomes were in when None. Of younger campaigns the outcomes of the quick are
        known alone.

    Returns
    -------
    DecisionLog
        Campaigns that are settled, by decision, candidates in rising order of account.

    Raises
    ------
    UsageError
        If there is no such outcome or policy, or several policies and none is named.
    SupportError
        If the market has no decisions, or none of a closed campaign.
    """
    if outcome not in OUTCOME_NAMES:
        raise UsageError(f"outcome: got {outcome!r}; expected one of {', '.join(OUTCOME_NAMES)}")
    table = _of_policy(market, policy_id)
    campaigns = market.tables["campaigns"].set_index("campaign_id")["decided_at"].dropna()
    closed = closed_campaigns(market, market.all_known_at)
    asked = pd.Index(table["campaign_id"].unique())
    # A campaign that chose nobody is settled too, but says nothing of what choices bring.
    kept = campaigns[campaigns.index.isin(closed) & campaigns.index.isin(asked)]
    days = _settle_days(market) if settle_days is None else settle_days
    kept = kept[kept <= market.all_known_at - pd.Timedelta(days=days)]
    kept = kept.sort_values(kind="stable")
    if kept.empty:
        raise SupportError(
            f"decisions: none of {len(asked)} campaigns is closed (all outcomes of its hires "
            f"known, {days:.0f} days past); nothing can be said of what was chosen yet",
            {
                "en": f"none of the {len(asked)} campaigns of the log is closed yet; ask again "
                f"once outcomes are known and {days:.0f} days are past",
                "vi": f"chưa chiến dịch nào trong {len(asked)} chiến dịch của nhật ký kết thúc; "
                f"hãy hỏi lại khi đã có kết quả và đã qua {days:.0f} ngày",
            },
        )
    names = pd.Index(kept.index)
    table = table[table["campaign_id"].isin(names)]
    code = names.get_indexer(pd.Index(table["campaign_id"]))
    order = np.lexsort((table["account_id"].to_numpy(object).astype(str), code))
    table, code = table.iloc[order], code[order]
    keys = pd.MultiIndex.from_frame(table[["campaign_id", "account_id"]])
    found = hire_outcomes(market).set_index(["campaign_id", "account_id"])[outcome]
    chosen = table["chosen"].to_numpy(bool)
    measured = found.reindex(keys).to_numpy(np.float64)
    strangers = int((~np.isnan(measured) & ~chosen).sum())
    left, all_ = len(asked) - len(kept), len(asked)
    notes = [
        Note(
            f"{left} of {all_} campaigns are not closed yet, or fewer than {days:.0f} days past",
            f"{left} trong {all_} chiến dịch chưa kết thúc, hoặc mới qua chưa đến {days:.0f} ngày",
        )
    ]
    hires = found.dropna().index
    hires = hires[hires.get_level_values(0).isin(names)]
    outside = int((~hires.isin(keys)).sum())
    if strangers or outside:
        n = strangers + outside
        notes.append(
            Note(
                f"{n} hires with an outcome are not among those that the policy chose and are left "
                "out",
                f"{n} lần thuê có kết quả không nằm trong số chính sách đã chọn nên bị bỏ ra",
            )
        )
    waited = (market.all_known_at - kept).dt.total_seconds() / 86_400.0
    return DecisionLog(
        campaign_ids=tuple(map(str, names)),
        codes=code.astype(np.int64),
        account_ids=table["account_id"].to_numpy(object),
        probability=table["inclusion_probability"].to_numpy(np.float64),
        chosen=chosen,
        outcome=np.where(chosen, measured, np.nan),
        score=_score(table),
        waited_days=waited.to_numpy(np.float64),
        outcome_name=outcome,
        notes=tuple(notes),
    )


def _settle_days(market: Market) -> float:
    """Days after which 95 of 100 known outcomes were in."""
    known = market.tables["collaborations"].dropna(subset="outcome_at")
    decided = market.tables["campaigns"].set_index("campaign_id")["decided_at"]
    waits = known["outcome_at"] - known["campaign_id"].map(decided)
    waits = waits.dropna().dt.total_seconds() / 86_400.0
    return float(waits.quantile(_SETTLED)) if len(waits) else 0.0


def _score(table: pd.DataFrame) -> NDArray[np.float64] | None:
    score = table["score"].to_numpy(np.float64)
    return None if np.isnan(score).all() else score


def _of_policy(market: Market, policy_id: str | None) -> pd.DataFrame:
    """Decisions of one policy."""
    table = market.tables.get("decisions")
    if table is None or table.empty:
        raise SupportError(
            "decisions: the market has no log of decisions, so that nobody knows who could have "
            "been chosen; log every eligible account with its chance (`matcher recommend "
            "--explore 0.2` writes such a log)",
            {
                "en": f"the market has no log of decisions. {LOGGING_ADVICE['en']}",
                "vi": f"thị trường không có nhật ký quyết định. {LOGGING_ADVICE['vi']}",
            },
        )
    check_policy(market, policy_id)
    return table if policy_id is None else table[table["policy_id"] == policy_id]


def check_policy(market: Market, policy_id: str | None) -> None:
    """Refuse a policy that a log does not hold, and several where none is named.

    Parameters
    ----------
    market : Market
        Market; one without a log holds nothing to check by.
    policy_id : str or None
        Policy whose decisions count.

    Raises
    ------
    UsageError
        Naming the policies of the log.
    """
    table = market.tables.get("decisions")
    if table is None or table.empty:
        return
    policies = sorted(map(str, table["policy_id"].unique()))
    if policy_id is None and len(policies) > 1:
        raise UsageError(
            f"decisions: {len(policies)} policies decided ({', '.join(policies[:5])}); name one"
        )
    if policy_id is not None and policy_id not in policies:
        raise UsageError(
            f"decisions: no policy {policy_id!r}; expected one of {', '.join(policies[:5])}"
        )
