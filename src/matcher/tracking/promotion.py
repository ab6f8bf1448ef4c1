"""A change of champion: written down with the campaigns and figures that it rests on."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from matcher.tracking.client import open_client
from matcher.tracking.names import CHAMPION, REGISTERED_MODEL
from matcher.tracking.prepare import find_experiment
from matcher.tracking.registry import Event, Registered, Registry, pick_version
from matcher.tracking.store import Store

__all__ = ["Comparison", "Overview", "look_up", "promote", "read_metrics", "roll_back"]


@dataclass(frozen=True, eq=False)
class Comparison:
    """What a promotion rests on.

    Parameters
    ----------
    facts : mapping
        JSON values: ``campaign_ids``, and ``figures``, one object per metric with ``question,
        metric, difference, low, high``.
    per_campaign : pandas.DataFrame
        Figures of both models for each campaign.
    market : str
        Name of the market.
    """

    facts: Mapping[str, Any]
    per_campaign: pd.DataFrame
    market: str


@dataclass(frozen=True)
class Overview:
    """A registered model as it stands.

    Parameters
    ----------
    name : str
        Its name.
    versions : tuple of Registered
        Newest first.
    history : tuple of Event
        Changes of champion, oldest first.
    """

    name: str
    versions: tuple[Registered, ...]
    history: tuple[Event, ...]

    @property
    def champion(self) -> Registered | None:
        """The champion; None while there is none."""
        return next((one for one in self.versions if CHAMPION in one.aliases), None)

    def version(self, reference: int | str) -> Registered:
        """One version.

        Parameters
        ----------
        reference : int or str
            Number, alias, ``latest``, ``matcher/3``, ``models:/matcher/3`` or
            ``models:/matcher@champion``.

        Returns
        -------
        Registered
            The version.

        Raises
        ------
        TrackingError
            If there is none.
        """
        return pick_version(self.versions, reference, name=self.name)


def look_up(store: Store, name: str = REGISTERED_MODEL) -> Overview:
    """Versions and history of a registered model.

    Parameters
    ----------
    store : Store
        Opened store.
    name : str, default "matcher"
        Registered model.

    Returns
    -------
    Overview
        Empty where nothing is registered under the name.

    Raises
    ------
    TrackingError
        If the store does not answer.
    """
    with open_client(store.uri) as client:
        registry = Registry(client, name)
        return Overview(name, registry.versions(), registry.history())


def read_metrics(store: Store, version: Registered) -> dict[str, float]:
    """Figures with which a version's run was logged.

    Parameters
    ----------
    store : Store
        Opened store.
    version : Registered
        The version.

    Returns
    -------
    dict of str to float
        Figures of the model itself, without intervals, by ``question/metric``; empty where the
        training was not evaluated.

    Raises
    ------
    TrackingError
        If the store does not answer.
    """
    with open_client(store.uri) as client:
        held = client.get_run(version.run_id).data.metrics
    named = {name: name.replace("/model/", "/") for name in held if "/model/" in name}
    ends = ("_low", "_high", "_n")
    return {short: held[name] for name, short in sorted(named.items()) if not name.endswith(ends)}


def promote(
    store: Store,
    version: Registered,
    *,
    comparison: Comparison | None,
    reason: str = "",
    refusal: str = "",
) -> Event:
    """Make a version the champion, and keep what that rests on.

    Parameters
    ----------
    store : Store
        Opened store.
    version : Registered
        The version.
    comparison : Comparison or None
        Campaigns and figures; logged as a run of its own. None where there are none.
    reason : str
        What the person gave as the reason.
    refusal : str
        What the comparison had against it; not empty where the promotion was forced.

    Returns
    -------
    Event
        The entry in the history.

    Raises
    ------
    TrackingError
        If the store cannot be written.
    """
    with open_client(store.uri) as client:
        registry = Registry(client, version.name)
        champion = registry.champion
        action = "first" if champion is None else "forced" if refusal else "promoted"
        run_id = None
        if comparison is not None:
            over = f"{version.name}/{champion}"
            run_id = _log(client, store, version, over, comparison, {"decision": action})
        return registry.crown(
            version.version,
            action,  # type: ignore[arg-type]
            reason=reason,
            refusal=refusal,
            run_id=run_id,
        )


def roll_back(store: Store, name: str = REGISTERED_MODEL, *, reason: str = "") -> Event | None:
    """Make the champion before the present one the champion again.

    Parameters
    ----------
    store : Store
        Opened store.
    name : str, default "matcher"
        Registered model.
    reason : str
        What the person gave as the reason.

    Returns
    -------
    Event or None
        The entry in the history; None where there was no champion before.

    Raises
    ------
    TrackingError
        If there is no champion, the alias was moved by other means, or the store fails.
    """
    with open_client(store.uri) as client:
        registry = Registry(client, name)
        before = registry.previous_champion()
        if before is None:
            return None
        return registry.crown(registry.version(before).version, "rolled back", reason=reason)


def _log(
    client: Any,
    store: Store,
    version: Registered,
    over: str,
    comparison: Comparison,
    tags: Mapping[str, str],
) -> str:
    from mlflow.entities import Metric

    run = client.create_run(
        find_experiment(client, store, "promote"),
        run_name=f"{version.label} over {over}",
        tags={"model_version": version.label, "over": over, "market": comparison.market, **tags},
    )
    run_id = str(run.info.run_id)
    status = "FAILED"
    try:
        now = run.info.start_time
        metrics = [
            Metric(f"{row['question']}/{row['metric']}_{part}", float(row[part]), now, 0)
            for row in comparison.facts["figures"]
            for part in ("difference", "low", "high")
            if row[part] is not None and math.isfinite(row[part])
        ]
        client.log_batch(run_id, metrics=metrics)
        with tempfile.TemporaryDirectory() as scratch:
            text = json.dumps(comparison.facts, indent=1, ensure_ascii=False, default=str)
            (Path(scratch) / "comparison.json").write_text(text + "\n", encoding="utf-8")
            comparison.per_campaign.to_parquet(Path(scratch) / "per_campaign.parquet", index=False)
            client.log_artifacts(run_id, scratch)
        status = "FINISHED"
    finally:
        client.set_terminated(run_id, status)
    return run_id
