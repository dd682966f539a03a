"""Ending a run at a signal, after the step that is being made."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def obey_signals(stop: Callable[[int], None]) -> Iterator[None]:
    """While the block runs, hand the number of a SIGTERM or SIGINT to `stop`; then the former handlers are back.

    Args:
        stop: called in the main thread with the signal's number.

    Raises:
        ValueError: not in the main thread.
    """
    before = {number: signal.signal(number, lambda got, _: stop(got)) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
