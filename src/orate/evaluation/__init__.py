"""Evaluation: one file per metric, and the report."""
