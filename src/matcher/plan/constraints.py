"""What a plan has to keep to, as a file states it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, model_validator

from matcher.columns import FORMATS, PLATFORMS
from matcher.config import CheckedModel, parse_model, read_mapping
from matcher.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "DIMENSIONS",
    "Bounds",
    "Constraints",
    "Earlier",
    "Packages",
    "Range",
    "ReachSettings",
    "read_constraints",
]

DIMENSIONS: Final = ("tier", "platform", "category", "language", "country", "city", "gender")
"""What accounts are grouped by; a creator's gender only as declared."""


def _words(value: Any) -> Any:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value


_Words = Annotated[tuple[str, ...], BeforeValidator(_words)]


class Range(CheckedModel):
    """Least and greatest number of accounts."""

    min: int | None = Field(None, ge=0)
    """At least so many accounts."""
    max: int | None = Field(None, ge=0)
    """At most so many accounts."""

    @model_validator(mode="after")
    def _in_order(self) -> Range:
        _check_order(self.min, self.max, "min", "max")
        return self


class Bounds(Range):
    """What a group of accounts is held to."""

    min_share: float | None = Field(None, ge=0, le=1)
    """Share of what is spent that goes to the group at least."""
    max_share: float | None = Field(None, ge=0, le=1)
    """Share of what is spent that goes to the group at most."""
    min_spend: float | None = Field(None, ge=0, allow_inf_nan=False)
    """Money that goes to the group at least, in the plan's currency."""
    max_spend: float | None = Field(None, ge=0, allow_inf_nan=False)
    """Money that goes to the group at most, in the plan's currency."""

    @model_validator(mode="after")
    def _shares_in_order(self) -> Bounds:
        _check_order(self.min_share, self.max_share, "min_share", "max_share")
        _check_order(self.min_spend, self.max_spend, "min_spend", "max_spend")
        return self


def _check_order(low: float | None, high: float | None, *names: str) -> None:
    if low is not None and high is not None and low > high:
        raise ValueError(
            f"`{names[0]}` {low:g} is above `{names[1]}` {high:g}; swap or loosen them"
        )


class Packages(CheckedModel):
    """What may be bought of an account."""

    formats: _Words = ()
    """Formats; those of the brief when empty."""
    n_posts: tuple[Annotated[int, Field(ge=1, le=1000)], ...] = ()
    """Numbers of posts that a package may have; that of the brief, else 1, 2 or 3, when empty."""

    @model_validator(mode="after")
    def _known_formats(self) -> Packages:
        _check_words(self.formats, FORMATS)
        if len(set(self.n_posts)) < len(self.n_posts):
            raise ValueError(f"`n_posts` names a number twice: {list(self.n_posts)}")
        return self


class Earlier(CheckedModel):
    """An earlier plan from which this one may not stray far."""

    plan: str = Field(min_length=1)
    """File of ``matcher plan --out``; a path is taken from the folder of the constraints."""
    max_changes: int = Field(ge=0)
    """Accounts of the earlier plan that may be left out, and accounts that may be new, at most so
    many of each; one that cannot be hired any more counts as left out."""


class ReachSettings(CheckedModel):
    """What the people of an audience are taken to be where no panel tells."""

    people: dict[str, float] = Field(default_factory=dict)
    """People on social media by country (``other``: the rest of the world)."""
    users: dict[str, dict[str, float]] = Field(default_factory=dict)
    """Of them those on a platform, by platform and country."""
    evenness: float | None = Field(None, gt=0)
    """Shape of the activity inside a cell: small where few people see most of what is posted."""

    @model_validator(mode="after")
    def _known_platforms(self) -> ReachSettings:
        _check_words(tuple(self.users), PLATFORMS)
        counts = [
            *self.people.values(),
            *(n for held in self.users.values() for n in held.values()),
        ]
        if any(not 0 < n < 1e11 for n in counts):
            raise ValueError("`people` and `users` count people; expected numbers above 0")
        return self


def _check_words(given: tuple[str, ...], known: tuple[str, ...]) -> None:
    import difflib

    for word in given:
        if word not in known:
            near = difflib.get_close_matches(word, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(known)}"
            raise ValueError(f"{word!r} is unknown; {hint}")


_Groups = dict[str, Bounds]


class Constraints(CheckedModel):
    """What a plan has to keep to beside its brief.

    Money is in the plan's currency. Groups are named by their values, such as ``tier: {micro:
    {min: 2}}``; an account may be in several groups of a dimension, such as those of its languages.
    """

    version: Literal[1] = 1
    """Version of this form."""
    budget: float | None = Field(None, gt=0, allow_inf_nan=False)
    """Greatest sum of fees."""
    currency: str | None = Field(None, pattern=r"^[A-Z]{3}$")
    """ISO 4217."""
    number: Range = Range()
    """Accounts to hire; the brief's number at most when nothing is said."""
    must_have: _Words = ()
    """Accounts that are hired, beside those of the brief."""
    never: _Words = ()
    """Accounts that are not hired, beside those of the brief."""
    at_most_one_of: tuple[_Words, ...] = ()
    """Lists of accounts of which one at most is hired, such as rivals of each other."""
    rivals: _Words = ()
    """Brands that count as rivals, beside those of the brief and the market."""
    rival_days: float | None = Field(None, ge=0)
    """Days before the decision in which work for a rival rules an account out; 90 when None."""
    tier: _Groups = Field(default_factory=dict)
    """By follower tier."""
    platform: _Groups = Field(default_factory=dict)
    """By platform."""
    category: _Groups = Field(default_factory=dict)
    """By category; one of a wider category counts for it too."""
    language: _Groups = Field(default_factory=dict)
    """By language, such as ``vi``."""
    country: _Groups = Field(default_factory=dict)
    """By home country."""
    city: _Groups = Field(default_factory=dict)
    """By home city."""
    gender: _Groups = Field(default_factory=dict)
    """By gender as declared."""
    packages: Packages = Packages()
    """What may be bought of an account."""
    fee_level: float = Field(0.7, ge=0.5, le=0.9)
    """Quantile of an estimated fee that is set aside: .5 for its middle, .9 for the upper end of
    its range of 8 in 10. Fees that are estimated too low are chosen more often, so that plans with
    the middle cost more than their budget (docs/plans.md)."""
    earlier: Earlier | None = None
    """Earlier plan to stay close to."""
    reach: ReachSettings = ReachSettings()
    """How people are counted who are reached."""

    @model_validator(mode="after")
    def _consistent(self) -> Constraints:
        both = sorted(set(self.must_have) & set(self.never))
        if both:
            raise ValueError(f"accounts {both[:5]} stand in both `must_have` and `never`")
        _check_words(tuple(self.platform), PLATFORMS)
        return self


def read_constraints(path: Path | str) -> Constraints:
    """Constraints of a YAML or JSON file.

    Parameters
    ----------
    path : pathlib.Path or str
        File in UTF-8.

    Returns
    -------
    Constraints
        Checked.

    Raises
    ------
    ConfigError
        If the file cannot be read, or naming every unknown key, with the nearest known one, and
        every bad value.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("c.yaml").write_text("tier: {micro: {min: 2, max_share: .6}}")
    >>> read_constraints("c.yaml").tier["micro"].min
    2
    """
    from pathlib import Path

    found = parse_model(Constraints, read_mapping(path), where=str(path))
    if found.earlier is None:
        return found
    place = Path(path).parent / found.earlier.plan
    if not place.is_file():
        raise ConfigError(f"{path}: `earlier.plan`: {place} is no file; expected an earlier plan")
    earlier = found.earlier.model_copy(update={"plan": str(place)})
    return found.model_copy(update={"earlier": earlier})
