"""The comparison of all scorers: figures with intervals, paired differences, counts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from matcher.config import EvaluationSettings
from matcher.errors import DataError
from matcher.evaluation.bootstrap import LEVEL
from matcher.evaluation.comparison import MODEL, campaign_table, compare_scorers, count_candidates
from matcher.evaluation.exposure import Exposure, measure_exposure
from matcher.evaluation.figures import Draws, figures_of_scorer
from matcher.evaluation.scored import QUESTIONS, ScoredCandidates

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.table import Table

    from matcher.evaluation.calibration import CalibrationCheck
    from matcher.ranking.exposure import ExposureRule

__all__ = ["MODEL", "EvaluationResult", "evaluate_scores"]

_KEYS = ["question", "slice", "scorer", "metric"]


@dataclass(frozen=True, eq=False)
class EvaluationResult:
    """Figures of every scorer, with intervals over brands.

    Parameters
    ----------
    protocol : str
        How campaigns were split, such as ``time`` or ``brands``.
    figures : pandas.DataFrame
        Columns ``question, slice, scorer, metric, value, low, high, n, reason``: mean over `n`
        campaigns with its 95 % interval; NaN with a reason where a figure is undefined.
    paired : pandas.DataFrame
        Columns ``question, slice, baseline, metric, difference, low, high, includes_zero, n,
        reason``: `model` minus the baseline on the campaigns in which both are defined.
    per_campaign : pandas.DataFrame
        Columns ``question, campaign_id, brand_id, scorer, metric, value``, of all candidates,
        where defined.
    audit : mapping
        What the caller stated, and under ``evaluation`` the counts and settings of this step.
    exposure : Exposure or None
        Whom the model's first places go to; None where no scorer `model` or no group is known.
    calibration : CalibrationCheck or None
        Whether chances and ranges that the model stated came true; None where it was not asked.

    Raises
    ------
    DataError
        If a figure stands twice, or has neither value nor reason.
    """

    protocol: str
    figures: pd.DataFrame
    paired: pd.DataFrame
    per_campaign: pd.DataFrame
    audit: Mapping[str, Any]
    exposure: Exposure | None = None
    calibration: CalibrationCheck | None = None

    def __post_init__(self) -> None:
        if self.figures.duplicated(_KEYS).any():
            raise DataError("evaluation: a figure stands twice; expected one per scorer and metric")
        bare = self.figures["value"].isna() & (self.figures["reason"] == "")
        if bare.any():
            first = self.figures.loc[bare, _KEYS].head(5).to_numpy().tolist()
            raise DataError(
                f"evaluation: {int(bare.sum())} of {len(self.figures)} figures have neither value "
                f"nor reason ({first}); expected one of them"
            )

    @property
    def scorers(self) -> tuple[str, ...]:
        """Scorers in the order they were asked for."""
        return tuple(self.figures["scorer"].drop_duplicates())

    def to_dict(self) -> dict[str, Any]:
        """Nested figures for machines.

        Returns
        -------
        dict
            ``{protocol: {question: {slice: {scorer: {metric: {value, low, high, n}}}}}}``, then
            ``paired`` (by protocol, question, slice, baseline and metric: ``difference, low,
            high, includes_zero, n``), ``exposure`` (see `Exposure.to_dict`), ``calibration`` (see
            `CalibrationCheck.to_dict`) and ``audit``. An undefined number is None, and ``reason``
            says why. Slice ``all`` comes first.
        """
        return {
            self.protocol: _nested(self.figures, "scorer", ("value", "low", "high")),
            "paired": {
                self.protocol: _nested(
                    self.paired, "baseline", ("difference", "low", "high", "includes_zero")
                )
            },
            "exposure": None if self.exposure is None else self.exposure.to_dict(),
            "calibration": None if self.calibration is None else self.calibration.to_dict(),
            "audit": dict(self.audit),
        }

    def to_json(self, *, indent: int | None = 2) -> str:
        """Text form of `to_dict`.

        Parameters
        ----------
        indent : int, optional
            Spaces per level; None for one line.

        Returns
        -------
        str
            JSON with full precision, letters as they are, and no NaN.
        """
        return json.dumps(
            self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False, default=str
        )

    def to_frame(self) -> pd.DataFrame:
        """Long table of all figures, ready for Parquet.

        Returns
        -------
        pandas.DataFrame
            Columns ``protocol, question, slice, scorer, metric, value, low, high, n, reason``, in
            the order of the JSON.
        """
        frame = self.figures.copy()
        frame.insert(0, "protocol", self.protocol)
        return frame.astype({"protocol": "str"})

    def to_table(self, question: str = "hired") -> Table:
        """Comparison of all scorers on one question for the terminal.

        Parameters
        ----------
        question : str
            ``hired`` or ``delivered``.

        Returns
        -------
        rich.table.Table
            One row per scorer, `model` first; the best baseline of each column is starred.
        """
        from matcher.evaluation.render import render_table

        return render_table(self, question)

    def to_markdown(self) -> str:
        """Comparison on both questions, with slices, as Markdown.

        Returns
        -------
        str
            Markdown with rounded numbers.
        """
        from matcher.evaluation.render import render_markdown

        return render_markdown(self)

    def _repr_html_(self) -> str:
        from matcher.evaluation.render import render_html

        return render_html(self)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from matcher.evaluation.render import render_group

        yield render_group(self, width=options.max_width)


def _nested(frame: pd.DataFrame, by: str, numbers: Sequence[str]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for row in frame.to_dict("records"):
        figure = {name: None if pd.isna(row[name]) else row[name] for name in numbers}
        figure["n"] = int(row["n"])
        if row["reason"]:
            figure["reason"] = row["reason"]
        in_slice = result.setdefault(row["question"], {}).setdefault(row["slice"], {})
        in_slice.setdefault(row[by], {})[row["metric"]] = figure
    return result


def evaluate_scores(
    scored: pd.DataFrame,
    scorers: Sequence[str],
    *,
    protocol: str,
    settings: EvaluationSettings,
    audit: Mapping[str, Any],
    multi_draw: Mapping[str, Draws] | None = None,
    delivered: Mapping[str, Draws] | None = None,
    lift: Mapping[str, Draws] | None = None,
    exposure: ExposureRule | None = None,
) -> EvaluationResult:
    """Compare scorers on the questions *hired* and *delivered*, overall and by slice.

    Parameters
    ----------
    scored : pandas.DataFrame
        One row per candidate pair: ``campaign_id, account_id, brand_id``, ``hired`` (bool) and one
        float column per scorer; where known ``outcome`` and ``expected`` (level before the
        campaign, in the outcome's unit), ``same_category`` (the account's category is the
        brand's), the slice columns ``warmth, platform, tier, brief_language``, and, for exposure,
        ``gender`` and ``content_language``. Row order does not matter.
    scorers : sequence of str
        Scorers in the order of the report; each a column, or a key of `multi_draw`.
    protocol : str
        Name of the protocol.
    settings : EvaluationSettings
        `n_bootstrap` and `seed` of the intervals.
    audit : mapping
        What the caller states about model, data and time; printed with every output.
    multi_draw : mapping of str to sequence of sequence of str, optional
        Score columns of each draw of a scorer that was drawn several times; its figure of a
        campaign is the mean over the draws, and its interval is over brands and draws. A scorer
        named here only comes last.
    delivered : mapping of str to sequence of sequence of str, optional
        Score columns by scorer for the question *delivered*, where they differ from those for
        *hired*; exactly the scorers named here answer it. By default all, with the same columns.
    lift : mapping of str to sequence of sequence of str, optional
        Score columns by scorer for `spearman_lift` alone, of scorers that predict lift apart.
    exposure : ExposureRule, optional
        Floor under the share of each group whose cost is measured.

    Returns
    -------
    EvaluationResult
        Figures, paired differences of ``model`` against every other scorer, and counts.

    Raises
    ------
    DataError
        If `scored` lacks a column, a pair stands twice, or no scorer is named.

    Notes
    -----
    A missing score ranks last, tied with all other missing ones, and is counted in
    ``audit["evaluation"]["missing_scores"]``; a scorer without any score in a slice is undefined
    there. A slice restricts the candidates, and its campaigns need a hit in the slice.
    """
    draws: dict[str, Draws] = {name: [[name]] for name in scorers}
    draws.update(multi_draw or {})
    after = draws if delivered is None else dict(delivered)
    asked_of = dict(zip(QUESTIONS, (draws, after), strict=True))
    columns = _score_columns({**asked_of, "lift": lift} if lift else asked_of)
    pairs = ScoredCandidates.build(scored, columns)
    names = list(pairs.slices())
    tables: list[pd.DataFrame] = []
    paired: list[pd.DataFrame] = []
    campaigns: list[pd.DataFrame] = []
    counts: dict[str, Any] = {}
    missing: dict[str, Any] = {}
    for question in QUESTIONS:
        asked = pairs.of_question(question)
        slices = asked.slices(names)
        counts[question] = count_candidates(asked, slices, question=question)
        missing[question] = _count_missing(asked, asked_of[question])
        figures = {
            scorer: figures_of_scorer(asked, found, question=question, slices=slices)
            for scorer, found in asked_of[question].items()
        }
        if question == "delivered":
            for scorer, found in (lift or {}).items():
                own = figures_of_scorer(asked, found, question=question, slices=slices)
                for name in slices:
                    figures[scorer][name]["spearman_lift"] = own[name]["spearman_lift"]
        for name in names:
            cell = {scorer: found[name] for scorer, found in figures.items()}
            main, differences = compare_scorers(pairs, cell, question, name, settings)
            tables.append(main)
            if name == "all":
                paired.append(differences)
                campaigns.append(campaign_table(pairs, cell, question))
    stated = {
        "protocol": protocol,
        "n_bootstrap": settings.n_bootstrap,
        "seed": settings.seed,
        "interval": f"{LEVEL:.0%} percentile bootstrap over brands",
        "questions": counts,
        "missing_scores": missing,
    }
    return EvaluationResult(
        protocol=protocol,
        figures=pd.concat(tables, ignore_index=True),
        paired=pd.concat(paired, ignore_index=True),
        per_campaign=pd.concat(campaigns, ignore_index=True),
        audit={**audit, "evaluation": stated},
        exposure=measure_exposure(pairs, settings, rule=exposure),
    )


def _score_columns(asked_of: Mapping[str, Mapping[str, Draws]]) -> list[str]:
    """All score columns, each once."""
    bare = {
        question: [n for n, held in draws.items() if not held or not all(held)]
        for question, draws in asked_of.items()
    }
    for question, draws in asked_of.items():
        if not draws or bare[question]:
            raise DataError(
                f"evaluate_scores: no score column for {bare[question] or 'any scorer'} in the "
                f"question `{question}`; name one"
            )
    held = [draws for by_scorer in asked_of.values() for draws in by_scorer.values()]
    return list(dict.fromkeys(name for draws in held for columns in draws for name in columns))


def _count_missing(pairs: ScoredCandidates, draws: Mapping[str, Draws]) -> dict[str, int]:
    return {
        scorer: sum(int(np.isnan(pairs.scores(name)).sum()) for columns in held for name in columns)
        for scorer, held in draws.items()
    }
