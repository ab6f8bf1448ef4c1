"""What the leak linter found: one line per thing that moved, and a verdict."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final

from matcher.errors import LeakageError

__all__ = ["KINDS", "N_NAMED", "LeakReport", "Move"]

N_NAMED: Final = 5
"""Accounts and things that are named; the others are counted."""
KINDS: Final = (
    "encoder", "lexicon", "prior", "fit", "candidates", "feature", "control", "ranker", "score"
)  # fmt: skip
"""What can move, causes before what follows from them."""


@dataclass(frozen=True)
class Move:
    """One thing that changed although all it may rest on stayed.

    Parameters
    ----------
    what : str
        One of `KINDS`; ``fit`` where fitting failed on the altered market, ``control`` for an
        input of the negative control `missingness`.
    campaign_id : str
        Campaign at whose decision the future was altered.
    column : str
        Feature, score, or part of what was fitted.
    n_moved, n_compared : int
        Values that changed, and values compared.
    account_ids : tuple of str
        First five accounts whose value changed; empty for what was fitted.
    is_refitted : bool
        Whether it moved under what was fitted anew on the altered market, or already under what
        had been fitted before.
    """

    what: str
    campaign_id: str
    column: str
    n_moved: int
    n_compared: int
    account_ids: tuple[str, ...] = ()
    is_refitted: bool = False

    def __str__(self) -> str:
        named = f": {', '.join(self.account_ids)}" if self.account_ids else ""
        after = ", refitted" if self.is_refitted else ""
        return (
            f"{self.what} `{self.column}` ({self.n_moved} of {self.n_compared} values, "
            f"campaign {self.campaign_id}{after}{named})"
        )


@dataclass(frozen=True)
class LeakReport:
    """What was altered, what was compared, and what moved.

    Parameters
    ----------
    n_campaigns : int
        Campaigns at whose decision the future was altered.
    n_instants : int
        Different instants among those decisions.
    n_refits : int
        Blocks for which everything was fitted anew on the altered market.
    n_features, n_feature_values : int
        Features, and their values over all pairs, those of the negative control included.
    n_priors : int
        Values of fitted priors.
    n_scores : int
        Scores of the model and of the scorers that learn nothing.
    moved : tuple of Move
        What changed, causes first; empty when nothing leaks.
    assumed_timeless : tuple of str
        Undated columns, which were not altered: that they hold nothing later is assumed.
    assumed_planned : tuple of str
        Flights and terms: who is free in a planned flight was left as it is, that it was known
        when the campaign was decided is assumed.
    """

    n_campaigns: int
    n_instants: int
    n_refits: int
    n_features: int
    n_feature_values: int
    n_priors: int
    n_scores: int
    moved: tuple[Move, ...]
    assumed_timeless: tuple[str, ...]
    assumed_planned: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether nothing moved."""
        return not self.moved

    @property
    def verdict(self) -> str:
        """The result in one sentence."""
        tried = (
            f"after everything known at or after {self.n_instants} decisions was altered and "
            f"{self.n_refits} models were refitted ({self.n_features} features, "
            f"{self.n_priors} values of priors and {self.n_scores} scores of {self.n_campaigns} "
            "campaigns compared bit for bit)"
        )
        if self.is_clean:
            return f"No leak: nothing moved {tried}."
        names = list(dict.fromkeys(f"{move.what} {move.column}" for move in self.moved))
        more = f" and {len(names) - N_NAMED} more" if len(names) > N_NAMED else ""
        return f"Leak: {', '.join(names[:N_NAMED])}{more} moved {tried}."

    def raise_if_leaky(self) -> None:
        """Refuse figures that rest on a leak.

        Raises
        ------
        LeakageError
            If anything moved.
        """
        if self.is_clean:
            return
        first = "; ".join(str(move) for move in self.moved[:N_NAMED])
        raise LeakageError(
            f"leak check: {len(self.moved)} things moved in {self.n_campaigns} campaigns, expected "
            f"none; the first: {first}; make each rest only on facts known strictly before "
            "`decided_at` (or before `trained_until`, where it is fitted)"
        )

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, ready for JSON.

        Returns
        -------
        dict
            ``verdict``, ``is_clean``, and every field.
        """
        plain = dataclasses.asdict(self)
        plain["moved"] = [
            {**move, "account_ids": list(move["account_ids"])} for move in plain["moved"]
        ]
        for name in ("assumed_timeless", "assumed_planned"):
            plain[name] = list(plain[name])
        return {"verdict": self.verdict, "is_clean": self.is_clean, **plain}
