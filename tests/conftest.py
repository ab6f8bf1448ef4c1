from __future__ import annotations

import os

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
