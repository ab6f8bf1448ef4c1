"""Labels, rankers and the model: who was hired, what came of it, and its bundle."""
