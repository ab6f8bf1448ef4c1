"""The observables oracle: what the truth is, as far as the product's own features can tell."""

from __future__ import annotations

import hashlib
import json
import lzma
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from matcher.columns import OBJECTIVES
from matcher.config import Settings
from matcher.errors import DataError
from matcher.features.pair_features import FEATURES
from matcher.files import write_output
from matcher.ranking.boosting import BoostedRanker, fit_regression

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from matcher.features.pair_features import FeatureMatrix

__all__ = [
    "ORACLES",
    "QUESTIONS",
    "Oracle",
    "fit_oracle",
    "hash_features",
    "hash_knobs",
    "input_names",
    "oracle_inputs",
    "oracle_path",
    "read_oracle",
    "why_stale",
    "write_oracle",
]

ORACLES: Final = Path(__file__).parent / "oracles"
"""Folder of the frozen oracles, one per world."""
QUESTIONS: Final = ("outcome", "choice")
"""What an oracle answers: what comes of a pair, and how much the buyer wants it."""
_FORMAT: Final = 1
_RAW: Final = "raw_"
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
_LEARNER: Final = Settings.model_validate(
    {
        "ranker": {
            "n_draws": 1,
            "n_threads": 2,
            "learning_rate": 0.1,
            "n_leaves": 31,
            "l2": 10.0,
            "feature_share": 0.3,
        },
        "outcome": {"n_trees": 300, "min_rows_in_leaf": 100},
    }
)
"""Larger trees than the product's, for it has a thousand times the labels."""


@dataclass(frozen=True, eq=False)
class Oracle:
    """Regressions of the truth on the product's features.

    Parameters
    ----------
    record : mapping
        World, version, hashes of knobs and features, encoder, seeds, pairs, and how well it fits a
        seed that it was not fitted on.
    rankers : mapping of str to BoostedRanker
        Regression by question.
    """

    record: Mapping[str, Any]
    rankers: Mapping[str, BoostedRanker]

    def score(self, inputs: NDArray[np.float64], question: str) -> NDArray[np.float64]:
        """Expected deviation from the mean of the campaign.

        Parameters
        ----------
        inputs : numpy.ndarray of float64, shape (n_pairs, n_inputs)
            What `oracle_inputs` made.
        question : {"outcome", "choice"}
            Question.

        Returns
        -------
        numpy.ndarray of float64, shape (n_pairs,)
            Of the log of the outcome, or of the buyer's utility.
        """
        return self.rankers[question].score(inputs)


def input_names() -> tuple[str, ...]:
    """Columns of the oracle's inputs.

    Returns
    -------
    tuple of str
        Every feature relative to its campaign, every feature as it is, and the objective.
    """
    names = [spec.name for spec in FEATURES]
    return (*names, *(f"{_RAW}{name}" for name in names), "objective")


def oracle_inputs(
    matrix: FeatureMatrix, objectives: Sequence[str | None] | NDArray[np.object_]
) -> NDArray[np.float64]:
    """What the oracle sees of pairs.

    Parameters
    ----------
    matrix : FeatureMatrix
        Features of all candidates of each brief.
    objectives : sequence of str, shape (n_pairs,)
        Objective of the campaign of each pair.

    Returns
    -------
    numpy.ndarray of float64, shape (n_pairs, n_inputs)
        Columns in the order of `input_names`.
    """
    names = [spec.name for spec in FEATURES]
    codes = {name: code for code, name in enumerate(OBJECTIVES)}
    objective = np.array([codes.get(str(one), -1) for one in objectives], dtype=np.float64)
    return np.column_stack([matrix.relative(names), matrix.columns(names), objective])


def fit_oracle(
    inputs: NDArray[np.floating],
    targets: Mapping[str, NDArray[np.float64]],
    record: Mapping[str, Any],
) -> Oracle:
    """Oracle of a world.

    Parameters
    ----------
    inputs : numpy.ndarray, shape (n_pairs, n_inputs)
        What `oracle_inputs` made.
    targets : mapping of str to numpy.ndarray
        By question, the deviation of each pair from the mean of its campaign.
    record : mapping
        What is stated of it.

    Returns
    -------
    Oracle
        The oracle.
    """
    rankers = {
        question: fit_regression(
            inputs, targets[question], input_names(), settings=_LEARNER, random_splits=False
        )
        for question in QUESTIONS
    }
    stated = {"format": _FORMAT, "features": hash_features(), "inputs": list(input_names())}
    return Oracle({**record, **stated}, rankers)


def hash_features() -> str:
    """Hash of the feature catalogue, formulas included.

    Returns
    -------
    str
        12 hexadecimal digits.
    """
    return _hash([asdict(spec) for spec in FEATURES])


def hash_knobs(knobs: Mapping[str, Any]) -> str:
    """Hash of a world's knobs.

    Parameters
    ----------
    knobs : mapping
        As in the record of a market.

    Returns
    -------
    str
        12 hexadecimal digits.
    """
    return _hash(dict(knobs))


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


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
        "rankers": {
            name: [_shorten(text) for text in ranker.texts]
            for name, ranker in oracle.rankers.items()
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
        None where there is none.

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
        rankers = {
            name: BoostedRanker(tuple(record["inputs"]), tuple(texts))
            for name, texts in content["rankers"].items()
        }
    except (lzma.LZMAError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path}: is damaged: {error}; fit it anew with benchmarks/fit_oracles.py"
        ) from error
    return Oracle(record, rankers)


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
    if record.get("format") != _FORMAT:
        return f"its file is of format {record.get('format')}, this Matcher reads {_FORMAT}"
    if record.get("version") != market["version"]:
        return f"it was fitted on version {record.get('version')} of the world"
    if record.get("knobs") != hash_knobs(market["knobs"]):
        return "it was fitted on other knobs of the world"
    if record.get("features") != hash_features():
        return "it was fitted on other features"
    if record.get("encoder") != encoder:
        return f"it was fitted with the encoder {record.get('encoder')}, this one is {encoder}"
    return ""
