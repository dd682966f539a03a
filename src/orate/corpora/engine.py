"""What runs a preparation: clips in, keys of finished ones out. Here: this process, or a pool on this machine.

An engine only calls `orate.corpora.worker.prepare_to_folder` for each clip, anywhere; what comes of a clip lies in
``Task.work``, whole or not at all, so that it does not matter who prepared it, in which order, or how often.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import cv2

from orate.corpora.attempts import KILLED, MOST_ATTEMPTS, Attempts, Finished, believed
from orate.corpora.cleaning.offset import OffsetMeter
from orate.corpora.clip import Clip, PrepareSettings
from orate.corpora.worker import prepare_to_folder, start_worker
from orate.errors import OrateError

AHEAD_PER_WORKER = 4  # clips handed out beyond those that run: no worker waits, and no list of futures grows

PrepareClip = Callable[[Clip, PrepareSettings, Path], str]
"""Prepares one clip into a folder: its fragment, then its record; returns its key. Doing it twice does no harm."""


@dataclass(frozen=True)
class Task:
    """All that a worker needs besides the clip; it can be pickled.

    Attributes:
        settings: what the shards are made with.
        work: the folder that takes records and fragments, seen by every worker under this path.
        prepare: top-level function that prepares a clip; None: the usual way, from a video.
        meter: top-level function that loads what measures how late the sound is; None: that is not measured. A process
            calls it once.
    """

    settings: PrepareSettings
    work: Path
    prepare: PrepareClip | None = None
    meter: Callable[[], OffsetMeter] | None = None


class Engine(Protocol):
    """Where clips are prepared."""

    def run(self, clips: Sequence[Clip], task: Task) -> AbstractContextManager[Iterator[str]]:
        """The keys of clips as they are finished, in any order; leaving early cancels the rest.

        Clips should be begun about in the order given: parts of a shard lie on the disk until all of it is there.
        Raises OrateError when workers are lost again and again.
        """


class PoolEngine:
    """Processes on this machine; with one worker, this process."""

    def __init__(self, workers: int = 1) -> None:
        self._workers = workers

    @contextmanager
    def run(self, clips: Sequence[Clip], task: Task) -> Iterator[Iterator[str]]:
        """See `Engine.run`."""
        workers = min(self._workers, len(clips))
        if workers <= 1:
            threads = cv2.getNumThreads()
            cv2.setNumThreads(1)
            try:
                yield (prepare_to_folder(clip, task) for clip in clips)
            finally:
                cv2.setNumThreads(threads)
            return
        finished = _with_pools(clips, Attempts(task, uuid4().hex[:12]), workers)
        try:
            yield believed(finished, task.work)
        finally:
            finished.close()


def _with_pools(clips: Sequence[Clip], attempts: Attempts, workers: int) -> Generator[Finished]:
    """Finished clips of a pool; when a process dies, what was begun is tried one at a time, and a new pool goes on."""
    left = {clip.key: clip for clip in clips}
    fruitless = 0
    while left:
        begun = [left[key] for key in attempts.begun() if key in left]
        some, processes = (begun, 1) if begun else (list(left.values()), workers)
        before = len(left)
        with suppress(BrokenProcessPool), _pool(processes) as pool:
            for clip in _as_finished(pool, some, attempts, processes * (1 + AHEAD_PER_WORKER)):
                del left[clip.key]
                yield clip
        fruitless = fruitless + 1 if len(left) == before else 0
        if fruitless > MOST_ATTEMPTS:  # they die before they take a clip
            raise OrateError(KILLED)


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    # spawn: the networks' thread pools do not survive a fork
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=start_worker)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _as_finished(
    pool: ProcessPoolExecutor, clips: Sequence[Clip], attempts: Attempts, at_once: int
) -> Iterator[Finished]:
    waiting = iter(clips)
    running: set[Future[Finished]] = {pool.submit(attempts.prepare, clip) for clip in islice(waiting, at_once)}
    while running:
        finished, running = wait(running, return_when=FIRST_COMPLETED)
        running |= {pool.submit(attempts.prepare, clip) for clip in islice(waiting, len(finished))}
        yield from (future.result() for future in finished)
