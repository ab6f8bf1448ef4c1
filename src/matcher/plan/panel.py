"""People of a panel or sketch whom a user knows, and which accounts each of them sees."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, hstack

from matcher.arguments import to_path
from matcher.errors import DataError, UsageError
from matcher.plain import formula_unsafe
from matcher.plan.reach import Reach

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["PANEL_SUFFIXES", "Panel", "parse_panel", "read_panel"]

PANEL_SUFFIXES: Final = (".parquet", ".csv")
_EXPECTED: Final = (
    "expected columns person and account_id (empty for a person who sees none), and perhaps weight "
    "(people that a person stands for) and probability (chance that the person sees what the "
    "account posts, above 0 to 1)"
)
_ACTIVE: Final = 0.25
"""Power of the number of accounts that a person sees, by which the active are reached first; it
halves the error of panels on development worlds, see docs/plans.md."""
_SURE: Final = 0.999
_MOST: Final = 0.95
"""Share of an account's people in the panel that an option reaches at most; a panel holds some
people of an account too few or too many, by chance."""
_STEPS: Final = 80


@dataclass(frozen=True, eq=False)
class Panel:
    """Who sees which account.

    Parameters
    ----------
    weight : numpy.ndarray of float64, shape (n_people,)
        People that each stands for.
    rates : scipy.sparse.csr_array, shape (n_accounts, n_people)
        How strongly each account draws each person, 0 where not at all.
    is_sample : bool, default False
        Whether nothing was said of how many people each stands for, so that they are a sample in
        which all count alike; see `standing_for`.
    """

    weight: NDArray[np.float64]
    rates: csr_array
    is_sample: bool = False

    @property
    def is_known(self) -> NDArray[np.bool_]:
        """Accounts that somebody sees, shape (n_accounts,)."""
        return np.asarray(np.diff(self.rates.indptr) > 0)

    @property
    def digest(self) -> str:
        """First 12 hexadecimal digits of the SHA-256 of people, weights and what they see."""
        held = hashlib.sha256()
        for values in (self.weight, self.rates.data):
            held.update(np.asarray(values, "<f8").tobytes())
        for places in (self.rates.indptr, self.rates.indices):
            held.update(np.asarray(places, "<i8").tobytes())
        return held.hexdigest()[:12]

    def standing_for(self, population: float) -> Panel:
        """The same people, standing for so many in all.

        Parameters
        ----------
        population : float
            People, above 0.

        Returns
        -------
        Panel
            Weights in the same proportion that sum to it.
        """
        return replace(self, weight=self.weight * (population / self.weight.sum()))

    def select(self, accounts: NDArray[np.int64]) -> Panel:
        """The same people, and some accounts.

        Parameters
        ----------
        accounts : numpy.ndarray of int64
            Rows; may repeat.

        Returns
        -------
        Panel
            Those rows.
        """
        return replace(self, rates=csr_array(self.rates[accounts]))

    def reach(self, wanted: NDArray[np.float64]) -> tuple[Reach, NDArray[np.int64]]:
        """Each person as a cell, and options that each reach as many people as wanted.

        Parameters
        ----------
        wanted : numpy.ndarray of float64, shape (n_options,)
            People that each option reaches, from 0 on.

        Returns
        -------
        reach : Reach
            Probabilities by option and person.
        cut : numpy.ndarray of int64
            Options that reach more than 95 % of their people in the panel; the rest are people of
            their own, whom no other option reaches.
        """
        rates = self.rates
        counts = np.diff(rates.indptr)
        owner = np.repeat(np.arange(len(counts)), counts)
        people = self.weight[rates.indices]

        def summed(values: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(np.bincount(owner, values, minlength=len(counts)), np.float64)

        most = _MOST * summed(people)
        cut = np.flatnonzero(wanted > most)
        target = np.log(np.maximum(np.minimum(wanted, most), 1e-300))
        level = target - np.log(np.maximum(summed(rates.data * people), 1e-300))
        for _ in range(_STEPS):
            rate = np.exp(level)[owner] * rates.data
            reached = np.maximum(summed(-np.expm1(-rate) * people), 1e-300)
            slope = summed(np.exp(-rate) * rate * people) / reached
            gap = np.where(most > 0, target - np.log(reached), 0.0)
            if np.abs(gap).max(initial=0.0) < 1e-9:
                break
            level = level + np.clip(gap / np.maximum(slope, 1e-3), -3.0, 3.0)
        shares = -np.expm1(-np.exp(level)[owner] * rates.data)
        seen = np.unique(rates.indices)
        found = csr_array((shares, rates.indices, rates.indptr), shape=rates.shape)
        own = csr_array((np.ones(len(cut)), (cut, np.arange(len(cut)))),
                        shape=(len(counts), len(cut)))  # fmt: skip
        joined = csr_array(hstack([found[:, seen], own], format="csr"))
        rest = wanted[cut] - most[cut]
        return Reach(joined, np.concatenate([self.weight[seen], rest])), cut


def read_panel(path: Path | str, account_ids: pd.Index) -> Panel:
    """Panel of a file.

    Parameters
    ----------
    path : pathlib.Path or str
        ``.parquet`` or ``.csv``; see `parse_panel`.
    account_ids : pandas.Index
        Accounts of the market.

    Returns
    -------
    Panel
        Who sees whom.

    Raises
    ------
    UsageError
        If there is no such file or its suffix is another one.
    DataError
        If it cannot be read or holds something else.
    """
    path = to_path(path, where="panel")
    if path.suffix.lower() not in PANEL_SUFFIXES:
        raise UsageError(f"{path}: got suffix {path.suffix!r}; expected .parquet or .csv")
    if not path.is_file():
        raise UsageError(f"{path}: no such file; expected a panel")
    try:
        if path.suffix.lower() == ".parquet":
            frame = pd.read_parquet(path)
        else:
            texts = dict.fromkeys(("person", "user", "account_id", "account"), str)
            frame = pd.read_csv(path, encoding="utf-8-sig", dtype=texts)
            for name in frame.columns.intersection(list(texts)):
                frame[name] = frame[name].map(formula_unsafe, na_action="ignore")
    except (ValueError, OSError) as error:
        reason = " ".join(str(error).split())[:300]
        raise DataError(f"{path}: cannot be read: {reason}; {_EXPECTED}") from error
    return parse_panel(frame, account_ids, where=str(path))


def parse_panel(frame: pd.DataFrame, account_ids: pd.Index, *, where: str) -> Panel:
    """Panel of a table with one row per person and account.

    Without probabilities all people of an account are as likely to be reached, but for this: who
    sees more accounts is reached sooner, by the number of them to the power of one quarter. Without
    weights the people are a sample of some population, in which all count alike.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns ``person`` (or ``user``) and ``account_id`` (or ``account``; missing where a person
        sees none), and perhaps ``weight``, one for each person, and ``probability``.
    account_ids : pandas.Index
        Accounts of the market, by code.
    where : str
        What messages call it.

    Returns
    -------
    Panel
        Who sees whom; rows of accounts that the market does not have are left out.

    Raises
    ------
    DataError
        If a column is missing, a value is none, a pair stands twice, a person has two weights, or
        no row is of an account of the market.
    """
    frame = frame.rename(columns={"user": "person", "account": "account_id"})
    missing = [name for name in ("person", "account_id") if name not in frame]
    if missing:
        raise DataError(
            f"{where}: column {', '.join(missing)} is missing among {list(frame.columns)[:8]}; "
            f"{_EXPECTED}"
        )
    is_sample = "weight" not in frame
    frame = frame.assign(weight=1.0) if is_sample else frame
    _check_values(frame, where)
    people, names = pd.factorize(frame["person"].astype(str), sort=True)
    weight = np.zeros(len(names))
    weight[people] = frame["weight"].to_numpy(np.float64)
    if not np.allclose(weight[people], frame["weight"].to_numpy(np.float64)):
        raise DataError(f"{where}: a person has two weights; expected one for each")
    seeing = frame["account_id"].notna().to_numpy(bool)
    people, frame = people[seeing], frame[seeing]
    codes = account_ids.get_indexer(pd.Index(frame["account_id"].astype(str).astype(object)))
    known = codes >= 0
    if not known.any():
        first = frame["account_id"].drop_duplicates().head(5).tolist()
        raise DataError(f"{where}: none of its accounts is in the market; the first are {first}")
    n_seen = np.bincount(people, minlength=len(names))
    if "probability" in frame:
        chance = np.minimum(frame["probability"].to_numpy(np.float64), _SURE)
        rates = -np.log1p(-chance)
    else:
        rates = n_seen[people].astype(np.float64) ** _ACTIVE
    shape = (len(account_ids), len(names))
    held = csr_array((rates[known], (codes[known], people[known])), shape=shape)
    return Panel(weight, held, is_sample)


def _check_values(frame: pd.DataFrame, where: str) -> None:
    for name in ("weight", "probability"):
        if name not in frame:
            continue
        numbers = pd.to_numeric(frame[name], errors="coerce").to_numpy(np.float64)
        most = 1.0 if name == "probability" else np.inf
        bad = ~(np.isfinite(numbers) & (numbers > 0) & (numbers <= most))
        if name == "probability":
            bad &= frame["account_id"].notna().to_numpy(bool)
        if bad.any():
            first = frame.loc[bad, name].head(5).tolist()
            raise DataError(
                f"{where}: {int(bad.sum())} of {len(frame)} values of `{name}` are no numbers "
                f"above 0{' and at most 1' if name == 'probability' else ''}; the first are {first}"
            )
    blank = frame["person"].isna()
    if blank.any():
        raise DataError(f"{where}: {int(blank.sum())} rows have no person; {_EXPECTED}")
    twice = frame.duplicated(["person", "account_id"])
    if twice.any():
        first = frame.loc[twice, ["person", "account_id"]].head(5).astype(str).agg(" ".join, axis=1)
        raise DataError(
            f"{where}: {int(twice.sum())} rows repeat a person and account: {first.tolist()}; "
            "expected each pair once"
        )
