from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# No test may reach a hub or send telemetry; set before any third party is imported.
os.environ.update(
    HF_HUB_OFFLINE="1",
    TRANSFORMERS_OFFLINE="1",
    MLFLOW_DISABLE_TELEMETRY="true",
    DO_NOT_TRACK="true",
)

# Deadlines measure the machine's load, not the code; derandomize keeps CI repeatable.
settings.register_profile("house", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("house")


@pytest.fixture
def read_only_folder(tmp_path: Path) -> Iterator[Path]:
    """Folder in which nothing can be made, not even by the superuser."""
    if os.name == "posix" and os.geteuid() != 0:
        tmp_path.chmod(0o500)
        yield tmp_path
        tmp_path.chmod(0o700)
    elif Path("/proc/sys").is_dir():
        yield Path("/proc/sys")
    else:
        pytest.skip("no folder here refuses the superuser")
