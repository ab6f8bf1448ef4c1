"""How well a ranking does: splits, metrics, intervals, baselines and the leak linter."""
