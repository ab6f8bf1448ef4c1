"""What can be bought: each candidate of a brief with each package, its fee and its outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy.special import ndtri

from matcher.columns import FORMATS
from matcher.errors import DataError, SupportError
from matcher.plan.objective import TRUST
from matcher.recommend.fees import build_fees
from matcher.retrieval.facts import account_facts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher.features.context import MarketData
    from matcher.market.brief import Brief
    from matcher.plan.constraints import Packages
    from matcher.plan.objective import Objective
    from matcher.ranking.model import Model
    from matcher.ranking.outcomes.distribution import Distributions
    from matcher.recommend.fees import Fees
    from matcher.recommend.rows import Scored
    from matcher.recommend.wording import Language

__all__ = [
    "USUAL_POSTS",
    "Options",
    "build_options",
    "count_unknown_formats",
    "option_values",
    "predict_options",
]

USUAL_POSTS: Final = (1, 2, 3)
"""Numbers of posts that packages have where neither the brief nor the constraints say."""

_MOST_DIGITS: Final = 12


@dataclass(frozen=True, eq=False)
class Options:
    """Packages of accounts, by account, format and number of posts.

    Parameters
    ----------
    rows : numpy.ndarray of int64, shape (n,)
        Row of each option's account among the candidates.
    codes : numpy.ndarray of int64, shape (n,)
        Its account code.
    persons : numpy.ndarray of int64, shape (n,)
        Its person's code.
    formats : tuple of str, length n
        Format; empty where the account may choose.
    n_posts : numpy.ndarray of int64, shape (n,)
        Posts.
    fee, low, high : numpy.ndarray of float64, shape (n,)
        Price of the package, and the range of an estimate (NaN for a rate).
    is_estimate : numpy.ndarray of bool, shape (n,)
        Whether the fee is an estimate.
    notes : tuple of str, length n
        Where the fee of one post comes from.
    n_without_fee : int
        Candidates of which no fee is known or can be estimated, and which are no option.
    n_too_dear : int
        Candidates of which every package costs more than the budget.
    """

    rows: NDArray[np.int64]
    codes: NDArray[np.int64]
    persons: NDArray[np.int64]
    formats: tuple[str, ...]
    n_posts: NDArray[np.int64]
    fee: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    is_estimate: NDArray[np.bool_]
    notes: tuple[str, ...]
    n_without_fee: int = 0
    n_too_dear: int = 0

    def __post_init__(self) -> None:
        n = len(self.rows)
        if {len(self.codes), len(self.formats), len(self.n_posts), len(self.fee)} != {n}:
            raise DataError(f"options: got arrays of other lengths than {n}; expected one length")

    def __len__(self) -> int:
        return len(self.rows)

    def select(self, kept: NDArray[np.int64]) -> Options:
        """Some of the options.

        Parameters
        ----------
        kept : numpy.ndarray of int64
            Options.

        Returns
        -------
        Options
            Those, with the same counts of accounts that are none.
        """
        return Options(
            self.rows[kept], self.codes[kept], self.persons[kept],
            tuple(self.formats[one] for one in kept.tolist()), self.n_posts[kept], self.fee[kept],
            self.low[kept], self.high[kept], self.is_estimate[kept],
            tuple(self.notes[one] for one in kept.tolist()), self.n_without_fee, self.n_too_dear,
        )  # fmt: skip

    def joined(self, others: Options, *, shift: int) -> Options:
        """These options and then others, of further candidates.

        Parameters
        ----------
        others : Options
            Options of candidates that stand behind these.
        shift : int
            Row of the first of those candidates.

        Returns
        -------
        Options
            All of them, with the counts of these.
        """

        def both(name: str) -> NDArray[Any]:
            return np.concatenate([getattr(self, name), getattr(others, name)])

        return Options(
            np.concatenate([self.rows, others.rows + shift]), both("codes"), both("persons"),
            self.formats + others.formats, both("n_posts"), both("fee"), both("low"), both("high"),
            both("is_estimate"), self.notes + others.notes, self.n_without_fee, self.n_too_dear,
        )  # fmt: skip


def build_options(
    data: MarketData,
    scored: Scored,
    packages: Packages,
    *,
    budget: float,
    most: float | None = None,
    fee_level: float = 0.7,
    language: Language,
) -> Options:
    """Packages that the candidates of a brief may sell.

    A format is one of those asked for (by the constraints, else the brief) that the account has
    shown, all of them where nothing is known of its formats or it has to be hired; where none is
    asked for, those for which it has a rate in force, else any. The fee of a package is that of one
    post in its format times its posts; a rate for several posts counts by its price for each.

    Parameters
    ----------
    data : MarketData
        Market.
    scored : Scored
        Candidates of the brief, which names the currency of all fees.
    packages : Packages
        Formats and numbers of posts.
    budget : float
        Greatest sum of fees.
    most : float, optional
        What a package costs at most; the budget when None. More where larger budgets are looked at.
    fee_level : float, default .7
        Quantile of an estimated fee that is set aside, .5 to .9; between its middle and its upper
        end the logarithm is taken as normal.
    language : {"en", "vi"}
        Language of the notes.

    Returns
    -------
    Options
        By account code, format and number of posts.

    Raises
    ------
    SupportError
        If no package of any candidate has a fee within the budget.
    """
    brief, codes, instant = scored.brief, scored.candidates.codes, scored.candidates.instant
    asked = packages.formats or brief.formats
    posts = packages.n_posts or ((brief.n_posts,) if brief.n_posts else USUAL_POSTS)
    parts = []
    for name, rows in _formats(data, brief, codes, instant, asked).items():
        wanted = (name,) if name else asked
        one = brief.model_copy(update={"formats": wanted})
        fees = build_fees(data, one, codes[rows], instant, language=language)
        fee = np.where(fees.is_estimate, _set_aside(fees, fee_level), fees.fee)
        parts.append(
            pd.DataFrame(
                {
                    "row": rows, "format": name, "fee": fee, "low": fees.low,
                    "high": fees.high, "is_estimate": fees.is_estimate, "note": fees.notes,
                }
            )
        )  # fmt: skip
    each = pd.concat(parts, ignore_index=True)
    if each["fee"].isna().all():
        raise SupportError(
            f"brief {brief.brief_id}: no fee of any of {len(codes)} candidates is known or can be "
            f"estimated in {brief.currency}: {each['note'].iloc[0]}"
        )
    n_without = len(codes) - each.loc[each["fee"].notna(), "row"].nunique()
    each = each[each["fee"].notna()]
    table = pd.concat(
        [
            each.assign(n_posts=n, **{name: n * each[name] for name in ("fee", "low", "high")})
            for n in sorted(posts)
        ],
        ignore_index=True,
    )
    affordable = table["fee"] <= budget * (1 + 1e-12)
    if not affordable.any():
        least, most_paid = _told_apart(float(table["fee"].min()), budget)
        raise SupportError(
            f"brief {brief.brief_id}: the cheapest package of {each['row'].nunique()} candidates "
            f"costs {least} {brief.currency}, which is above the budget of {most_paid}; raise the "
            "budget or allow fewer posts"
        )
    n_dear = int(table["row"].nunique() - table.loc[affordable, "row"].nunique())
    within = table[table["fee"] <= max(budget, most or 0.0) * (1 + 1e-12)]
    within = within.sort_values(["row", "format", "n_posts"], ignore_index=True)
    rows = within["row"].to_numpy(np.int64)
    order = np.lexsort((np.arange(len(rows)), codes[rows]))
    within, rows = within.iloc[order], rows[order]
    return Options(
        rows, codes[rows], data.index.person_of[codes[rows]],
        tuple(within["format"]), within["n_posts"].to_numpy(np.int64),
        within["fee"].to_numpy(np.float64), within["low"].to_numpy(np.float64),
        within["high"].to_numpy(np.float64), within["is_estimate"].to_numpy(bool),
        tuple(within["note"]), n_without, n_dear,
    )  # fmt: skip


def _told_apart(one: float, other: float) -> tuple[str, str]:
    """Two amounts with as many decimals as show that they differ."""
    for digits in range(0, _MOST_DIGITS, 2):
        told = f"{one:,.{digits}f}", f"{other:,.{digits}f}"
        if told[0] != told[1]:
            return told
    return repr(one), repr(other)


def _set_aside(fees: Fees, level: float) -> NDArray[np.float64]:
    """Quantile of what fees may be; the fee itself where no range is known."""
    share = ndtri(level) / ndtri(0.9)
    with np.errstate(invalid="ignore"):
        wider = fees.fee * np.maximum(fees.high / fees.fee, 1.0) ** share
    return np.asarray(np.where(np.isnan(fees.high), fees.fee, wider))


def _formats(
    data: MarketData,
    brief: Brief,
    codes: NDArray[np.int64],
    instant: int,
    asked: tuple[str, ...],
) -> dict[str, NDArray[np.int64]]:
    """Candidates by the format that they may sell; the empty one is any."""
    if asked:
        wanted = np.isin(FORMATS, list(asked))
        shown = account_facts(data).formats_shown(brief, instant)[codes] & wanted
        # Hard rules leave nobody else who has shown none of them.
        shown[~shown.any(axis=1)] = wanted
    else:
        shown = np.zeros((len(codes), len(FORMATS)), dtype=bool)
        quotes = data.index.quotes
        known = quotes.dated.newest(instant)
        known = known[(quotes.formats[known] >= 0) & (quotes.valid_until[known] >= instant)]
        place = pd.Index(codes).get_indexer(pd.Index(quotes.accounts[known]))
        shown[place[place >= 0], quotes.formats[known][place >= 0]] = True
    found = {
        name: np.flatnonzero(shown[:, column]).astype(np.int64)
        for column, name in enumerate(FORMATS)
    }
    found[""] = np.flatnonzero(~shown.any(axis=1)).astype(np.int64)
    return {name: rows for name, rows in found.items() if len(rows)}


def count_unknown_formats(data: MarketData, scored: Scored, options: Options) -> int:
    """Accounts that pass for want of any known format.

    Parameters
    ----------
    data : MarketData
        Market.
    scored : Scored
        Candidates.
    options : Options
        Packages of them.

    Returns
    -------
    int
        Accounts with a package that have shown no format at all; 0 where none is asked for.
    """
    if not scored.brief.formats:
        return 0
    shown = account_facts(data).formats_shown(scored.brief, scored.candidates.instant)
    return int((~shown[np.unique(options.codes)].any(axis=1)).sum())


def predict_options(
    model: Model,
    scored: Scored,
    options: Options,
    names: tuple[str, ...],
    asked: tuple[str, ...],
    platform_reach: Mapping[str, float] = MappingProxyType({}),
) -> dict[str, Distributions]:
    """Distributions of what the options bring, each with its own format and posts.

    Parameters
    ----------
    model : Model
        Model that predicts outcomes.
    scored : Scored
        Candidates.
    options : Options
        Packages of them.
    names : tuple of str
        Outcomes.
    asked : tuple of str
        Formats of an option that may have any.
    platform_reach : mapping of str to float, optional
        What multiplies all that a platform brings from now on.

    Returns
    -------
    dict of str to Distributions
        By outcome, in the order of the options.
    """
    assert model.outcomes is not None
    found = model.outcomes.predict(
        scored.matrix,
        names=names,
        n_posts=options.n_posts.astype(np.float64),
        formats=[(one,) if one else asked for one in options.formats],
        rows=options.rows,
    )
    if not platform_reach:
        return found
    factors = scored.matrix.by_platform(platform_reach)[options.rows]
    return {name: held.scaled(factors) for name, held in found.items()}


def option_values(
    objective: Objective, found: Mapping[str, Distributions], quantile: float | None
) -> dict[str, NDArray[np.float64]]:
    """What each option counts, by outcome of an objective.

    Parameters
    ----------
    objective : Objective
        Outcomes.
    found : mapping of str to Distributions
        What they are expected to be.
    quantile : float or None
        Probability of less, such as .2; the mean counts when None.

    Returns
    -------
    dict of str to numpy.ndarray of float64, shape (n,)
        By outcome; ``trust`` is the rate times the people that it is of.
    """

    def level(name: str) -> NDArray[np.float64]:
        held = found[name]
        return np.maximum(held.mean() if quantile is None else held.quantile(quantile), 0.0)

    return {
        name: level("trust_proxy") * level("reach") if name == TRUST else level(name)
        for name in objective.weights
    }
