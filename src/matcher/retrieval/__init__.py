"""Retrieval: hard rules, then the accounts whose content lies nearest to a brief."""
