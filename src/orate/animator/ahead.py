"""An iterator that runs ahead of the one who asks, in a thread of its own."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from queue import Full, Queue
from threading import Event, Thread
from typing import TypeVar

Item = TypeVar("Item")
POLL_S = 0.1  # how soon a thread that waits sees that nobody asks any more


@dataclass(frozen=True)
class _End:
    error: BaseException | None = None


def ahead(items: Iterator[Item], count: int) -> Generator[Item]:
    """The same items in the same order, up to `count` of them made before they are asked for.

    Pays where both sides leave Python's lock free for most of their time. Close it when not all items are wanted.

    Args:
        items: runs in a thread of its own; a generator is closed there when the caller stops early.
        count: of items that may lie ready.

    Raises:
        BaseException: what `items` raised, after the items before it.
    """
    ready: Queue[Item | _End] = Queue(count)
    stopped = Event()

    def give(item: Item | _End) -> None:
        while not stopped.is_set():
            with suppress(Full):
                ready.put(item, timeout=POLL_S)
                break

    def run() -> None:
        end = _End()
        try:
            for item in items:
                give(item)
                if stopped.is_set():
                    break
            if isinstance(items, Generator):
                items.close()
        except BaseException as error:  # noqa: BLE001 - raised again where the items are asked for
            end = _End(error)
        give(end)

    thread = Thread(target=run, name="orate-ahead", daemon=True)
    thread.start()
    try:
        while not isinstance(item := ready.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stopped.set()
        thread.join()
