"""What is taken away from the model, one row of the table each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from matcher.errors import DataError
from matcher.evaluation.comparison import MODEL
from matcher.features.activity import RESONANCE
from matcher.features.pair_features import FAMILIES, FEATURES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matcher.config import Settings

__all__ = [
    "ACCOUNT_COLUMNS",
    "FAMILY_COLUMNS",
    "PERMUTED",
    "SOURCES",
    "VECTOR_COLUMNS",
    "Source",
    "Variant",
    "list_variants",
]

Source = Literal["market", "tfidf", "random", "strict"]
SOURCES: Final[tuple[Source, ...]] = ("market", "tfidf", "random", "strict")
"""What features are computed from: the market as it is, TF-IDF or random vectors in place of the
encoder's, or the market without undated columns."""

FAMILY_COLUMNS: Final[dict[str, frozenset[str]]] = {
    **{family.name: frozenset(spec.name for spec in family.specs) for family in FAMILIES},
    "resonance": frozenset(spec.name for spec in RESONANCE),
}
"""Columns of each family, in the order of the matrix."""

_ALL: Final = frozenset(spec.name for spec in FEATURES)
VECTOR_COLUMNS: Final = frozenset(
    name
    for family, names in FAMILY_COLUMNS.items()
    for name in names
    if family in ("content", "sponsored_content", "bio", "affinity") or "like_brief" in name
)
"""Columns that rest on vectors of the encoder."""
ACCOUNT_COLUMNS: Final = frozenset(
    name
    for family in ("reach", "follower_quality", "conduct", "resonance")
    for name in FAMILY_COLUMNS[family] - {"rival_contacts"}
) | {
    "hires_all",
    "hires_recent",
    "person_hires_all",
    "sponsored_any",
    "sponsored_brands",
    "mentions_any",
    "mentions_brands",
    "like_hired_all",
}
"""Columns that are the same whatever the brief asks for and whosever it is."""

PERMUTED: Final = "permuted labels"
"""Row of the control that learns from shuffled labels; it is fitted by the control's own code."""


@dataclass(frozen=True)
class Variant:
    """The model with some columns, computed from something.

    Parameters
    ----------
    name : str
        Name of its row.
    about : str
        What it is, in a sentence; empty for the rows of families.
    uses : frozenset of str
        Columns that it may learn from.
    source : {"market", "tfidf", "random", "strict"}
        What the columns are computed from.
    family : str
        Family that it leaves out, adds or has alone; empty for others.

    Raises
    ------
    DataError
        If there is no such source, or a column is no feature.
    """

    name: str
    about: str
    uses: frozenset[str]
    source: Source = "market"
    family: str = ""

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            raise DataError(
                f"variant {self.name!r}: got source {self.source!r}; expected one of {SOURCES}"
            )
        if unknown := sorted(self.uses - _ALL):
            raise DataError(
                f"variant {self.name!r}: {len(unknown)} columns are no feature ({unknown[:5]}); "
                "expected names of `FEATURES`"
            )

    def names(self, used: Sequence[str]) -> tuple[str, ...]:
        """Columns that it learns from, of those that can tell candidates apart.

        Parameters
        ----------
        used : sequence of str
            Columns that take two values.

        Returns
        -------
        tuple of str
            In the same order; may be empty.
        """
        return tuple(name for name in used if name in self.uses)


def list_variants(settings: Settings, *, with_strict: bool) -> tuple[Variant, ...]:
    """All variants of the model that is trained with some settings, that model first.

    Parameters
    ----------
    settings : Settings
        ``ranker.leave_out`` names families that the model does without.
    with_strict : bool
        Whether undated columns are in use, so that leaving them out can change anything.

    Returns
    -------
    tuple of Variant
        The model; each of its families left out, then alone; each family that it does without
        added, then alone; the brief left out; other vectors; undated columns left out.
    """
    without = settings.ranker.leave_out
    held = {family: names for family, names in FAMILY_COLUMNS.items() if family not in without}
    whole = frozenset().union(*held.values())
    variants = [Variant(MODEL, "all that the model learns from", whole)]
    variants += [
        Variant(f"without {family}", "", whole - names, family=family)
        for family, names in held.items()
    ]
    variants += [Variant(f"{name} alone", "", names, family=name) for name, names in held.items()]
    for family in [name for name in FAMILY_COLUMNS if name in without]:
        names = FAMILY_COLUMNS[family]
        about = f"the model with `{family}`, which the settings leave out (`ranker.leave_out`)"
        variants.append(Variant(f"with {family}", about, whole | names, family=family))
        variants.append(Variant(f"{family} alone", "", names, family=family))
    variants += [
        Variant(
            "without the brief",
            f"the {len(ACCOUNT_COLUMNS & whole)} columns alone that are the same whatever the "
            "brief asks for and whosever it is: who is hired and engaged anyway",
            whole & ACCOUNT_COLUMNS,
        ),
        Variant(
            "without vectors",
            f"without the {len(VECTOR_COLUMNS & whole)} columns that rest on vectors of the "
            "encoder; likeness of words stays (`lexical`)",
            whole - VECTOR_COLUMNS,
        ),
        Variant(
            "TF-IDF vectors",
            "the same columns computed from TF-IDF vectors in place of the encoder's",
            whole,
            "tfidf",
        ),
        Variant(
            "random vectors",
            "the same columns computed from random vectors: a text is like itself alone",
            whole,
            "random",
        ),
        Variant(
            "content alone, random vectors",
            "`content alone` with random vectors: what counting posts gives away",
            FAMILY_COLUMNS["content"],
            "random",
        ),
    ]
    if with_strict:
        variants.append(
            Variant(
                "strict time",
                "without undated columns of influencers, accounts and brands (`--strict-time`); "
                "the same candidates, and each brief as its campaign states it",
                whole,
                "strict",
            )
        )
    return tuple(variants)
