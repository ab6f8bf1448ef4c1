"""Versions of a model in MLflow's registry, which of them is the champion, and how it came to be.

The champion and the challenger are aliases. Every change of champion is an event in a tag of the
registered model, so that a rollback reads what was, and guesses nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal

from matcher.errors import TrackingError
from matcher.tracking.names import CHALLENGER, CHAMPION, EVENT_TAG, REGISTERED_MODEL

__all__ = ["Event", "Registered", "Registry", "check_name", "pick_version"]

Action = Literal["first", "promoted", "forced", "rolled back"]

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]{0,100}")
_ADDRESS: Final = re.compile(r"(?:models:/)?(?:(?P<name>[^/:@]+)[/@])?(?P<ref>[^/:@]+)")


@dataclass(frozen=True)
class Event:
    """One change of champion.

    Parameters
    ----------
    at : str
        When, ISO 8601 in UTC.
    action : {"first", "promoted", "forced", "rolled back"}
        What was done: the first version of all, after a comparison, against or without one, or
        back to the champion before.
    version : int
        Champion from then on.
    previous : int or None
        Champion until then.
    reason : str
        What the person gave as the reason; empty for none.
    refusal : str
        What the comparison had against it, where it was forced.
    run_id : str or None
        Run that holds the campaigns and the figures of the comparison.
    """

    at: str
    action: Action
    version: int
    previous: int | None
    reason: str = ""
    refusal: str = ""
    run_id: str | None = None


@dataclass(frozen=True)
class Registered:
    """A version of a registered model.

    Parameters
    ----------
    name : str
        Name of the registered model.
    version : int
        Its number, from 1.
    aliases : tuple of str
        Such as ``champion``.
    created_at : str
        When it was registered, ISO 8601 in UTC.
    run_id : str
        Run that trained it.
    location : str
        Where its files lie.
    tags : mapping of str to str
        Facts of the model: ``model_id, trained_until, market, data_hash, config_hash, encoder``.
    """

    name: str
    version: int
    aliases: tuple[str, ...]
    created_at: str
    run_id: str
    location: str
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Name and number, as rows of lists carry it: ``matcher/3``."""
        return f"{self.name}/{self.version}"

    @property
    def address(self) -> str:
        """Address of it for ``--model`` and MLflow."""
        return f"models:/{self.label}"


def check_name(name: str) -> str:
    """Name of a registered model, refused where MLflow would refuse it or misread an address.

    Parameters
    ----------
    name : str
        Name.

    Returns
    -------
    str
        The name.

    Raises
    ------
    TrackingError
        If it cannot be one.
    """
    if not _NAME.fullmatch(name):
        raise TrackingError(
            f"{name!r} cannot name a registered model; expected letters, digits, blanks and ._-"
        )
    return name


def pick_version(versions: Sequence[Registered], reference: int | str, *, name: str) -> Registered:
    """Version that a reference means.

    Parameters
    ----------
    versions : sequence of Registered
        All versions of a registered model, newest first.
    reference : int or str
        Number, alias, ``latest``, ``matcher/3``, ``models:/matcher/3`` or
        ``models:/matcher@champion``.
    name : str
        Name of the registered model.

    Returns
    -------
    Registered
        The version.

    Raises
    ------
    TrackingError
        If there is none.
    """
    match = _ADDRESS.fullmatch(str(reference))
    if match is None or (match["name"] or name) != name:
        raise TrackingError(
            f"{reference}: expected a version of the registered model {name!r}: its number, "
            f"{CHAMPION}, {CHALLENGER} or {name}/3"
        )
    wanted = match["ref"]
    for one in versions:
        # Versions stand newest first.
        if wanted in ("latest", str(one.version), *one.aliases):
            return one
    if not versions:
        raise TrackingError(
            f"{reference}: no version is registered as {name!r} in this store; `matcher train` "
            "registers one; or give another --tracking-uri"
        )
    have = ", ".join(str(one.version) for one in versions[:5])
    more = " ..." if len(versions) > 5 else ""
    named = ", ".join(sorted(alias for one in versions for alias in one.aliases)) or "none"
    raise TrackingError(
        f"{reference}: the registered model {name!r} has no such version; versions: {have}{more}; "
        f"aliases: {named}"
    )


class Registry:
    """Versions of one registered model.

    Parameters
    ----------
    client : mlflow.MlflowClient
        Client of an open store.
    name : str, default "matcher"
        Name of the registered model.

    Raises
    ------
    TrackingError
        If the name cannot be one.
    """

    def __init__(self, client: Any, name: str = REGISTERED_MODEL) -> None:
        self._client = client
        self.name = check_name(name)

    def register(self, logged: Any, *, tags: Mapping[str, str]) -> Registered:
        """Make a logged model a new version: champion if there is none, else the challenger.

        Where the newest version holds an equal bundle, as after a training that was killed in its
        last step and asked for again, that one is named.

        Parameters
        ----------
        logged : mlflow.entities.LoggedModel
            Model of a run.
        tags : mapping of str to str
            Facts of the model.

        Returns
        -------
        Registered
            The version.
        """
        if not self._client.search_registered_models(f"name = '{self.name}'"):
            self._client.create_registered_model(self.name)
        held = next(iter(self.versions()), None)
        if (
            held is not None
            and "model_id" in tags
            and held.tags.get("model_id") == tags["model_id"]
        ):
            return held
        made = self._client.create_model_version(
            self.name,
            logged.artifact_location,
            run_id=logged.source_run_id,
            model_id=logged.model_id,
            tags=dict(tags),
        )
        number = int(made.version)
        if self.champion is None:
            self._crown(number, Event(_now(), "first", number, None))
        else:
            self._client.set_registered_model_alias(self.name, CHALLENGER, str(number))
        return self.version(number)

    def versions(self) -> tuple[Registered, ...]:
        """All versions.

        Returns
        -------
        tuple of Registered
            Newest first; empty where nothing is registered under the name.
        """
        found: list[Any] = []
        token = None
        while True:
            page = self._client.search_model_versions(f"name = '{self.name}'", page_token=token)
            found += page
            token = page.token
            if not token:
                break
        aliases = self._aliases()
        made = [self._registered(one, aliases) for one in found]
        return tuple(sorted(made, key=lambda one: -one.version))

    def version(self, reference: int | str) -> Registered:
        """One version.

        Parameters
        ----------
        reference : int or str
            As in `pick_version`.

        Returns
        -------
        Registered
            The version.

        Raises
        ------
        TrackingError
            If there is none.
        """
        return pick_version(self.versions(), reference, name=self.name)

    @property
    def champion(self) -> int | None:
        """Number of the champion; None while there is none."""
        return self._aliases().get(CHAMPION)

    def history(self) -> tuple[Event, ...]:
        """Every change of champion.

        Returns
        -------
        tuple of Event
            Oldest first.
        """
        tags = self._model().tags if self._exists() else {}
        held = sorted((key, text) for key, text in tags.items() if key.startswith(EVENT_TAG))
        return tuple(Event(**json.loads(text)) for _, text in held)

    def previous_champion(self) -> int | None:
        """Champion before the present one, by the history.

        Returns
        -------
        int or None
            None where the present champion is the first.

        Raises
        ------
        TrackingError
            If there is no champion, or the alias is not where the history left it.
        """
        line: list[int] = []
        for event in self.history():
            if event.action == "rolled back":
                line.pop()
            else:
                line.append(event.version)
        champion = self.champion
        if champion is None:
            raise TrackingError(f"{self.name}: there is no {CHAMPION} that could be rolled back")
        if not line or line[-1] != champion:
            said = f"{self.name}/{line[-1]}" if line else "no champion"
            raise TrackingError(
                f"{self.name}: the alias {CHAMPION} points to {self.name}/{champion}, but the "
                f"history of promotions ends with {said}; the alias was moved by other means; set "
                "it with `matcher models promote VERSION --force --reason TEXT`"
            )
        return line[-2] if len(line) > 1 else None

    def crown(
        self,
        version: int,
        action: Action,
        *,
        reason: str = "",
        refusal: str = "",
        run_id: str | None = None,
    ) -> Event:
        """Make a version the champion, and write down how it came.

        Parameters
        ----------
        version : int
            The version.
        action : {"first", "promoted", "forced", "rolled back"}
            What was done.
        reason : str
            What the person gave as the reason.
        refusal : str
            What the comparison had against it, where it was forced.
        run_id : str, optional
            Run that holds the campaigns and the figures of the comparison.

        Returns
        -------
        Event
            What was written down.
        """
        event = Event(_now(), action, version, self.champion, reason, refusal, run_id)
        self._crown(version, event)
        return event

    def _crown(self, version: int, event: Event) -> None:
        # First the history: an event without its alias is seen by a rollback, the reverse is not.
        key = f"{EVENT_TAG}{len(self.history()) + 1:04d}"
        text = json.dumps(asdict(event), ensure_ascii=False)
        self._client.set_registered_model_tag(self.name, key, text)
        self._client.set_registered_model_alias(self.name, CHAMPION, str(version))
        if self._aliases().get(CHALLENGER) == version:
            self._client.delete_registered_model_alias(self.name, CHALLENGER)

    def _exists(self) -> bool:
        return bool(self._client.search_registered_models(f"name = '{self.name}'"))

    def _model(self) -> Any:
        return self._client.get_registered_model(self.name)

    def _aliases(self) -> dict[str, int]:
        if not self._exists():
            return {}
        return {alias: int(number) for alias, number in self._model().aliases.items()}

    def _registered(self, found: Any, aliases: Mapping[str, int]) -> Registered:
        number = int(found.version)
        created = datetime.fromtimestamp(found.creation_timestamp / 1000, tz=UTC)
        return Registered(
            name=self.name,
            version=number,
            aliases=tuple(sorted(name for name, held in aliases.items() if held == number)),
            created_at=created.isoformat(timespec="seconds"),
            run_id=found.run_id or "",
            location=found.source,
            tags=dict(found.tags),
        )


def _now() -> str:
    return datetime.now(tz=UTC).isoformat(timespec="seconds")
