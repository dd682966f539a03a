"""Clips that take their worker's process down: begun a few times, then dropped, so that the others are prepared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orate.corpora.cleaning.reasons import Dropped, DropReason
from orate.corpora.clip import Clip
from orate.corpora.worker import write_dropped

MOST_ATTEMPTS = 3


class Attempts:
    """How often each clip was begun in one run without an end, counted in small files beside the records.

    A decoder's crash, or a want of memory, ends a process without a word; the next process sees from the file that it
    is not the first. A clip begun `MOST_ATTEMPTS` times in vain is dropped. Interrupted runs do not count.

    Args:
        work: the folder with the records, seen by all workers.
        run: a name that no other run has.
    """

    def __init__(self, work: Path, run: str) -> None:
        self._work, self._run = work, run

    @contextmanager
    def of(self, clip: Clip) -> Iterator[bool]:
        """Whether the clip may be prepared now; else it has been recorded as dropped."""
        path = self._work / f".{clip.key}.{self._run}.begun"
        with path.open("ab") as file:
            begun = file.tell()
            file.write(b".")
        if begun >= MOST_ATTEMPTS:
            write_dropped(clip, Dropped(DropReason.CRASHED, f"{begun} times"), self._work)
        yield begun < MOST_ATTEMPTS
        path.unlink(missing_ok=True)
