"""Corpora: their layouts, preparation to shards of canonical crops, and the dataset for training."""
