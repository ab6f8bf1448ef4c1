"""What is known of published sentence encoders: prompts by role, and languages they align."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["KNOWN_ENCODERS", "KnownEncoder", "find_known_encoder"]

_INSTRUCTION: Final = (
    "Instruct: Given a brand's campaign brief, retrieve social media posts and profiles that "
    "fit it\nQuery: "
)


@dataclass(frozen=True)
class KnownEncoder:
    """A family of encoders that share prompts.

    Parameters
    ----------
    pattern : str
        Part of the id or folder name, in lower case.
    brief_prompt, content_prompt : str
        Put before a brief and before a post, bio or other content.
    is_aligned : bool
        Whether Vietnamese and English texts of one meaning get near vectors.
    licence : str
        Licence that the family's publisher states; empty where it is not known here.
    """

    pattern: str
    brief_prompt: str = ""
    content_prompt: str = ""
    is_aligned: bool = True
    licence: str = ""


KNOWN_ENCODERS: Final = (
    KnownEncoder("multilingual-e5-large-instruct", brief_prompt=_INSTRUCTION, licence="MIT"),
    KnownEncoder("multilingual-e5", "query: ", "passage: ", licence="MIT"),
    KnownEncoder("halong_embedding"),
    KnownEncoder("e5-small", "query: ", "passage: ", is_aligned=False),
    KnownEncoder("e5-base", "query: ", "passage: ", is_aligned=False),
    KnownEncoder("e5-large", "query: ", "passage: ", is_aligned=False),
    KnownEncoder(
        "embeddinggemma",
        "task: search result | query: ",
        "title: none | text: ",
        licence="Gemma Terms of Use",
    ),
    KnownEncoder("qwen3-embedding", brief_prompt=_INSTRUCTION, licence="Apache-2.0"),
    KnownEncoder("bekko-embedding"),
    KnownEncoder("bge-m3", licence="MIT"),
    KnownEncoder("gte-multilingual", licence="Apache-2.0"),
    KnownEncoder("labse", licence="Apache-2.0"),
    KnownEncoder("paraphrase-multilingual", licence="Apache-2.0"),
    KnownEncoder("distiluse-base-multilingual"),
    KnownEncoder("vietnamese_embedding"),
    KnownEncoder("vietnamese-bi-encoder", is_aligned=False),
    KnownEncoder("potion-multilingual", is_aligned=False),
    KnownEncoder("static-similarity-mrl-multilingual", is_aligned=False),
    KnownEncoder("all-minilm", is_aligned=False, licence="Apache-2.0"),
    KnownEncoder("all-mpnet", is_aligned=False, licence="Apache-2.0"),
)
"""First match wins; prompts are those of the models' cards."""


def find_known_encoder(name: str) -> KnownEncoder | None:
    """Entry for a hub id or a path.

    Parameters
    ----------
    name : str
        Hub id, or path whose last parts carry the model's name.

    Returns
    -------
    KnownEncoder or None
        First entry whose pattern occurs in the name; None for an unknown model.

    Examples
    --------
    >>> find_known_encoder("intfloat/multilingual-e5-small").content_prompt
    'passage: '
    """
    lowered = name.lower()
    for entry in KNOWN_ENCODERS:
        if entry.pattern in lowered:
            return entry
    return None
