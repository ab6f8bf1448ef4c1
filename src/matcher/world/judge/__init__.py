"""Predictions judged by the truth of a simulated market.

The generator beside it knows only the market's schema; this part alone of the room may look at
the product, whose features, baselines and metrics it measures with.
"""
