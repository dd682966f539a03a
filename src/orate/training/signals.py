"""Ending a run at a signal, after the step that is being made."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_runs: list[Callable[[int], None]] = []  # what ends the runs of this process


@contextmanager
def obey_signals(stop: Callable[[int], None]) -> Iterator[None]:
    """While the block runs, hand the number of a SIGTERM or SIGINT to `stop`; then the former handlers are back.

    In another thread than the main one, as in a worker of Ray, signals cannot be had: there only `request_stop` stops.

    Args:
        stop: called with the signal's number.
    """
    _runs.append(stop)
    numbers = (signal.SIGTERM, signal.SIGINT) if threading.current_thread() is threading.main_thread() else ()
    before = {number: signal.signal(number, lambda got, _: stop(got)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _runs.remove(stop)


def request_stop(number: int) -> None:
    """End this process' runs as the signal with that number would."""
    for stop in list(_runs):
        stop(number)
