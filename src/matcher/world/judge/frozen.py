"""Frozen oracles: their files, and what makes them stale."""

from __future__ import annotations

import json
import lzma
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from matcher.errors import DataError
from matcher.files import write_output
from matcher.ranking.boosting import BoostedRanker
from matcher.ranking.linear import LinearModel
from matcher.world.judge.oracle import FORMAT, Answer, Oracle, hash_features, hash_knobs

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ORACLES", "oracle_path", "read_oracle", "why_stale", "write_oracle"]

ORACLES: Final = Path(__file__).parent / "oracles"
"""Folder of the frozen oracles, one per world."""
_UNUSED: Final = (
    "tree_sizes=",
    "internal_value=",
    "internal_weight=",
    "internal_count=",
    "leaf_weight=",
    "leaf_count=",
    "split_gain=",
)
"""Lines of a model text that predictions do not need."""


def oracle_path(world: str, folder: Path = ORACLES) -> Path:
    """File of a world's oracle.

    Parameters
    ----------
    world : str
        Name of the world.
    folder : pathlib.Path
        Folder of the oracles.

    Returns
    -------
    pathlib.Path
        Where it stands, or would stand.
    """
    return folder / f"{world}.json.xz"


def write_oracle(oracle: Oracle, folder: Path = ORACLES) -> Path:
    """Oracle written to its file: JSON with the texts of its trees, compressed.

    Parameters
    ----------
    oracle : Oracle
        Oracle.
    folder : pathlib.Path
        Folder of the oracles.

    Returns
    -------
    pathlib.Path
        The file, whose bytes are the same for the same oracle.
    """
    content = {
        "record": dict(oracle.record),
        "answers": {
            name: {
                "linear": {
                    key: held for key, held in answer.linear.to_dict().items() if key != "names"
                },
                "trees": [_shorten(text) for text in answer.trees.texts],
            }
            for name, answer in oracle.answers.items()
        },
    }
    packed = lzma.compress(json.dumps(content, sort_keys=True).encode(), preset=6)
    path = oracle_path(str(oracle.record["world"]), folder)
    folder.mkdir(parents=True, exist_ok=True)
    return write_output(path, lambda target: target.write_bytes(packed), force=True)


def _shorten(text: str) -> str:
    """Model text without what only describes the training of its trees."""
    return "\n".join(line for line in text.split("\n") if not line.startswith(_UNUSED))


def read_oracle(world: str, folder: Path = ORACLES) -> Oracle | None:
    """Oracle of a world, as it was frozen.

    Parameters
    ----------
    world : str
        Name of the world.
    folder : pathlib.Path
        Folder of the oracles.

    Returns
    -------
    Oracle or None
        None where there is none. One of another format holds its record alone, so that it can be
        called stale.

    Raises
    ------
    DataError
        If its file is damaged.
    """
    path = oracle_path(world, folder)
    if not path.is_file():
        return None
    try:
        content = json.loads(lzma.decompress(path.read_bytes()))
        record = dict(content["record"])
        if record.get("format") != FORMAT:
            return Oracle(record, {})
        names = tuple(record["inputs"])
        answers = {
            question: Answer(
                LinearModel.from_dict({**held["linear"], "names": names}),
                BoostedRanker(names, tuple(held["trees"])),
            )
            for question, held in content["answers"].items()
        }
    except (lzma.LZMAError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path}: is damaged: {error}; fit it anew with benchmarks/fit_oracles.py"
        ) from error
    return Oracle(record, answers)


def why_stale(record: Mapping[str, Any], market: Mapping[str, Any], encoder: str) -> str:
    """Why an oracle does not hold for a market.

    Parameters
    ----------
    record : mapping
        Record of the oracle.
    market : mapping
        Record of the market's truth.
    encoder : str
        Name of the encoder through which the market is seen.

    Returns
    -------
    str
        One clause; empty where it holds.
    """
    if record.get("format") != FORMAT:
        return f"its file is of format {record.get('format')}, this Matcher reads {FORMAT}"
    if record.get("version") != market["version"]:
        return f"it was fitted on version {record.get('version')} of the world"
    if record.get("knobs") != hash_knobs(market["knobs"]):
        return "it was fitted on other knobs of the world"
    if record.get("features") != hash_features():
        return "it was fitted on other features"
    if record.get("encoder") != encoder:
        return f"it was fitted with the encoder {record.get('encoder')}, this one is {encoder}"
    return ""
