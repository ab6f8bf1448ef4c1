"""A market's index, word counts and embeddings, shared by everything that looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from matcher.arguments import check_type
from matcher.features.gaps import PostGaps
from matcher.features.index import MarketIndex
from matcher.features.texts import TextIndex
from matcher.features.windows import build_spans
from matcher.market.market import Market

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray


__all__ = ["MarketData"]


@dataclass(frozen=True)
class MarketData:
    """A market's index and word counts, shared by every model that looks at it.

    Parameters
    ----------
    market : Market
        The market.
    """

    market: Market

    def __post_init__(self) -> None:
        """Refuse what is no market."""
        hint = "give what `load_market` returns"
        check_type(self.market, Market, where="MarketData", hint=hint)

    def _repr_html_(self) -> str:
        return self.market._repr_html_()

    @cached_property
    def index(self) -> MarketIndex:
        """Codes and sorted columns."""
        return MarketIndex(self.market)

    @cached_property
    def texts(self) -> TextIndex:
        """Word counts."""
        return TextIndex(self.index)

    @cached_property
    def gaps(self) -> PostGaps:
        """Missing cells of posts."""
        return PostGaps.of(self.index)

    @cached_property
    def _embedded(self) -> dict[tuple[str, str], NDArray[np.float16]]:
        return {}

    def remember(
        self, digest: str, what: str, make: Callable[[], NDArray[np.float16]]
    ) -> NDArray[np.float16]:
        """Embeddings made once per encoder; those of the last two encoders are kept.

        Parameters
        ----------
        digest : str
            Digest of the encoder.
        what : str
            Which texts.
        make : callable
            Embeds them.

        Returns
        -------
        numpy.ndarray of float16, shape (n_texts, dim)
            Embeddings.
        """
        if (digest, what) not in self._embedded:
            others = list(dict.fromkeys(key[0] for key in self._embedded if key[0] != digest))
            for key in [key for key in self._embedded if key[0] in others[:-1]]:
                del self._embedded[key]
            self._embedded[digest, what] = make()
        return self._embedded[digest, what]

    @cached_property
    def spans(self) -> pa.Table:
        """Readings of posts with the time in which each is the newest."""
        return build_spans(self.index)
