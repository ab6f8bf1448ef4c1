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
    from collections.abc import Iterable, Sequence

    from tokenizers import Tokenizer

__all__ = ["build_tokenizer", "piece_counts"]

_MAX_WORDS: Final = 25_000
_MAX_GRAMS: Final = 4_000
_MAX_RARE: Final = 10_000
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
        Texts as `matcher.text.normalise.encoder_text` returns them.

    Returns
    -------
    tokenizers.Tokenizer
        At most about 30,000 pieces, the same for the same texts in any order.
    """
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    model = models.Unigram(_scored_pieces(_count_words(texts)), unk_id=0, byte_fallback=True)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_PATTERN), behavior="removed", invert=True)
    return tokenizer


def _count_words(texts: Iterable[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(_words(text))
    return counts


def _words(text: str) -> list[str]:
    if text.isascii():
        return _WORD.findall(text.lower())
    plain = unicodedata.normalize("NFKC", text).lower()
    return _WORD.findall(plain) + [
        sign for sign in _SIGN.findall(plain) if unicodedata.category(sign) == "So"
    ]


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


def piece_counts(tokenizer: Tokenizer, texts: Sequence[str]) -> sparse.csr_matrix:
    """Occurrences of each piece in each text.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        From `build_tokenizer`.
    texts : sequence of str
        Texts as `matcher.text.normalise.encoder_text` returns them.

    Returns
    -------
    scipy.sparse.csr_matrix of float32, shape (n_texts, n_pieces)
        Counts; each distinct word is cut once, which the tokenizer itself does not do.
    """
    rows = [_words(text) for text in texts]
    distinct = list(dict.fromkeys(chain.from_iterable(rows)))
    found = tokenizer.encode_batch_fast(distinct, add_special_tokens=False)
    pieces_of = {word: piece.ids for word, piece in zip(distinct, found, strict=True)}
    pieces = [[piece for word in row for piece in pieces_of[word]] for row in rows]
    starts = np.cumsum([0, *map(len, pieces)])
    columns = np.fromiter(chain.from_iterable(pieces), np.int32, int(starts[-1]))
    matrix = sparse.csr_matrix(
        (np.ones(len(columns), dtype=np.float32), columns, starts),
        shape=(len(texts), tokenizer.get_vocab_size()),
    )
    matrix.sum_duplicates()
    return matrix
