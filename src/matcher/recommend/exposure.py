"""Lists held to a floor under the share of each group: who enters, who leaves, what it costs."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from matcher.arguments import check_type
from matcher.errors import UsageError
from matcher.features.account_groups import account_groups
from matcher.ranking.exposure import ExposureRule, choose_places, least_places
from matcher.recommend.rows import choose

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from matcher.recommend.explore import Lottery
    from matcher.recommend.rows import Job, Scored

__all__ = ["check_rule", "describe_floor", "describe_total", "hold_to_floor"]


def check_rule(rule: ExposureRule | None, lottery: Lottery | None) -> None:
    """Refuse what is no floor, and a floor under lists that are drawn.

    Parameters
    ----------
    rule : ExposureRule or None
        The floor.
    lottery : Lottery or None
        How lists are drawn.

    Raises
    ------
    UsageError
        If it is of another type, or lists are drawn: the logged chances would not be those of the
        list.
    """
    if rule is None:
        return
    check_type(rule, ExposureRule, where="recommend: exposure")
    if lottery is not None:
        raise UsageError(
            "recommend: got both an exposure floor and a lottery (--exposure, --explore); the "
            "chances in the log of a drawn list are those without a floor: give one of them"
        )


def describe_floor(rule: ExposureRule | None) -> dict[str, str]:
    """A floor as part of the audit of lists.

    Parameters
    ----------
    rule : ExposureRule or None
        The floor.

    Returns
    -------
    dict of str to str
        ``exposure``, such as ``by tier, at least 0.8 of supply``; empty without one.
    """
    return {} if rule is None else {"exposure": f"by {rule.by}, at least {rule.floor:g} of supply"}


def _floor(rule: ExposureRule) -> str:
    return f"exposure {describe_floor(rule)['exposure']}"


def hold_to_floor(
    job: Job, ranked: Scored, plain: NDArray[np.int64], rule: ExposureRule
) -> tuple[NDArray[np.int64], dict[str, Any], str]:
    """List of one brief in which every group has the places that its supply promises it.

    Supply is that of the eligible accounts, those that retrieval left out included. Accounts that
    the brief must have stand in the list in any case and take places of their group. Where a list
    shows one account per person, that is the person's best one, whatever its group.

    Parameters
    ----------
    job : Job
        What all briefs share.
    ranked : Scored
        Its scored candidates, at least one.
    plain : numpy.ndarray of int64, shape (n_chosen,)
        Rows of the list without a floor, as from `matcher.recommend.rows.choose`.
    rule : ExposureRule
        The floor.

    Returns
    -------
    rows : numpy.ndarray of int64, shape (n_chosen,)
        Rows of the list, by score: of all lists under the floor the one with the highest scores,
        see `matcher.ranking.exposure.choose_places`.
    facts : dict of str to Any
        For `Recommendations.pools`: ``exposure_entered`` and ``exposure_left``, account ids joined
        by ``|``; ``exposure_measure``, and its mean over both lists, ``exposure_plain`` and
        ``exposure_reranked``. The measure is ``fit`` where lists are ordered by it and the model
        states it, else the percentile of the score that they are ordered by.
    note : str
        The same in a sentence.
    """
    eligible, candidates = ranked.candidates.eligible.accounts, ranked.candidates
    named = account_groups(
        job.data.index,
        rule.by,
        eligible,
        candidates.instant,
        campaign_id=ranked.brief.brief_id,
    )
    codes, names = pd.factorize(named, sort=True)
    group_of = codes[np.searchsorted(eligible, candidates.codes)]
    # Everybody who may stand in the list, best first, one per person if asked.
    everyone, _ = choose(replace(job, top_k=len(candidates)), ranked)
    fixed = np.isin(candidates.account_ids[everyone], list(ranked.brief.must_have))
    least = least_places(np.bincount(codes, minlength=len(names)), len(plain), rule.floor)
    places = choose_places(group_of[everyone], least, len(plain), fixed=fixed)
    rows = everyone[places]
    measure, values = _measure(job, ranked)
    entered, left = (
        candidates.account_ids[one[~np.isin(one, other)]].tolist()
        for one, other in ((rows, plain), (plain, rows))
    )
    facts = {
        "exposure_entered": "|".join(entered),
        "exposure_left": "|".join(left),
        "exposure_measure": measure,
        "exposure_plain": float(values[plain].mean()),
        "exposure_reranked": float(values[rows].mean()),
    }
    counts = [Counter(names[group_of[some]].tolist()) for some in (plain, rows)]
    promised = dict(zip(names.tolist(), least.tolist(), strict=True))
    return rows, facts, _note(ranked.brief.brief_id, rule, facts, counts, promised)


def _measure(job: Job, ranked: Scored) -> tuple[str, NDArray[np.float64]]:
    """What a list is worth, by candidate: positive, and rising with the score it is ordered by."""
    calibration = job.model.calibration
    if ranked.order == "fit" and calibration is not None:
        chances, _ = calibration.judge(
            ranked.percentiles("hire"), ranked.candidates.n_eligible, ranked.brief.n_creators
        )
        return "fit", chances
    column = "hire" if ranked.order == "fit" else ranked.order
    return f"{ranked.order}_percentile", ranked.percentiles(column)


def _note(
    brief_id: str,
    rule: ExposureRule,
    facts: Mapping[str, Any],
    counts: Sequence[Counter[str]],
    promised: Mapping[str, int],
) -> str:
    plain, held = counts
    what = f"brief {brief_id}: {_floor(rule)}"
    short = [f"{name} {held[name]} of {n}" for name, n in promised.items() if held[name] < n]
    told = (
        f"; promised places that nobody who may be listed could take: {', '.join(short)}"
        if short
        else ""
    )
    if not facts["exposure_entered"]:
        return f"{what}: the list holds to it as it is{told}"
    shown = ", ".join(
        f"{name} {held[name]} (before {plain[name]})"
        for name in promised
        if held[name] or plain[name]
    )
    entered, left = (facts[f"exposure_{side}"].replace("|", ", ") for side in ("entered", "left"))
    return (
        f"{what}: {shown}; entered: {entered}; left: {left}; mean {facts['exposure_measure']} "
        f"{facts['exposure_reranked']:.4g} instead of {facts['exposure_plain']:.4g}, "
        f"{_loss(facts['exposure_plain'], facts['exposure_reranked'])}{told}"
    )


def _loss(plain: float, reranked: float) -> str:
    return f"{100 * (1 - reranked / plain):.1f} % less"


def describe_total(rule: ExposureRule, pools: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What a floor costs over all lists, in a sentence.

    Parameters
    ----------
    rule : ExposureRule
        The floor.
    pools : sequence of mapping of str to Any
        What `hold_to_floor` told of each list, among other things.

    Yields
    ------
    str
        One sentence; none where there is no list.
    """
    held = [pool for pool in pools if "exposure_plain" in pool]
    if not held:
        return
    n_changed = sum(bool(pool["exposure_entered"]) for pool in held)
    costs = []
    # Lists ordered by different scores have no common measure.
    for measure in dict.fromkeys(pool["exposure_measure"] for pool in held):
        alike = [pool for pool in held if pool["exposure_measure"] == measure]
        plain, reranked = (
            sum(pool[f"exposure_{name}"] for pool in alike) / len(alike)
            for name in ("plain", "reranked")
        )
        over = "all" if len(alike) == len(held) else f"{len(alike)} of them"
        costs.append(
            f"mean {measure} over {over} is {reranked:.4g} instead of {plain:.4g}, "
            f"{_loss(plain, reranked)}"
        )
    yield f"{_floor(rule)}, changes {n_changed} of {len(held)} lists; {'; '.join(costs)}"
