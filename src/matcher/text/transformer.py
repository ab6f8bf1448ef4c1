"""Opening sentence transformers: the only module that imports their library, inside functions."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from matcher.errors import EncoderError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["open_transformer", "sentence_transformers", "static_embedding"]


def static_embedding(library: Any) -> Any:
    """Module that looks up and averages vectors of pieces.

    Parameters
    ----------
    library : module
        As from `sentence_transformers`.

    Returns
    -------
    type
        ``StaticEmbedding``.
    """
    try:
        from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    except ImportError:  # releases before 5.2
        return library.models.StaticEmbedding
    return StaticEmbedding


def sentence_transformers(*, is_offline: bool) -> Any:
    """Library, silent about the files that it reads.

    Parameters
    ----------
    is_offline : bool
        Tell the hub's client to open no connection.

    Returns
    -------
    module
        ``sentence_transformers``.
    """
    if is_offline:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import sentence_transformers

    # Its bars for reading a file would show in logs and pipes.
    sys.modules["transformers"].utils.logging.disable_progress_bar()
    return sentence_transformers


def open_transformer(folder: Path, *, device: str | None, is_offline: bool) -> Any:
    """Model of a folder; runs no code of its own and reads safetensors only.

    Parameters
    ----------
    folder : pathlib.Path
        Folder that sentence-transformers wrote.
    device : str or None
        Device; None takes the best that is there.
    is_offline : bool
        Tell the hub's client to open no connection.

    Returns
    -------
    sentence_transformers.SentenceTransformer
        The model.

    Raises
    ------
    EncoderError
        If it cannot be loaded.
    """
    library = sentence_transformers(is_offline=is_offline)
    try:
        return library.SentenceTransformer(
            str(folder),
            device=device,
            trust_remote_code=False,
            local_files_only=True,
            model_kwargs={"use_safetensors": True},
        )
    # What a damaged or foreign folder raises is not documented and differs between releases.
    except Exception as error:
        raise EncoderError(
            f"encoder folder {folder}: sentence-transformers cannot load it: {error}; fetch it "
            "again, or choose a model that needs no remote code and has safetensors weights"
        ) from error
