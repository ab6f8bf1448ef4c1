"""Other spellings of one text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.text.normalise import find_hashtags, fold_accents, lexical_tokens
from matcher.text.spelling import decompose, strip_accents, write_teencode

VIETNAMESE = (
    "aăâbcdđeêghiklmnoôơpqrstuưvxyáàảãạấầẩẫậắằẳẵặéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵ"
)
texts = st.text(st.sampled_from(VIETNAMESE + VIETNAMESE.upper() + " #,.1\n"), max_size=60)


@given(texts)
def test_plain_letters_are_those_of_the_search_key(text: str) -> None:
    plain = strip_accents(text)
    assert plain.isascii()
    assert len(plain) == len(unicodedata.normalize("NFC", text))
    assert fold_accents(plain) == fold_accents(text)
    assert strip_accents(plain) == plain


@given(texts)
def test_letters_and_marks_apart_are_the_same_text(text: str) -> None:
    apart = decompose(text)
    assert unicodedata.normalize("NFC", apart) == unicodedata.normalize("NFC", text)
    assert lexical_tokens(apart) == lexical_tokens(text)


@given(texts)
def test_teencode_leaves_hashtags_and_all_but_letters(text: str) -> None:
    written = write_teencode(text)
    assert find_hashtags(written) == find_hashtags(text)
    assert write_teencode(decompose(text)) == written

    def bare(one: str) -> str:
        return "".join(char for char in one if not char.isalpha() and char != " ")

    assert bare(written) == bare(text)


@pytest.mark.parametrize(
    ("plain", "written"),
    [
        ("KHÔNG được", "KO dc"),
        ("Quảng cáo phở", "Wảg cáo fở"),
        ("những người bạn", "nhữg ng bạn"),
        ("thích xinh đẹp", "thík xinh đẹp"),
        ("giờ gì gió", "jờ j jó"),
        ("phone of a graph", "phone of a graph"),
        ("#phở phở", "#phở fở"),
    ],
)
def test_teencode_by_example(plain: str, written: str) -> None:
    assert write_teencode(plain) == written
