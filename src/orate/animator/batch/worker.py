"""One process of a batch: a row in, its video out, whole or not at all, and what became of it."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Protocol

from orate.animator.batch.maker import load_maker
from orate.animator.batch.outcome import Outcome, Progress, State
from orate.animator.batch.record import Record, Stamp, clear_way, finished, key_of, options_text, write_record
from orate.animator.batch.rows import STATE_FOLDER, Job
from orate.errors import OrateError
from orate.media.files import output_error

PROGRESS_S = 0.3  # between two words about one row


class Maker(Protocol):
    """Makes one video."""

    def __call__(self, job: Job, output: Path, progress: Callable[[int, int], None]) -> str:
        """Write the video of a row to `output`, telling the frames done and those in all.

        Returns:
            The content id, empty where the file does not say it.
        """


@dataclass(frozen=True)
class Task:
    """All that a process needs besides rows; can be pickled.

    Attributes:
        run: a name that no other run has.
        load: top-level function that gives what makes videos; called once a process, at its first row.
    """

    run: str
    load: Callable[[], Maker] = load_maker


class Worker:
    """Does rows, one after the other.

    Args:
        task: what they have in common.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._maker: Maker | None = None

    def __call__(self, job: Job, tell: Callable[[Progress], None]) -> Outcome:
        """Make the video of a row, or say in a sentence why there is none."""
        if record := finished(job):  # another process was first, or died just after
            return Outcome(job.number, State.DONE, "", record.seconds, record.content_id)
        begun = time.monotonic()
        folder = work_folder(job, self._task.run)
        temporary = folder / f"video{job.output.suffix}"
        try:
            record = self._made(job, temporary, tell, begun)
        except Exception as error:  # noqa: BLE001 - one row's error must not stop the others
            said = _sentence(error).replace(str(temporary), str(job.output))
            return Outcome(job.number, State.FAILED, said, time.monotonic() - begun)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return Outcome(job.number, State.DONE, "", record.seconds, record.content_id)

    def _made(self, job: Job, temporary: Path, tell: Callable[[Progress], None], begun: float) -> Record:
        shutil.rmtree(temporary.parent, ignore_errors=True)  # an earlier process of this run died with it
        clear_way(job)
        stamps = {name: Stamp.of(path) for name, path in job.files.items()}
        options = options_text(job)
        try:
            temporary.parent.mkdir(parents=True)
            job.output.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise output_error(job.output, error) from error
        if self._maker is None:
            self._maker = self._task.load()
        content_id = self._maker(job, temporary, _seldom(job.number, tell))
        seconds = round(time.monotonic() - begun, 2)
        video = Stamp.of(temporary)
        record = Record(
            output=job.name, options=options, files=stamps, video=video, content_id=content_id, seconds=seconds
        )
        write_record(job, record)
        try:
            temporary.replace(job.output)
        except OSError as error:
            raise output_error(job.output, error) from error
        return record


def work_folder(job: Job, run: str) -> Path:
    """Where a row's video lies until it is whole."""
    return job.folder / STATE_FOLDER / "work" / f"{key_of(job)}.{run}"


def serve(connection: Connection, task: Task) -> None:
    """What a process of the pool does: takes rows from the connection until there is none, and answers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of a terminal's processes: the parent decides
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_leave_with, args=(parent.sentinel,), daemon=True).start()
    worker = Worker(task)
    with suppress(EOFError, OSError):  # the parent is gone, and nobody is left to be told
        connection.send(None)  # ready
        while (job := connection.recv()) is not None:
            connection.send(worker(job, connection.send))


def _leave_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def _seldom(number: int, tell: Callable[[Progress], None]) -> Callable[[int, int], None]:
    last = 0.0

    def told(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= PROGRESS_S:
            last = time.monotonic()
            tell(Progress(number, done / max(total, 1)))

    return told


def _sentence(error: Exception) -> str:
    if isinstance(error, OrateError):
        return " ".join(str(error).split())
    if isinstance(error, MemoryError):
        return "There is not enough memory for this: use fewer --workers or a smaller photo."
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}."
    kind = " ".join(f"{type(error).__name__}: {error}".split())
    return f"This is a bug in orate ({kind}): please report it, with what 'orate animate' prints for this row."
