"""Sentence encoders: built in and trained on the market, or any published one.

Torch is imported inside functions only.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.config import EncoderSettings
from matcher.errors import EncoderError
from matcher.text.folder import digest_files, find_model_folder, read_folder, write_files
from matcher.text.identity import EncoderIdentity, Role
from matcher.text.model import (
    FILE_FORMAT,
    IDENTITY_FILE,
    Encoder,
    checked_text,
    random_encoder,
)
from matcher.text.normalise import MAX_CHARS, encoder_text, normalise_text, split_caption
from matcher.text.pieces import PieceIndex, build_tokenizer, piece_counts, piece_text
from matcher.text.registry import find_known_encoder
from matcher.text.static import PieceTexts, StaticRecipe, fit_piece_vectors
from matcher.text.transformer import open_transformer, sentence_transformers, static_embedding
from matcher.text.tuned import read_tuning

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    _Vectors = NDArray[np.float16]

__all__ = [
    "Encoder",
    "EncoderIdentity",
    "Role",
    "encoder_from_files",
    "fit_builtin_encoder",
    "load_encoder",
    "random_encoder",
    "read_encoder",
]

_BATCH: Final = 64


@dataclass(frozen=True)
class _SentenceModel:
    """Any SentenceTransformer."""

    transformer: Any

    def prepare(self, text: str) -> str:
        return normalise_text(text[:MAX_CHARS])

    def vectors(self, texts: list[str], prompt: str) -> NDArray[np.float32]:
        found = self.transformer.encode(
            texts,
            prompt=prompt or None,
            batch_size=_BATCH,
            show_progress_bar=False,
            convert_to_numpy=True,
        )
        return np.asarray(found, dtype=np.float32)

    def files(self) -> dict[str, bytes]:
        return {}


@dataclass(frozen=True)
class _StaticModel:
    """The built-in SentenceTransformer; gives the bits of its `encode` in less time."""

    transformer: Any
    content: Mapping[str, bytes]
    index: PieceIndex

    def prepare(self, text: str) -> str:
        return piece_text(encoder_text(text))

    def vectors(self, texts: list[str], prompt: str) -> NDArray[np.float32]:
        import torch

        if prompt:
            texts = [f"{prompt} {text}" for text in texts]
        pieces, starts = self.index.find(texts)
        bag = self.transformer[0].embedding
        with torch.inference_mode():
            means = bag(torch.from_numpy(pieces), torch.from_numpy(starts[:-1]))
        return np.asarray(means.numpy(), dtype=np.float32)

    def files(self) -> dict[str, bytes]:
        return dict(self.content)


def fit_builtin_encoder(
    texts: Sequence[str],
    accounts: Sequence[str],
    *,
    pairs: Sequence[tuple[str, str]] = (),
    settings: EncoderSettings,
    trained_until: pd.Timestamp | None,
    published_at: ArrayLike | None = None,
) -> Encoder:
    """Static sentence encoder trained on a market's own texts, without any download.

    Parameters
    ----------
    texts : sequence of str, length n_texts
        Posts (and bios), all known before `trained_until`.
    accounts : sequence of str, length n_texts
        Account of each text; two texts of one account are taken as alike.
    pairs : sequence of (str, str)
        A brief, and earlier content of an account hired for it; all known before `trained_until`.
    settings : EncoderSettings
        `dim`, `epochs`, `max_texts` and `seed` are used.
    trained_until : pandas.Timestamp or None
        Instant that the encoder carries.
    published_at : array-like of datetime64, length n_texts, optional
        Where there are more than `max_texts` texts, the newest are used; without instants a
        sample drawn by the seed.

    Returns
    -------
    Encoder
        The same for the same input and seed, whatever the number of cores. Vietnamese and English
        are aligned only so far as the market mixes them: `is_aligned` is False.

    Raises
    ------
    EncoderError
        If no text holds a word, or lengths differ.

    Notes
    -----
    Fifty thousand captions take about ten seconds on one core.
    """
    if len(texts) != len(accounts):
        raise EncoderError(
            f"builtin encoder: {len(texts)} texts but {len(accounts)} accounts; expected one each"
        )
    chosen = _choose_rows(len(texts), published_at, settings)
    captions = [split_caption(checked_text(texts[row])) for row in chosen]
    words = [piece_text(words) for words, _ in captions]
    tags = [piece_text(tags) for _, tags in captions]
    briefs = list(dict.fromkeys(brief for brief, _ in pairs))
    brief_texts = [piece_text(encoder_text(checked_text(brief))) for brief in briefs]
    contents = [piece_text(encoder_text(checked_text(content))) for _, content in pairs]
    tokenizer = build_tokenizer([*words, *tags, *brief_texts])
    place = {brief: row for row, brief in enumerate(briefs)}
    names = np.asarray(accounts, dtype=object)[chosen].astype(str)
    pieces = PieceTexts(
        words=piece_counts(tokenizer, words),
        tags=piece_counts(tokenizer, tags),
        accounts=np.unique(names, return_inverse=True)[1],
        briefs=piece_counts(tokenizer, brief_texts),
        contents=piece_counts(tokenizer, contents),
        brief_of_pair=np.array([place[brief] for brief, _ in pairs], dtype=np.int64),
    )
    if pieces.posts.nnz == 0:
        raise EncoderError(
            f"builtin encoder: none of {len(texts)} texts holds a word, so there is nothing to "
            "learn from; give posts with text before the cut, or name a published encoder with "
            "`--encoder HUB_ID|PATH`"
        )
    recipe = StaticRecipe(dim=settings.dim, epochs=settings.epochs, seed=settings.seed)
    vectors = fit_piece_vectors(pieces, recipe)
    content = _static_files(tokenizer, vectors)
    identity = EncoderIdentity(
        name="builtin",
        revision=None,
        dim=settings.dim,
        prompts={},
        is_aligned=False,
        trained_until=trained_until,
        digest=digest_files(content),
    )
    return Encoder(identity, _load_static(content))


def _choose_rows(
    n_texts: int, published_at: ArrayLike | None, settings: EncoderSettings
) -> NDArray[np.int64]:
    if n_texts <= settings.max_texts:
        return np.arange(n_texts)
    if published_at is None:
        order = np.random.default_rng(settings.seed).permutation(n_texts)
    else:
        instants = pd.DatetimeIndex(pd.to_datetime(np.asarray(published_at), utc=True))
        order = np.argsort(-instants.as_unit("us").asi8, kind="stable")
    return np.sort(order[: settings.max_texts])


def _static_files(tokenizer: Any, vectors: NDArray[np.float32]) -> dict[str, bytes]:
    library = sentence_transformers(is_offline=False)
    model = library.SentenceTransformer(
        modules=[static_embedding(library)(tokenizer, embedding_weights=vectors)],
        device="cpu",
    )
    with tempfile.TemporaryDirectory(prefix="matcher-encoder-") as folder:
        model.save(folder, create_model_card=False)
        return read_folder(Path(folder))


def _load_static(content: Mapping[str, bytes]) -> _StaticModel:
    with tempfile.TemporaryDirectory(prefix="matcher-encoder-") as folder:
        write_files(Path(folder), content)
        transformer = open_transformer(Path(folder), device="cpu", is_offline=False)
    return _StaticModel(transformer, dict(content), PieceIndex(transformer[0].tokenizer))


def load_encoder(settings: EncoderSettings, *, local_files_only: bool = True) -> Encoder:
    """Published encoder, by hub id or local path.

    Parameters
    ----------
    settings : EncoderSettings
        `name` and `revision` are used.
    local_files_only : bool, default True
        Use only what lies on this machine; otherwise fetch what is missing from the hub.

    Returns
    -------
    Encoder
        With the prompts of `matcher.text.registry`, or for a model unknown there those of its own
        configuration, and then taken as not aligned across languages. One that was tuned on a
        market has those of the model that it was tuned from, and its `trained_until`.

    Raises
    ------
    EncoderError
        If the model is ``builtin``, is not there, has no safetensors weights, cannot be loaded,
        belongs to a model, or was altered since it was tuned.
    """
    if settings.name == "builtin":
        raise EncoderError(
            "encoder 'builtin': is fitted on a market and not loaded; call `fit_builtin_encoder`"
        )
    folder, revision = find_model_folder(
        settings.name, settings.revision, local_files_only=local_files_only
    )
    if (folder / IDENTITY_FILE).is_file():
        # Loaded as a stranger it would not know until when it was trained.
        raise EncoderError(
            f"encoder {settings.name!r}: is the encoder of a model, fitted on its market; use the "
            "model, or name an encoder that stands for itself"
        )
    tuning = read_tuning(folder)
    transformer = open_transformer(folder, device=None, is_offline=local_files_only)
    known = find_known_encoder(settings.name)
    is_aligned = known is not None and known.is_aligned
    if tuning is not None:
        prompts, is_aligned = dict(tuning.prompts), tuning.is_aligned
    elif known is None:
        own = dict(transformer.prompts or {})
        prompts = {
            "brief": own.get("query") or "",
            "content": own.get("document") or own.get("passage") or "",
        }
    else:
        prompts = {"brief": known.brief_prompt, "content": known.content_prompt}
    transformer.default_prompt_name = None
    identity = EncoderIdentity(
        name=settings.name,
        revision=revision,
        dim=len(np.asarray(transformer.encode("a", show_progress_bar=False))),
        prompts=prompts,
        is_aligned=is_aligned,
        trained_until=None if tuning is None else tuning.trained_until,
        digest=digest_files(folder),
    )
    return Encoder(identity, _SentenceModel(transformer))


def read_encoder(folder: Path) -> Encoder:
    """Encoder that `Encoder.write` wrote.

    Parameters
    ----------
    folder : pathlib.Path
        Folder with ``matcher_encoder.json``.

    Returns
    -------
    Encoder
        Of the same identity.

    Raises
    ------
    EncoderError
        If the folder holds no encoder, or one that was altered.
    """
    if not (folder / IDENTITY_FILE).is_file():
        raise EncoderError(
            f"{folder}: holds no {IDENTITY_FILE}; expected a folder that `Encoder.write` wrote"
        )
    return encoder_from_files(read_folder(folder), where=str(folder))


def encoder_from_files(content: Mapping[str, bytes], *, where: str = "encoder files") -> Encoder:
    """Encoder from the content of its files.

    Parameters
    ----------
    content : mapping of str to bytes
        As `Encoder.files` returns it.
    where : str
        Place that messages name.

    Returns
    -------
    Encoder
        Of the same identity. One that is not built in is loaded from where it came from.

    Raises
    ------
    EncoderError
        If a file is missing or altered, or the named model is not on this machine or differs.
    """
    identity = _read_identity(content, where)
    if identity.name.startswith("random:"):
        _, dim, seed = identity.name.split(":")
        return random_encoder(int(dim), int(seed))
    if identity.name != "builtin":
        found = load_encoder(EncoderSettings(name=identity.name, revision=identity.revision))
        _require_digest(identity, found.identity.digest, where)
        return Encoder(identity, found.model)
    model_files = {name: data for name, data in content.items() if name != IDENTITY_FILE}
    _require_digest(identity, digest_files(model_files), where)
    return Encoder(identity, _load_static(model_files))


def _read_identity(content: Mapping[str, bytes], where: str) -> EncoderIdentity:
    try:
        values = json.loads(content[IDENTITY_FILE])
    except (KeyError, ValueError) as error:
        raise EncoderError(f"{where}: {IDENTITY_FILE} cannot be read: {error!r}") from error
    if not isinstance(values, dict) or values.get("format") != FILE_FORMAT:
        raise EncoderError(
            f"{where}: {IDENTITY_FILE} has another format than {FILE_FORMAT}; write the encoder "
            "again with this release"
        )
    return EncoderIdentity.from_dict(values)


def _require_digest(identity: EncoderIdentity, found: str, where: str) -> None:
    if found != identity.digest:
        raise EncoderError(
            f"{where}: encoder {identity.name!r} has digest {found[:12]}; expected "
            f"{identity.digest[:12]}: its files were altered or replaced; fetch or fit it again"
        )
