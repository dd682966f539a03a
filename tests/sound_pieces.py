"""Sound cut into pieces, to show that the pieces make no difference."""

import itertools


def cut(samples, sizes):
    """The samples in pieces of the given sizes, over and over."""
    position = 0
    for size in itertools.cycle(sizes):
        if position >= len(samples):
            return
        yield samples[position : position + size]
        position += size
