"""Iterators that run ahead in a thread of their own."""

import threading
import time
from contextlib import closing
from itertools import count, islice

import pytest

from orate.animator.ahead import ahead

WAIT_S = 5.0


def until(condition):
    """Wait for another thread."""
    end = time.monotonic() + WAIT_S
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "orate-ahead"]


@pytest.mark.parametrize("items", [[], [1], list(range(100))])
def test_the_same_items_in_the_same_order(items):
    assert list(ahead(iter(items), 3)) == items
    assert not threads()


def test_items_are_made_before_they_are_asked_for_but_not_many():
    made = []

    def making():
        for item in count():
            made.append(item)
            yield item

    with closing(ahead(making(), 3)) as items:
        assert next(items) == 0
        assert until(lambda: len(made) == 5)  # three lie ready, and one waits for its place
        time.sleep(0.05)
        assert len(made) == 5
        assert list(islice(items, 2)) == [1, 2]
        assert until(lambda: len(made) == 7)


def test_what_goes_wrong_comes_after_the_items_before_it():
    def breaking():
        yield from range(3)
        raise ValueError("no more")

    items, given = ahead(breaking(), 2), []
    with pytest.raises(ValueError, match="no more"):
        given.extend(iter(lambda: next(items), None))
    assert given == [0, 1, 2]
    assert not threads()


def test_stopping_early_closes_the_generator_in_its_thread():
    closed = []

    def making():
        try:
            yield from count()
        finally:
            closed.append(threading.current_thread().name)

    with closing(ahead(making(), 2)) as items:
        assert next(items) == 0
    assert closed == ["orate-ahead"]
    assert not threads()


def test_it_does_not_begin_before_it_is_asked():
    begun = []

    def making():
        begun.append(True)
        yield 1

    items = ahead(making(), 2)
    assert not begun
    assert next(items) == 1
    items.close()
