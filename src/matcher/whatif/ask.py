"""Asking what if: scenarios set step by step, and compared with things as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from matcher.whatif.compare import compare_scenarios
from matcher.whatif.desk import open_desk
from matcher.whatif.scenario import Scenario, parse_scenario

if TYPE_CHECKING:
    import pandas as pd

    from matcher.config import Settings
    from matcher.features.context import FeatureContext
    from matcher.features.data import MarketData
    from matcher.market.brief import Brief
    from matcher.ranking.model import Model
    from matcher.recommend.orders import OrderRequest
    from matcher.recommend.wording import Language
    from matcher.whatif.answer import Comparison
    from matcher.whatif.desk import Desk

__all__ = ["WhatIf", "compare_scenarios", "what_if"]


@dataclass(frozen=True, eq=False)
class WhatIf:
    """A question in the making: a desk, and the edits said so far.

    Parameters
    ----------
    desk : Desk
        Model, market and brief.
    edits : tuple of mapping
        Edits of the scenario that is being said, as a scenario file holds them.
    name : str
        Its name.
    """

    desk: Desk
    edits: tuple[Mapping[str, Any], ...] = ()
    name: str = "scenario"

    def set(self, **terms: Any) -> WhatIf:
        """Change terms of the brief.

        Parameters
        ----------
        **terms : Any
            Fields of `matcher.whatif.edits.BriefEdit`; None takes a term away.

        Returns
        -------
        WhatIf
            With one edit more.
        """
        return self._with({"kind": "brief", **terms})

    def set_influencer(self, account_id: str, **changes: Any) -> WhatIf:
        """Change an account.

        Parameters
        ----------
        account_id : str
            The account.
        **changes : Any
            Fields of `matcher.whatif.edits.InfluencerEdit`.

        Returns
        -------
        WhatIf
            With one edit more.
        """
        return self._with({"kind": "influencer", "account_id": account_id, **changes})

    def set_market(self, **changes: Any) -> WhatIf:
        """Change the market.

        Parameters
        ----------
        **changes : Any
            Fields of `matcher.whatif.edits.MarketEdit`.

        Returns
        -------
        WhatIf
            With one edit more.
        """
        return self._with({"kind": "market", **changes})

    def called(self, name: str) -> WhatIf:
        """Give the scenario a name.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        WhatIf
            The same question.
        """
        return replace(self, name=name)

    @property
    def scenario(self) -> Scenario:
        """What was said so far, checked."""
        values = {"version": 1, "name": self.name, "edits": list(self.edits)}
        return parse_scenario(values, where="what_if")

    def compare(self, *, seed: int = 0) -> Comparison:
        """Compare the scenario with things as they are.

        Parameters
        ----------
        seed : int, default 0
            Seed of the draws.

        Returns
        -------
        Comparison
            With one answer.
        """
        return compare_scenarios(self.desk, [self.scenario], seed=seed)

    def _with(self, edit: Mapping[str, Any]) -> WhatIf:
        asked = replace(self, edits=(*self.edits, edit))
        # A mistake is named where it is made, not when answers are asked for.
        _ = asked.scenario
        return asked


def what_if(
    model: Model,
    data: MarketData,
    brief: Brief,
    *,
    as_of: pd.Timestamp | None = None,
    settings: Settings | None = None,
    order: OrderRequest = "objective",
    top_k: int = 10,
    language: Language = "en",
    context: FeatureContext | None = None,
) -> WhatIf:
    """Ask what would change if the brief, an account or the market were another.

    Answers say what **the model would say**: everything is scored anew as `recommend` does it. No
    answer is an effect, which would need data on what was changed and what came of it.

    Parameters
    ----------
    model : Model
        Model, closed before the brief is seen.
    data : MarketData
        Market.
    brief : Brief
        Brief.
    as_of : pandas.Timestamp, optional
        Aware instant from which it is seen; one from which all of the market is known when None.
    settings : Settings, optional
        Settings of retrieval; the model's own when None.
    order : {"objective", "fit", "deliver", "outcome", "value", "blend"}
        What lists are ordered by, as in `matcher.recommend.recommend.recommend`.
    top_k : int, default 10
        Length of lists.
    language : {"en", "vi"}
        Language of sentences.
    context : FeatureContext, optional
        What ``model.context(data)`` gives, to share embeddings between calls.

    Returns
    -------
    WhatIf
        ``set``, ``set_influencer`` and ``set_market`` say what changes, ``compare`` answers.

    Raises
    ------
    UsageError
        If an argument is of another type or unknown.

    Examples
    --------
    >>> from matcher import MarketData, load_market, read_brief, read_model
    >>> data = MarketData(load_market("data/tiny_market"))
    >>> model, _ = read_model("models/tiny")
    >>> asked = what_if(model, data, read_brief("data/brief-en.yaml"), top_k=5)
    >>> found = asked.set(n_creators=3).set_market(platform_reach={"tiktok": 0.8}).compare()
    >>> found.answers[0].grade, found.answers[0].movement.n_left
    ('model', 0)
    """
    desk = open_desk(
        model,
        data,
        brief,
        as_of=as_of,
        settings=settings,
        order=order,
        top_k=top_k,
        language=language,
        context=context,
    )
    return WhatIf(desk)
