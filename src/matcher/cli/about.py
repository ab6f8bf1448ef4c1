"""Verbs about this installation: what is there, and which settings hold."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from matcher.cli.data import AsJson, ConfigFile
from matcher.cli.models import TrackingUri
from matcher.cli.output import print_json, print_result
from matcher.cli.text import EncoderName, settings_with

if TYPE_CHECKING:
    from pydantic import BaseModel

_PACKAGES: Final = (
    "scikit-learn",
    "lightgbm",
    "pandas",
    "sentence-transformers",
    "mlflow",
    "pytest",
    "torch",
    "pyarrow",
    "duckdb",
    "xlsxwriter",
)
_LEAST_FREE_GIB: Final = 2.0


@dataclass(frozen=True)
class Finding:
    """What was found out about one thing.

    Parameters
    ----------
    what : str
        The thing.
    state : {"ok", "note", "bad"}
        Whether Matcher can work with it.
    text : str
        What it is, or what is wrong and what to do.
    """

    what: str
    state: Literal["ok", "note", "bad"]
    text: str


def doctor(
    encoder: EncoderName = None,
    config: ConfigFile = None,
    tracking_uri: TrackingUri = None,
    as_json: AsJson = False,
) -> None:
    """Check this installation: versions, encoder, tracking store, disk and cores; all offline.

    Ends with exit code 1 where something is wrong.

    Example: matcher doctor --encoder intfloat/multilingual-e5-small
    """
    settings = settings_with(config, encoder=encoder)
    found = [
        Finding("python", "ok", f"{platform.python_version()} on {platform.platform()}"),
        *(_package(name) for name in _PACKAGES),
        _encoder(settings),
        *_store(tracking_uri),
        _cores(),
    ]
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        width = max(len(one.what) for one in found)
        print_result("\n".join(f"{one.state:<4}  {one.what:<{width}}  {one.text}" for one in found))
    if any(one.state == "bad" for one in found):
        raise typer.Exit(1)


def _package(name: str) -> Finding:
    try:
        return Finding(name, "ok", importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, "bad", f"is not installed; pip install {name}")


def _encoder(settings: Any) -> Finding:
    from matcher.errors import MatcherError
    from matcher.text.encoder import load_encoder

    name = settings.encoder.name
    if name in ("builtin", "random"):
        return Finding("encoder", "ok", f"{name}: needs no download")
    try:
        identity = load_encoder(settings.encoder).identity
    except MatcherError as error:
        return Finding("encoder", "bad", str(error))
    revision = identity.revision or identity.digest[:12]
    return Finding("encoder", "ok", f"{name} ({revision}), {identity.dim} dimensions")


def _store(tracking_uri: str | None) -> list[Finding]:
    from matcher.errors import MatcherError
    from matcher.tracking.store import Store, data_home

    home = data_home()
    found = []
    try:
        found.append(Finding("tracking", "ok", Store.open(tracking_uri).uri))
    except MatcherError as error:
        found.append(Finding("tracking", "bad", str(error)))
    place = next(path for path in (home, *home.parents) if path.exists())
    free = shutil.disk_usage(place).free / 2**30
    text = f"{free:.1f} GiB free for {home}"
    if free < _LEAST_FREE_GIB:
        text += "; embeddings of a million posts take 0.5 GiB"
    found.append(Finding("disk", "note" if free < _LEAST_FREE_GIB else "ok", text))
    return found


def _cores() -> Finding:
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = ""
    if sys.platform != "win32":
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        memory = f", {size:.0f} GiB of memory"
    return Finding("machine", "ok", f"{n_cores} cores{memory}")


def config(
    config: ConfigFile = None,
    encoder: EncoderName = None,
    resolved: Annotated[
        bool, typer.Option("--resolved", help="Name where each value comes from.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print the settings that hold, as YAML that --config takes.

    Example: matcher config --resolved --config mine.yaml
    """
    from matcher.config import read_settings

    read = read_settings(config)
    settings = settings_with(config, encoder=encoder)
    values = _flat(settings)
    given = _given(read)
    origins = {name: str(config) if name in given else "default" for name in values}
    for name, value in _flat(read).items():
        if values[name] != value:
            origins[name] = "command line"
    if as_json:
        print_json(
            {
                "config_hash": settings.hash,
                "settings": {
                    name: {"value": value, "from": origins[name]} for name, value in values.items()
                },
            }
        )
        return
    print_result(_as_yaml(values, origins if resolved else {}) + f"\n# config hash {settings.hash}")


def _flat(model: BaseModel, prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in model.model_dump(mode="json").items():
        held = getattr(model, name)
        if hasattr(held, "model_dump"):
            found |= _flat(held, f"{prefix}{name}.")
        else:
            found[prefix + name] = value
    return found


def _given(model: BaseModel, prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name in model.model_fields_set:
        held = getattr(model, name)
        if hasattr(held, "model_dump"):
            found |= _given(held, f"{prefix}{name}.")
        else:
            found.add(prefix + name)
    return found


def _as_yaml(values: dict[str, Any], origins: dict[str, str]) -> str:
    lines: list[str] = []
    open_groups: list[str] = []
    # What belongs to no group comes first, since nothing closes a group in YAML.
    for name, value in sorted(values.items(), key=lambda item: "." in item[0]):
        *groups, tail = name.split(".")
        lines += [
            f"{'  ' * depth}{group}:"
            for depth, group in enumerate(groups)
            if groups[: depth + 1] != open_groups[: depth + 1]
        ]
        open_groups = groups
        text = f"{'  ' * len(groups)}{tail}: {json.dumps(value, ensure_ascii=False)}"
        lines.append(f"{text}  # {origins[name]}" if origins else text)
    return "\n".join(lines)
