from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.text.normalise import (
    MAX_CHARS,
    encoder_text,
    find_hashtags,
    fold_accents,
    lexical_tokens,
    normalise_text,
    split_caption,
    split_hashtags,
)

VIETNAMESE = "Đồ ăn ngon ở Huế, thử liền nha cả nhà ơi!"


def test_decomposed_text_becomes_composed() -> None:
    assert normalise_text(unicodedata.normalize("NFD", VIETNAMESE)) == VIETNAMESE


def test_icelandic_eth_becomes_vietnamese_d() -> None:
    assert normalise_text("\u00d0à Nẵng") == "\u0110à Nẵng"


@pytest.mark.parametrize(
    "raw",
    [
        "phở\u200bbò",
        "ph\u00adởbò",
        "\ufeffphởbò",
        "phở\u202ebò",
        "phở\x00bò",
        "phở\ud800bò",
        "phởbò\ufe0f",
    ],
)
def test_what_cannot_be_seen_goes(raw: str) -> None:
    assert normalise_text(raw) == "phởbò"


def test_white_space_becomes_one_space() -> None:
    assert normalise_text(" a\t\r\nb\u00a0 \u2028c ") == "a b c"


def test_accents_case_emoji_and_teencode_stay() -> None:
    text = "Mê xỉu lun á 😍 hk bít j lun, iu nhìu k0 tả"
    assert normalise_text(text) == text


@given(st.text(max_size=200))
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise_text(text)
    assert normalise_text(once) == once


@given(st.text(max_size=200))
def test_forms_that_look_equal_become_equal(text: str) -> None:
    assert normalise_text(unicodedata.normalize("NFD", text)) == normalise_text(
        unicodedata.normalize("NFC", text)
    )


@given(st.text(max_size=200))
def test_everything_accepts_any_text(text: str) -> None:
    words, tags = split_caption(text)
    for result in (*lexical_tokens(text), *split_hashtags(text), words, tags, fold_accents(text)):
        assert result.encode().decode() == result


@pytest.mark.parametrize(
    ("late", "early"),
    [("hoà", "hòa"), ("khoẻ", "khỏe"), ("thuý", "thúy"), ("Toà", "Tòa"), ("xoá", "xóa")],
)
def test_both_places_of_a_tone_mark_give_one_key(late: str, early: str) -> None:
    assert lexical_tokens(late) == lexical_tokens(early) == (early.lower(),)


@pytest.mark.parametrize("word", ["quý", "hoàn", "ngoài", "thuyền", "loại", "quà"])
def test_tone_marks_that_have_one_place_stay(word: str) -> None:
    assert lexical_tokens(word) == (word,)


def test_words_of_different_tone_stay_different() -> None:
    assert len({lexical_tokens(word) for word in ("ma", "má", "mà", "mả", "mã", "mạ")}) == 6


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("#reviewanngon", ("reviewanngon",)),
        ("#ReviewAnNgon", ("review", "an", "ngon")),
        ("#KFCVietnam", ("kfc", "vietnam")),
        ("#DuLịchViệtNam", ("du", "lịch", "việt", "nam")),
        ("#top10_saigon", ("top", "10", "saigon")),
        ("＃ĂnVặt", ("ăn", "vặt")),
        ("#XUHUONG", ("xuhuong",)),
        ("no tag, C# is none", ()),
    ],
)
def test_hashtags_are_split_only_where_they_show_it(tag: str, words: tuple[str, ...]) -> None:
    assert split_hashtags(tag) == words


def test_split_and_unsplit_hashtags_share_a_key() -> None:
    assert set(lexical_tokens("#reviewanngon")) < set(lexical_tokens("#ReviewAnNgon"))


def test_hashtags_are_found_whole() -> None:
    assert find_hashtags("Ăn #NgonQuá nha #xh#viral") == ("ngonquá", "xh", "viral")


def test_caption_is_parted_from_its_hashtags() -> None:
    assert split_caption("Ngon quá #AnNgon nha #saigon") == (
        "Ngon quá nha",
        "AnNgon An Ngon saigon",
    )


def test_case_and_accents_reach_the_encoder() -> None:
    assert encoder_text("Ăn ở SÀI GÒN #DoAn") == "Ăn ở SÀI GÒN DoAn Do An"


def test_accents_fold_for_search() -> None:
    assert fold_accents("Đường Nguyễn Huệ") == "duong nguyen hue"


def test_styled_letters_become_plain_keys() -> None:
    assert lexical_tokens("𝐑𝐞𝐯𝐢𝐞𝐰 ＡＢＣ") == ("review", "abc")


def test_scripts_without_spaces_give_pairs_of_characters() -> None:
    assert lexical_tokens("東京旅行") == ("東京", "京旅", "旅行")


def test_vowel_signs_stay_with_their_words() -> None:
    assert lexical_tokens("हिन्दी में") == ("हिन्दी", "में")


def test_huge_captions_are_cut() -> None:
    assert len(encoder_text("a b " * 3_000_000)) <= MAX_CHARS
