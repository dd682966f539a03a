"""The checks that a clip passes before it is kept: one file a check."""
