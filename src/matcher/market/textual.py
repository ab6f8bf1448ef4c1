"""Cleaning of text values: UTF-8, NFC, length, vocabulary and pattern."""

from __future__ import annotations

import difflib
import unicodedata
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from matcher.market.converted import Problem
from matcher.market.spec import MAX_TEXT_CHARACTERS
from matcher.market.taxonomy import read_taxonomy

if TYPE_CHECKING:
    from matcher.market.converted import Converted
    from matcher.market.spec import ColumnSpec

__all__ = ["clean_text", "normalise_nfc"]

MAYBE_NOT_NFC: Final = (
    r"[\x{300}-\x{387}\x{483}-\x{1DFF}\x{1F00}-\x{2001}\x{20D0}-\x{212B}\x{2329}\x{232A}\x{2ADC}"
    r"\x{2CEF}-\x{2DFF}\x{302A}-\x{302F}\x{3099}\x{309A}\x{A66F}-\x{ABFF}\x{F900}-\x{FAFF}"
    r"\x{FB1D}-\x{FB4E}\x{FE20}-\x{FE2F}\x{10000}-\x{1EFFF}\x{2F800}-\x{2FA1D}]"
)
"""A superset of the characters that NFC can change (checked against `unicodedata` by a test);
composed Vietnamese lies outside it, so that most captions need no second look."""


def normalise_nfc(text: pa.Array) -> tuple[pa.Array, int]:
    """Text in Unicode normal form C.

    Parameters
    ----------
    text : pyarrow.LargeStringArray
        Valid UTF-8.

    Returns
    -------
    array : pyarrow.LargeStringArray
        The same text, composed.
    n_changed : int
        Values that changed.
    """
    suspects = pc.indices_nonzero(
        pc.fill_null(pc.match_substring_regex(text, MAYBE_NOT_NFC), False)
    )
    if len(suspects) == 0:
        return text, 0
    before = text.take(suspects)
    # Not `pc.utf8_normalize`: up to PyArrow 25 it decomposes under every form (apache/arrow#51225).
    composed = [unicodedata.normalize("NFC", value) for value in before.to_pylist()]
    after = pa.array(composed, pa.large_string())
    n_changed = pc.sum(pc.not_equal(before, after)).as_py() or 0
    if n_changed == 0:
        return text, 0
    mask = np.zeros(len(text), dtype=bool)
    mask[suspects.to_numpy(zero_copy_only=False)] = True
    return pc.replace_with_mask(text, pa.array(mask), after), n_changed


def clean_text(result: Converted, spec: ColumnSpec) -> Converted:
    """Text column checked against its rule, in place.

    Parameters
    ----------
    result : Converted
        Text of type `large_string`, possibly not UTF-8.
    spec : ColumnSpec
        The column's rule.

    Returns
    -------
    Converted
        The same object: valid UTF-8 in NFC; ids and words without surrounding space; the empty
        text is null; words of a closed vocabulary in its case.
    """
    _refuse_bad_utf8(result)
    raw = result.array
    result.array, n_composed = normalise_nfc(raw)
    if n_composed:
        result.remarks["nfc"] = n_composed
    is_free_text = spec.max_characters == MAX_TEXT_CHARACTERS
    if not is_free_text:
        result.array = _trimmed(result)
    empty = pc.equal(result.array, "")
    if pc.any(empty).as_py():
        result.array = pc.if_else(empty, pa.scalar(None, pa.large_string()), result.array)
    _refuse_long(result, raw, spec)
    if spec.allowed:
        _match_words(result, raw, spec.allowed)
    if spec.pattern:
        if spec.pattern.startswith("^[A-Z]"):
            result.array = _recased(result, pc.utf8_upper(result.array))
        bad = pc.invert(pc.match_substring_regex(result.array, spec.pattern))
        fix = f"expected the pattern {spec.pattern}"
        result.refuse(bad, "pattern", raw, fix=fix)
    if spec.is_taxonomy:
        _map_categories(result, raw)
    return result


def _refuse_bad_utf8(result: Converted) -> None:
    try:
        result.array.validate(full=True)
    except pa.ArrowInvalid:
        blobs = result.array.cast(pa.large_binary(), safe=False)
        bad = np.array([blob is not None and not _is_utf8(blob) for blob in blobs.to_pylist()])
        shown = pa.array(
            [blobs[int(row)].as_py().decode("utf-8", "replace") for row in np.flatnonzero(bad)],
            pa.large_string(),
        )
        empty = pa.scalar(None, pa.large_binary())
        good = pc.if_else(pa.array(bad), empty, blobs)
        result.array = good.cast(pa.large_string())
        stand_in = pc.replace_with_mask(result.array, pa.array(bad), shown)
        result.refuse(pa.array(bad), "not_utf8", stand_in)


def _is_utf8(blob: bytes) -> bool:
    try:
        blob.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _trimmed(result: Converted) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(result.array)
    n_changed = pc.sum(pc.not_equal(trimmed, result.array)).as_py() or 0
    if n_changed:
        result.remarks["trimmed"] = n_changed
    return trimmed


def _recased(result: Converted, words: pa.Array) -> pa.Array:
    n_changed = pc.sum(pc.not_equal(words, result.array)).as_py() or 0
    if n_changed:
        result.remarks["case"] = result.remarks.get("case", 0) + n_changed
    return words


def _refuse_long(result: Converted, raw: pa.Array, spec: ColumnSpec) -> None:
    long = pc.greater(pc.utf8_length(result.array), spec.max_characters)
    if pc.any(long).as_py():
        longest = pc.max(pc.utf8_length(result.array)).as_py()
        fix = (
            f"shorten it to {spec.max_characters:,} characters (the longest has {longest:,}); "
            "nothing is cut for you"
        )
        result.refuse(long, "too_long", raw, fix=fix)


def _match_words(result: Converted, raw: pa.Array, allowed: tuple[str, ...]) -> None:
    known = pc.is_in(result.array, value_set=pa.array(allowed, pa.large_string()))
    if pc.all(pc.or_(known, pc.is_null(result.array))).as_py():
        return
    result.array = _recased(result, pc.utf8_lower(result.array))
    known = pc.is_in(result.array, value_set=pa.array(allowed, pa.large_string()))
    bad = pc.and_(pc.is_valid(result.array), pc.invert(known))
    result.refuse(bad, "unknown_word", raw, fix=_words_fix(result.array.filter(bad), allowed))


def _words_fix(bad: pa.Array, allowed: tuple[str, ...]) -> str:
    text = "expected one of " + ", ".join(allowed)
    for word in pc.unique(bad).to_pylist()[:20]:
        near = difflib.get_close_matches(word, allowed, n=1)
        if near:
            return f"{text}; did you mean {near[0]} for {word[:40]}?"
    return text


def _map_categories(result: Converted, raw: pa.Array) -> None:
    ids = pa.array(read_taxonomy().ids, pa.large_string())
    if pc.all(pc.or_(pc.is_in(result.array, value_set=ids), pc.is_null(result.array))).as_py():
        return
    result.array = _recased(result, pc.utf8_lower(result.array))
    known = pc.is_in(result.array, value_set=ids)
    unknown = pc.and_(pc.is_valid(result.array), pc.invert(known))
    rows = pc.indices_nonzero(unknown)
    if len(rows):
        numbers = rows.to_numpy(zero_copy_only=False).astype(np.int64)
        result.problems.append(
            Problem("unknown_category", numbers, raw.take(rows), is_warning=True)
        )
        result.array = pc.if_else(unknown, pa.scalar("other", pa.large_string()), result.array)
