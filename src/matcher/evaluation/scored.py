"""Scored candidates: the frame that is evaluated, checked, with its questions and slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matcher.errors import DataError
from matcher.evaluation.outcomes import lift
from matcher.evaluation.ranked import BoolArray, FloatArray, IntArray
from matcher.evaluation.splits import WARMTHS

__all__ = ["QUESTIONS", "SLICE_COLUMNS", "ScoredCandidates"]

QUESTIONS = ("hired", "delivered")
SLICE_COLUMNS = ("warmth", "platform", "tier", "brief_language")
UNKNOWN = "unknown"


@dataclass(frozen=True)
class ScoredCandidates:
    """Candidate pairs with labels and scores, one array element per pair.

    Built by `ScoredCandidates.build`; campaigns are sorted by id.

    Parameters
    ----------
    frame : pandas.DataFrame
        The scored frame.
    campaign_ids : tuple of str
        Campaigns, sorted; their position is their code.
    codes : numpy.ndarray of int, shape (n_rows,)
        Campaign of each pair.
    brands : numpy.ndarray of str, shape (n_campaigns,)
        Brand of each campaign; a campaign without a brand is a brand of its own.
    hired : numpy.ndarray of bool, shape (n_rows,)
        Whether the pair became a collaboration.
    """

    frame: pd.DataFrame
    campaign_ids: tuple[str, ...]
    codes: IntArray
    brands: NDArray[np.object_]
    hired: BoolArray

    @classmethod
    def build(cls, scored: pd.DataFrame, score_columns: Sequence[str]) -> ScoredCandidates:
        """Check a scored frame.

        Parameters
        ----------
        scored : pandas.DataFrame
            Columns ``campaign_id, account_id, brand_id, hired`` and the score columns; optional
            ``outcome, expected, same_category`` and the slice columns.
        score_columns : sequence of str
            Columns that hold scores.

        Returns
        -------
        ScoredCandidates
            The checked pairs.

        Raises
        ------
        DataError
            If a column is missing or of a wrong type, a pair stands twice, `hired` is missing
            somewhere, or a campaign has two brands.
        """
        needed = ["campaign_id", "account_id", "brand_id", "hired", *score_columns]
        missing = [name for name in needed if name not in scored]
        if missing:
            raise DataError(
                f"scored frame: columns {missing} are missing; it has {list(scored.columns)}"
            )
        _check_columns(scored, score_columns)
        codes, names = pd.factorize(scored["campaign_id"], sort=True)
        _check_pairs(scored, codes)
        brands = _brand_of_campaign(scored, codes, names.to_numpy(dtype=object))
        return cls(
            frame=scored,
            campaign_ids=tuple(str(name) for name in names),
            codes=codes.astype(np.int64),
            brands=brands,
            hired=scored["hired"].to_numpy(dtype=np.bool_),
        )

    @property
    def n_campaigns(self) -> int:
        """Number of campaigns."""
        return len(self.campaign_ids)

    @cached_property
    def same_category(self) -> BoolArray | None:
        """Whether the candidate's category is the brand's; None where the frame does not say."""
        if "same_category" not in self.frame:
            return None
        flags = self.frame["same_category"].astype("boolean").fillna(False)
        return np.asarray(flags.to_numpy(dtype=np.bool_))

    @cached_property
    def outcome(self) -> FloatArray:
        """Outcome of each pair, shape (n_rows,); NaN unless hired and measured."""
        return np.where(self.hired, self._numbers("outcome"), np.nan)

    @cached_property
    def lifts(self) -> FloatArray:
        """Lift of each pair over its expected level, shape (n_rows,); NaN where unknown."""
        return lift(self.outcome, self._numbers("expected"))

    def _numbers(self, column: str) -> FloatArray:
        if column not in self.frame:
            return np.full(len(self.frame), np.nan)
        return self.frame[column].to_numpy(dtype=np.float64, na_value=np.nan)

    def scores(self, column: str) -> FloatArray:
        """Scores of one column.

        Parameters
        ----------
        column : str
            Name of a score column.

        Returns
        -------
        numpy.ndarray of float64, shape (n_rows,)
            Scores; NaN where one is missing.
        """
        return self._numbers(column)

    def of_question(self, question: str) -> ScoredCandidates:
        """Leave only the pairs that a question is about; campaigns keep their codes.

        Parameters
        ----------
        question : str
            ``hired`` (all candidates) or ``delivered`` (hired ones with an outcome).

        Returns
        -------
        ScoredCandidates
            Pairs in the same order.
        """
        if question == "hired":
            return self
        rows = ~np.isnan(self.outcome)
        return replace(self, frame=self.frame[rows], codes=self.codes[rows], hired=self.hired[rows])

    def slices(self, names: Sequence[str] | None = None) -> dict[str, BoolArray]:
        """Slices of the candidates, ``all`` first.

        Parameters
        ----------
        names : sequence of str, optional
            Slices that must be there, in this order, even if empty; by default those found.

        Returns
        -------
        dict of str to numpy.ndarray of bool, shape (n_rows,)
            Members by slice: ``all``, then ``warmth=hot``, ``warmth=warm``, ``warmth=cold`` (also
            when empty), then each value found of platform, tier and brief language, sorted. A
            missing value is ``unknown``.
        """
        if names is not None:
            nobody = np.zeros_like(self.hired)
            own = self.slices()
            return {name: own.get(name, nobody) for name in names}
        found: dict[str, BoolArray] = {"all": np.ones_like(self.hired)}
        for column in SLICE_COLUMNS:
            if column not in self.frame:
                continue
            given = self.frame[column].astype(object)
            codes, values = pd.factorize(given.where(given.notna(), UNKNOWN).astype(str))
            code_of = {str(value): code for code, value in enumerate(values)}
            fixed = WARMTHS if column == "warmth" else ()
            for value in [*fixed, *sorted(set(code_of) - set(fixed))]:
                found[f"{column}={value}"] = np.asarray(codes == code_of.get(value, -1))
        return found


def _check_columns(scored: pd.DataFrame, score_columns: Sequence[str]) -> None:
    hired = scored["hired"]
    if not pd.api.types.is_bool_dtype(hired) or hired.isna().any():
        raise DataError(
            f"scored frame: `hired` is {hired.dtype} with {int(hired.isna().sum())} missing; "
            "expected true or false for every pair"
        )
    if scored["campaign_id"].isna().any():
        n_missing = int(scored["campaign_id"].isna().sum())
        raise DataError(
            f"scored frame: {n_missing} of {len(scored)} rows have no `campaign_id`; "
            "expected one for every pair"
        )
    numbers = [*score_columns, *({"outcome", "expected"} & set(scored.columns))]
    wrong = [name for name in numbers if not pd.api.types.is_numeric_dtype(scored[name])]
    if wrong:
        raise DataError(f"scored frame: columns {sorted(wrong)} are not numbers; expected floats")


def _check_pairs(scored: pd.DataFrame, codes: NDArray[np.intp]) -> None:
    accounts, names = pd.factorize(scored["account_id"])
    pairs = pd.Series(codes.astype(np.int64) * (len(names) + 1) + accounts)
    twice = pairs.duplicated()
    if twice.any():
        columns = ["campaign_id", "account_id"]
        first = scored.loc[twice.to_numpy(), columns].head(5).to_numpy().tolist()
        raise DataError(
            f"scored frame: {int(twice.sum())} of {len(scored)} rows repeat a pair of campaign and "
            f"account ({first}); expected each pair once"
        )


def _brand_of_campaign(
    scored: pd.DataFrame, codes: NDArray[np.intp], names: NDArray[np.object_]
) -> NDArray[np.object_]:
    brands = scored["brand_id"].groupby(codes)
    n_brands = brands.nunique().to_numpy()
    several = np.flatnonzero(n_brands > 1)
    if several.size:
        raise DataError(
            f"scored frame: {several.size} of {names.size} campaigns have several brands "
            f"({names[several[:5]].tolist()}); expected one brand per campaign"
        )
    first = brands.first().to_numpy(dtype=object)
    return np.where(pd.isna(first), names, first)
