"""Rows of the table: what each variant reached, and its paired difference from another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from matcher.evaluation.ablations.block import LABELS
from matcher.evaluation.ablations.rankers import DELIVERED
from matcher.evaluation.comparison import MODEL
from matcher.evaluation.results import evaluate_scores

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matcher.config import EvaluationSettings
    from matcher.evaluation.figures import Draws

__all__ = ["COLUMNS", "FIGURES", "build_rows"]

FIGURES: Final = (("hired", "ndcg_at_10"), ("hired", "auc"), ("delivered", "spearman_raw"))
"""Question and metric of each figure of a variant."""
COLUMNS: Final = (
    "group",
    "variant",
    "against",
    "question",
    "metric",
    "value",
    "low",
    "high",
    "n",
    "difference",
    "difference_low",
    "difference_high",
    "includes_zero",
    "reason",
)
_TEXTS: Final = ("group", "variant", "against", "question", "metric", "reason")


def build_rows(
    group: str,
    frame: pd.DataFrame,
    names: Sequence[str],
    settings: EvaluationSettings,
    *,
    against: str = MODEL,
    draws: Mapping[str, Draws] | None = None,
    with_base: bool = True,
) -> pd.DataFrame:
    """Figures of variants, and their differences from one of them, campaign by campaign.

    Parameters
    ----------
    group : str
        Part of the table.
    frame : pandas.DataFrame
        Labels, and for each variant the columns ``name`` and ``name@delivered``.
    names : sequence of str
        Variants.
    settings : EvaluationSettings
        `n_bootstrap` and `seed`.
    against : str
        Variant that the others are compared with.
    draws : mapping of str to sequence of sequence of str, optional
        Score columns of the draws of further variants, for *hired*; those for *delivered* have the
        same names with its ending, where they are there.
    with_base : bool
        Whether `against` has rows of its own.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`, by variant; differences are variant minus `against`, with the 95 %
        interval over brands of `matcher.evaluation.bootstrap`.
    """
    drawn = dict(draws or {})
    renamed = {against: MODEL, against + DELIVERED: MODEL + DELIVERED}
    others = [name for name in names if name != against]
    kept = [*LABELS, against, *others]
    kept += [name + DELIVERED for name in (against, *others)]
    kept += [column for held in drawn.values() for columns in held for column in columns]
    after = {name: [[name + DELIVERED]] for name in (MODEL, *others)}
    for name, held in drawn.items():
        columns = [[one + DELIVERED for one in draw if one + DELIVERED in frame] for draw in held]
        after[name] = columns
        kept += [column for one in columns for column in one]
    # Whatever is called `model` and is not compared with would stand in the way of the new one.
    chosen = frame[kept].rename(columns=renamed)
    result = evaluate_scores(
        chosen,
        [MODEL, *others],
        protocol="time",
        settings=settings,
        audit={},
        multi_draw=drawn or None,
        delivered=after,
    )
    figures = _by_figure(result.figures, "scorer")
    paired = _by_figure(result.paired, "baseline")
    rows = []
    for name in [*([MODEL] if with_base else []), *others, *drawn]:
        for question, metric in FIGURES:
            row = figures[question, metric, name]
            is_base = name == MODEL
            rows.append(
                {
                    "group": group,
                    "variant": against if is_base else name,
                    "against": "" if is_base else against,
                    "question": question,
                    "metric": metric,
                    **{part: row[part] for part in ("value", "low", "high", "n")},
                    **_difference(None if is_base else paired[question, metric, name]),
                    "reason": row["reason"],
                }
            )
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table["includes_zero"] = table["includes_zero"].astype("boolean")
    return table.astype(dict.fromkeys(_TEXTS, "str") | {"n": "int64"})


def _by_figure(frame: pd.DataFrame, by: str) -> dict[tuple[str, str, str], dict[str, Any]]:
    rows: list[dict[Any, Any]] = frame.to_dict("records")
    return {(row["question"], row["metric"], row[by]): row for row in rows}


def _difference(paired: dict[str, Any] | None) -> dict[str, Any]:
    """Variant minus base, of a row that holds base minus variant."""
    if paired is None:
        nothing = float("nan")
        return {
            "difference": nothing,
            "difference_low": nothing,
            "difference_high": nothing,
            "includes_zero": pd.NA,
        }
    return {
        # Never minus nought.
        "difference": 0.0 - paired["difference"],
        "difference_low": 0.0 - paired["high"],
        "difference_high": 0.0 - paired["low"],
        "includes_zero": paired["includes_zero"],
    }
