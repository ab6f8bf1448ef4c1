"""What-if answers as a tracked run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from matcher.report.whatif_page import render_page
from matcher.report.whatif_pictures import draw_answers
from matcher.tracking.runs import TrainingRecord

if TYPE_CHECKING:
    from matcher.recommend.wording import Language
    from matcher.whatif.answer import Comparison
    from matcher.whatif.desk import Desk

__all__ = ["TASK", "build_whatif_record"]

TASK: Final = "whatif"
"""Runs go to the experiment ``matcher/whatif``."""


def build_whatif_record(
    found: Comparison,
    desk: Desk,
    market_name: str,
    *,
    started_at: float,
    language: Language = "en",
) -> TrainingRecord:
    """Record of a run: answers as JSON and as a page, pictures, and the main figures.

    Parameters
    ----------
    found : Comparison
        Answers.
    desk : Desk
        What was asked about.
    market_name : str
        Name of the market.
    started_at : float
        When the work began, in seconds since 1970.
    language : {"en", "vi"}
        Language of the page.

    Returns
    -------
    TrainingRecord
        To be logged.
    """
    metrics = {}
    for place, one in enumerate(found.answers):
        name = f"scenario_{place + 1:02d}"
        metrics[f"{name}/overlap"] = {"value": one.movement.overlap}
        if one.outcomes and one.outcomes[0].before:
            main = one.outcomes[0]
            metrics[f"{name}/change"] = {
                "value": main.share,
                "low": main.low_share,
                "high": main.high_share,
            }
    identity = desk.job.context.encoder.identity
    content = json.dumps(found.to_dict(), ensure_ascii=False, indent=1, allow_nan=False)
    tables = {} if found.frame().empty else {"scenarios": found.frame().astype({"verdict": "str"})}
    return TrainingRecord(
        run_name="what if",
        bundle=None,
        params={
            "audit": {name: value for name, value in found.audit.items() if name != "brief"},
            "scenarios": {
                f"scenario_{place + 1:02d}": one.digest for place, one in enumerate(found.answers)
            },
            "refused": {
                f"scenario_{place + 1:02d}": one.digest for place, one in enumerate(found.refusals)
            },
        },
        metrics=metrics,
        data_name=market_name,
        data_hash=desk.job.data.market.data_hash,
        config_hash=desk.settings.hash,
        encoder=f"{identity.name} {identity.digest[:12]}",
        tables=tables,
        documents={
            "whatif.json": content + "\n",
            "whatif.html": render_page(found, language=language),
        },
        pictures={
            f"{name}.png": picture
            for name, picture in draw_answers(found, language=language, form="png").items()
        },
        started_at=started_at,
        task=TASK,
        tags={"model_id": str(found.audit["model_id"])},
    )
