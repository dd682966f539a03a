"""Preparation of any corpus: clips to shards, to be stopped and taken up again at any time.

Every clip is one unit of work: its part of a shard and a record are written to OUT/.prepare/samples, each whole or
absent, by whatever the engine runs. `orate.corpora.joining` makes shards of them. The bytes do not depend on the
engine, the number of processes or of interruptions.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import IO

from orate import __version__
from orate.corpora.card import write_card
from orate.corpora.cleaning.offset import OffsetMeter
from orate.corpora.clip import Clip, PrepareSettings
from orate.corpora.engine import Engine, PoolEngine, PrepareClip, Task
from orate.corpora.joining import Joiner
from orate.corpora.plan import Begun, agree, sorted_clips
from orate.corpora.report import Report
from orate.corpora.shards import INDEX_NAME, TEMPORARY, Index, Made, write_atomically
from orate.errors import OrateError

try:
    import fcntl
except ImportError:  # Windows: two preparations of one folder at once are not noticed
    fcntl = None  # type: ignore[assignment]

SHARD_BYTES = 256 * 10**6
STATE_FOLDER = ".prepare"
WORK_FOLDER = "samples"
LOCK_NAME = "lock"
LOCK_WAIT_S = 2.0
LOCK_POLL_S = 0.05

Progress = Callable[[int, int], None]


def prepare(
    clips: Sequence[Clip],
    out: Path,
    settings: PrepareSettings | None = None,
    *,
    workers: int = 1,
    progress: Progress | None = None,
    engine: Engine | None = None,
    meter: Callable[[], OffsetMeter] | None = None,
    prepare_clip: PrepareClip | None = None,
    shard_bytes: int = SHARD_BYTES,
    command: str = "",
    card: bool = True,
) -> Report:
    """Prepare clips into a folder of shards with index.json, report.json and the dataset card.

    Args:
        clips: in any order; their keys must differ.
        out: the folder; one that was begun with the same clips and settings is continued.
        settings: what the shards are made with.
        workers: processes on this machine, where no engine is given.
        progress: called with (clips finished, clips in all), those of earlier runs counted as finished.
        engine: where clips are prepared.
        meter: top-level function that loads what measures the sound's offset; None: it is not measured.
        prepare_clip: top-level function that prepares one clip (`orate.corpora.engine.Task.prepare`); None: from video.
        shard_bytes: a shard is closed by the clip that brings it to this size.
        command: what a person typed, for the dataset card.
        card: whether to write the card: README.md, croissant.json, plots.

    Raises:
        OrateError: ``out`` was begun with other clips or settings, is being prepared by someone else, or cannot be
            written; source files have changed since; a process died.
    """
    if not clips:
        raise OrateError("There are no clips to prepare: check the source folder and the speakers.")
    settings = settings or PrepareSettings()
    ordered = sorted_clips(clips)
    begun = Begun(
        release=__version__,
        command=command,
        settings=asdict(settings),
        shard_bytes=shard_bytes,
        meter=_name(meter),
        prepare=_name(prepare_clip),
    )
    state = out / STATE_FOLDER
    work = state / WORK_FOLDER
    with _alone(out, state, work):
        begun = agree(state, out, ordered, begun)
        joiner = Joiner([clip.key for clip in ordered], out, state, work, shard_bytes)
        task = Task(settings, work.absolute(), prepare_clip, meter)
        _run(ordered, joiner, engine or PoolEngine(workers), task, progress or (lambda done, total: None))
        report = _finish(joiner, out, work, settings, begun)
        if card:
            write_card(out, report, begun.command)
        return report


def _run(clips: Sequence[Clip], joiner: Joiner, engine: Engine, task: Task, progress: Progress) -> None:
    """Prepare what is missing; a shard is written as soon as its last clip is through."""
    joiner.begin()
    by_key = {clip.key: clip for clip in clips}
    pending = [by_key[key] for key in joiner.pending()]
    done = len(clips) - len(pending)
    progress(done, len(clips))
    if not pending:
        return
    with engine.run(pending, task) as keys:
        for key in keys:
            joiner.finish(key)
            done += 1
            progress(done, len(clips))


def _finish(joiner: Joiner, out: Path, work: Path, settings: PrepareSettings, begun: Begun) -> Report:
    """Write the index and the report, and clear the workshop."""
    records = joiner.close()
    index = Index(
        fps=settings.fps,
        rate=settings.rate,
        height=settings.height,
        width=settings.width,
        shards=[record.shard for record in records if record.shard],
        samples=[sample for record in records for sample in record.samples],
        made=Made(version=begun.release, settings=begun.settings, shard_bytes=begun.shard_bytes),
    )
    report = Report(index=index, dropped=[clip for record in records for clip in record.dropped])
    write_atomically(out / INDEX_NAME, index.to_bytes())
    report.save(out)
    shutil.rmtree(work, ignore_errors=True)
    return report


@contextmanager
def _alone(out: Path, state: Path, work: Path) -> Iterator[None]:
    """Make the folders, keep a second preparation out, and delete what a killed one has left half written."""
    try:
        work.mkdir(parents=True, exist_ok=True)
        lock = (state / LOCK_NAME).open("w")
    except OSError as error:
        raise OrateError(f"Cannot create {out}: {error.strerror}. Choose another output folder.") from error
    with lock:
        _lock(lock, out)
        for folder in (out, state):
            for path in folder.glob(f".*{TEMPORARY}"):
                path.unlink(missing_ok=True)
        yield


def _lock(file: IO[str], out: Path) -> None:
    """Take the lock, which ends with the process. One that was just killed may hold it a moment longer."""
    end = time.monotonic() + LOCK_WAIT_S
    while fcntl:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() > end:
                raise OrateError(
                    f"{out} is being prepared by another process: wait for it, or choose another folder."
                ) from error
            time.sleep(LOCK_POLL_S)
        except OSError:  # a disk that knows no locks
            return


def _name(function: Callable[..., object] | None) -> str:
    """What the plan calls a function by; a partial one by the function and what it is given."""
    if isinstance(function, partial):
        return f"{_name(function.func)} {function.args} {function.keywords}"
    named = getattr(function, "__qualname__", type(function).__qualname__)
    return f"{function.__module__}:{named}" if function else ""
