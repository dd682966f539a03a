"""Engines that run a generator for inference: all compute the same function, each by its own means."""
