"""Scenarios checked against brief and market before anything is scored."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from matcher.errors import ConfigError, DataError, MatcherError, SupportError, UsageError
from matcher.whatif.joining import check_joining, check_known

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from matcher.market.brief import Brief
    from matcher.whatif.desk import Desk
    from matcher.whatif.scenario import Scenario

__all__ = ["check_not_demanded", "find_faults", "raise_faults"]

_SHOWN = 5


def check_not_demanded(brief: Brief, away: Collection[str]) -> None:
    """Accounts that a scenario takes away may not be demanded by its brief.

    Parameters
    ----------
    brief : Brief
        The brief as the scenario has it.
    away : collection of str
        Accounts that are taken away.

    Raises
    ------
    ConfigError
        If some are.
    """
    both = sorted(set(away) & set(brief.must_have))
    if both:
        raise ConfigError(
            f"scenario: the brief must have {both[:5]}, which the scenario takes away; give "
            "another `must_have` in the same scenario"
        )


def find_faults(desk: Desk, scenarios: Sequence[Scenario]) -> list[MatcherError]:
    """What makes no sense in scenarios, whatever would come of them.

    Parameters
    ----------
    desk : Desk
        Model, market and brief; nothing is scored.
    scenarios : sequence of Scenario
        Scenarios.

    Returns
    -------
    list of MatcherError
        For each that names a bad value for this brief, an account that the market does not hold, or
        one that is there already as new; what the data cannot answer is no fault.
    """
    found: list[MatcherError] = []
    for scenario in scenarios:
        try:
            _check(desk, scenario)
        except (UsageError, DataError) as error:
            said = str(error).removeprefix("scenario: ").removeprefix(f"scenario {scenario.name}: ")
            found.append(type(error)(f"scenario {scenario.name}: {said}"))
    return found


def _check(desk: Desk, scenario: Scenario) -> None:
    brief = desk.edit_brief(scenario)
    joining = [one for edit in scenario.markets for one in edit.new_accounts or ()]
    check_joining(desk.job.data.market, joining)
    known = [*desk.job.data.index.accounts["account_id"], *(one.account_id for one in joining)]
    fields: dict[str, set[str]] = {"account_id": {one.account_id for one in scenario.influencers}}
    for name in ("unavailable", "hired_by_rival"):
        fields[name] = {who for edit in scenario.markets for who in getattr(edit, name) or ()}
    for name in ("must_have", "never"):
        fields[name] = set(scenario.brief_changes.get(name) or ())
    for name, asked in fields.items():
        try:
            check_known(known, asked)
        except DataError as error:
            said = str(error).removeprefix("scenario: ")
            raise DataError(f"scenario: `{name}`: {said}") from error
    away = fields["unavailable"] | fields["hired_by_rival"]
    check_not_demanded(brief, away)
    for edit in scenario.influencers:
        if edit.price is not None and edit.currency is None and brief.currency is None:
            raise ConfigError(
                f"scenario: the price of {edit.account_id} has no currency, and neither has the "
                "brief; add `currency`"
            )


def raise_faults(faults: Sequence[MatcherError], *, what: str = "asked") -> None:
    """Raise all faults as one error; none where there is none.

    Parameters
    ----------
    faults : sequence of MatcherError
        Faults, each saying where.
    what : str, default "asked"
        What cannot be done with the scenarios.

    Raises
    ------
    MatcherError
        The one fault, or an error that names the first five: wrong use where one of them is, else
        one of the data.
    """
    if len(faults) == 1:
        raise faults[0]
    if faults:
        _raise_all(faults, what)


def _raise_all(faults: Sequence[MatcherError], what: str) -> NoReturn:
    lines = [f"\n- {one}" for one in faults[:_SHOWN]]
    more = f"\n- and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    kinds = [kind for kind in (ConfigError, UsageError, SupportError, DataError)
             if any(isinstance(one, kind) for one in faults)]  # fmt: skip
    kind = kinds[0] if kinds else MatcherError
    if kind is SupportError and not all(isinstance(one, SupportError) for one in faults):
        kind = DataError
    raise kind(f"{len(faults)} scenarios cannot be {what}:{''.join(lines)}{more}")
