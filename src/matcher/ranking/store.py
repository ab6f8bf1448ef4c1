"""Models as bundles on disk: LightGBM text, safetensors, JSON, and a manifest that vouches."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.arguments import to_path
from matcher.config import Settings
from matcher.errors import BundleError, ConfigError, DataError, EncoderError
from matcher.features.priors import LEVELS, LevelPrior
from matcher.ranking.acceptance import AcceptanceModel
from matcher.ranking.boosting import BoostedRanker
from matcher.ranking.bundle import Bundle, StagedBundle, read_bundle, stage_bundle
from matcher.ranking.calibration import FitCalibration
from matcher.ranking.model import Model
from matcher.ranking.outcomes.model import OutcomeModels
from matcher.ranking.seen import SeenRanges
from matcher.ranking.stated import STATED_KIND, StatedRanker
from matcher.text.encoder import encoder_from_files
from matcher.text.lexical import Lexicon

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

__all__ = ["model_files", "model_manifest", "read_model", "stage_model", "write_model"]

_KIND: Final = "matcher-model"
_CALIBRATION: Final = "calibration.json"
"""Not in every bundle: too few campaigns may have been known, or the bundle may be older."""
_SEEN: Final = "seen.json"
"""File of the ranges seen in training; a bundle may do without."""
_OUTCOMES: Final = "outcomes.json"
"""Models of outcomes; a bundle may do without, where too little was measured or it is older."""
_ACCEPTANCE: Final = "acceptance.json"
"""Not in every bundle either: few histories hold declines."""


def model_files(model: Model) -> dict[str, bytes]:
    """Content of the files of a model's bundle.

    Parameters
    ----------
    model : Model
        Model.

    Returns
    -------
    dict of str to bytes
        Content by path inside the bundle.
    """
    from safetensors.numpy import save

    files = {f"encoder/{name}": content for name, content in model.encoder.files().items()}
    files["lexicon.safetensors"] = save(
        {name: np.ascontiguousarray(values) for name, values in model.lexicon.arrays().items()}
    )
    # Python writes the shortest digits that give a number back; pandas rounds to 15.
    table = model.prior.table.astype(object)
    records = table.where(table.notna(), None).to_dict(orient="records")
    files["prior.json"] = json.dumps(records, indent=1).encode()
    if model.calibration is not None:
        files[_CALIBRATION] = json.dumps(model.calibration.as_dict(), indent=1).encode()
    if model.seen is not None:
        files[_SEEN] = model.seen.to_json()
    if model.outcomes is not None:
        files[_OUTCOMES] = json.dumps(model.outcomes.to_dict()).encode()
    if model.acceptance is not None:
        files[_ACCEPTANCE] = json.dumps(model.acceptance.to_dict(), indent=1).encode()
    for which in ("hire", "deliver", "lift"):
        ranker = getattr(model, which)
        # A stated rule is all in the manifest.
        if isinstance(ranker, BoostedRanker):
            for number, text in enumerate(ranker.texts):
                files[f"{which}/{number:04d}.txt"] = text.encode()
    return files


def model_manifest(model: Model) -> dict[str, Any]:
    """What the manifest of a model says beside the checksums of its files.

    Parameters
    ----------
    model : Model
        Model.

    Returns
    -------
    dict
        JSON-ready facts.
    """
    packages = ("lightgbm", "numpy", "pandas", "scikit-learn", "sentence-transformers")
    return {
        "kind": _KIND,
        "trained_until": model.trained_until.isoformat(),
        "prior_trained_until": model.prior.trained_until.isoformat(),
        "data_hash": model.data_hash,
        "config": model.settings.model_dump(mode="json"),
        "config_hash": model.settings.hash,
        "encoder": model.encoder.identity.as_dict(),
        "rankers": {
            which: _held_in_manifest(ranker)
            for which, ranker in (
                ("hire", model.hire),
                ("deliver", model.deliver),
                ("lift", model.lift),
            )
            if ranker is not None
        },
        "facts": dict(model.facts),
        "packages": {name: version(name) for name in packages},
    }


def write_model(
    model: Model, folder: Path, *, extra: Mapping[str, Any] | None = None, force: bool = False
) -> Bundle:
    """Write a model as a bundle, whole or not at all.

    Parameters
    ----------
    model : Model
        Model.
    folder : pathlib.Path
        Folder to make.
    extra : mapping, optional
        Further facts for the manifest, such as metrics.
    force : bool
        Replace a bundle that stands there.

    Returns
    -------
    Bundle
        What was written.

    Raises
    ------
    OutputExistsError
        If something stands there already.
    """
    folder = to_path(folder, where="write_model: folder")
    with stage_model(model, folder, extra=extra, force=force) as staged:
        return staged.publish()


def stage_model(
    model: Model,
    folder: Path,
    *,
    extra: Mapping[str, Any] | None = None,
    documents: Mapping[str, str] | None = None,
    force: bool = False,
) -> AbstractContextManager[StagedBundle]:
    """Model written as a whole bundle under a hidden name, until it is published.

    Parameters
    ----------
    model : Model
        Model.
    folder : pathlib.Path
        Folder that it is to become.
    extra : mapping, optional
        Further facts for the manifest, such as metrics.
    documents : mapping of str to str, optional
        Texts for people by file name, such as ``model_card.md``.
    force : bool
        Replace a bundle that stands there.

    Returns
    -------
    context manager of StagedBundle
        See `matcher.ranking.bundle.stage_bundle`.
    """
    texts = {name: text.encode() for name, text in (documents or {}).items()}
    manifest = {**model_manifest(model), **(extra or {})}
    return stage_bundle(folder, {**model_files(model), **texts}, manifest, force=force)


def read_model(folder: Path | str) -> tuple[Model, Bundle]:
    """Read a model; every file is verified before any is opened.

    Parameters
    ----------
    folder : pathlib.Path or str
        Folder of a bundle.

    Returns
    -------
    model : Model
        Model that scores as the written one did, bit by bit.
    bundle : Bundle
        Its manifest and files.

    Raises
    ------
    BundleError
        If a file is missing, altered or truncated, or the folder holds no model of this version.

    Examples
    --------
    >>> model, bundle = read_model("models/tiny")
    >>> len(bundle.model_id), model.data_hash == bundle.manifest["data_hash"]
    (12, True)
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    folder = to_path(folder, where="read_model: folder")
    bundle = read_bundle(folder)
    manifest, files = bundle.manifest, bundle.files
    if manifest.get("kind") != _KIND:
        raise BundleError(f"{folder}: is a bundle of {manifest.get('kind')!r}; expected {_KIND!r}")
    try:
        encoder = encoder_from_files(
            {name.removeprefix("encoder/"): content for name, content in files.items()
             if name.startswith("encoder/")},
            where=f"{folder}/encoder",
        )  # fmt: skip
        prior = pd.DataFrame(json.loads(files["prior.json"]))
        prior[list(LEVELS)] = prior[list(LEVELS)].astype(np.float64)
        rankers = {
            which: _read_ranker(held, files, which) for which, held in manifest["rankers"].items()
        }
        model = Model(
            encoder=encoder,
            lexicon=Lexicon.from_arrays(load(files["lexicon.safetensors"])),
            prior=LevelPrior(prior, pd.Timestamp(manifest["prior_trained_until"])),
            hire=rankers["hire"],
            deliver=_learnt(rankers, "deliver"),
            lift=_learnt(rankers, "lift"),
            settings=Settings.model_validate(manifest["config"]),
            trained_until=pd.Timestamp(manifest["trained_until"]),
            data_hash=str(manifest["data_hash"]),
            facts=dict(manifest["facts"]),
            calibration=(
                FitCalibration.from_dict(json.loads(files[_CALIBRATION]))
                if _CALIBRATION in files
                else None
            ),
            seen=SeenRanges.from_json(files[_SEEN]) if _SEEN in files else None,
            outcomes=(
                OutcomeModels.from_dict(json.loads(files[_OUTCOMES]))
                if _OUTCOMES in files
                else None
            ),
            acceptance=(
                AcceptanceModel.from_dict(json.loads(files[_ACCEPTANCE]))
                if _ACCEPTANCE in files
                else None
            ),
        )
    except (
        KeyError, ValueError, TypeError, SafetensorError, EncoderError, DataError, ConfigError
    ) as error:  # fmt: skip
        raise BundleError(
            f"{folder}: the files are whole but do not fit this version of Matcher "
            f"({type(error).__name__}: {error}); train the model again"
        ) from error
    return model, bundle


def _held_in_manifest(ranker: BoostedRanker | StatedRanker) -> dict[str, Any]:
    held: dict[str, Any] = {"features": list(ranker.names), "weights": list(ranker.weights)}
    return held | ({"kind": STATED_KIND} if isinstance(ranker, StatedRanker) else {})


def _read_ranker(
    held: Mapping[str, Any], files: Mapping[str, bytes], which: str
) -> BoostedRanker | StatedRanker:
    names, weights = tuple(held["features"]), tuple(held["weights"])
    kind = held.get("kind")
    if kind == STATED_KIND:
        return StatedRanker(names, weights)
    if kind is not None:
        raise DataError(f"ranker {which} is of the unknown kind {kind!r}; known: {STATED_KIND!r}")
    return BoostedRanker(names, _ranker_texts(files, which), weights)


def _learnt(
    rankers: Mapping[str, BoostedRanker | StatedRanker], which: str
) -> BoostedRanker | None:
    ranker = rankers.get(which)
    if isinstance(ranker, StatedRanker):
        raise DataError(f"ranker {which} is a stated rule; only `hire` can be one")
    return ranker


def _ranker_texts(files: Mapping[str, bytes], which: str) -> tuple[str, ...]:
    names = sorted(name for name in files if name.startswith(f"{which}/"))
    if not names:
        raise KeyError(f"{which}/0000.txt")
    return tuple(files[name].decode() for name in names)
