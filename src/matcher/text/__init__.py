"""Normalised text, lexical scores, sentence encoders and the embedding cache."""
