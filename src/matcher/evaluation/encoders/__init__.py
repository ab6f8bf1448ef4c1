"""Encoders compared with TF-IDF: on a market's own pairs, and on public sets."""
