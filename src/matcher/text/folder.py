"""Encoder files on disk: where a published model lies, what its files are, their digest."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from matcher.errors import EncoderError

__all__ = ["digest_files", "find_model_folder", "read_folder", "write_files"]

_KEPT: Final = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")
_SKIPPED_FOLDERS: Final = frozenset({"onnx", "openvino", ".git", ".cache"})
_NOT_WEIGHTS: Final = frozenset(
    {"config_sentence_transformers.json", "matcher_encoder.json", "matcher_tuned.json"}
)
_HUB_ID: Final = re.compile(r"[\w.-]+(/[\w.-]+)?")
_CHUNK: Final = 1 << 22


def read_folder(folder: Path) -> dict[str, bytes]:
    """Content of all files below a folder.

    Parameters
    ----------
    folder : pathlib.Path
        Folder to read.

    Returns
    -------
    dict of str to bytes
        By path relative to the folder, ``/`` between parts, in order of names.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def write_files(folder: Path, content: Mapping[str, bytes]) -> None:
    """Files written below a folder.

    Parameters
    ----------
    folder : pathlib.Path
        Folder, made when missing.
    content : mapping of str to bytes
        By path relative to the folder.

    Raises
    ------
    EncoderError
        If a path leaves the folder.
    """
    root = folder.resolve()
    for name, data in content.items():
        path = (root / name).resolve()
        if not path.is_relative_to(root) or path == root:
            raise EncoderError(f"encoder file {name!r}: leads out of its folder; refused")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def digest_files(source: Path | Mapping[str, bytes]) -> str:
    """SHA-256 over weights, vocabularies and configuration, names included.

    Parameters
    ----------
    source : pathlib.Path or mapping of str to bytes
        Model folder, or its content.

    Returns
    -------
    str
        64 hexadecimal digits. Notes of library versions and prompts are left out.
    """
    total = hashlib.sha256()
    for name, chunks in _model_chunks(source):
        one = hashlib.sha256()
        for chunk in chunks:
            one.update(chunk)
        total.update(f"{name}\0{one.hexdigest()}\n".encode())
    return total.hexdigest()


def _model_chunks(
    source: Path | Mapping[str, bytes],
) -> Iterator[tuple[str, Iterator[bytes]]]:
    if isinstance(source, Path):
        for path in _model_paths(source):
            yield path.relative_to(source).as_posix(), _chunks(path)
        return
    for name in sorted(source):
        if name.rsplit("/", 1)[-1] not in _NOT_WEIGHTS:
            yield name, iter((source[name],))


def _model_paths(folder: Path) -> list[Path]:
    found = {path for pattern in _KEPT for path in folder.rglob(pattern) if path.is_file()}
    return sorted(
        path
        for path in found
        if path.name not in _NOT_WEIGHTS
        and not _SKIPPED_FOLDERS & set(path.relative_to(folder).parts)
    )


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def find_model_folder(
    name: str, revision: str | None, *, local_files_only: bool
) -> tuple[Path, str | None]:
    """Folder with a model's files.

    Parameters
    ----------
    name : str
        Local path or hub id.
    revision : str or None
        Branch, tag or commit of a hub model.
    local_files_only : bool
        Look only into the hub's cache on this machine; otherwise fetch what is missing.

    Returns
    -------
    tuple of (pathlib.Path, str or None)
        The folder, and the commit of a hub model.

    Raises
    ------
    EncoderError
        If it is not there, or holds no safetensors weights.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        folder, commit = path.resolve(), revision
    elif path.is_absolute() or name.startswith(("~", ".")) or not _HUB_ID.fullmatch(name):
        raise EncoderError(
            f"encoder {name!r}: no such folder ({path.absolute()}); give the folder of a saved "
            "SentenceTransformer, or a hub id such as 'intfloat/multilingual-e5-small'"
        )
    else:
        folder = _snapshot(name, revision, local_files_only=local_files_only)
        commit = folder.name
    if not any(part.suffix == ".safetensors" for part in _model_paths(folder)):
        raise EncoderError(
            f"encoder {name!r}: {folder} holds no *.safetensors; other weight formats can run "
            "code and are refused; save the model with safe_serialization=True"
        )
    return folder, commit


def _snapshot(name: str, revision: str | None, *, local_files_only: bool) -> Path:
    if local_files_only:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import constants, snapshot_download

    try:
        found = snapshot_download(
            name,
            revision=revision,
            local_files_only=local_files_only,
            allow_patterns=list(_KEPT),
            ignore_patterns=[f"{skipped}/*" for skipped in sorted(_SKIPPED_FOLDERS)],
        )
    # The hub client raises errors of its own, of its HTTP client and of the system.
    except Exception as error:
        wanted = f"{name} --revision {revision}" if revision else name
        raise EncoderError(
            f"encoder {name!r}"
            + (f" at revision {revision!r}" if revision else "")
            + f": not found in {constants.HF_HUB_CACHE}; fetch it on a machine with a network by "
            f"`hf download {wanted}` and copy that folder, or give the path of a model folder"
        ) from error
    return Path(found)
