"""Word pieces of a market's own language: the built-in encoder's tokenizer."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import sparse

from matcher.text.normalise import LETTERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

__all__ = ["PieceIndex", "build_tokenizer", "piece_counts", "piece_text"]

_MAX_WORDS: Final = 25_000
_MAX_GRAMS: Final = 4_000
_MAX_RARE: Final = 10_000
_MOST_KNOWN: Final = 1_000_000
_LEAST_COUNT: Final = 3
_SMALL_CORPUS: Final = 50_000
"""Words below which every one is kept as a piece."""
_PIECE_COST: Final = 10.0
"""Natural-log cost of each further piece, so that a known word is never taken apart."""
_GRAM_COST: Final = 12.0
_LETTER_COST: Final = 26.0
_BYTE_COST: Final = 60.0
_LONGEST: Final = 48
_PATTERN: Final = r"[\p{L}\p{M}\p{N}_]+|\p{So}"
_WORD: Final = re.compile(f"[{LETTERS}]+")
_SIGN: Final = re.compile(f"[^{LETTERS}\\s\x00-\x7f]")


def piece_text(text: str) -> str:
    """Words and pictographs of a text, in lower case, with one space between them.

    Parameters
    ----------
    text : str
        As `matcher.text.normalise.encoder_text` returns it.

    Returns
    -------
    str
        What the tokenizer would keep of the text.

    Examples
    --------
    >>> piece_text("Ngon quá!!! 😍 100%")
    'ngon quá 100 😍'
    """
    if text.isascii():
        return " ".join(_WORD.findall(text.lower()))
    plain = unicodedata.normalize("NFKC", text).lower()
    words = _WORD.findall(plain)
    words += [sign for sign in _SIGN.findall(plain) if unicodedata.category(sign) == "So"]
    return " ".join(words)


def build_tokenizer(texts: Sequence[str]) -> Tokenizer:
    """Tokenizer whose pieces are the words of a corpus and parts of its rare words.

    A word that the corpus holds often enough is one piece. Any other word, of whatever language,
    is cut where the product of its pieces' frequencies is greatest, with as few pieces as
    possible, down to letters and bytes: ``monngonsaigon`` gives *mon*, *ngon*, *saigon*. Text is
    put in lower case and compatibility composition; accents stay. Only letters, digits and
    pictographs count.

    Parameters
    ----------
    texts : sequence of str
        Texts as `piece_text` returns them.

    Returns
    -------
    tokenizers.Tokenizer
        At most about 30,000 pieces, the same for the same texts in any order.
    """
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text.split(" "))
    del counts[""]
    model = models.Unigram(_scored_pieces(counts), unk_id=0, byte_fallback=True)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_PATTERN), behavior="removed", invert=True)
    return tokenizer


def _scored_pieces(counts: Counter[str]) -> list[tuple[str, float]]:
    total = max(counts.total(), 1)
    least = 1 if total < _SMALL_CORPUS else _LEAST_COUNT
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    words = {word: n for word, n in ranked[:_MAX_WORDS] if n >= least and len(word) <= _LONGEST}
    rest = [(word[:_LONGEST], n) for word, n in ranked if word not in words]
    grams = _frequent_grams(rest, words)
    letters: Counter[str] = Counter()
    for word, n in ranked:
        for letter in set(word):
            letters[letter] += n
    pieces = [("<unk>", -_BYTE_COST - _PIECE_COST)]
    pieces += [(f"<0x{byte:02X}>", -_BYTE_COST) for byte in range(256)]
    pieces += [(word, math.log(n / total) - _PIECE_COST) for word, n in words.items()]
    pieces += [(gram, math.log(n / total) - _GRAM_COST) for gram, n in grams.items()]
    taken = words.keys() | grams.keys()
    kept = sorted(letters.items(), key=lambda item: (-item[1], item[0]))[:_MAX_GRAMS]
    pieces += [(letter, -_LETTER_COST) for letter, _ in kept if letter not in taken]
    return pieces


def _frequent_grams(words: Sequence[tuple[str, int]], known: dict[str, int]) -> dict[str, int]:
    grams: Counter[str] = Counter()
    for word, n in words[:_MAX_RARE]:
        for gram in {
            word[a : a + size] for size in range(2, 7) for a in range(len(word) - size + 1)
        }:
            grams[gram] += n
    ranked = sorted(
        ((gram, n) for gram, n in grams.items() if n >= 2 * _LEAST_COUNT and gram not in known),
        key=lambda item: (-item[1] * (len(item[0]) - 1), item[0]),
    )
    return dict(ranked[:_MAX_GRAMS])


class PieceIndex:
    """Pieces of texts, where each distinct word is cut once; a tokenizer cuts it every time.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        From `build_tokenizer`; it never joins what a space parts.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._known: dict[str, list[int]] = {}

    def find(self, texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pieces of each text, those that the tokenizer gives for it.

        Parameters
        ----------
        texts : sequence of str
            Texts as `piece_text` returns them.

        Returns
        -------
        tuple of (numpy.ndarray, numpy.ndarray)
            Pieces of all texts in a row, and where each text starts, with the end of the last.
        """
        rows = [text.split(" ") for text in texts]
        known = self._known
        new = list({word: None for row in rows for word in row if word not in known})
        if len(known) + len(new) > _MOST_KNOWN:
            known.clear()
            new = list(dict.fromkeys(chain.from_iterable(rows)))
        cut = self._tokenizer.encode_batch_fast(new, add_special_tokens=False)
        known.update((word, pieces.ids) for word, pieces in zip(new, cut, strict=True))
        pieces = [[piece for word in row for piece in known[word]] for row in rows]
        starts = np.cumsum([0, *map(len, pieces)], dtype=np.int64)
        return np.fromiter(chain.from_iterable(pieces), np.int64, int(starts[-1])), starts


def piece_counts(tokenizer: Tokenizer, texts: Sequence[str]) -> sparse.csr_matrix:
    """Occurrences of each piece in each text.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        From `build_tokenizer`.
    texts : sequence of str
        Texts as `piece_text` returns them.

    Returns
    -------
    scipy.sparse.csr_matrix of float32, shape (n_texts, n_pieces)
        Counts.
    """
    columns, starts = PieceIndex(tokenizer).find(texts)
    matrix = sparse.csr_matrix(
        (np.ones(len(columns), dtype=np.float32), columns.astype(np.int32), starts),
        shape=(len(texts), tokenizer.get_vocab_size()),
    )
    matrix.sum_duplicates()
    return matrix
