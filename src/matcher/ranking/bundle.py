"""The model bundle on disk: a folder of plain files, each vouched for by a manifest.

``manifest.json`` names every other file with its SHA-256 and size, and carries its own SHA-256.
Reading checks all of it before a byte reaches LightGBM, safetensors or Arrow, since a truncated
LightGBM text ends the process instead of raising. The checks find damage and mix-ups; they are no
signature, so a bundle is as trustworthy as the place that it comes from.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

from matcher.errors import BundleError, OutputExistsError
from matcher.files import swap_folder
from matcher.ranking.manifest import (
    FORMAT_VERSION,
    MANIFEST_NAME,
    MAX_FILES,
    MAX_MANIFEST_BYTES,
    build_manifest,
    declared_files,
    list_some,
    parse_manifest,
)

__all__ = [
    "FORMAT_VERSION",
    "Bundle",
    "StagedBundle",
    "read_bundle",
    "stage_bundle",
    "unpack_files",
    "write_bundle",
]

_LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
"""Files that file managers leave in every folder they show; they are never read."""


@dataclass(frozen=True)
class Bundle:
    """A model bundle whose every file was checked against its manifest.

    Parameters
    ----------
    manifest : mapping
        What the model is and what it was made from, with the bundle's own keys ``files``,
        ``format_version``, ``written_by`` and ``manifest_sha256``.
    files : mapping of str to bytes
        Content of every file but the manifest, by its path inside the bundle (``/`` between
        folders). These are the bytes that were checked: nothing is read again from disk.
    """

    manifest: Mapping[str, Any]
    files: Mapping[str, bytes]

    @property
    def model_id(self) -> str:
        """First 12 hexadecimal digits of the manifest's SHA-256; equal for equal content."""
        return str(self.manifest["manifest_sha256"])[:12]


@dataclass
class StagedBundle:
    """A whole bundle under a hidden name beside the folder that it is to become.

    Parameters
    ----------
    bundle : Bundle
        What was written.
    path : pathlib.Path
        Where it stands now.
    folder : pathlib.Path
        Where it is to stand.
    force : bool
        Whether a bundle there is replaced.
    """

    bundle: Bundle
    path: Path
    folder: Path
    force: bool = field(default=False)

    def publish(self) -> Bundle:
        """Give the folder its name, in one step.

        Returns
        -------
        Bundle
            What was written.

        Raises
        ------
        OutputExistsError
            If something stands there by now that may not be replaced.
        BundleError
            If the disk refuses.
        """
        _refuse_to_overwrite(self.folder, force=self.force)
        try:
            swap_folder(self.path, self.folder)
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        self.path = self.folder
        return self.bundle


@contextmanager
def stage_bundle(
    folder: Path,
    files: Mapping[str, bytes],
    manifest: Mapping[str, Any],
    *,
    force: bool = False,
) -> Iterator[StagedBundle]:
    """Bundle written whole under a hidden name, for as long as a ``with`` block lasts.

    Parameters
    ----------
    folder : pathlib.Path
        Folder that it is to become.
    files : mapping of str to bytes
        Content by path inside the bundle.
    manifest : mapping
        JSON values.
    force : bool, default False
        Replace a bundle that stands there.

    Yields
    ------
    StagedBundle
        Its `publish` makes it `folder`; without that nothing stays.

    Raises
    ------
    OutputExistsError
        If `folder` exists and may not be replaced.
    BundleError
        If a name, a size or a manifest value is not allowed, or the disk refuses.
    """
    text = build_manifest(files, manifest)
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - resolve() would follow a link here
    _refuse_to_overwrite(folder, force=force)
    fresh: Path | None = None
    try:
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            fresh = Path(
                tempfile.mkdtemp(
                    prefix=f".{folder.name}.", suffix=".matcher-part", dir=folder.parent
                )
            )
            fresh.chmod(0o755)
            _write_files(fresh, {**files, MANIFEST_NAME: text})
        except OSError as error:
            raise _unwritable(folder, error) from error
        bundle = Bundle(MappingProxyType(json.loads(text)), MappingProxyType(dict(files)))
        yield StagedBundle(bundle, fresh, folder, force)
    finally:
        if fresh is not None:
            shutil.rmtree(fresh, ignore_errors=True)


def _unwritable(folder: Path, error: OSError) -> BundleError:
    return BundleError(f"{folder}: the bundle cannot be written: {error}; nothing was left there")


def write_bundle(
    folder: Path,
    files: Mapping[str, bytes],
    manifest: Mapping[str, Any],
    *,
    force: bool = False,
) -> Bundle:
    """Bundle written as a new folder, which appears whole or not at all.

    Parameters
    ----------
    folder : pathlib.Path
        Folder to make; parents are made too. An empty folder in its place is taken over.
    files : mapping of str to bytes
        Content by path inside the bundle: ASCII letters, digits, ``._-`` and ``/``.
    manifest : mapping
        JSON values; finite numbers only. The bundle's own keys are added.
    force : bool, default False
        Replace a bundle that stands there. A folder that is no bundle is never replaced.

    Returns
    -------
    Bundle
        What :func:`read_bundle` would return.

    Raises
    ------
    OutputExistsError
        If `folder` exists and may not be replaced.
    BundleError
        If a name, a size or a manifest value is not allowed, or the disk refuses.

    Notes
    -----
    Equal content gives equal bytes: the manifest holds no clock and no path.
    """
    with stage_bundle(folder, files, manifest, force=force) as staged:
        return staged.publish()


def read_bundle(folder: Path) -> Bundle:
    """Bundle read from a folder, checked before anything in it is interpreted.

    Parameters
    ----------
    folder : pathlib.Path
        Folder that :func:`write_bundle` made, or a true copy of it.

    Returns
    -------
    Bundle
        Manifest and the checked bytes of every file.

    Raises
    ------
    BundleError
        If the folder is no bundle; if its format is newer; if a file is missing, added, altered,
        cut short, too large, a link or no plain file; or if a name leads out of the folder.
    """
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "does not exist"
        raise BundleError(f"{folder}: {what}; expected a model bundle, the folder that train wrote")
    sizes = _scan(folder)
    if MANIFEST_NAME not in sizes:
        raise BundleError(f"{folder}: holds no {MANIFEST_NAME}, so it is no model bundle")
    size = sizes.pop(MANIFEST_NAME)
    where = f"{folder}/{MANIFEST_NAME}"
    if size > MAX_MANIFEST_BYTES:
        raise BundleError(f"{where}: has {size} bytes; expected at most {MAX_MANIFEST_BYTES}")
    manifest = parse_manifest(_read_plain(folder, MANIFEST_NAME, size), where=where)
    declared = declared_files(manifest, where=where)
    _compare_listing(folder, found=sizes, declared=declared)
    files = {name: _read_checked(folder, name, entry) for name, entry in declared.items()}
    return Bundle(MappingProxyType(manifest), MappingProxyType(files))


def unpack_files(bundle: Bundle, folder: Path, *, prefix: str) -> None:
    """Write the checked files under one of a bundle's folders, for readers that need a path.

    Parameters
    ----------
    bundle : Bundle
        Checked bundle.
    folder : pathlib.Path
        Folder to fill; made when it is not there.
    prefix : str
        Folder inside the bundle, such as ``"encoder"``; it is left off the written paths.

    Raises
    ------
    BundleError
        If the bundle has no file there, or the disk refuses.
    """
    start = prefix.rstrip("/") + "/"
    chosen = {
        name.removeprefix(start): content
        for name, content in bundle.files.items()
        if name.startswith(start)
    }
    if not chosen:
        raise BundleError(f"bundle {bundle.model_id}: holds no file under {start!r}")
    try:
        _write_files(folder, chosen)
    except OSError as error:
        raise BundleError(f"{folder}: cannot unpack {start!r} there: {error}") from error


def _refuse_to_overwrite(folder: Path, *, force: bool) -> None:
    if not os.path.lexists(folder):
        return
    if folder.is_dir() and not folder.is_symlink():
        if not any(folder.iterdir()):
            return
        if (folder / MANIFEST_NAME).is_file():
            if force:
                return
            raise OutputExistsError(
                f"{folder}: a model bundle stands there; give --force to replace it"
            )
    raise OutputExistsError(f"{folder}: exists and is no model bundle; choose another place")


def _write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / PurePosixPath(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


def _scan(folder: Path) -> dict[str, int]:
    sizes: dict[str, int] = {}
    odd: list[str] = []
    pending = [folder]
    while pending and len(sizes) <= MAX_FILES:
        here = pending.pop()
        entries = _entries(here)
        if not entries and here != folder:
            odd.append(f"{here.relative_to(folder).as_posix()}/ (empty folder)")
        for entry in entries:
            name = entry.relative_to(folder).as_posix()
            mode = entry.lstat()
            if stat.S_ISLNK(mode.st_mode):
                odd.append(f"{name} (link)")
            elif stat.S_ISDIR(mode.st_mode):
                pending.append(entry)
            elif stat.S_ISREG(mode.st_mode):
                sizes[name] = mode.st_size
            else:
                odd.append(f"{name} (no plain file)")
    if odd:
        raise BundleError(
            f"{folder}: {len(odd)} entries are not plain files: {list_some(odd)}; a bundle "
            "holds plain files only, copy it anew"
        )
    return sizes


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if entry.name not in _LITTER)
    except OSError as error:
        raise BundleError(f"{folder}: cannot be listed: {error}") from error


def _compare_listing(
    folder: Path, *, found: Mapping[str, int], declared: Mapping[str, tuple[str, int]]
) -> None:
    problems = []
    if missing := [name for name in declared if name not in found]:
        problems.append(f"{len(missing)} files are missing: {list_some(missing)}")
    if extra := [name for name in found if name not in declared]:
        problems.append(f"{len(extra)} files do not belong to it: {list_some(extra)}")
    if wrong := [
        f"{name} ({found[name]} bytes, expected {size})"
        for name, (_, size) in declared.items()
        if found.get(name, size) != size
    ]:
        problems.append(f"{len(wrong)} files are cut short or altered: {list_some(wrong)}")
    if problems:
        raise BundleError(f"{folder}: {'; '.join(problems)}; copy the bundle anew")


def _read_checked(folder: Path, name: str, entry: tuple[str, int]) -> bytes:
    digest, size = entry
    content = _read_plain(folder, name, size)
    if len(content) != size or hashlib.sha256(content).hexdigest() != digest:
        raise BundleError(
            f"{folder}/{name}: was altered: its SHA-256 is not that of the manifest; copy the "
            "bundle anew"
        )
    return content


def _read_plain(folder: Path, name: str, size: int) -> bytes:
    # The path was seen to be a plain file; the flags keep it so if it is exchanged meanwhile.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(folder / PurePosixPath(name), flags | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as file:
            return file.read(size + 1)
    except OSError as error:
        raise BundleError(f"{folder}/{name}: cannot be read: {error}") from error
