"""Recommendations for tables of briefs, answered by one model that stays in memory."""

from __future__ import annotations

import logging
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from matcher.errors import UsageError
from matcher.features.context import FeatureContext, MarketData
from matcher.market.brief_table import briefs_of_table
from matcher.market.load import load_market
from matcher.ranking.store import read_model
from matcher.recommend.recommend import recommend
from matcher.recommend.recommendations import COLUMNS
from matcher.recommend.write import json_value
from matcher.text.cache import EmbeddingCache
from matcher.tracking.store import data_home

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matcher.features.context import Embed
    from matcher.ranking.model import Model

__all__ = ["MARKET_VARIABLE", "Recommender", "json_frame"]

MARKET_VARIABLE: Final = "MATCHER_MARKET"
"""Environment variable that names the market folder of a recommender."""

_log = logging.getLogger(__name__)

_Seen = tuple[tuple[str, int, int], ...]


class Recommender:
    """A model, and the market that it last answered for.

    Requests are answered one at a time, whatever the number of threads that ask. The market is
    read again when a file in its folder has changed.

    Parameters
    ----------
    bundle : pathlib.Path
        Folder of the model's bundle, which is verified.
    market : str or pathlib.Path, optional
        Folder of the market. Requests may then name no other; without it each has to name one.
    model_version : str, optional
        Registered version, such as ``matcher/3``.

    Raises
    ------
    BundleError
        If the bundle is not whole.
    """

    def __init__(
        self,
        bundle: Path,
        *,
        market: str | Path | None = None,
        model_version: str | None = None,
    ) -> None:
        model, read = read_model(bundle)
        self._model: Model = model
        self._model_id = read.model_id
        self._model_version = model_version
        self._market = None if market is None else Path(market)
        self._lock = Lock()
        self._seen: _Seen = ()
        self._context: FeatureContext | None = None

    def recommend(
        self,
        briefs: object,
        *,
        market: str | Path | None = None,
        top_k: int = 20,
        order: str = "objective",
        lang: str = "en",
        as_of: str | None = None,
    ) -> pd.DataFrame:
        """Ranked accounts for a table of briefs.

        Parameters
        ----------
        briefs : pandas.DataFrame or sequence of mapping
            Table that `matcher.market.brief_table.briefs_of_table` takes.
        market : str or pathlib.Path, optional
            Folder of the market, where the recommender was not given one.
        top_k : int, default 20
            Accounts per brief at most.
        order : {"objective", "fit", "deliver", "outcome", "value", "blend"}
            What the lists are ordered by.
        lang : {"en", "vi"}
            Language of the sentences.
        as_of : str, optional
            Instant in ISO 8601 with its zone; one from which all is known when None or empty.

        Returns
        -------
        pandas.DataFrame
            Columns of `matcher.recommend.recommendations.COLUMNS`, their values as in JSON.

        Raises
        ------
        UsageError
            If no market is named or another one than was set, or an option is unknown.
        ConfigError
            If a brief cannot be read.
        DataError
            If the market cannot be read, or the model cannot answer for it.
        """
        if lang not in ("en", "vi"):
            raise UsageError(f"lang: got {lang!r}; expected en or vi")
        asked = briefs_of_table(briefs)
        with self._lock:
            context = self._look_at(self._choose(market))
            found = recommend(
                self._model,
                context.data,
                asked,
                as_of=_instant(as_of),
                top_k=top_k,
                order=order,  # type: ignore[arg-type]
                language=lang,  # type: ignore[arg-type]
                model_id=self._model_id,
                model_version=self._model_version,
                context=context,
            )
        for text in found.notes:
            _log.info(text)
        return json_frame(found.frame)

    def _choose(self, named: str | Path | None) -> Path:
        if self._market is None:
            if not named:
                raise UsageError(
                    "no market is named; give the parameter `market`, load the model with "
                    f'model_config={{"market": DIR}}, or set {MARKET_VARIABLE}'
                )
            return Path(named)
        if named and Path(named).resolve() != self._market.resolve():
            raise UsageError(
                f"market: got {str(named)!r}, but the market was set where the model was loaded; "
                "leave the parameter out"
            )
        return self._market

    def _look_at(self, market: Path) -> FeatureContext:
        seen = tuple(_files(market))
        if self._context is None or seen != self._seen:
            settings = self._model.settings
            data = MarketData(load_market(market, settings.market))
            self._context = self._model.context(data, _embedding(settings.encoder.name))
            self._seen = seen
        return self._context


def _files(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Files of a market with what changes when they are written anew."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            state = path.stat()
            yield str(path), state.st_size, state.st_mtime_ns


def _embedding(encoder: str) -> Embed | None:
    """Cache that the command line fills too; the built-in encoder is faster than the disk."""
    if encoder in ("builtin", "random"):
        return None
    cache = EmbeddingCache(data_home() / "embeddings")

    def embed(encoder: Any, texts: Any, role: Any) -> Any:
        return cache.encode(encoder, texts, role=role)

    return embed


def _instant(text: str | None) -> pd.Timestamp | None:
    if not text:
        return None
    try:
        return pd.Timestamp(text)
    except ValueError as error:
        raise UsageError(
            f"as_of: got {text!r}; expected an instant such as 2025-03-01T00:00:00+07:00"
        ) from error


def json_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Table whose values are those of JSON.

    Parameters
    ----------
    frame : pandas.DataFrame
        Table with the columns of `matcher.recommend.recommendations.COLUMNS`.

    Returns
    -------
    pandas.DataFrame
        The same rows; lists for tuples, ISO 8601 for instants, None for missing values. Numbers
        without a missing value keep their dtype and every bit.
    """
    columns = {}
    for name, dtype in COLUMNS.items():
        values = pd.Series([json_value(value) for value in frame[name]], dtype=object)
        if dtype in ("int64", "float64", "bool") and values.notna().all():
            values = values.astype(frame[name].dtype)
        columns[name] = values
    return pd.DataFrame(columns)
