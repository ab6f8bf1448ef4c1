"""Which process is at work on a run, and whether it still lives."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["has_died", "process_tags"]

_HOST: Final = "matcher.host"
_PROCESS: Final = "matcher.process"
_START_FIELD: Final = 19
"""Place of the starting time among the fields of /proc/PID/stat that follow the name."""


def process_tags() -> dict[str, str]:
    """Tags that tell this process from every other one.

    Returns
    -------
    dict of str to str
        ``matcher.host``: name of the machine and a digest of its id; ``matcher.process``: id and
        starting time of the process, and the boot and namespace in which the id counts.
    """
    pid = os.getpid()
    parts = {"pid": str(pid), "started": _started(pid), "boot": _boot(), "space": _space()}
    return {_HOST: _host(), _PROCESS: " ".join(f"{key}={value}" for key, value in parts.items())}


def has_died(tags: Mapping[str, str]) -> bool:
    """Whether the process that wrote the tags is known to have ended.

    Parameters
    ----------
    tags : mapping of str to str
        Tags of a run.

    Returns
    -------
    bool
        False also where it cannot be told: another machine, another container, no such tags.
    """
    if tags.get(_HOST) != _host():
        return False
    parts = dict(part.partition("=")[::2] for part in tags.get(_PROCESS, "").split())
    pid, boot = parts.get("pid", ""), parts.get("boot", "")
    if not (pid.isdecimal() and boot and _boot()):
        return False
    if boot != _boot():
        # The machine was started anew since; its name alone may be that of another one.
        return "/" in _host()
    if parts.get("space") != _space():
        return False
    return parts.get("started") != _started(int(pid))


def _host() -> str:
    identity = _read("/etc/machine-id")
    digest = hashlib.sha256(identity.encode()).hexdigest()[:8]
    return f"{socket.gethostname()}/{digest}" if identity else socket.gethostname()


def _boot() -> str:
    return _read("/proc/sys/kernel/random/boot_id")[:8]


def _space() -> str:
    try:
        return Path("/proc/self/ns/pid").readlink().name.strip("pid:[]")
    except OSError:
        return ""


def _started(pid: int) -> str:
    """Starting time in ticks since boot; empty where no such process runs."""
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    # A process that has ended but was not asked for by its parent is still listed.
    return "" if not fields or fields[0] in "ZX" else fields[_START_FIELD]


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""
