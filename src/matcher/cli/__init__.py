"""The command line: thin; every verb imports its rooms when it is called."""

from __future__ import annotations

from matcher.cli.app import app, main

__all__ = ["app", "main"]
