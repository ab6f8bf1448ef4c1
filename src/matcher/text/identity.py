"""What an encoder is, apart from how it computes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from matcher.errors import EncoderError
from matcher.text.normalise import NORMALISER_VERSION

__all__ = ["EncoderIdentity", "Role"]

Role = Literal["brief", "content"]
"""A brief asks; posts, bios and brand descriptions are content."""


@dataclass(frozen=True)
class EncoderIdentity:
    """What an encoder is; two encoders of one identity give the same vectors.

    Parameters
    ----------
    name : str
        ``builtin``, ``random``, a hub id or a path.
    revision : str or None
        Commit of a hub model.
    dim : int
        Length of a vector.
    prompts : mapping of str to str
        Text put before a ``brief`` and before ``content``.
    is_aligned : bool
        Whether Vietnamese and English texts of one meaning get near vectors.
    trained_until : pandas.Timestamp or None
        Everything the built-in encoder was fitted on was known before this instant; None for an
        encoder that saw nothing of the market.
    digest : str
        SHA-256 over weights, vocabulary and configuration.
    normaliser : str
        Version of the text normalisation.
    """

    name: str
    revision: str | None
    dim: int
    prompts: Mapping[str, str]
    is_aligned: bool
    trained_until: pd.Timestamp | None
    digest: str
    normaliser: str = NORMALISER_VERSION

    def cache_key(self, role: Role) -> str:
        """Key of everything but the text that a vector depends on.

        Parameters
        ----------
        role : {"brief", "content"}
            Role of the texts.

        Returns
        -------
        str
            32 hexadecimal digits.
        """
        parts = (self.digest, str(self.dim), self.prompts.get(role, ""), self.normaliser)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]

    def as_dict(self) -> dict[str, Any]:
        """JSON values, for a manifest.

        Returns
        -------
        dict
            Every field; the instant in ISO 8601.
        """
        until = self.trained_until
        return {
            "name": self.name,
            "revision": self.revision,
            "dim": self.dim,
            "prompts": dict(self.prompts),
            "is_aligned": self.is_aligned,
            "trained_until": None if until is None else until.isoformat(),
            "digest": self.digest,
            "normaliser": self.normaliser,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> EncoderIdentity:
        """Identity that `as_dict` described.

        Parameters
        ----------
        values : mapping
            As `as_dict` returns them.

        Returns
        -------
        EncoderIdentity
            Equal to the one that was described.

        Raises
        ------
        EncoderError
            If a value is missing or of the wrong type.
        """
        try:
            until = values["trained_until"]
            return cls(
                name=str(values["name"]),
                revision=values["revision"],
                dim=int(values["dim"]),
                prompts={str(key): str(text) for key, text in values["prompts"].items()},
                is_aligned=bool(values["is_aligned"]),
                trained_until=None if until is None else pd.Timestamp(until),
                digest=str(values["digest"]),
                normaliser=str(values["normaliser"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise EncoderError(f"encoder identity: {error!r} in {dict(values)!r}") from error
