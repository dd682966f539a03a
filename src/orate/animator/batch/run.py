"""A batch from its beginning to its end, or to where it is stopped: the same call goes on from there."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

from orate.animator.batch.maker import load_maker
from orate.animator.batch.outcome import Event, Outcome, State
from orate.animator.batch.pool import Engine
from orate.animator.batch.record import finished, key_of
from orate.animator.batch.report import report_name, write_report
from orate.animator.batch.rows import STATE_FOLDER, Job, Row
from orate.animator.batch.worker import Maker, Task
from orate.errors import OrateError
from orate.media.files import output_error

REPORT_S = 5.0  # between two reports of a run


def run_batch(
    rows: Sequence[Row],
    folder: Path,
    engine: Engine,
    *,
    shard: tuple[int, int] = (1, 1),
    show: Callable[[Event], None] | None = None,
    load: Callable[[], Maker] = load_maker,
) -> dict[int, Outcome]:
    """Make the videos of rows. Finished ones are left alone, failed ones tried again.

    The report is written on every way out, also when the call is interrupted.

    Args:
        rows: of this machine, see `orate.animator.batch.rows`.
        folder: where videos and report go; is made.
        engine: where they are made.
        shard: which part of the manifest the rows are, from 1, of how many; for the report's name.
        show: told what becomes of rows.
        load: see `orate.animator.batch.worker.Task`.

    Returns:
        What became of each row, by number.

    Raises:
        OrateError: the folder cannot be written, or another run is at work on the same part; as `Engine.run`.
    """
    folder = folder.absolute()
    state = folder / STATE_FOLDER
    try:
        (state / "work").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(folder, error) from error
    report, outcomes, written = folder / report_name(shard), dict[int, Outcome](), 0.0

    def note(event: Event) -> None:
        nonlocal written
        if isinstance(event, Outcome):
            outcomes[event.number] = event
            if time.monotonic() - written >= REPORT_S:
                write_report(report, rows, outcomes)
                written = time.monotonic()
        if show:
            show(event)

    with _alone(state / f"run-{shard[0]}-of-{shard[1]}.lock", folder):
        jobs = [row.job for row in rows if row.job]
        task = Task(uuid4().hex[:12], load)
        _sweep(jobs, state)
        try:
            todo = list(_unfinished(rows, note))
            if todo:
                with closing(engine.run(todo, task)) as events:
                    for event in events:
                        note(event)
        finally:
            _sweep(jobs, state)
            write_report(report, rows, outcomes)
    return outcomes


def _unfinished(rows: Sequence[Row], note: Callable[[Event], None]) -> Iterator[Job]:
    """Jobs that are to be done; of the other rows it is noted at once what became of them."""
    for row in rows:
        if row.job is None:
            note(Outcome(row.number, State.FAILED, row.error))
        elif record := finished(row.job):
            note(Outcome(row.number, State.DONE, "", record.seconds, record.content_id))
        else:
            yield row.job


def _sweep(jobs: Sequence[Job], state: Path) -> None:
    """Remove half-done videos of these rows: their processes were killed. Those of other machines' rows stay."""
    keys = {key_of(job) for job in jobs}
    for path in (state / "work").iterdir():
        if path.name.partition(".")[0] in keys:
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _alone(path: Path, folder: Path) -> Iterator[None]:
    """Hold a lock that ends with this process, however it ends.

    Raises:
        OrateError: another process has it.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OrateError(f"Another 'orate batch' is at work in {folder}: wait until it has ended.") from error
        except OSError:  # a file system without locks
            pass
        file.write(f"{os.getpid()}\n")
        yield
