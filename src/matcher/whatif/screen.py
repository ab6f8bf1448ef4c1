"""Scores that an account would have under many edits of itself, had cheaply.

Only the account's own features are computed anew; where it stands among the others follows from
their features as they are. What looks good here is confirmed by ranking everybody anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from matcher.errors import MatcherError, SupportError
from matcher.features.offers import newest_prices
from matcher.features.pair_features import FeatureMatrix
from matcher.features.pairs import build_pairs
from matcher.recommend.fees import build_fees
from matcher.whatif.levers import PRICE_FEATURES
from matcher.whatif.scenario import BASELINE, parse_scenario
from matcher.whatif.shared import SharedFeatures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.whatif.desk import Desk

__all__ = ["Screen"]


class Screen:
    """An account among the candidates of a desk as they are.

    Parameters
    ----------
    desk : Desk
        Model, market and brief.
    account_id : str
        The account.
    """

    def __init__(self, desk: Desk, account_id: str) -> None:
        self._desk, self._account = desk, account_id
        others = desk.base.ranked.candidates.account_ids != account_id
        values = desk.base.ranked.matrix.values[others]
        # What is unknown is sorted to the end.
        self._sorted = np.sort(values, axis=0)
        self._n_known = np.isfinite(values).sum(axis=0)
        self._names = desk.base.ranked.matrix.names
        self._features = SharedFeatures(desk.job.model.prior)
        self._rows: dict[str, tuple[NDArray[np.float64], float] | None] = {}
        self._matrix: FeatureMatrix | None = None
        self._estimate = float("nan")
        if desk.base.ranked.order == "value":
            codes = desk.job.data.index.account_codes(np.array([account_id], dtype=object))
            held = build_fees(desk.job.data, desk.brief, codes, desk.instant, language="en")
            self._estimate = float(held.fee[0])

    def scores(self, edits: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
        """Score of the account under each edit, as the list is ordered by.

        Parameters
        ----------
        edits : sequence of mapping
            Fields of `matcher.whatif.edits.InfluencerEdit`.

        Returns
        -------
        numpy.ndarray of float64, shape (n_edits,)
            NaN where an edit cannot be made.
        """
        rows: list[NDArray[np.float64]] = []
        fees, made = [], []
        for place, edit in enumerate(edits):
            times = {name: edit[name] for name in edit if name == "cadence_factor"}
            rates = {name: edit[name] for name in edit if name != "cadence_factor"}
            one, other = self._row(times), self._row(rates)
            if one is not None and other is not None:
                rows.append(self._join(one[0], other[0]))
                fees.append(other[1])
                made.append(place)
        result = np.full(len(edits), np.nan)
        if made:
            result[made] = self._score(np.array(rows), np.array(fees))
        return result

    def _join(self, times: NDArray[np.float64], rates: NDArray[np.float64]) -> Any:
        """Features under both an edit of cadence and one of rates."""
        place = {name: column for column, name in enumerate(self._names)}
        log, share, each = (place[name] for name in PRICE_FEATURES)
        joined = times.copy()
        joined[[log, share]] = rates[[log, share]]
        # The price per engagement is the log of the price less the level of engagement.
        level = times[log] - times[each] if np.isfinite(times[each]) else rates[log] - rates[each]
        joined[each] = rates[log] - level
        return joined

    def _row(self, edit: Mapping[str, Any]) -> tuple[NDArray[np.float64], float] | None:
        """Features and fee of the account under an edit, kept; None where it cannot be made."""
        key = repr(sorted(edit.items()))
        if key not in self._rows:
            self._rows[key] = self._make(edit)
        return self._rows[key]

    def _make(self, edit: Mapping[str, Any]) -> tuple[NDArray[np.float64], float] | None:
        desk, account = self._desk, self._account
        scenario = BASELINE
        if edit:
            values = {"version": 1, "name": "screened", "edits": [
                {"kind": "influencer", "account_id": account, **edit}]}  # fmt: skip
            scenario = parse_scenario(values, where="screen")
        try:
            context, versions = desk.market(scenario, desk.brief)
        except SupportError:
            return None
        instant = pd.Timestamp(desk.instant, unit="us", tz="UTC")
        name = desk.brief.brief_id
        pairs = build_pairs([desk.brief], {name: [account]}, instants={name: instant})
        self._matrix = self._features.build(context, pairs, versions)
        price = newest_prices(context.index, desk.brief, desk.instant)
        codes = context.index.account_codes(np.array([account], dtype=object))
        own = float(price[codes[0]])
        return self._matrix.values[0], own if own > 0 else self._estimate

    def _score(self, rows: NDArray[np.float64], fees: NDArray[np.float64]) -> Any:
        job, order = self._desk.job, self._desk.base.ranked.order
        if order in ("fit", "deliver"):
            return self._by_ranker("hire" if order == "fit" else "deliver", rows)
        if order == "blend":
            scores = self._desk.base.ranked.scores
            parts = [
                self._among(self._by_ranker(which, rows), scores[which].to_numpy(np.float64))
                for which in ("hire", "deliver")
            ]
            return np.mean(parts, axis=0)
        models = job.model.outcomes
        if models is None:
            raise MatcherError("screen: no outcome is predicted; the desk should have refused")
        assert self._matrix is not None
        one = self._matrix
        every = np.zeros(len(rows), dtype=np.int64)
        assert one.platforms is not None
        assert one.tiers is not None
        pairs = one.pairs.select(every)
        middle = models.order(
            FeatureMatrix(rows, one.names, pairs, one.platforms[every], one.tiers[every]),
            job.model.settings.market.objectives,
        )
        return middle - np.log(fees) if order == "value" else middle

    def _by_ranker(self, which: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
        ranker = self._desk.job.model.ranker(which)
        place = {name: column for column, name in enumerate(self._names)}
        columns = [place[name] for name in ranker.names]
        inputs = np.column_stack([self._standing(values[:, one], one) for one in columns])
        return ranker.score(inputs)

    def _standing(self, values: NDArray[np.float64], column: int) -> NDArray[np.float64]:
        """Normal score of each value, were it the account's own among the others'."""
        n = int(self._n_known[column])
        held = self._sorted[:n, column]
        below = np.searchsorted(held, values, side="left")
        equal = np.searchsorted(held, values, side="right") - below
        found = ndtri((below + equal / 2.0 + 0.5) / (n + 1))
        return np.where(np.isfinite(values), found, np.nan)

    def _among(self, scores: NDArray[np.float64], others: NDArray[np.float64]) -> Any:
        held = np.sort(others)
        below = np.searchsorted(held, scores, side="left")
        return ndtri((below + 0.5) / (len(held) + 1))
