"""Better plans out of a plan: exchanges of one or two options, drawn by their worth.

A step takes none, one or two options out and draws others in, one after the other, with chances
that rise with what they add (heat-bath annealing); while more are to come, what an option uses up
of the limits is charged at the limits' multipliers, so that money that it saves counts. A step
that makes the plan worse is kept by Metropolis' rule. Plans stay within the limits throughout.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.plan.pool import Pool

__all__ = ["Search", "anneal", "best_exchange", "improve"]

_CYCLE: Final = 3000
"""Steps from hot to cold; then the best plan is warmed again."""
_HEAT: Final = 0.03
"""First temperature, relative to the mean worth of a chosen option."""
_REHEAT: Final = 0.04
_KINDS: Final = ((1, 1), (2, 2), (1, 1), (2, 1), (1, 2), (0, 1))
"""Options taken out and in by a step; exchanges of one for one are drawn twice as often."""
_ROUNDING: Final = 1e-12


class Search:
    """A plan that changes.

    Parameters
    ----------
    pool : Pool
        Options to choose among.
    chosen : list of int
        Places of the first plan; within the limits.

    Attributes
    ----------
    barred : numpy.ndarray of bool, shape (p,)
        Options that may not come in; at first none.
    """

    def __init__(self, pool: Pool, chosen: list[int]) -> None:
        self.pool = pool
        self._up = np.maximum(pool.totals.max(axis=0), 0.0)
        self._down = np.maximum(-pool.totals.min(axis=0), 0.0)
        self.barred = np.zeros(len(pool.options), bool)
        self.stand(chosen)

    def stand(self, chosen: list[int]) -> None:
        """Go over to another plan.

        Parameters
        ----------
        chosen : list of int
            Places of the plan; within the limits.
        """
        pool = self.pool
        self.chosen = list(chosen)
        self.sums = pool.rate_sums(self.chosen)
        self.totals = pool.totals[self.chosen].sum(axis=0)
        self.taken = np.zeros(pool.persons.max() + 1, bool)
        self.taken[pool.persons[self.chosen]] = True
        self.worth = pool.worth(self.chosen, self.sums)

    def candidates(
        self, totals: NDArray[np.float64], taken: NDArray[np.bool_], n_later: int
    ) -> NDArray[np.int64]:
        """Options that may come in.

        Parameters
        ----------
        totals : numpy.ndarray of float, shape (limits,)
            What the others come to.
        taken : numpy.ndarray of bool, shape (persons,)
            Persons of the others.
        n_later : int
            Options that come in after it and may make up for what is missing or too much.

        Returns
        -------
        numpy.ndarray of int
            Places.
        """
        pool = self.pool
        after = pool.totals + totals
        free = (after >= pool.lows - n_later * self._up) & (
            after <= pool.highs + n_later * self._down
        )
        return np.flatnonzero(free.all(axis=1) & ~taken[pool.persons] & ~self.barred)

    def step(self, kind: tuple[int, int], temperature: float, rng: np.random.Generator) -> bool:
        """Try one exchange.

        Parameters
        ----------
        kind : tuple of int
            How many go out and how many come in.
        temperature : float
            In the unit of the objective.
        rng : numpy.random.Generator
            Draws what goes out, what comes in and whether a worse plan is kept.

        Returns
        -------
        bool
            Whether the plan changed.
        """
        pool, (n_out, n_in) = self.pool, kind
        if len(self.chosen) < n_out:
            return False
        leaving = [self.chosen[at] for at in rng.permutation(len(self.chosen))[:n_out]]
        sums, taken = pool.sums_without(self.sums, self.chosen, leaving), self.taken.copy()
        taken[pool.persons[leaving]] = False
        totals = self.totals - pool.totals[leaving].sum(axis=0)
        coming: list[int] = []
        worth = pool.reached(sums) + float(
            pool.gains[self.chosen].sum() - pool.gains[leaving].sum()
        )
        for later in range(n_in - 1, -1, -1):
            found = self._draw(sums, totals, taken, (later, temperature), rng)
            if found is None:
                return False
            place, added = found
            if place < 0:
                break
            coming.append(place)
            worth += added
            pool.add_rates(sums, place, 1.0)
            totals = totals + pool.totals[place]
            taken[pool.persons[place]] = True
        loss = self.worth - worth
        if kind != (1, 1) and loss > 0 and rng.random() >= np.exp(-loss / temperature):
            return False
        stay = set(leaving)
        self.chosen = [place for place in self.chosen if place not in stay] + coming
        self.sums, self.totals, self.taken, self.worth = sums, totals, taken, worth
        return True

    def _draw(
        self,
        sums: NDArray[np.float64],
        totals: NDArray[np.float64],
        taken: NDArray[np.bool_],
        stage: tuple[int, float],
        rng: np.random.Generator,
    ) -> tuple[int, float] | None:
        """Place that comes in and what it adds; place -1 for none, None where nothing may."""
        n_later, temperature = stage
        places = self.candidates(totals, taken, n_later)
        none_may = not n_later and bool(self.pool.fits(totals))
        if not len(places):
            return (-1, 0.0) if none_may else None
        added = self.pool.additions(sums)[places]
        scores = added - self.pool.charges[places] if n_later else added
        drawn = scores + temperature * rng.gumbel(size=len(places))
        best = int(np.argmax(drawn))
        if none_may and temperature * rng.gumbel() > drawn[best]:
            return -1, 0.0
        return int(places[best]), float(added[best])


def anneal(
    search: Search,
    *,
    steps: int,
    rng: np.random.Generator,
    until: float = np.inf,
    enough: float = np.inf,
) -> tuple[list[int], int]:
    """Best plan that annealing comes by.

    Parameters
    ----------
    search : Search
        Holds the first plan; moved.
    steps : int
        Exchanges to try.
    rng : numpy.random.Generator
        Source of all draws.
    until : float, default inf
        Instant of `time.perf_counter` at which to stop earlier.
    enough : float, default inf
        Worth at which to stop earlier.

    Returns
    -------
    best : list of int
        Places of the best plan; the first one where none is better.
    done : int
        Exchanges tried.
    """
    best, worth = list(search.chosen), search.worth
    if not len(best) and not len(search.candidates(search.totals, search.taken, 0)):
        return best, 0
    for done in range(steps):
        at = done % _CYCLE
        if done and not at:
            search.stand(best)
        if not done % 50 and (time.perf_counter() >= until or worth >= enough):
            return best, done
        heat = _HEAT if done < _CYCLE else _REHEAT
        length = min(_CYCLE, steps - (done - at))
        size = max(abs(worth), _ROUNDING) / max(len(best), 1)
        temperature = heat * (1.0 - at / length) ** 2 * size
        kind = _KINDS[int(rng.integers(len(_KINDS)))]
        changed = search.step(kind, max(temperature, _ROUNDING * size), rng)
        if changed and search.worth > worth * (1.0 + _ROUNDING) + _ROUNDING * size:
            best, worth = list(search.chosen), search.worth
    return best, steps


def improve(search: Search, *, most: int = 200, until: float = np.inf) -> None:
    """Exchange, add or drop one option while that makes the plan better; the best one first.

    Parameters
    ----------
    search : Search
        Holds the plan; moved.
    most : int, default 200
        Exchanges after which it ends.
    until : float, default inf
        Instant of `time.perf_counter` at which to stop earlier.
    """
    for _ in range(most):
        best_worth, best = search.worth * (1.0 + 1e-10) + _ROUNDING, None
        for leaving in [*search.chosen, -1]:
            if time.perf_counter() >= until:
                return
            worth, coming = best_exchange(search, leaving)
            if worth > best_worth:
                best_worth, best = worth, (leaving, coming)
        if best is None:
            return
        leaving, coming = best
        kept = [place for place in search.chosen if place != leaving]
        search.stand([*kept, coming] if coming >= 0 else kept)


def best_exchange(
    search: Search, leaving: int, *, others: NDArray[np.bool_] | None = None
) -> tuple[float, int]:
    """Best plan that differs from the present one by what comes in for an option.

    Parameters
    ----------
    search : Search
        Holds the plan; not moved.
    leaving : int
        Place of the option that goes; -1 where none does.
    others : numpy.ndarray of bool, shape (p,), optional
        Options that may come in, and nothing may not; by default all, or nothing.

    Returns
    -------
    worth : float
        Objective of that plan; -inf where there is none.
    coming : int
        Place of what comes in; -1 for nothing.
    """
    pool = search.pool
    kept = [place for place in search.chosen if place != leaving]
    sums, totals, taken = search.sums, search.totals, search.taken
    if leaving >= 0:
        sums, taken = pool.sums_without(sums, search.chosen, [leaving]), taken.copy()
        totals = totals - pool.totals[leaving]
        taken[pool.persons[leaving]] = False
    places = search.candidates(totals, taken, 0)
    places = places[places != leaving]
    if others is not None:
        places = places[others[places]]
    worth = pool.worth(kept, sums)
    best = (worth, -1) if others is None and bool(pool.fits(totals)) else (-np.inf, -1)
    if len(places):
        added = pool.additions(sums)[places]
        at = int(np.argmax(added))
        if worth + added[at] > best[0]:
            best = (float(worth + added[at]), int(places[at]))
    return best
