"""Clips that take their worker's process down: begun a few times, then dropped, so that the others are prepared.

A decoder's crash, or a want of memory, ends a process without a word. So a clip is marked while it is prepared, and the
next process sees from the mark that it is not the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orate.corpora.cleaning.reasons import Dropped, DropReason
from orate.corpora.clip import Clip
from orate.corpora.worker import Record, prepare_to_folder, record_path, write_dropped
from orate.errors import OrateError

if TYPE_CHECKING:
    from orate.corpora.engine import Task

MOST_ATTEMPTS = 3
MOST_CRASHES = 8  # clips in a row, none prepared between them: then it is not the clips
KILLED = (
    "The processes of the preparation are killed whatever clip they take, most likely for lack of memory: "
    "run the same command again, with fewer --workers; it continues where it stopped."
)


@dataclass(frozen=True)
class Finished:
    """A clip that was prepared or dropped; ``crashed`` says that it was dropped for what it did to processes."""

    key: str
    crashed: bool = False


@dataclass(frozen=True)
class Attempts:
    """Prepares clips, and counts how often each was begun in this run without an end.

    Attributes:
        task: what is to be done.
        run: a name that no other run has: what an interruption ended does not count in the next one.
    """

    task: Task
    run: str

    def prepare(self, clip: Clip) -> Finished:
        """Prepare a clip, or drop one that was begun `MOST_ATTEMPTS` times in vain; a finished one is left alone."""
        record, mark = record_path(self.task.work, clip.key), self._mark(clip)
        if record.exists():
            dropped = Record.model_validate_json(record.read_bytes()).dropped
            return Finished(clip.key, dropped is not None and dropped.reason == DropReason.CRASHED)
        with mark.open("ab") as file:
            begun = file.tell()
            file.write(b".")
        if begun >= MOST_ATTEMPTS:
            write_dropped(clip, Dropped(DropReason.CRASHED, f"{begun} times"), self.task.work)
        else:
            prepare_to_folder(clip, self.task)
        mark.unlink(missing_ok=True)
        return Finished(clip.key, begun >= MOST_ATTEMPTS)

    def begun(self) -> list[str]:
        """Keys of clips that some process has begun and not finished."""
        return sorted(path.name.split(".")[1] for path in self.task.work.glob(f".*.{self.run}.begun"))

    def _mark(self, clip: Clip) -> Path:
        return self.task.work / f".{clip.key}.{self.run}.begun"


def believed(clips: Iterable[Finished], work: Path) -> Iterator[str]:
    """The keys of finished clips; those that crashed wait until another one is prepared.

    Raises:
        OrateError: `MOST_CRASHES` clips in a row crashed. They will be tried again.
    """
    doubtful: list[str] = []
    for clip in clips:
        if not clip.crashed:
            yield from doubtful
            doubtful.clear()
            yield clip.key
            continue
        doubtful.append(clip.key)
        if len(doubtful) >= MOST_CRASHES:
            for key in doubtful:
                record_path(work, key).unlink(missing_ok=True)
            raise OrateError(KILLED)
    yield from doubtful
