"""The rows of one brief's list: chosen accounts with scores, reasons, evidence and warnings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from matcher.columns import REASON_GROUPS
from matcher.ranking.outcomes.contributions import PLACE
from matcher.recommend.cautions import build_cautions
from matcher.recommend.evidence import build_evidence, evidence_columns
from matcher.recommend.explore import DECISION_COLUMNS
from matcher.recommend.fees import build_fees
from matcher.recommend.orders import (
    EXPLAINED,
    GROUPS_OF,
    explained_question,
    pool_values,
    score_contributions,
)
from matcher.recommend.outcomes import expect_outcomes
from matcher.recommend.precedents import build_past_hires
from matcher.recommend.reasons import build_reasons
from matcher.recommend.recommendations import N_EVIDENCE, N_REASONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from matcher.columns import Order
    from matcher.features.context import FeatureContext, MarketData
    from matcher.features.pair_features import FeatureMatrix
    from matcher.market.brief import Brief
    from matcher.ranking.exposure import ExposureRule
    from matcher.ranking.model import Model
    from matcher.recommend.cautions import Caution
    from matcher.recommend.explore import Lottery
    from matcher.recommend.orders import OrderRequest, Question
    from matcher.recommend.reasons import Reasons
    from matcher.recommend.wording import Language
    from matcher.retrieval.nearest import Candidates

__all__ = ["Job", "Scored", "build_rows", "choose"]


@dataclass(frozen=True)
class Job:
    """What all briefs of one run share.

    Parameters
    ----------
    model : Model
        Model.
    context : FeatureContext
        Market seen through the model's text objects.
    top_k : int
        Accounts per brief at most.
    order : {"objective", "fit", "deliver", "outcome", "value", "blend"}
        What lists are to be ordered by; see `matcher.recommend.orders.resolve_order`.
    language : {"en", "vi"}
        Language of the sentences.
    one_per_person : bool
        Whether a list shows only the best account of each person.
    audit : mapping of str to str or None
        Audit columns that are the same for every brief.
    lottery : Lottery or None
        How lists are drawn; None takes the best.
    exposure : ExposureRule or None
        Floor that lists are held to.
    """

    model: Model
    context: FeatureContext
    top_k: int
    order: OrderRequest
    language: Language
    one_per_person: bool
    audit: Mapping[str, str | None]
    lottery: Lottery | None = None
    exposure: ExposureRule | None = None

    @property
    def data(self) -> MarketData:
        """The market."""
        return self.context.data


@dataclass(frozen=True)
class Scored:
    """Candidates of one brief with their scores and what these rest on.

    Parameters
    ----------
    brief : Brief
        The brief.
    candidates : Candidates
        Its candidates.
    scores : pandas.DataFrame
        ``hire``, ``deliver``, ``outcome`` and ``blend`` of each candidate, and ``value`` where the
        list is ordered by it.
    matrix : FeatureMatrix
        Raw features of each candidate.
    order : {"fit", "deliver", "outcome", "value", "blend"}
        What its list is ordered by.
    order_note : str or None
        Why another order was taken than the settings say.
    """

    brief: Brief
    candidates: Candidates
    scores: pd.DataFrame
    matrix: FeatureMatrix
    order: Order
    order_note: str | None = None

    @property
    def question(self) -> Question:
        """Column of the score that the reasons of the list add up to."""
        return explained_question(self.order)

    @property
    def order_score(self) -> NDArray[np.float64]:
        """Score that the list is ordered by, shape (n_candidates,)."""
        column = "hire" if self.order == "fit" else self.order
        return self.scores[column].to_numpy(np.float64)

    @property
    def as_of(self) -> pd.Timestamp:
        """Instant from which the brief is seen."""
        return pd.Timestamp(self.candidates.instant, unit="us", tz="UTC")

    def percentiles(self, column: str) -> NDArray[np.float64]:
        """Share of the eligible accounts that stand lower, ties counting half.

        Parameters
        ----------
        column : str
            Column of `scores`.

        Returns
        -------
        numpy.ndarray of float64, shape (n_candidates,)
            0 to 1; NaN where the score is unknown.
        """
        ranks = self.scores[column].rank(ascending=False).to_numpy(np.float64)
        return np.asarray(1.0 - (ranks - 0.5) / self.candidates.n_eligible)


def choose(job: Job, ranked: Scored) -> tuple[NDArray[np.int64], pd.DataFrame | None]:
    """Rows of the list of one brief, by score or as drawn.

    Accounts that the brief must have take their places first, wherever they rank.

    Parameters
    ----------
    job : Job
        What all briefs share.
    ranked : Scored
        Its scored candidates, at least one.

    Returns
    -------
    rows : numpy.ndarray of int64, shape (n_chosen,)
        By score, ties by account id, or in the order in which they were drawn; one per person if
        asked.
    log : pandas.DataFrame or None
        Columns of `matcher.recommend.explore.DECISION_COLUMNS`, one row per eligible account; None
        where nothing was drawn.
    """
    score = ranked.order_score
    codes = ranked.candidates.codes
    persons = job.data.index.person_of[codes] if job.one_per_person else np.arange(len(codes))
    fixed = np.isin(ranked.candidates.account_ids, list(ranked.brief.must_have))
    if job.lottery is not None:
        chosen, chance, error = _draw(job, ranked, score, persons, fixed)
        return chosen, _log(job, ranked, score, chosen, chance, error)
    order = np.lexsort((codes, -score, ~fixed))
    _, first = np.unique(persons[order], return_index=True)
    # Of a person whom the brief must have with several accounts, each keeps its place.
    order = order[fixed[order] | np.isin(np.arange(len(order)), first)]
    chosen = order[: max(job.top_k, int(fixed.sum()))]
    return chosen[np.lexsort((codes[chosen], -score[chosen]))], None


def _draw(
    job: Job,
    ranked: Scored,
    score: NDArray[np.float64],
    persons: NDArray[np.int64],
    fixed: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Accounts that the brief must have, then others as drawn; with the chance of each."""
    certain = np.flatnonzero(fixed)
    certain = certain[np.argsort(-score[certain], kind="stable")]
    chance, error = fixed.astype(np.float64), np.zeros(len(score))
    rest = np.flatnonzero(~np.isin(persons, persons[fixed]))
    n_left = job.top_k - len(certain)
    if job.lottery is None or n_left <= 0 or not len(rest):
        return certain, chance, error
    drawn, chance[rest], error[rest] = job.lottery.draw(
        ranked.brief.brief_id, score[rest], persons[rest], n_left
    )
    return np.concatenate((certain, rest[drawn])), chance, error


def _log(
    job: Job,
    ranked: Scored,
    score: NDArray[np.float64],
    chosen: NDArray[np.int64],
    chance: NDArray[np.float64],
    error: NDArray[np.float64],
) -> pd.DataFrame:
    eligible = ranked.candidates.eligible.accounts
    place = np.searchsorted(eligible, ranked.candidates.codes)
    ids = job.data.index.account_ids.to_numpy(object)[eligible]
    frame = pd.DataFrame({"account_id": pd.Series(ids, dtype="str")})
    frame["campaign_id"] = ranked.brief.brief_id
    epsilon = 0.0 if job.lottery is None else job.lottery.epsilon
    frame["policy_id"] = f"{ranked.order}-gumbel-{epsilon:g}-{job.audit['model_id']}"
    frame["logged_at"] = ranked.as_of
    frame[["score", "inclusion_error"]] = np.nan
    frame["inclusion_probability"] = 0.0
    frame["chosen"] = False
    frame["rank"] = pd.Series([pd.NA] * len(frame), dtype="Int64")
    for name, values in (
        ("score", score),
        ("inclusion_probability", chance),
        ("inclusion_error", error),
    ):
        frame.loc[place, name] = values
    frame.loc[place[chosen], "chosen"] = True
    frame.loc[place[chosen], "rank"] = np.arange(1, len(chosen) + 1)
    return frame[list(DECISION_COLUMNS)].astype(DECISION_COLUMNS)


def build_rows(job: Job, ranked: Scored, chosen: NDArray[np.int64]) -> dict[str, Sequence[Any]]:
    """List of one brief.

    Parameters
    ----------
    job : Job
        What all briefs share.
    ranked : Scored
        Its scored candidates, at least one.
    chosen : numpy.ndarray of int64, shape (n_chosen,)
        Rows of the list, as from `choose`.

    Returns
    -------
    dict of str to sequence
        Values by rank of each column of `matcher.recommend.recommendations.COLUMNS`.
    """
    codes = ranked.candidates.codes[chosen]
    instant = ranked.candidates.instant
    names, contributions = score_contributions(job.model, ranked, ranked.question, chosen)
    pool = pool_values(job.model, ranked, names)
    evidence, n_close = build_evidence(
        job.context, ranked.brief, codes, instant, close=_close(ranked), n_posts=N_EVIDENCE
    )
    reasons = build_reasons(
        contributions,
        names,
        GROUPS_OF,
        values=pool[chosen],
        pool=pool,
        n_close=n_close,
        language=job.language,
    )
    by_code = np.argsort(chosen)
    cautions = build_cautions(
        job.data,
        ranked.brief,
        codes[by_code],
        instant,
        ranked.matrix.select(chosen[by_code]),
        n_close=n_close[by_code],
        language=job.language,
        seen=job.model.seen,
        names=[name for name in names if name != PLACE],
    )
    placed: list[tuple[Caution, ...]] = [()] * len(chosen)
    for place, caution in zip(by_code, cautions, strict=True):
        placed[place] = caution
    n = len(chosen)
    fees = build_fees(job.data, ranked.brief, codes, instant, language=job.language)
    expected = expect_outcomes(job.model, ranked.matrix, ranked.brief, chosen)
    return {
        **_identity(job, ranked, codes),
        **_scores(job, ranked, chosen),
        **fees.columns(),
        **expected.columns(ranked.brief, fees, job.language),
        **_reasons(reasons),
        **evidence_columns(evidence, N_EVIDENCE),
        **build_past_hires(job.context, ranked.brief, codes, instant, language=job.language),
        "n_close_posts": n_close,
        "warnings": [tuple(one.id for one in row) for row in placed],
        "warning_text": [" ".join(one.text for one in row) or None for row in placed],
        "is_must_have": np.isin(
            ranked.candidates.account_ids[chosen], list(ranked.brief.must_have)
        ),
        "retrieval_rank": ranked.candidates.retrieval_rank[chosen],
        "n_candidates": [len(ranked.candidates)] * n,
        "n_eligible": [ranked.candidates.n_eligible] * n,
        **{name: [value] * n for name, value in job.audit.items()},
        "as_of": [ranked.as_of] * n,
    }


def _close(ranked: Scored) -> float:
    """Cosine of the closest post of the median candidate, from which a post counts as close."""
    closest = ranked.matrix.columns(["content_best"])[:, 0]
    known = closest[np.isfinite(closest)]
    return float(np.median(known)) if len(known) else np.inf


def _identity(job: Job, ranked: Scored, codes: NDArray[np.int64]) -> dict[str, Any]:
    index = job.data.index
    accounts = index.accounts.iloc[codes]
    known = job.data.market.tables["campaigns"]["campaign_id"]
    campaign = ranked.brief.brief_id if (known == ranked.brief.brief_id).any() else None
    everyone: dict[int, list[int]] = {}
    persons = index.person_of[codes]
    for code in np.flatnonzero(np.isin(index.person_of, persons)):
        everyone.setdefault(int(index.person_of[code]), []).append(int(code))
    return {
        "brief_id": [ranked.brief.brief_id] * len(codes),
        "campaign_id": [campaign] * len(codes),
        "rank": np.arange(1, len(codes) + 1),
        "account_id": accounts["account_id"].to_numpy(object),
        "influencer_id": accounts["influencer_id"].to_numpy(object),
        "display_name": index.influencers["display_name"].iloc[codes].to_numpy(object),
        "handle": accounts["handle"].to_numpy(object),
        "platform": accounts["platform"].to_numpy(object),
        "url": accounts["url"].to_numpy(object),
        "other_accounts": [
            tuple(index.account_ids[other] for other in everyone[int(person)] if other != code)
            for person, code in zip(persons, codes, strict=True)
        ],
    }


def _fit(job: Job, ranked: Scored, chosen: NDArray[np.int64]) -> dict[str, Any]:
    """Probability of being hired, where the model can state one."""
    calibration = job.model.calibration
    if calibration is None:
        unknown = np.full(len(chosen), np.nan)
        return {"fit": unknown, "fit_times_average": unknown, "n_hires_expected": unknown}
    probability, times = calibration.judge(
        ranked.percentiles("hire"), ranked.candidates.n_eligible, ranked.brief.n_creators
    )
    n_hires = calibration.expected_hires(ranked.brief.n_creators)
    return {
        "fit": probability[chosen],
        "fit_times_average": times[chosen],
        "n_hires_expected": [min(n_hires, float(ranked.candidates.n_eligible))] * len(chosen),
    }


def _scores(job: Job, ranked: Scored, chosen: NDArray[np.int64]) -> dict[str, Any]:
    return {
        **_fit(job, ranked, chosen),
        "acceptance": _acceptance(job, ranked)[chosen],
        "fit_score": ranked.scores["hire"].to_numpy(np.float64)[chosen],
        "fit_percentile": ranked.percentiles("hire")[chosen],
        "deliver_score": ranked.scores["deliver"].to_numpy(np.float64)[chosen],
        "deliver_percentile": ranked.percentiles("deliver")[chosen],
        "blend_score": ranked.scores["blend"].to_numpy(np.float64)[chosen],
        "outcome_score": ranked.scores["outcome"].to_numpy(np.float64)[chosen],
        "order": [ranked.order] * len(chosen),
        "explained": [EXPLAINED[ranked.question]] * len(chosen),
    }


def _acceptance(job: Job, ranked: Scored) -> NDArray[np.float64]:
    """Chance that each candidate accepts, where the model states one."""
    model = job.model.acceptance
    return np.full(len(ranked.scores), np.nan) if model is None else model.predict(ranked.matrix)


def _reasons(reasons: Reasons) -> dict[str, Any]:
    columns: dict[str, Any] = {"base": reasons.base, "against": list(reasons.speaks_against)}
    for place, group in enumerate(REASON_GROUPS):
        columns[f"reason_{group}"] = reasons.groups[:, place]
        columns[f"reason_{group}_text"] = [texts[place] for texts in reasons.by_group]
    for number in range(N_REASONS):
        columns[f"why_{number + 1}"] = [
            sentences[number] if number < len(sentences) else None
            for sentences in reasons.speaks_for
        ]
    return columns
