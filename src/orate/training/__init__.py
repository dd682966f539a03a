"""Training: losses, the loop, state and resume; knows nothing of the command line."""
