"""Processes on this machine that do rows. One that dies takes nothing with it but the row that it had."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Protocol

from orate.animator.batch.outcome import Event, Outcome, State
from orate.animator.batch.rows import Job
from orate.animator.batch.worker import Task, serve
from orate.errors import OrateError

MOST_ATTEMPTS = 2
MOST_STILLBORN = 3  # processes in a row that die before they take a row
END_S = 5.0
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Engine(Protocol):
    """Where rows are done."""

    def run(self, jobs: Sequence[Job], task: Task) -> Generator[Event]:
        """What becomes of rows, each with one outcome, in any order; closing it ends the processes.

        Raises OrateError when processes cannot be had.
        """


@dataclass(eq=False)
class _Member:
    process: BaseProcess
    connection: Connection
    job: Job | None = None


class Pool:
    """Processes on this machine, of one thread each: what they make does not depend on how many there are.

    Args:
        workers: how many.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def run(self, jobs: Sequence[Job], task: Task) -> Generator[Event]:
        """See `Engine.run`."""
        waiting, attempts, stillborn = deque(jobs), dict.fromkeys((job.number for job in jobs), 0), 0
        members = [_started(task) for _ in range(min(self._workers, len(jobs)))]
        try:
            while members:
                ready = wait([member.connection for member in members])
                for member in [member for member in members if member.connection in ready]:
                    try:
                        event = member.connection.recv()
                    except (EOFError, OSError):  # it died
                        members.remove(member)
                        lost, why = member.job, _cause(member)
                        stillborn = 0 if lost else stillborn + 1
                        if stillborn >= MOST_STILLBORN:
                            raise OrateError(f"The processes of the batch cannot be started: they {why}.") from None
                        if lost and attempts[lost.number] < MOST_ATTEMPTS:
                            waiting.append(lost)
                        elif lost:
                            yield crashed(lost, why)
                        if waiting and len(members) < self._workers:
                            members.append(_started(task))
                        continue
                    if event is None or isinstance(event, Outcome):
                        member.job = _next(member, waiting, attempts)
                        if member.job is None:
                            members.remove(member)
                    if event is not None:
                        yield event
        finally:
            for member in members:
                member.process.terminate()
            for member in members:
                _end(member)


def crashed(job: Job, why: str) -> Outcome:
    """The outcome of a row that took its process down each time."""
    return Outcome(
        job.number,
        State.FAILED,
        f"The process that made this video {why} {MOST_ATTEMPTS} times: if memory is short, use fewer --workers or a "
        "smaller photo; else one of its files is damaged.",
    )


def _next(member: _Member, waiting: deque[Job], attempts: dict[int, int]) -> Job | None:
    """Hand the next row to a process, or send it home."""
    job = waiting.popleft() if waiting else None
    with suppress(OSError):  # it died just now: seen when it is asked next
        member.connection.send(job)
    if job is None:
        _end(member)
    else:
        attempts[job.number] += 1
    return job


def _started(task: Task) -> _Member:
    context = get_context("spawn")  # the networks' threads do not survive a fork
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, task), daemon=True)
    with _one_thread():
        process.start()
    theirs.close()  # else its end would not be seen
    return _Member(process, ours)


def _end(member: _Member) -> None:
    member.process.join(END_S)
    if member.process.is_alive():
        member.process.kill()
        member.process.join()
    member.connection.close()


def _cause(member: _Member) -> str:
    _end(member)
    code = member.process.exitcode or 0
    if code >= 0:
        return f"ended by itself with status {code}"
    name = signal.Signals(-code).name if -code in list(signal.Signals) else f"signal {-code}"
    return f"was killed by {name}"


@contextmanager
def _one_thread() -> Iterator[None]:
    """What a process inherits that is started now; libraries read it when they are loaded."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
