"""Preparation on a Ray cluster: a Ray Data pipeline of clips, actors that prepare them, and keys of finished ones.

What comes of a clip goes to ``Task.work``, a folder that all machines see; through Ray go only clips and their keys.
Killed processes and lost machines are Ray's to replace: what they had not finished is begun again elsewhere, and a clip
whose record exists is not prepared again.
"""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from socket import gethostname
from typing import Any
from uuid import uuid4

import cv2

from orate import __version__
from orate.corpora.attempts import Attempts, Finished, believed
from orate.corpora.clip import Clip
from orate.corpora.engine import Task
from orate.corpora.ray_cluster import connected, load_ray
from orate.corpora.worker import record_path
from orate.errors import OrateError

CLIPS_PER_BLOCK = 8  # keys arrive a block at a time
BLOCKS_PER_WORKER = 4  # at least, so that workers end at about the same time
VISIBLE_AFTER_S = 90.0  # a network folder may show a new file only after a minute (acdirmax of NFS)
POLL_S = 0.05


class RayEngine:
    """Processes on the machines of a Ray cluster.

    Args:
        address: as `orate.corpora.ray_cluster.connected` takes it.
        workers: processes, one core each; None for one on every core of the cluster, growing with it.
    """

    def __init__(self, address: str | None = None, workers: int | None = None) -> None:
        self._address, self._workers = address, workers

    @contextmanager
    def run(self, clips: Sequence[Clip], task: Task) -> Iterator[Iterator[str]]:
        """See `orate.corpora.engine.Engine.run`.

        Raises:
            OrateError: no Ray, no cluster, a machine of it lacks this release or does not see the folders.
        """
        if not clips:
            yield iter(())
            return
        task = replace(task, work=task.work.absolute())  # workers are in other folders
        with connected(self._address) as ray:
            name = uuid4().hex[:12]
            mark = task.work / f".seen-{name}"
            mark.touch()
            rows = iter(self._pipeline(ray, clips, task, name).iter_rows())
            try:
                yield believed(_finished(ray, rows, task.work), task.work)
            finally:
                rows.close()  # ends the pipeline's actors
                mark.unlink(missing_ok=True)

    def _pipeline(self, ray: Any, clips: Sequence[Clip], task: Task, name: str) -> Any:
        data = load_ray("ray.data")
        context = data.DataContext.get_current()
        context.enable_progress_bars = False
        cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
        workers = min(self._workers or cores, len(clips))
        pool = (
            data.ActorPoolStrategy(size=workers)
            if self._workers
            else data.ActorPoolStrategy(min_size=1, initial_size=workers, max_size=len(clips))
        )
        blocks = min(len(clips), max(len(clips) // CLIPS_PER_BLOCK, workers * BLOCKS_PER_WORKER))
        rows = data.from_items([{"clip": pickle.dumps(_absolute(clip))} for clip in clips], override_num_blocks=blocks)
        arguments = task, name, __version__, Path.cwd()
        return rows.map(ClipWorker, fn_constructor_args=arguments, compute=pool, num_cpus=1)


def _absolute(clip: Clip) -> Clip:
    return replace(clip, video=clip.video.absolute(), audio=clip.audio.absolute() if clip.audio else None)


def _finished(ray: Any, rows: Iterator[dict[str, Any]], work: Path) -> Iterator[Finished]:
    """Each clip once, when its record can be read on this machine."""
    seen: set[str] = set()
    try:
        for row in rows:
            if row["error"]:
                raise OrateError(row["error"])
            if row["key"] not in seen:
                seen.add(row["key"])
                _wait_for(record_path(work, row["key"]))
                yield Finished(row["key"], row["crashed"])
    except ray.exceptions.RayError as error:
        raise _as_sentence(error) from error


def _wait_for(path: Path) -> None:
    end = time.monotonic() + VISIBLE_AFTER_S
    while not path.exists():
        if time.monotonic() > end:
            raise OrateError(
                f"{path.name} was written on another machine of the Ray cluster but does not appear in {path.parent}: "
                "choose an output folder that all machines share."
            )
        time.sleep(POLL_S)


def _as_sentence(error: Exception) -> OrateError:
    text = str(error)
    if "No module named 'orate" in text:
        return OrateError(
            "A machine of the Ray cluster has no orate: install the same release there, in the Python that Ray runs in."
        )
    last = (text.strip().splitlines() or [type(error).__name__])[-1].strip()
    return OrateError(
        f"The preparation on the Ray cluster ended ({last}): Ray's logs are in /tmp/ray/session_latest/logs of each "
        "machine; run the same command again to go on."
    )


class ClipWorker:
    """An actor of the pipeline: one process, which loads the networks once.

    Args:
        task: what is to be done.
        name: of this run: its marks in the folder carry it.
        version: of orate on the machine that the command runs on.
        folder: which the command is in: the task may name files from there.
    """

    def __init__(self, task: Task, name: str, version: str, folder: Path) -> None:
        cv2.setNumThreads(1)
        with suppress(OSError):
            os.chdir(folder)
        self._task, self._name, self._version = task, name, version
        self._attempts = Attempts(task, name)
        self._is_checked = False

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Prepare the pickled clip ``row["clip"]``.

        Returns:
            ``key`` of the clip, whether it ``crashed`` processes, and ``error``: empty or a sentence that ends the run.
        """
        clip: Clip = pickle.loads(row["clip"])  # noqa: S301 - made by the command; Ray itself pickles all else
        try:
            self._check(clip)
            crashed = self._attempts.prepare(clip).crashed
        except OrateError as error:
            return {"key": clip.key, "crashed": False, "error": str(error)}
        return {"key": clip.key, "crashed": crashed, "error": ""}

    def _check(self, clip: Clip) -> None:
        """That this machine has the same release and sees the folders: others would quietly drop every clip."""
        if not self._is_checked:
            if __version__ != self._version:
                raise OrateError(
                    f"{_machine()} has orate {__version__}, the command is {self._version}: install the same release."
                )
            if not (self._task.work / f".seen-{self._name}").exists():
                raise OrateError(
                    f"{_machine()} does not see {self._task.work}: choose an output folder that all machines share."
                )
            self._is_checked = True
        for path in (clip.video, clip.audio):
            if path is not None and not path.exists():
                raise OrateError(
                    f"{_machine()} does not see {path}: put the corpus in a folder that all machines share."
                )


def _machine() -> str:
    return f"The machine {gethostname()} of the Ray cluster"
