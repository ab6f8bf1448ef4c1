"""A scenario: a named, versioned list of typed edits, and its digest."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, model_validator

from matcher.arguments import to_path
from matcher.config import CheckedModel, parse_model, read_mapping
from matcher.errors import ConfigError
from matcher.whatif.edits import (
    EDITS,
    BriefEdit,
    Edit,
    InfluencerEdit,
    MarketEdit,
    NewAccount,
)

__all__ = [
    "BASELINE",
    "VERSION",
    "Scenario",
    "join_scenarios",
    "parse_scenario",
    "read_scenario",
]

VERSION: Final = 1
"""Version of the form of scenario files."""


class Scenario(CheckedModel):
    """Edits that are made together.

    Edits of different things may stand in any order; two that say different things of the same
    one contradict each other and are refused.
    """

    version: Literal[1] = 1
    name: str = Field(min_length=1, max_length=200)
    edits: tuple[BriefEdit | InfluencerEdit | MarketEdit, ...] = ()

    @model_validator(mode="after")
    def _no_contradiction(self) -> Scenario:
        seen: dict[tuple[str, ...], Any] = {}
        for key, value in (item for edit in self.edits for item in _statements(edit)):
            if key in seen and seen[key] != value:
                raise ValueError(
                    f"edits contradict each other on `{'.'.join(key)}`: {seen[key]!r} and "
                    f"{value!r}; keep one of them"
                )
            seen[key] = value
        _check_opposites(seen)
        return self

    @property
    def digest(self) -> str:
        """First 12 hexadecimal digits of a SHA-256 over what the edits say, in whatever order."""
        said = sorted(
            json.dumps([key, value], default=_plain, sort_keys=True, ensure_ascii=False)
            for edit in self.edits
            for key, value in _statements(edit)
        )
        return hashlib.sha256(json.dumps([self.version, *said]).encode()).hexdigest()[:12]

    @property
    def brief_changes(self) -> dict[str, Any]:
        """New values of the brief's terms, by field."""
        found: dict[str, Any] = {}
        for edit in self.edits:
            if isinstance(edit, BriefEdit):
                found |= edit.changes
        return dict(sorted(found.items()))

    @property
    def influencers(self) -> tuple[InfluencerEdit, ...]:
        """One edit per account, by account."""
        found: dict[str, dict[str, Any]] = {}
        for edit in self.edits:
            if isinstance(edit, InfluencerEdit):
                held = found.setdefault(edit.account_id, {})
                given = {name: getattr(edit, name) for name in sorted(edit.model_fields_set)}
                audience = {**(held.get("audience") or {}), **(given.get("audience") or {})}
                held |= given | ({"audience": audience} if audience else {})
        return tuple(InfluencerEdit(**found[name]) for name in sorted(found))

    @property
    def markets(self) -> tuple[MarketEdit, ...]:
        """Edits of the market, by content."""
        held = [edit for edit in self.edits if isinstance(edit, MarketEdit)]
        return tuple(sorted(held, key=lambda edit: edit.model_dump_json()))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as a scenario file holds them.

        Returns
        -------
        dict
            What `parse_scenario` reads.
        """
        edits = [
            {"kind": edit.kind, **edit.model_dump(mode="json", exclude_unset=True)}
            for edit in self.edits
        ]
        return {"version": self.version, "name": self.name, "edits": edits}


def _statements(edit: Edit) -> list[tuple[tuple[str, ...], Any]]:
    """What an edit says, by what it says it of."""
    if isinstance(edit, BriefEdit):
        return [(("brief", name), value) for name, value in edit.changes.items()]
    found: list[tuple[tuple[str, ...], Any]] = []
    if isinstance(edit, InfluencerEdit):
        where = ("influencer", edit.account_id)
        for name in sorted(edit.model_fields_set - {"kind", "account_id", "currency"}):
            value = getattr(edit, name)
            if name in ("price", "price_factor"):
                found.append(((*where, "price"), (name, value, edit.currency)))
            elif name == "audience":
                found += [
                    ((*where, name, what), dict(held)) for what, held in (value or {}).items()
                ]
            else:
                found.append(((*where, name), value))
        return found
    for name, factor in (edit.platform_reach or {}).items():
        found.append((("market", "platform_reach", name), (factor, edit.as_if_always)))
    for account in edit.unavailable or ():
        found.append((("market", "unavailable", account), True))
    for account in edit.hired_by_rival or ():
        found.append((("market", "hired_by_rival", account), True))
    for joining in edit.new_accounts or ():
        found.append((("market", "new_accounts", joining.account_id), joining))
    return found


def _plain(value: Any) -> Any:
    """Values that JSON does not know: those of new accounts, and days."""
    return value.model_dump(mode="json") if isinstance(value, NewAccount) else str(value)


def _check_opposites(seen: Mapping[tuple[str, ...], Any]) -> None:
    """Refuse an account that the same scenario both demands and takes away."""
    wanted = set(seen.get(("brief", "must_have"), ()))
    gone = {key[2] for key in seen if key[:2] in (("market", "unavailable"),
                                                  ("market", "hired_by_rival"))}  # fmt: skip
    gone |= set(seen.get(("brief", "never"), ()))
    both = sorted(wanted & gone)
    if both:
        raise ValueError(
            f"{len(both)} account(s) are in `must_have` and taken away by the same scenario: "
            f"{both[:5]}; keep one of the two"
        )


def read_scenario(path: Path | str) -> Scenario:
    """Scenario that a YAML or JSON file holds.

    Parameters
    ----------
    path : pathlib.Path or str
        File in UTF-8 with ``version``, ``edits`` and perhaps ``name``, else the file's name.

    Returns
    -------
    Scenario
        The checked scenario.

    Raises
    ------
    ConfigError
        If the file cannot be read, is of another version, or naming every unknown field with the
        nearest known one, every bad value, and edits that contradict each other.
    """
    path = to_path(path, where="read_scenario: path")
    values = read_mapping(path)
    return parse_scenario({"name": path.stem, **values}, where=str(path))


def parse_scenario(values: Mapping[str, Any], *, where: str) -> Scenario:
    """Scenario of raw values.

    Parameters
    ----------
    values : mapping
        ``version``, ``name``, ``edits``.
    where : str
        File or place that messages name.

    Returns
    -------
    Scenario
        The checked scenario.

    Raises
    ------
    ConfigError
        As `read_scenario`.
    """
    version = values.get("version")
    if version != VERSION:
        raise ConfigError(
            f"{where}: got version {version!r}; expected `version: {VERSION}`, the form of "
            "scenario files that this release reads"
        )
    raw = values.get("edits", ())
    if not isinstance(raw, list | tuple):
        raise ConfigError(f"{where}: `edits` holds a {type(raw).__name__}; expected a list")
    edits = tuple(_parse_edit(one, f"{where}: edit {n}") for n, one in enumerate(raw, start=1))
    return parse_model(Scenario, {**values, "edits": edits}, where=where)


def join_scenarios(scenarios: Sequence[Scenario]) -> Scenario:
    """One scenario with the edits of several.

    Parameters
    ----------
    scenarios : sequence of Scenario
        At least one.

    Returns
    -------
    Scenario
        Named after all of them.

    Raises
    ------
    ConfigError
        If they contradict each other.
    """
    content = {
        "version": VERSION,
        "name": " + ".join(one.name for one in scenarios)[:200],
        "edits": tuple(edit for one in scenarios for edit in one.edits),
    }
    return parse_model(Scenario, content, where="scenarios together")


def _parse_edit(raw: Any, where: str) -> Edit:
    if not isinstance(raw, Mapping):
        raise ConfigError(f"{where}: holds a {type(raw).__name__}; expected keys and values")
    kind = str(raw.get("kind"))
    if kind not in EDITS:
        near = difflib.get_close_matches(kind, list(EDITS), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(EDITS)}"
        raise ConfigError(f"{where}: got kind {raw.get('kind')!r}; {hint}")
    values = {str(key): one for key, one in raw.items()}
    joining = values.get("new_accounts")
    if isinstance(joining, list | tuple):
        # Read one by one, so that a message names the field that it means.
        values["new_accounts"] = tuple(
            parse_model(NewAccount, dict(one), where=f"{where}: new account {n}")
            if isinstance(one, Mapping)
            else one
            for n, one in enumerate(joining, start=1)
        )
    return parse_model(EDITS[kind], values, where=where)


BASELINE: Final = Scenario(name="baseline")
"""Things as they are."""
