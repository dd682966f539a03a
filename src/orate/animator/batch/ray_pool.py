"""Processes on the machines of a Ray cluster that do rows. Manifest, inputs and outputs lie where all of them see them.

Through Ray go only rows and what became of them. A machine that is lost takes the rows with it that it had; they are
begun again elsewhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from socket import gethostname
from typing import Any

from orate import __version__
from orate.animator.batch.outcome import Event, Outcome
from orate.animator.batch.pool import MOST_ATTEMPTS, MOST_STILLBORN, crashed
from orate.animator.batch.rows import STATE_FOLDER, Job
from orate.animator.batch.worker import Task, Worker
from orate.errors import OrateError


@dataclass(eq=False)
class _Member:
    actor: Any
    job: Job | None = None


class RayPool:
    """Actors of one core each.

    Args:
        ray: the module, connected to a cluster.
        workers: how many; None for one on every core of the cluster.
    """

    def __init__(self, ray: Any, workers: int | None = None) -> None:
        self._ray, self._workers = ray, workers

    def run(self, jobs: Sequence[Job], task: Task) -> Generator[Event]:
        """See `orate.animator.batch.pool.Engine.run`.

        Raises:
            OrateError: a machine of the cluster lacks this release, or does not see the folder.
        """
        ray = self._ray
        cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
        waiting, attempts, stillborn = deque(jobs), dict.fromkeys((job.number for job in jobs), 0), 0
        mark = jobs[0].folder / STATE_FOLDER / f"seen-{task.run}"
        mark.touch()
        running: dict[Any, _Member] = {}

        def start() -> None:
            actor = ray.remote(num_cpus=1)(RowActor).remote(task)
            running[actor.check.remote(str(mark), __version__)] = _Member(actor)

        try:
            for _ in range(min(self._workers or cores, len(jobs))):
                start()
            while running:
                (ready,), _ = ray.wait(list(running), num_returns=1)
                member = running.pop(ready)
                job, member.job = member.job, None
                try:
                    told = ray.get(ready)
                except ray.exceptions.RayActorError:
                    stillborn = 0 if job else stillborn + 1
                    if stillborn >= MOST_STILLBORN:
                        raise OrateError(
                            "The processes of the batch cannot be started on the Ray cluster: install the same release "
                            "of orate on each machine, in the Python that Ray runs in."
                        ) from None
                    if job and attempts[job.number] < MOST_ATTEMPTS:
                        waiting.append(job)
                    elif job:
                        yield crashed(job, "was lost with its process or machine")
                    if waiting:
                        start()
                    continue
                if isinstance(told, str) and told:
                    raise OrateError(told)
                if waiting:
                    member.job = waiting.popleft()
                    attempts[member.job.number] += 1
                    running[member.actor.make.remote(member.job)] = member
                else:
                    ray.kill(member.actor)
                if isinstance(told, Outcome):
                    yield told
        finally:
            for member in running.values():
                with suppress(ray.exceptions.RayError):
                    ray.kill(member.actor)
            mark.unlink(missing_ok=True)


class RowActor:
    """One process on some machine of the cluster.

    Args:
        task: what rows have in common.
    """

    def __init__(self, task: Task) -> None:
        self._worker = Worker(task)

    def check(self, mark: str, version: str) -> str:
        """Why this machine cannot serve, in a sentence; empty where it can."""
        machine = f"The machine {gethostname()} of the Ray cluster"
        if version != __version__:
            return f"{machine} has orate {__version__}, the command is {version}: install the same release."
        if not Path(mark).exists():
            folder = Path(mark).parent.parent
            return f"{machine} does not see {folder}: choose an output folder that all machines share."
        return ""

    def make(self, job: Job) -> Outcome:
        """See `orate.animator.batch.worker.Worker`."""
        return self._worker(job, _silent)


def _silent(event: Event) -> None:
    """Nobody is told how far a row is: there is no way back to the command before the row's end."""
