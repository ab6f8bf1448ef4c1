"""Two models on the same later campaigns, and whether one may take the place of the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.errors import SupportError
from matcher.evaluation.comparison import MODEL
from matcher.evaluation.figures import LOWER_IS_BETTER
from matcher.evaluation.labels import label_pairs
from matcher.evaluation.protocol import GAP_DAYS, batch_campaigns
from matcher.evaluation.results import EvaluationResult, evaluate_scores
from matcher.evaluation.steps import Steps, Tell
from matcher.evaluation.truth import Truth, describe_outside, list_campaigns
from matcher.ranking.fit import candidate_pairs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matcher.config import Settings
    from matcher.features.context import Embed, FeatureContext, MarketData
    from matcher.features.pairs import Pairs
    from matcher.ranking.model import Model

__all__ = ["GATE_METRICS", "MIN_CAMPAIGNS", "Versus", "compare_models"]

MIN_CAMPAIGNS: Final = 10
"""Campaigns without which a comparison decides nothing."""
GATE_METRICS: Final = (("hired", "ndcg_at_10"), ("delivered", "spearman_raw"))
"""Figures in which a model may not be worse than the one that it replaces: one per question, since
each further one refuses more models that are as good. Of simulated models of equal quality these
two refuse one in twelve with 40 campaigns of 20 brands, and one in eight with 12 of 12.
"""

_OTHER: Final = "other"


@dataclass(frozen=True, eq=False)
class Versus:
    """How a model fares against another one on campaigns that neither could know.

    Parameters
    ----------
    result : EvaluationResult
        Figures of both, named ``model`` and ``other``, and paired differences over brands.
    campaign_ids : tuple of str
        The campaigns, by id.
    decided_from : pandas.Timestamp
        Earliest decision that may judge: a gap after both models were closed.
    """

    result: EvaluationResult
    campaign_ids: tuple[str, ...]
    decided_from: pd.Timestamp

    def table(self) -> pd.DataFrame:
        """Figures of both models and their difference.

        Returns
        -------
        pandas.DataFrame
            Columns ``question, metric, model, other, difference, low, high, n, verdict``; `verdict`
            is ``better``, ``worse``, ``unclear`` (the interval holds 0) or ``unknown``, of the
            first model.
        """
        figures = self.result.figures[self.result.figures["slice"] == "all"]
        values = figures.pivot_table(
            index=["question", "metric"], columns="scorer", values="value", sort=False
        ).reindex(columns=[MODEL, _OTHER])
        paired = self.result.paired.set_index(["question", "metric"])
        table = values.join(paired[["difference", "low", "high", "n"]]).reset_index()
        table["verdict"] = [_verdict(row) for row in table.to_dict("records")]
        order = {question: place for place, question in enumerate(("hired", "delivered"))}
        return table.sort_values("question", key=lambda s: s.map(order), kind="stable").reset_index(
            drop=True
        )

    def objections(self, *, min_campaigns: int = MIN_CAMPAIGNS) -> tuple[str, ...]:
        """What speaks against putting the first model in the place of the other.

        Parameters
        ----------
        min_campaigns : int, default 10
            Campaigns without which nothing can be said, of a figure or at all.

        Returns
        -------
        tuple of str
            Too few campaigns or brands; a figure of `GATE_METRICS` whose 95 % interval lies on the
            worse side of 0; or one that the other model has and the first lacks. Empty where
            nothing speaks against it.
        """
        n = len(self.campaign_ids)
        if n < min_campaigns:
            return (
                f"only {n} campaign(s) with a hired candidate were decided from "
                f"{self.decided_from:%Y-%m-%d} on; expected {min_campaigns} or more",
            )
        found = []
        rows = self._gate_rows()
        for row in rows:
            name = f"{row['metric']} of {row['question']}"
            if pd.isna(row[MODEL]) and not pd.isna(row[_OTHER]):
                found.append(f"{name} is unknown, while the other model has {row[_OTHER]:.3f}")
            elif row["verdict"] == "worse" and row["n"] >= min_campaigns:
                found.append(
                    f"{name} is worse by {abs(row['difference']):.3f} (95 % interval of the "
                    f"difference {row['low']:+.3f} to {row['high']:+.3f}, {row['n']:.0f} campaigns)"
                )
        if all(row["verdict"] == "unknown" for row in rows):
            found.append("no interval could be had: the campaigns are of fewer than 2 brands")
        return tuple(found)

    def gaps(self, *, min_campaigns: int = MIN_CAMPAIGNS) -> tuple[str, ...]:
        """What the comparison could not judge.

        Parameters
        ----------
        min_campaigns : int, default 10
            Campaigns without which nothing can be said of a figure.

        Returns
        -------
        tuple of str
            One sentence per figure of `GATE_METRICS` that is defined in fewer campaigns, where
            there are enough in all.
        """
        return tuple(
            f"{row['metric']} of {row['question']} is not judged: it is defined in {row['n']:.0f} "
            f"campaign(s), expected {min_campaigns} or more"
            for row in self._gate_rows()
            if row["n"] < min_campaigns <= len(self.campaign_ids)
        )

    def _gate_rows(self) -> list[dict[Any, Any]]:
        rows = self.table().to_dict("records")
        return [row for row in rows if (row["question"], row["metric"]) in GATE_METRICS]

    def to_dict(self) -> dict[str, Any]:
        """All of it for machines.

        Returns
        -------
        dict
            ``campaign_ids``, ``decided_from``, ``figures`` (one object per row of `table`, unknown
            numbers None) and ``audit``.
        """
        rows = self.table().astype(object)
        return {
            "campaign_ids": list(self.campaign_ids),
            "decided_from": self.decided_from.isoformat(),
            "figures": rows.where(rows.notna(), None).to_dict("records"),
            "audit": dict(self.result.audit),
        }


def _verdict(row: Mapping[Any, Any]) -> str:
    low, high = row["low"], row["high"]
    if pd.isna(low) or pd.isna(high):
        return "unknown"
    if row["metric"] in LOWER_IS_BETTER:
        low, high = -high, -low
    return "better" if low > 0 else "worse" if high < 0 else "unclear"


def compare_models(
    model: Model,
    other: Model,
    data: MarketData,
    settings: Settings,
    *,
    embed: Embed | None = None,
    audit: Mapping[str, Any] | None = None,
    tell: Tell = lambda _task, _done, _total: None,
) -> Versus:
    """Paired comparison of two models on the campaigns decided after both were closed.

    Both score the same candidates of the same campaigns.

    Parameters
    ----------
    model : Model
        Model that is asked about.
    other : Model
        Model that it is compared with.
    data : MarketData
        Market.
    settings : Settings
        Who is a candidate, and the intervals.
    embed : callable, optional
        ``embed(encoder, texts, role)``.
    audit : mapping, optional
        What the caller states.
    tell : callable, optional
        Told the task, its finished steps and all its steps.

    Returns
    -------
    Versus
        Figures of both and their differences.

    Raises
    ------
    SupportError
        If no campaign with a hired candidate was decided late enough.
    """
    data.market.require_training_tables()
    table, counts, outside = list_campaigns(data, settings)
    start = max(model.trained_until, other.trained_until) + pd.Timedelta(days=GAP_DAYS)
    late = table[table["decided_at"].notna() & (table["decided_at"] >= start)]
    judged = sorted(name for name in late["campaign_id"] if counts.get(name, 0))
    if not judged:
        raise SupportError(
            f"comparison: one of the models was trained until {start - pd.Timedelta(days=GAP_DAYS)}"
            f" and none of {len(table)} campaigns with a hired candidate was decided {GAP_DAYS} "
            "day(s) later; wait for later campaigns, or train with --until to leave some out"
        )
    truth = Truth.of(data)
    steps = Steps(tell, "comparing", total=2 + len(batch_campaigns(data, judged)))
    contexts = {MODEL: model.context(data, embed), _OTHER: other.context(data, embed)}
    models = {MODEL: model, _OTHER: other}
    parts = []
    for batch in batch_campaigns(data, judged):
        steps("scores")
        pairs = candidate_pairs(data, batch, settings)
        labels = label_pairs(contexts[_OTHER], other.prior, pairs, truth)
        scores = [_scores(name, models[name], contexts[name], pairs) for name in models]
        parts.append(pd.concat([labels, *scores], axis=1))
    stated = {
        **(audit or {}),
        "trained_until": {name: str(one.trained_until) for name, one in models.items()},
        "left_out_before_cut": int(len(table) - len(late)),
        "hires_outside_candidates": int(outside.reindex(judged).sum()),
        "remarks": describe_outside(int(outside.reindex(judged).sum()), settings),
        **truth.stated,
        "data_hash": data.market.data_hash,
        "config_hash": settings.hash,
    }
    steps("figures")
    result = evaluate_scores(
        pd.concat(parts, ignore_index=True),
        [MODEL, _OTHER],
        protocol="versus",
        settings=settings.evaluation,
        audit=stated,
        delivered={name: [[f"{name}@delivered"]] for name in models},
        lift={name: [[f"{name}@lift"]] for name in models},
    )
    steps.finish()
    return Versus(result, tuple(judged), start)


def _scores(name: str, model: Model, context: FeatureContext, pairs: Pairs) -> pd.DataFrame:
    own = model.score(model.features(context, pairs))
    return pd.DataFrame(
        {
            name: own["hire"].to_numpy(np.float64),
            f"{name}@delivered": own["deliver"].to_numpy(np.float64),
            f"{name}@lift": own["lift"].to_numpy(np.float64),
        }
    )
