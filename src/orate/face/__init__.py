"""Landmarks, alignment to the canonical crop, and compositing back into the photo; knows no training and no torch."""
