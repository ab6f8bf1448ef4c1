"""Audiences as platforms show them, and as the truth keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from matcher.columns import AGE_BUCKETS, PLATFORMS
from matcher.errors import DataError
from matcher.world.arrow import account_ids, instants, names
from matcher.world.audience import Audience
from matcher.world.audience_profiles import AudienceProfiles, draw_profiles
from matcher.world.latents import Market
from matcher.world.population import PLACES, Population, build_population

__all__ = ["audience_table", "audience_truth", "market_audience", "read_audience"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_PROFILES: Final = "audience_profiles"
_POPULATION: Final = "population"
_GENDERS: Final = ("female", "male")
_LEAST: Final = {"country": 0.03, "city": 0.01, "language": 0.03, "interest": 0.03}
"""Smallest share shown; platforms list the largest countries, cities, languages and interests."""
_LEAST_ELSEWHERE: Final = 0.001
"""Smallest share shown of other dimensions (assumed)."""
_NAMELESS: Final = ("country", "city", "language")
"""Dimensions whose bucket ``other`` is what no list names."""
_READING: Final = 0.08
"""Spread of a platform's figure around the true share (natural log, assumed)."""
_DRIFT: Final = 0.06
"""Further spread of a second reading, about a year later (natural log, assumed)."""
_AUDIENCES: WeakKeyDictionary[Market, Audience] = WeakKeyDictionary()


def market_audience(market: Market) -> Audience:
    """True audience of a market; drawn once for each market object.

    Parameters
    ----------
    market : Market
        What was drawn.

    Returns
    -------
    Audience
        Audience of all accounts.
    """
    if market not in _AUDIENCES:
        population = build_population(market.vocabulary.categories)
        profiles = draw_profiles(market.people, market.vocabulary, population, seed=market.seed)
        _AUDIENCES[market] = Audience(profiles, population)
    return _AUDIENCES[market]


def audience_table(market: Market, first: int, last: int, rng: np.random.Generator) -> pa.Table:
    """Audience shares of the accounts that opened their statistics, once or twice.

    Parameters
    ----------
    market : Market
        What was drawn before.
    first, last : int
        Range of accounts.
    rng : numpy.random.Generator
        Source of draws.

    Returns
    -------
    pyarrow.Table
        Rows of `audiences`: true shares with the noise of a reading, in steps of 0.1 %, small
        buckets left out.
    """
    shown = first + np.flatnonzero(rng.random(last - first) < 0.6)
    again = np.flatnonzero(rng.random(len(shown)) < 0.4)
    row = np.concatenate([np.arange(len(shown)), again])
    is_second = np.arange(len(row)) >= len(shown)
    day = np.concatenate([rng.uniform(5, 330, len(shown)), rng.uniform(400, 700, len(again))])
    parts = [
        _bucket_rows(dimension, buckets, _readings(shares, row, is_second, rng))
        for dimension, buckets, shares in market_audience(market).shares(shown)
    ]
    reading = np.concatenate([part["reading"] for part in parts])
    order = np.lexsort((np.arange(len(reading)), day[reading], row[reading]))
    reading = reading[order]
    texts = {
        name: pa.concat_arrays([part[name] for part in parts]).take(pa.array(order))
        for name in ("dimension", "bucket")
    }
    return pa.table(
        {
            "account_id": account_ids(shown[row[reading]]),
            "as_of": instants(day[reading]),
            "dimension": texts["dimension"],
            "bucket": texts["bucket"],
            "share": pa.array(np.concatenate([part["share"] for part in parts])[order]),
        }
    )


def _readings(
    shares: Floats, row: Ints, is_second: npt.NDArray[np.bool_], rng: np.random.Generator
) -> Floats:
    """What a platform shows of the shares of each row, in whole thousandths."""
    error = rng.normal(0, _READING, shares.shape)[row]
    error = error + is_second[:, None] * rng.normal(0, _DRIFT, error.shape)
    noisy = shares[row] * np.exp(error)
    noisy /= noisy.sum(axis=1, keepdims=True)
    return np.asarray(np.floor(noisy * 1_000) / 1_000)


def _bucket_rows(dimension: str, buckets: tuple[str, ...], shares: Floats) -> Mapping[str, Any]:
    is_shown = shares >= _LEAST.get(dimension, _LEAST_ELSEWHERE)
    if dimension in _NAMELESS:
        is_shown[:, -1] = False
    reading, bucket = np.nonzero(is_shown)
    return {
        "reading": reading,
        "share": shares[reading, bucket],
        "dimension": pa.array([dimension] * len(reading), type=pa.string()),
        "bucket": names(buckets, bucket),
    }


def audience_truth(market: Market) -> Mapping[str, pa.Table]:
    """Tables from which the true audience can be built again.

    Parameters
    ----------
    market : Market
        What was drawn.

    Returns
    -------
    mapping of str to pyarrow.Table
        ``audience_profiles``, one row per account, and ``population``, one row per cell.
    """
    audience = market_audience(market)
    return {
        _PROFILES: _profile_table(audience.profiles),
        _POPULATION: _population_table(audience.population),
    }


def read_audience(folder: Path | str) -> Audience:
    """True audience of a simulated market, from its truth alone.

    Parameters
    ----------
    folder : pathlib.Path or str
        The market; its ``truth/`` holds the tables.

    Returns
    -------
    Audience
        Equal to that of the market when it was written.

    Raises
    ------
    DataError
        If a table is missing, or was written by another version of the world.
    """
    truth = Path(folder) / "truth"
    tables: dict[str, Any] = {}
    for name in (_POPULATION, _PROFILES):
        path = truth / f"{name}.parquet"
        if not path.is_file():
            raise DataError(
                f"{path}: not found; expected the truth of a simulated market; "
                "write one with `matcher simulate`"
            )
        reader: Any = pq
        tables[name] = reader.read_table(path)
    population = _read_population(tables[_POPULATION], truth)
    return Audience(_read_profiles(tables[_PROFILES]), population)


def _profile_table(profiles: AudienceProfiles) -> pa.Table:
    return pa.table(
        {
            "account_id": account_ids(np.arange(profiles.n)),
            "creator": pa.array(profiles.creator),
            "platform": names(PLATFORMS, profiles.platform),
            "people": pa.array(profiles.size),
            "place": _rows(profiles.place),
            "age": _rows(profiles.age),
            "female": pa.array(profiles.female),
            "interest": _rows(profiles.interest),
        }
    )


def _rows(values: npt.NDArray[np.float32]) -> Any:
    lists: Any = pa.FixedSizeListArray
    return lists.from_arrays(pa.array(values.ravel()), values.shape[1])


def _read_rows(table: Any, name: str) -> npt.NDArray[np.float32]:
    flat = table.column(name).combine_chunks().flatten()
    return np.asarray(flat.to_numpy(), dtype=np.float32).reshape(table.num_rows, -1)


def _read_profiles(table: Any) -> AudienceProfiles:
    number = {name: k for k, name in enumerate(PLATFORMS)}
    platform = [number[name] for name in table.column("platform").to_pylist()]
    return AudienceProfiles(
        creator=table.column("creator").to_numpy(),
        platform=np.array(platform, dtype=np.int64),
        size=table.column("people").to_numpy(),
        place=_read_rows(table, "place"),
        age=_read_rows(table, "age"),
        female=table.column("female").to_numpy(),
        interest=_read_rows(table, "interest"),
    )


def _population_table(population: Population) -> pa.Table:
    place, age, gender, interest = (index.ravel() for index in np.indices(population.people.shape))
    return pa.table(
        {
            "place": pa.array(place),
            "country": names([p.country for p in PLACES], place),
            "city": names([p.city for p in PLACES], place),
            "age": names(AGE_BUCKETS, age),
            "gender": names(_GENDERS, gender),
            "interest": names(population.categories, interest),
            "people": pa.array(population.people.ravel()),
            **{
                f"use_{name}": pa.array(population.use[k, place, age, gender])
                for k, name in enumerate(PLATFORMS)
            },
        }
    )


def _read_population(table: Any, where: Path) -> Population:
    categories = tuple(dict.fromkeys(table.column("interest").to_pylist()))
    shape = (len(PLACES), len(AGE_BUCKETS), len(_GENDERS), len(categories))
    places = {
        (place, country, city)
        for place, country, city in zip(
            *(table.column(name).to_pylist() for name in ("place", "country", "city")), strict=True
        )
    }
    known = {(k, place.country, place.city) for k, place in enumerate(PLACES)}
    if places != known or table.num_rows != int(np.prod(shape)):
        raise DataError(
            f"{where / _POPULATION}.parquet: {table.num_rows} cells in {len(places)} places; "
            f"expected {int(np.prod(shape))} in the {len(known)} places of this version; "
            "simulate the market again"
        )
    use = [table.column(f"use_{name}").to_numpy().reshape(shape)[..., 0] for name in PLATFORMS]
    people = table.column("people").to_numpy().reshape(shape)
    return Population(categories=categories, people=people, use=np.stack(use))
