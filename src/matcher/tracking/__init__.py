"""Where runs are logged: the only room that knows MLflow, which it imports when first needed."""

from __future__ import annotations
