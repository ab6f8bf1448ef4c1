from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.errors import DataError
from matcher.text.lexical import Lexicon, fit_lexicon

DOCUMENTS = ["phở bò", "phở gà", "phở phở bún"]
UNTIL = pd.Timestamp("2024-05-01 12:34:56.789012", tz="UTC")


@pytest.fixture
def lexicon() -> Lexicon:
    return fit_lexicon(DOCUMENTS, UNTIL)


def test_words_are_counted_by_document(lexicon: Lexicon) -> None:
    assert dict(zip(lexicon.terms, lexicon.document_frequency, strict=True)) == {
        "bò": 1,
        "bún": 1,
        "gà": 1,
        "phở": 3,
    }


def test_tf_idf_by_hand(lexicon: Lexicon) -> None:
    rare = 1 + math.log(4 / 2)
    frequent = (1 + math.log(2)) * (1 + math.log(4 / 4))
    length = math.hypot(rare, frequent)
    row = lexicon.vectors(["phở phở bún lạ"]).toarray()[0]
    assert row == pytest.approx([0, rare / length, 0, frequent / length])


def test_texts_without_known_words_have_zero_rows(lexicon: Lexicon) -> None:
    assert lexicon.vectors(["", "pizza", "!!!"]).nnz == 0


def test_bm25_by_hand(lexicon: Lexicon) -> None:
    rarity = math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))
    damping = 1.2 * (1 - 0.75 + 0.75 * 2 / (7 / 3))
    scores = lexicon.bm25(["bò", "bò bò"], DOCUMENTS).toarray()
    assert scores == pytest.approx(np.array([[rarity * 2.2 / (1 + damping), 0, 0]] * 2))


def test_bm25_of_weighed_documents_is_the_same(lexicon: Lexicon) -> None:
    weighed = lexicon.bm25_weights(DOCUMENTS)
    assert (lexicon.bm25(["phở gà"], weighed) != lexicon.bm25(["phở gà"], DOCUMENTS)).nnz == 0


@given(st.lists(st.text("aáb #B", max_size=20), max_size=8), st.integers(0, 8))
def test_rows_do_not_depend_on_their_neighbours(texts: list[str], cut: int) -> None:
    fitted = fit_lexicon([*DOCUMENTS, "a á b ab"], None)
    whole = fitted.vectors(texts).toarray()
    parts = [fitted.vectors(part).toarray() for part in (texts[:cut], texts[cut:])]
    assert np.array_equal(whole, np.concatenate(parts))


def test_order_of_documents_changes_nothing() -> None:
    one, other = fit_lexicon(DOCUMENTS, None), fit_lexicon(DOCUMENTS[::-1], None)
    assert one.terms == other.terms
    assert np.array_equal(one.document_frequency, other.document_frequency)


def test_arrays_hold_everything(lexicon: Lexicon) -> None:
    again = Lexicon.from_arrays(lexicon.arrays())
    assert again.terms == lexicon.terms
    assert again.trained_until == UNTIL
    assert again.n_documents == 3
    assert again.mean_length == 7 / 3
    assert (again.vectors(DOCUMENTS) != lexicon.vectors(DOCUMENTS)).nnz == 0


def test_empty_corpus_gives_zero_rows_and_survives_saving() -> None:
    empty = Lexicon.from_arrays(fit_lexicon([], None).arrays())
    assert empty.terms == ()
    assert empty.trained_until is None
    assert empty.vectors(["phở"]).shape == (1, 0)
    assert empty.bm25(["phở"], ["phở"]).nnz == 0


def test_missing_array_is_named(lexicon: Lexicon) -> None:
    arrays = lexicon.arrays()
    del arrays["terms"]
    with pytest.raises(DataError, match="lacks terms"):
        Lexicon.from_arrays(arrays)


def test_naive_instants_are_taken_as_utc() -> None:
    fitted = fit_lexicon(DOCUMENTS, UNTIL.tz_localize(None))
    assert fitted.trained_until == UNTIL
