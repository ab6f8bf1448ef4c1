"""What is written beside an encoder that was tuned on a market: from what, on what, until when."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from matcher.errors import EncoderError
from matcher.text.folder import digest_files

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["TUNING_FILE", "TuningRecord", "read_tuning"]

TUNING_FILE: Final = "matcher_tuned.json"
_FORMAT: Final = 1
_MAX_BYTES: Final = 1_000_000


@dataclass(frozen=True)
class TuningRecord:
    """How an encoder was tuned.

    Parameters
    ----------
    base : str
        Hub id or path of the model that it was tuned from.
    base_revision : str or None
        Commit of that model.
    base_digest : str
        SHA-256 over that model's weights, vocabulary and configuration.
    licence : str
        What is known of the licence of that model, and what holds for the market's texts.
    prompts : mapping of str to str
        Text put before a ``brief`` and before ``content``, in tuning and ever after.
    is_aligned : bool
        Whether the model that it was tuned from aligns Vietnamese and English.
    trained_until : pandas.Timestamp
        All that it was tuned on was known before this instant.
    data_hash : str
        Hash of the market.
    pairs : mapping of str to int
        Pairs of each kind that it was tuned on.
    pairs_hash : str
        SHA-256 over the texts of the pairs.
    recipe : mapping of str to Any
        Settings of the tuning.
    losses : tuple of float
        Mean loss of each epoch, in nats.
    digest : str
        SHA-256 over the tuned weights, vocabulary and configuration.
    """

    base: str
    base_revision: str | None
    base_digest: str
    licence: str
    prompts: Mapping[str, str]
    is_aligned: bool
    trained_until: pd.Timestamp
    data_hash: str
    pairs: Mapping[str, int]
    pairs_hash: str
    recipe: Mapping[str, Any]
    losses: tuple[float, ...]
    digest: str

    def __post_init__(self) -> None:
        if self.trained_until.tzinfo is None:
            raise EncoderError(
                f"tuning record: `trained_until` {self.trained_until} has no zone; give an instant "
                "in UTC"
            )

    def as_dict(self) -> dict[str, Any]:
        """JSON values of every field.

        Returns
        -------
        dict
            The instant in ISO 8601.
        """
        return {
            **asdict(self),
            "prompts": dict(self.prompts),
            "trained_until": self.trained_until.isoformat(),
            "losses": list(self.losses),
        }

    def write(self, folder: Path) -> None:
        """Write the record into the folder of the tuned model.

        Parameters
        ----------
        folder : pathlib.Path
            Folder that holds the model.
        """
        values = {"format": _FORMAT, **self.as_dict()}
        text = json.dumps(values, ensure_ascii=False, indent=1, allow_nan=False)
        (folder / TUNING_FILE).write_text(text + "\n", encoding="utf-8")


def read_tuning(folder: Path) -> TuningRecord | None:
    """Record of an encoder that was tuned on a market.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of a model.

    Returns
    -------
    TuningRecord or None
        None where the folder holds none, as with a model that saw no market.

    Raises
    ------
    EncoderError
        If it cannot be read, or the model's files are not those that it was written for.
    """
    path = folder / TUNING_FILE
    if not path.is_file():
        return None
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError(f"more than {_MAX_BYTES} bytes")
        values = json.loads(path.read_text(encoding="utf-8"))
        if values.pop("format") != _FORMAT:
            raise ValueError(f"another format than {_FORMAT}")
        values["trained_until"] = pd.Timestamp(values["trained_until"])
        values["losses"] = tuple(values["losses"])
        record = TuningRecord(**values)
    except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        raise EncoderError(
            f"{path}: cannot be read: {error!r}; tune the encoder again with this release"
        ) from error
    found = digest_files(folder)
    if found != record.digest:
        raise EncoderError(
            f"{folder}: the tuned encoder has digest {found[:12]}; expected {record.digest[:12]}: "
            "its files were altered or replaced; tune it again"
        )
    return record
