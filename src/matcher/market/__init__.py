"""The market: what is known, checked against the contract and cut to an instant."""
