"""What a full evaluation leaves behind: the record of its run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matcher.report.evidence_pictures import draw_full
from matcher.tracking.datasets import DatasetRecord
from matcher.tracking.runs import TrainingRecord

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from matcher.config import Settings
    from matcher.evaluation.ablations.results import FullEvaluation
    from matcher.market.market import Market

__all__ = ["TASK", "build_full_record"]

TASK = "evaluate"
"""Runs of evaluations stand in the experiment ``matcher/evaluate``."""


def build_full_record(
    result: FullEvaluation,
    market: Market,
    name: str,
    settings: Settings,
    *,
    started_at: float,
) -> TrainingRecord:
    """Record of a full evaluation, as it is tracked.

    Parameters
    ----------
    result : FullEvaluation
        The table.
    market : Market
        What was evaluated on.
    name : str
        Name of the market for people.
    settings : Settings
        Settings as used.
    started_at : float
        When the work began, in seconds since 1970.

    Returns
    -------
    TrainingRecord
        Settings, the table as Parquet, Markdown and JSON, and each figure and difference with its
        interval as metrics, such as ``ablations/without_content/hired/ndcg_at_10``; no model.
    """
    encoder = settings.encoder
    judged = sum(block["n_judged"] for block in result.audit["blocks"])
    return TrainingRecord(
        run_name=f"{name}: full evaluation",
        bundle=None,
        params=settings.model_dump(mode="json"),
        metrics=_metrics(result),
        data_name=name,
        data_hash=market.data_hash,
        config_hash=settings.hash,
        encoder=" ".join(filter(None, (encoder.name, encoder.revision))),
        tables={"full": result.to_frame()},
        documents={"full.md": result.to_markdown(), "full.json": result.to_json()},
        pictures=draw_full(result),
        datasets=(
            DatasetRecord(
                name,
                market.data_hash,
                "evaluation",
                name,
                profile={"n_judged_campaigns": judged, "protocol": result.audit["protocol"]},
            ),
        ),
        description=(
            "What each part of the model is worth, how far other spellings, another language and "
            "bought followers move it, and what more past campaigns add. The table is among the "
            "artifacts (`full.md`, `full.json`, `tables/full.parquet`), and so are pictures."
        ),
        started_at=started_at,
        task=TASK,
    )


def _metrics(result: FullEvaluation) -> dict[str, Mapping[str, float | None]]:
    found: dict[str, Mapping[str, float | None]] = {}
    bases = {
        str(group): rows.loc[rows["against"] == "", "variant"].iloc[0]
        for group, rows in result.table.groupby("group", sort=False)
    }
    for row in result.to_dict()["table"]:
        place = "/".join(
            [*(_plain(row[key]) for key in ("group", "variant")), row["question"], row["metric"]]
        )
        if row["against"] in ("", bases[row["group"]]):
            found[place] = {part: row[part] for part in ("value", "low", "high", "n")}
        if row["against"]:
            other = row["against"] != bases[row["group"]]
            ending = f"_from_{_plain(row['against'])}" if other else ""
            found[f"{place}/difference{ending}"] = _difference(row)
    return found


def _difference(row: Mapping[Hashable, Any]) -> dict[str, float | None]:
    return {
        "value": row["difference"],
        "low": row["difference_low"],
        "high": row["difference_high"],
    }


def _plain(text: str) -> str:
    """Name of a row as a part of a metric's name."""
    return text.replace(",", "").replace(" ", "_")
