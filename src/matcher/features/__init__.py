"""Features of candidate pairs, one file per family, each as of its decision."""
