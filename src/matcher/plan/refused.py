"""Why accounts that somebody counts on cannot be hired."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.plan.limit_words import amount, enough, limit_name
from matcher.plan.limits import KEPT
from matcher.plan.texts import REASONS, TEXTS
from matcher.recommend.wording import format_number
from matcher.retrieval.eligibility import RIVAL_DAYS, select_eligible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from matcher.config import Settings
    from matcher.plan.linear import Limit
    from matcher.plan.panel import Panel
    from matcher.plan.prepare import Prepared
    from matcher.plan.results import Conflict, ConflictPart
    from matcher.recommend.wording import Language

__all__ = ["describe_refused", "find_reasons"]

_SHOWN: Final = 5
"""Accounts that are named."""
_LEAST_SHARE: Final = 0.001
"""The smallest share that is shown."""
_NOTHING: Final = 1e-9


def find_reasons(
    ready: Prepared, names: Sequence[str], *, settings: Settings, panel: Panel | None = None
) -> dict[str, tuple[str, ...]]:
    """Why accounts are no option of a plan.

    Parameters
    ----------
    ready : Prepared
        What would be solved.
    names : sequence of str
        Account ids.
    settings : Settings
        Settings of retrieval.
    panel : Panel, optional
        People whom the user knows.

    Returns
    -------
    dict of str to tuple of str
        By account that has no package, in the order of `names`: the hard rules against it (see
        `matcher.retrieval.eligibility.RULES`), or else ``market`` (it is not there),
        ``candidates`` (it was not retrieved), ``panel`` (nobody in it sees the account) or ``fee``
        (it has no package with a known fee within the budget).
    """
    index, candidates = ready.data.index, ready.scored.candidates
    codes = index.account_codes(np.array(names, dtype=object)).tolist()
    lost = {
        name: code
        for name, code in zip(names, codes, strict=True)
        if code not in ready.options.codes
    }
    rival_days = ready.request.constraints.rival_days
    # Whoever has to be hired stays, and the rules against it are told.
    there = tuple(name for name, code in lost.items() if code >= 0)
    against = select_eligible(
        ready.data,
        ready.request.brief.model_copy(update={"must_have": there}),
        candidates.instant,
        min_posts=settings.retrieval.min_posts,
        rival_days=RIVAL_DAYS if rival_days is None else rival_days,
    ).kept_against

    def reasons(code: int) -> tuple[str, ...]:
        if code < 0:
            return ("market",)
        rules = tuple(rule for rule, held in against.items() if code in held)
        if rules:
            return rules
        if code not in candidates.codes:
            return ("candidates",)
        return ("panel",) if panel is not None and not panel.is_known[code] else ("fee",)

    return {name: reasons(code) for name, code in lost.items()}


def describe_refused(
    ready: Prepared,
    conflict: Conflict,
    *,
    settings: Settings,
    panel: Panel | None = None,
    language: Language,
) -> str:
    """Who is missing where a conflict asks for more than those who can be hired allow.

    Parameters
    ----------
    ready : Prepared
        What cannot be solved.
    conflict : Conflict
        Why.
    settings : Settings
        Settings of retrieval.
    panel : Panel, optional
        People whom the user knows.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Sentences that begin with a blank: of each minimum for which nobody counts, that it is so;
        of each that asks for more accounts than there are, how many there are; of each share what
        can be reached at most within the other limits, where they leave room for any; of an
        earlier plan who cannot be hired, and why.
    """
    told = ""
    for part in conflict.parts:
        if part.side != "at least":
            continue
        limit = ready.problem.limit(part.name)
        n = len(np.unique(ready.problem.person[_counted(limit)]))
        name = limit_name(part.name, language)
        if not n:
            told += TEXTS["nobody_counts"][language].format(name=name)
        elif part.unit == "accounts" and n < part.bound:
            told += TEXTS["only"][language].format(name=name, n=amount(n, "accounts", "", language))
        elif part.unit == "share" and conflict.is_least and np.isfinite(part.give):
            share = amount(_reached(part), "share", "", language)
            told += TEXTS["reached_at_most"][language].format(name=name, share=share)
        if part.name == KEPT:
            lost = find_reasons(ready, ready.request.earlier, settings=settings, panel=panel)
            told += _lost(lost, len(ready.request.earlier), language)
    return told


def _counted(limit: Limit) -> NDArray[np.int64]:
    """Options that a least total is made of; those that a share is of all fees only fall short."""
    return np.asarray(limit.options[limit.coefficients > 0])


def _reached(part: ConflictPart) -> float:
    """The share that can be reached, as the way out has it."""
    left = part.bound - enough(part.give, "share")
    if left > 0:
        return left
    return _LEAST_SHARE if part.give < part.bound * (1.0 - _NOTHING) else 0.0


def _lost(lost: dict[str, tuple[str, ...]], n_all: int, language: Language) -> str:
    if not lost:
        return ""
    named = [
        f"{name} ({', '.join(REASONS[one][language] for one in why)})"
        for name, why in list(lost.items())[:_SHOWN]
    ]
    if len(lost) > _SHOWN:
        rest = format_number(len(lost) - _SHOWN, language)
        named.append(TEXTS["and_more"][language].format(n=rest))
    return TEXTS["lost"][language].format(
        n=format_number(len(lost), language),
        all=format_number(n_all, language),
        names="; ".join(named),
    )
