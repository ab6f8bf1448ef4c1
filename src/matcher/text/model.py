"""Texts to vectors of unit length, whatever computes them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from matcher.errors import EncoderError
from matcher.text.folder import write_files
from matcher.text.identity import EncoderIdentity, Role
from matcher.text.normalise import MAX_CHARS, normalise_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    _Vectors = NDArray[np.float16]

__all__ = ["FILE_FORMAT", "IDENTITY_FILE", "Encoder", "TextModel", "checked_text", "random_encoder"]

FILE_FORMAT: Final = 1
IDENTITY_FILE: Final = "matcher_encoder.json"
_BLOCK: Final = 16_384
_PREPARED_AT_ONCE: Final = 6 * _BLOCK


class TextModel(Protocol):
    """What an `Encoder` asks of the model behind it."""

    def prepare(self, text: str) -> str:
        """Text as the model wants it, without prompt.

        Parameters
        ----------
        text : str
            Raw text.

        Returns
        -------
        str
            Prepared text; empty where there is nothing to encode.
        """
        ...

    def vectors(self, texts: list[str], prompt: str) -> NDArray[np.float32]:
        """Rows of any length for prepared texts, none of them empty.

        Parameters
        ----------
        texts : list of str
            Prepared texts.
        prompt : str
            What the model puts before each text; may be empty.

        Returns
        -------
        numpy.ndarray of float32, shape (n_texts, dim)
            One row per text, in order.
        """
        ...

    def files(self) -> dict[str, bytes]:
        """Content of the model's files; empty where it is loaded from elsewhere."""
        ...


@dataclass(frozen=True)
class Encoder:
    """Texts to vectors of unit length.

    Parameters
    ----------
    identity : EncoderIdentity
        What the encoder is.
    model : object
        What computes the vectors.
    """

    identity: EncoderIdentity
    model: TextModel

    def prepare(self, text: str) -> str:
        """Text as the model gets to see it, without its prompt.

        Parameters
        ----------
        text : str
            Raw text.

        Returns
        -------
        str
            Normalised text of at most about `matcher.text.normalise.MAX_CHARS` characters; texts
            that are equal here have equal vectors.
        """
        return self.model.prepare(text)

    def encode(self, texts: Sequence[str], *, role: Role) -> _Vectors:
        """Vectors of texts.

        Parameters
        ----------
        texts : sequence of str
            Raw texts; they are normalised here.
        role : {"brief", "content"}
            Chooses the prompt.

        Returns
        -------
        numpy.ndarray of float16, shape (n_texts, dim)
            Rows of length 1 up to rounding; zero rows for texts without a letter or pictograph.
            With the built-in encoder a row does not depend on the other texts.

        Raises
        ------
        EncoderError
            If a text is no string, or the model gives values that are no numbers.
        """
        vectors = np.empty((len(texts), self.identity.dim), dtype=np.float16)
        # Prepared in parts, so that normalised copies of all texts never stand in memory at once.
        for low in range(0, len(texts), _PREPARED_AT_ONCE):
            part = [
                self.prepare(checked_text(text)) for text in texts[low : low + _PREPARED_AT_ONCE]
            ]
            vectors[low : low + len(part)] = self.encode_prepared(part, role=role)
        return vectors

    def encode_prepared(self, texts: Sequence[str], *, role: Role) -> _Vectors:
        """Vectors of texts that `prepare` has gone over already.

        Parameters
        ----------
        texts : sequence of str
            Prepared texts.
        role : {"brief", "content"}
            Chooses the prompt.

        Returns
        -------
        numpy.ndarray of float16, shape (n_texts, dim)
            As from `encode`.
        """
        prompt = self.identity.prompts.get(role, "")
        vectors = np.zeros((len(texts), self.identity.dim), dtype=np.float16)
        filled = [row for row, text in enumerate(texts) if text]
        for start in range(0, len(filled), _BLOCK):
            rows = filled[start : start + _BLOCK]
            raw = self.model.vectors([texts[row] for row in rows], prompt)
            vectors[rows] = _unit(raw, self.identity.name)
        return vectors

    def files(self) -> dict[str, bytes]:
        """Content of the files that `encoder_from_files` takes.

        Returns
        -------
        dict of str to bytes
            The built-in encoder in full, loadable by sentence-transformers; of any other only
            its identity, since its weights belong to where they came from.
        """
        content = self.model.files()
        values = {"format": FILE_FORMAT, **self.identity.as_dict()}
        content[IDENTITY_FILE] = json.dumps(values, ensure_ascii=False, indent=1).encode()
        return content

    def write(self, folder: Path) -> None:
        """Write `files` below a folder, which is made when missing.

        Parameters
        ----------
        folder : pathlib.Path
            Folder to fill.
        """
        write_files(folder, self.files())


def checked_text(text: str) -> str:
    """Text, or an error that says what came instead.

    Parameters
    ----------
    text : str
        What was given as text.

    Returns
    -------
    str
        The same text.

    Raises
    ------
    EncoderError
        If it is no string.
    """
    if not isinstance(text, str):
        raise EncoderError(
            f"encode: got {text!r} of type {type(text).__name__}; expected text, fill missing "
            "values with ''"
        )
    return text


def _unit(raw: NDArray[np.float32], name: str) -> _Vectors:
    wide = np.asarray(raw, dtype=np.float64)
    if not np.isfinite(wide).all():
        raise EncoderError(f"encoder {name!r}: gave values that are no finite numbers")
    lengths = np.sqrt((wide * wide).sum(axis=1, keepdims=True))
    unit = np.divide(wide, lengths, out=np.zeros_like(wide), where=lengths > 0)
    return np.asarray(unit, dtype=np.float16)


@dataclass(frozen=True)
class _RandomModel:
    dim: int
    seed: int

    def prepare(self, text: str) -> str:
        return normalise_text(text[:MAX_CHARS])

    def vectors(self, texts: list[str], prompt: str) -> NDArray[np.float32]:
        from scipy.special import ndtri

        start = f"{self.seed}\0{prompt}".encode()
        noise = [hashlib.shake_256(start + text.encode()).digest(2 * self.dim) for text in texts]
        steps = np.frombuffer(b"".join(noise), dtype="<u2").reshape(len(texts), self.dim)
        quantiles = np.asarray(ndtri((np.arange(65_536) + 0.5) / 65_536), dtype=np.float32)
        return np.asarray(quantiles[steps], dtype=np.float32)

    def files(self) -> dict[str, bytes]:
        return {}


def random_encoder(dim: int, seed: int) -> Encoder:
    """Encoder that knows nothing, as a negative control.

    Parameters
    ----------
    dim : int
        Length of a vector, 1 or more.
    seed : int
        Another seed gives other vectors.

    Returns
    -------
    Encoder
        Equal texts get equal vectors, different ones independent directions.
    """
    name = f"random:{dim}:{seed}"
    identity = EncoderIdentity(
        name=name,
        revision=None,
        dim=dim,
        prompts={},
        is_aligned=False,
        trained_until=None,
        digest=hashlib.sha256(name.encode()).hexdigest(),
    )
    return Encoder(identity, _RandomModel(dim, seed))
