"""The manifest of a model bundle: what is in the folder and what each file must look like."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from matcher import __version__
from matcher.errors import BundleError

FORMAT_VERSION: Final = 1
"""Format that this release writes, and the newest that it reads."""

MANIFEST_NAME: Final = "manifest.json"
MAX_MANIFEST_BYTES: Final = 16 * 2**20
MAX_FILE_BYTES: Final = 2**30
MAX_TOTAL_BYTES: Final = 4 * 2**30
MAX_FILES: Final = 1_000
MAX_DEPTH: Final = 6

_OWN_KEYS: Final = ("files", "format_version", "manifest_sha256", "written_by")
_PART: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,119}")
_DEVICE: Final = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)


def build_manifest(files: Mapping[str, bytes], values: Mapping[str, Any]) -> bytes:
    """Text of ``manifest.json`` for some files.

    Parameters
    ----------
    files : mapping of str to bytes
        Content by path inside the bundle.
    values : mapping
        JSON values; finite numbers only.

    Returns
    -------
    bytes
        Canonical UTF-8 JSON: sorted keys, no clock, no path; equal for equal content.

    Raises
    ------
    BundleError
        If a name, a size or a value is not allowed.
    """
    _check_names([*files])
    _check_sizes({name: len(content) for name, content in files.items()})
    taken = [key for key in _OWN_KEYS if key in values]
    if taken:
        raise BundleError(
            f"bundle: manifest keys {list_some(taken)} are the bundle's own; rename them"
        )
    whole = {
        **values,
        "format_version": FORMAT_VERSION,
        "written_by": f"matcher {__version__}",
        "files": {
            name: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
            for name, content in files.items()
        },
    }
    try:
        # Through JSON once, so that tuples and integer keys hash as they will be read back.
        whole = json.loads(json.dumps(whole, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise BundleError(f"bundle: the manifest is not plain finite JSON: {error}") from error
    text = _canonical({**whole, "manifest_sha256": _own_digest(whole)})
    if len(text) > MAX_MANIFEST_BYTES:
        raise BundleError(
            f"bundle: the manifest has {len(text)} bytes; expected at most {MAX_MANIFEST_BYTES}; "
            "put tables into files of their own"
        )
    return text


def parse_manifest(raw: bytes, *, where: str) -> dict[str, Any]:
    """Manifest read back, unless it is damaged, altered or of a newer format.

    Parameters
    ----------
    raw : bytes
        Content of ``manifest.json``.
    where : str
        Path that messages name.

    Returns
    -------
    dict
        All keys of the manifest.

    Raises
    ------
    BundleError
        If the text is not what :func:`build_manifest` wrote, or its format is newer.
    """
    try:
        manifest = json.loads(raw.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise BundleError(
            f"{where}: is cut short or damaged: {error}; copy the bundle anew"
        ) from error
    if not isinstance(manifest, dict):
        raise BundleError(f"{where}: holds a {type(manifest).__name__}; expected an object")
    version = manifest.get("format_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise BundleError(f"{where}: `format_version` is {version!r}; expected a number from 1")
    if version > FORMAT_VERSION:
        raise BundleError(
            f"{where}: is of format {version}; this Matcher ({__version__}) reads up to "
            f"{FORMAT_VERSION}; update Matcher"
        )
    if not _is_as_written(manifest, raw):
        raise BundleError(f"{where}: was altered since it was written; copy the bundle anew")
    return manifest


def declared_files(manifest: Mapping[str, Any], *, where: str) -> dict[str, tuple[str, int]]:
    """What a manifest says of each file.

    Parameters
    ----------
    manifest : mapping
        Parsed manifest.
    where : str
        Path that messages name.

    Returns
    -------
    dict of str to tuple of str and int
        SHA-256 in hexadecimal and size in bytes, by path inside the bundle.

    Raises
    ------
    BundleError
        If the entries are malformed, a name leads out of the folder, or a size is over the limit.
    """
    entries = manifest.get("files")
    if not isinstance(entries, dict) or not all(map(_is_entry, entries.values())):
        raise BundleError(f"{where}: `files` is not a mapping of names to sha256 and size")
    declared = {name: (entry["sha256"], entry["size"]) for name, entry in entries.items()}
    _check_names([*declared])
    _check_sizes({name: size for name, (_, size) in declared.items()})
    return declared


def _is_entry(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("sha256"), str)
        and type(entry.get("size")) is int
        and entry["size"] >= 0
    )


def _is_as_written(manifest: dict[str, Any], raw: bytes) -> bool:
    try:
        return raw == _canonical(manifest) and manifest["manifest_sha256"] == _own_digest(manifest)
    except (KeyError, TypeError, ValueError):
        return False


def _check_names(names: Iterable[str]) -> None:
    names = list(names)
    bad = [name for name in names if not _is_plain_name(name)]
    folded = Counter([MANIFEST_NAME, *(name.casefold() for name in names)])
    bad += [name for name in names if folded[name.casefold()] > 1]
    if bad:
        raise BundleError(
            f"bundle: {len(bad)} of {len(names)} file names are not allowed: {list_some(bad)}; a "
            "name is a relative path of ASCII letters, digits and ._- that differs from all others"
        )


def _is_plain_name(name: str) -> bool:
    parts = name.split("/")
    return len(parts) <= MAX_DEPTH and all(
        _PART.fullmatch(part) and not part.endswith(".") and not _DEVICE.match(part)
        for part in parts
    )


def _check_sizes(sizes: Mapping[str, int]) -> None:
    large = [name for name, size in sizes.items() if size > MAX_FILE_BYTES]
    if large:
        raise BundleError(
            f"bundle: {len(large)} files are larger than {MAX_FILE_BYTES} bytes: {list_some(large)}"
        )
    if sum(sizes.values()) > MAX_TOTAL_BYTES or len(sizes) > MAX_FILES:
        raise BundleError(
            f"bundle: {len(sizes)} files of {sum(sizes.values())} bytes together; expected at most "
            f"{MAX_FILES} files of {MAX_TOTAL_BYTES} bytes"
        )


def _canonical(manifest: Mapping[str, Any]) -> bytes:
    text = json.dumps(manifest, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "surrogatepass") + b"\n"


def _own_digest(manifest: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in manifest.items() if key != "manifest_sha256"}
    return hashlib.sha256(_canonical(rest)).hexdigest()


def list_some(names: Iterable[str]) -> str:
    """First five names, and whether there are more.

    Parameters
    ----------
    names : iterable of str
        Names to list.

    Returns
    -------
    str
        Names joined by commas.
    """
    names = list(names)
    return ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")
