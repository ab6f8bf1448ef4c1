"""Where it is known from whom accounts reach together: a panel, audience tables, or neither."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol

import numpy as np

from matcher.plan.audience import Audiences, read_audiences
from matcher.plan.cells import EVENNESS, People, build_crowd, sainsbury, usual_people
from matcher.retrieval.facts import account_facts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.features.context import MarketData
    from matcher.market.brief import Brief
    from matcher.plan.constraints import ReachSettings
    from matcher.plan.panel import Panel
    from matcher.plan.reach import Reach

__all__ = ["Frequencies", "ReachKind", "ReachSource", "find_source"]

ReachKind = Literal["panel", "audiences", "independence"]
"""What overlap rests on, the surest first."""

N_TIMES: Final = 3
"""Times up to which people reached are told apart."""


class _Drawn(Protocol):
    def reach(self, wanted: NDArray[np.float64]) -> tuple[Reach, NDArray[np.int64]]: ...

    def select(self, options: NDArray[np.int64]) -> _Drawn: ...


@dataclass(frozen=True)
class Frequencies:
    """People that a choice reaches.

    Parameters
    ----------
    at_least : tuple of float
        People reached by at least 1, 2 and 3 of the accounts.
    counted_twice : float
        Sum over the accounts, overlap counted each time.
    sainsbury : float
        People reached at least once if chances were independent over one population.
    """

    at_least: tuple[float, ...]
    counted_twice: float
    sainsbury: float


@dataclass(frozen=True, eq=False)
class ReachSource:
    """Whom some accounts reach together.

    Parameters
    ----------
    kind : {"panel", "audiences", "independence"}
        What it rests on.
    crowd : Crowd or Panel
        People, with one row per account.
    population : float
        People among whom Sainsbury's formula takes chances as independent.
    n_known : int
        Accounts whose own audience is known.
    n_accounts : int
        Accounts in all.
    home : str, default ""
        Country whose people the population is; empty where weights of a panel say how many it is.
    """

    kind: ReachKind
    crowd: _Drawn
    population: float
    n_known: int
    n_accounts: int
    home: str = ""

    def reach(
        self, rows: NDArray[np.int64], wanted: NDArray[np.float64]
    ) -> tuple[Reach, NDArray[np.int64]]:
        """Cells of people, and options that reach as many as wanted.

        Parameters
        ----------
        rows : numpy.ndarray of int64, shape (n,)
            Account of each option, as a row of `crowd`.
        wanted : numpy.ndarray of float64, shape (n,)
            People that each reaches.

        Returns
        -------
        reach : Reach
            By option and cell.
        cut : numpy.ndarray of int64
            Options that were to reach more than 95 % of the people there.
        """
        return self.crowd.select(rows).reach(wanted)

    def count(self, rows: NDArray[np.int64], wanted: NDArray[np.float64]) -> Frequencies:
        """People reached by a choice, by how many of it.

        Parameters
        ----------
        rows : numpy.ndarray of int64, shape (n,)
            Account of each option.
        wanted : numpy.ndarray of float64, shape (n,)
            People that each reaches.

        Returns
        -------
        Frequencies
            By 1, 2 and 3 at least.
        """
        if not len(rows):
            return Frequencies((0.0,) * N_TIMES, 0.0, 0.0)
        reach, _ = self.reach(rows, wanted)
        found = reach.people_reached_often(np.arange(len(rows)), most=N_TIMES)
        return Frequencies(
            tuple(float(one) for one in found),
            float(wanted.sum()),
            sainsbury(wanted, self.population),
        )

    def unions(self, rows: NDArray[np.int64], draws: NDArray[np.float64]) -> NDArray[np.float64]:
        """People reached at least once, in each of several draws of what accounts reach.

        Parameters
        ----------
        rows : numpy.ndarray of int64, shape (n,)
            Account of each option.
        draws : numpy.ndarray of float64, shape (n_draws, n)
            People that each reaches.

        Returns
        -------
        numpy.ndarray of float64, shape (n_draws,)
            People.
        """
        n_draws, n = draws.shape
        reach, _ = self.reach(np.tile(rows, n_draws), draws.ravel())
        return np.array(
            [reach.people_reached(np.arange(k * n, (k + 1) * n)) for k in range(n_draws)]
        )


def find_source(
    data: MarketData,
    brief: Brief,
    codes: NDArray[np.int64],
    instant: int,
    *,
    weight: NDArray[np.float64],
    panel: Panel | None,
    settings: ReachSettings,
) -> ReachSource:
    """The surest source that there is.

    Parameters
    ----------
    data : MarketData
        Market.
    brief : Brief
        Brief; its first country is where people live of whom no table tells.
    codes : numpy.ndarray of int64, shape (n_accounts,)
        Accounts, in the panel where there is one.
    instant : int
        Microseconds since 1970.
    weight : numpy.ndarray of float64, shape (n_accounts,)
        People that each account reaches, roughly.
    panel : Panel or None
        What the user knows.
    settings : ReachSettings
        Populations and evenness.

    Returns
    -------
    ReachSource
        The panel, which without weights is a sample of the people on social media of the brief's
        first country, else of the one where most accounts are at home; else cells of `audiences`;
        else one population per platform, in which all people are alike.
    """
    home = _home(data, brief, codes, instant)
    usual = usual_people()
    people = People(
        {**usual.people, **settings.people},
        {**usual.users, **{name: {**usual.users.get(name, {}), **held}
                           for name, held in settings.users.items()}},
        usual.source,
    )  # fmt: skip
    population = people.count(home)
    if panel is not None:
        known = panel.select(codes)
        if panel.is_sample:
            known = known.standing_for(population)
        return ReachSource(
            "panel", known, float(known.weight.sum()), int(known.is_known.sum()), len(codes),
            home if panel.is_sample else "",
        )  # fmt: skip
    audiences = read_audiences(data, codes, instant)
    n_known = max(audiences.n_known.values(), default=0)
    if not n_known:
        audiences = Audiences({}, {}, {})
    evenness = settings.evenness or EVENNESS
    crowd = build_crowd(
        audiences,
        data.index.accounts["platform"].to_numpy(object)[codes],
        weight,
        people=people,
        home=home,
        evenness=evenness if n_known else np.inf,
    )
    kind: ReachKind = "audiences" if n_known else "independence"
    return ReachSource(kind, crowd, population, n_known, len(codes), home)


def _home(data: MarketData, brief: Brief, codes: NDArray[np.int64], instant: int) -> str:
    """Country of the brief, else the one in which most of the accounts are at home."""
    if brief.countries:
        return str(brief.countries[0])
    facts = account_facts(data)
    known = [
        str(one)
        for one, at in zip(facts.countries[codes], facts.described_at[codes], strict=True)
        if at < instant and isinstance(one, str)
    ]
    return max(sorted(set(known)), key=known.count) if known else "VN"
