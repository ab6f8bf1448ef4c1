"""Whom to hire within a budget and other limits, and how surely nothing better exists."""
