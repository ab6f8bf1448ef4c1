"""Matcher ranks influencers for a brand's campaign brief, on your own data, offline."""

from __future__ import annotations

__version__ = "0.1.0"
