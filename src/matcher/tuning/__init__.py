"""Which settings of the rankers would have ranked later campaigns better."""
