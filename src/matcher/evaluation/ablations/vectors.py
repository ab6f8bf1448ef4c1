"""TF-IDF as an encoder, so that every feature that rests on vectors can be computed from words."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.text.identity import EncoderIdentity
from matcher.text.model import Encoder
from matcher.text.normalise import MAX_CHARS, lexical_tokens, normalise_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy import sparse

    from matcher.text.lexical import Lexicon

__all__ = ["tfidf_encoder"]

_OWN_COLUMNS: Final = 2_048
"""Words of briefs that have a column of their own; the most frequent among briefs if more."""
_SHARED_COLUMNS: Final = 256
"""Columns that all other words share."""


@dataclass(frozen=True)
class _WordModel:
    """Words of briefs in columns of their own, all others hashed with signs into a few."""

    lexicon: Lexicon
    own: NDArray[np.int64]
    others: NDArray[np.int64]
    place: NDArray[np.int64]
    sign: NDArray[np.float64]

    def prepare(self, text: str) -> str:
        return normalise_text(text[:MAX_CHARS])

    def vectors(self, texts: list[str], prompt: str) -> NDArray[np.float32]:
        del prompt
        rows = self.lexicon.vectors(texts)
        exact = np.asarray(rows[:, self.own].toarray())
        rest = self._hashed(rows[:, self.others])
        # Of the hashed part only the length is right, and it is made so.
        left = np.sqrt(np.clip(1.0 - (exact * exact).sum(axis=1), 0.0, None))
        length = np.sqrt((rest * rest).sum(axis=1))
        known = np.asarray(np.diff(rows.indptr) > 0) & (length > 0)
        scale = np.where(known, left / np.where(length > 0, length, 1.0), 0.0)
        return np.hstack([exact, rest * scale[:, None]]).astype(np.float32)

    def _hashed(self, rows: sparse.csr_matrix) -> NDArray[np.float64]:
        found = np.zeros((rows.shape[0], _SHARED_COLUMNS))
        owners = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
        np.add.at(found, (owners, self.place[rows.indices]), rows.data * self.sign[rows.indices])
        return found

    def files(self) -> dict[str, bytes]:
        return {}


def tfidf_encoder(lexicon: Lexicon, briefs: Sequence[str]) -> Encoder:
    """Encoder whose vectors are the TF-IDF rows of a lexicon, in a few columns.

    The cosine of a brief with any text is that of their TF-IDF rows, since the words of briefs have
    columns of their own. All other words share columns with random signs, so that the length of
    a text, and about that of a sum of texts, is right too.

    Parameters
    ----------
    lexicon : Lexicon
        Document frequencies, as of an instant that the encoder then carries.
    briefs : sequence of str
        Texts that others will be compared with. Beyond 2,048 distinct words, the least frequent
        among briefs share columns as well, and cosines are exact but for these.

    Returns
    -------
    Encoder
        Rows of length 1, zero for a text without a known word.

    References
    ----------
    Weinberger et al., Feature hashing for large scale multitask learning, ICML (2009).

    Examples
    --------
    >>> from matcher.text.lexical import fit_lexicon
    >>> lexicon = fit_lexicon(["phở bò ngon", "bún chả", "phở gà"], None)
    >>> words = tfidf_encoder(lexicon, ["quán phở"])
    >>> one, other = words.encode(["phở", "phở gà"], role="brief").astype(float)
    >>> exact = (lexicon.vectors(["phở"]) @ lexicon.vectors(["phở gà"]).T).toarray()[0, 0]
    >>> abs(float(one @ other) - float(exact)) < 1e-3
    True
    """
    place_of = {term: place for place, term in enumerate(lexicon.terms)}
    asked = Counter(word for text in briefs for word in set(lexical_tokens(text)))
    known = sorted((-n, word) for word, n in asked.items() if word in place_of)
    own = np.sort([place_of[word] for _, word in known[:_OWN_COLUMNS]]).astype(np.int64)
    others = np.setdiff1d(np.arange(len(lexicon.terms)), own)
    digests = [
        hashlib.blake2b(lexicon.terms[place].encode("utf-8", "surrogatepass"), digest_size=8)
        for place in others.tolist()
    ]
    drawn = np.array([int.from_bytes(one.digest(), "big") for one in digests], dtype=np.uint64)
    model = _WordModel(
        lexicon,
        own,
        others,
        ((drawn >> np.uint64(1)) % np.uint64(_SHARED_COLUMNS)).astype(np.int64),
        np.where((drawn & np.uint64(1)).astype(bool), 1.0, -1.0),
    )
    content = hashlib.sha256(
        "\n".join(
            [*lexicon.terms, str(own.tolist()), str(lexicon.document_frequency.tolist())]
        ).encode("utf-8", "surrogatepass")
    )
    identity = EncoderIdentity(
        name="tfidf",
        revision=None,
        dim=len(own) + _SHARED_COLUMNS,
        prompts={},
        is_aligned=False,
        trained_until=lexicon.trained_until,
        digest=content.hexdigest(),
    )
    return Encoder(identity, model)
