"""What the accounts of a list are expected to bring, one by one and together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from matcher.ranking.outcomes.distribution import scale_draws
from matcher.ranking.outcomes.names import OUTCOME_NAMES as PREDICTED
from matcher.ranking.outcomes.names import objective_outcome
from matcher.recommend.wording import OUTCOME_NAMES, format_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from matcher.features.pair_features import FeatureMatrix
    from matcher.market.brief import Brief
    from matcher.ranking.model import Model
    from matcher.ranking.outcomes.distribution import Distributions
    from matcher.recommend.fees import Fees
    from matcher.recommend.wording import Language

__all__ = [
    "LEVELS",
    "OUTCOME_COLUMNS",
    "PARTS",
    "TOTAL_COLUMNS",
    "Expectations",
    "expect_outcomes",
    "goal_outcome",
]

LEVELS: Final = (0.1, 0.5, 0.9)
"""Levels of the three quantiles that are shown."""
PARTS: Final = ("low", "median", "high", "expected")
"""What is said of each outcome, in columns ``<outcome>_<part>`` of the list."""

OUTCOME_COLUMNS: Final[Mapping[str, str]] = {
    "outcome_name": "str",
    "outcome_posts": "float64",
    "outcome_low": "float64",
    "outcome_median": "float64",
    "outcome_high": "float64",
    "outcome_expected": "float64",
    "outcome_lift": "float64",
    "outcome_goal": "float64",
    "outcome_goal_chance": "float64",
    "outcome_is_outside": "bool",
    "cost_per_outcome": "float64",
    "cost_per_outcome_low": "float64",
    "cost_per_outcome_high": "float64",
    "outcome_note": "str",
    **{f"{name}_{part}": "float64" for name in PREDICTED for part in PARTS},
}
"""Columns that say what a hire would bring; see `matcher.recommend.recommendations.COLUMNS`."""

TOTAL_COLUMNS: Final = (
    "total_outcome_name",
    "total_low",
    "total_median",
    "total_high",
    "total_expected",
    "total_goal_chance",
)
"""What is said of a whole list."""

_SENTENCES: Final = {
    "en": {
        "range": "{median} {outcome} from {posts}; 8 of 10 such hires bring {low} to {high}.",
        "range_of_posts": "{median} {outcome} from {posts}; 8 of 10 such public posts bring {low} "
        "to {high}, hires lie outside more often.",
        "post": "1 post",
        "posts": "{n} posts",
        "fallback": " Nothing was learnt from hires.",
        "alone": " Learnt from public posts alone, since too few hires were measured.",
        "outside": " Some of its figures lie beyond any learnt from, so the range is wider.",
        "none": "No outcome is predicted: {reason}.",
    },
    "vi": {
        "range": "{median} {outcome} với {posts}; 8 trong 10 lần hợp tác như vậy đạt từ {low} đến "
        "{high}.",
        "range_of_posts": "{median} {outcome} với {posts}; 8 trong 10 bài đăng công khai như vậy "
        "đạt từ {low} đến {high}, các lần hợp tác nằm ngoài khoảng này thường hơn.",
        "post": "1 bài",
        "posts": "{n} bài",
        "fallback": " Chưa học được gì từ các lần hợp tác.",
        "alone": " Chỉ học từ bài đăng công khai vì còn quá ít lần hợp tác có số đo.",
        "outside": " Một số chỉ số nằm ngoài dữ liệu đã học, nên khoảng dự đoán rộng hơn.",
        "none": "Chưa dự đoán được kết quả: {reason}.",
    },
}


@dataclass(frozen=True, eq=False)
class Expectations:
    """Distributions of the outcomes of the accounts of one list.

    Parameters
    ----------
    main : str or None
        Outcome that stands for the brief's objective; None where it is not predicted.
    distributions : mapping of str to Distributions
        By outcome, rows in the order of the list.
    lift : numpy.ndarray of float64, shape (n,)
        What a hire has over what the account's posts say of an ordinary ad, as a ratio.
    reason : str
        Why nothing is predicted, else empty.
    from_posts_alone : bool
        Whether no hire taught anything of the main outcome.
    is_fallback : bool
        Whether the model knows of no hire at all, so that ranges are those of posts.
    """

    main: str | None
    distributions: Mapping[str, Distributions]
    lift: NDArray[np.float64]
    reason: str = ""
    from_posts_alone: bool = False
    is_fallback: bool = False

    def columns(self, brief: Brief, fees: Fees, language: Language) -> dict[str, Any]:
        """Values of `OUTCOME_COLUMNS`.

        Parameters
        ----------
        brief : Brief
            Brief.
        fees : Fees
            Fee of one post of each account.
        language : {"en", "vi"}
            Language of the sentences.

        Returns
        -------
        dict of str to sequence
            By rank.
        """
        n = len(self.lift)
        unknown = np.full(n, np.nan)
        found: dict[str, Any] = {
            name: np.zeros(n, dtype=bool) if dtype == "bool" else
            [None] * n if dtype == "str" else unknown
            for name, dtype in OUTCOME_COLUMNS.items()
        }  # fmt: skip
        for name, distribution in self.distributions.items():
            parts = (*(distribution.quantile(level) for level in LEVELS), distribution.mean())
            found |= {f"{name}_{part}": held for part, held in zip(PARTS, parts, strict=True)}
        if self.main is None:
            words = _SENTENCES[language]["none"].format(reason=self.reason)
            return {**found, "outcome_note": [words] * n}
        held = self.distributions[self.main]
        goal = _share_of_goal(brief, self.main, n)
        found |= {f"outcome_{part}": found[f"{self.main}_{part}"] for part in PARTS}
        # A rate is not bought by the piece.
        paid = unknown if held.kind == "rate" else fees.fee * held.n_posts
        return {
            **found,
            "outcome_name": [self.main] * n,
            "outcome_posts": held.n_posts,
            "outcome_lift": self.lift,
            "outcome_goal": np.full(n, goal),
            "outcome_goal_chance": unknown if np.isnan(goal) else held.exceeds(goal),
            "outcome_is_outside": held.outside,
            "cost_per_outcome": _ratio(paid, found["outcome_median"]),
            "cost_per_outcome_low": _ratio(paid, found["outcome_high"]),
            "cost_per_outcome_high": _ratio(paid, found["outcome_low"]),
            "outcome_note": [self._say(row, found, language) for row in range(n)],
        }

    def _say(self, row: int, found: Mapping[str, Any], language: Language) -> str:
        words = _SENTENCES[language]
        assert self.main is not None
        held = self.distributions[self.main]
        digits = 4 if held.kind == "rate" else 0
        low, median, high = (
            format_number(float(found[f"outcome_{part}"][row]), language, digits=digits)
            for part in PARTS[:3]
        )
        n = float(held.n_posts[row])
        count = format_number(n, language, digits=0 if n == int(n) else 1)
        text = words["range_of_posts" if self.from_posts_alone else "range"].format(
            outcome=OUTCOME_NAMES[self.main][language],
            posts=words["post"] if n == 1 else words["posts"].format(n=count),
            low=low,
            median=median,
            high=high,
        )
        if self.from_posts_alone:
            text += words["fallback" if self.is_fallback else "alone"]
        return text + (words["outside"] if held.outside[row] else "")

    def total(self, brief: Brief) -> dict[str, Any]:
        """What the whole list is expected to bring, if all of it is hired.

        Parameters
        ----------
        brief : Brief
            Brief, with the goal of the campaign.

        Returns
        -------
        dict of str to Any
            `TOTAL_COLUMNS`; ranges are those of joint draws, in which the accounts share part of
            their luck and which bring each account's mean on average. A rate has no total: its mean
            over the list stands for it.
        """
        if self.main is None or not len(self.lift):
            return dict.fromkeys(TOTAL_COLUMNS)
        held = self.distributions[self.main]
        mean, is_rate = held.mean(), held.kind == "rate"
        draws = scale_draws(held.draws(), mean, is_whole=not is_rate)
        sums = draws.mean(axis=1) if is_rate else draws.sum(axis=1)
        low, median, high = (float(value) for value in np.quantile(sums, LEVELS))
        goal = brief.kpi_goal if goal_outcome(brief, self.main) else None
        return {
            "total_outcome_name": self.main,
            "total_low": low,
            "total_median": median,
            "total_high": high,
            "total_expected": float(mean.mean() if is_rate else mean.sum()),
            "total_goal_chance": None if goal is None else float((sums >= goal).mean()),
        }


def goal_outcome(brief: Brief, main: str) -> bool:
    """Whether the goal of a brief is one of its main outcome.

    Parameters
    ----------
    brief : Brief
        Brief.
    main : str
        Outcome that stands for its objective.

    Returns
    -------
    bool
        False without a goal, or where ``kpi`` names something else.
    """
    if brief.kpi_goal is None:
        return False
    return brief.kpi is None or brief.kpi.strip().lower().replace(" ", "_") == main


def _share_of_goal(brief: Brief, main: str, n: int) -> float:
    """What each account has to bring if all bring alike; a rate is not shared out."""
    if not goal_outcome(brief, main) or brief.kpi_goal is None:
        return float("nan")
    return brief.kpi_goal if main == "trust_proxy" else brief.kpi_goal / (brief.n_creators or n)


def _ratio(paid: NDArray[np.float64], brought: NDArray[np.float64]) -> NDArray[np.float64]:
    """Price of one; NaN where nothing is brought."""
    found = np.divide(paid, brought, out=np.full(len(paid), np.nan), where=brought > 0)
    return np.asarray(found)


def expect_outcomes(
    model: Model, matrix: FeatureMatrix, brief: Brief, rows: NDArray[np.int64]
) -> Expectations:
    """Distributions of every outcome for some candidates of one brief.

    Parameters
    ----------
    model : Model
        Model.
    matrix : FeatureMatrix
        Features of its candidates.
    brief : Brief
        Brief.
    rows : numpy.ndarray of int64
        Rows of the matrix, in the order of the list.

    Returns
    -------
    Expectations
        What is expected.
    """
    models = model.outcomes
    if models is None:
        reason = str(model.facts.get("no_outcomes", "the model was trained without it"))
        return Expectations(None, {}, np.full(len(rows), np.nan), reason)
    main = objective_outcome(brief.objective, models.names, model.settings.market.objectives)
    found = models.predict(matrix, rows=rows, n_posts=brief.n_posts)
    if main is None:
        why = f"none that stands for the objective {brief.objective or 'engagement'} was measured"
        return Expectations(None, found, np.full(len(rows), np.nan), why)
    return Expectations(
        main,
        found,
        models.lift(main, matrix, rows),
        from_posts_alone=models.models[main].adjustment is None,
        is_fallback="fallback" in model.facts,
    )
