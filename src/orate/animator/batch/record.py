"""What the batch remembers of a finished row, so that it is not made again: its inputs, its options, the video.

One small file a row in ``.batch/records``, written just before the video takes its name: a row counts as finished where
both are there and fit each other. So a process may be killed at any moment.
"""

from __future__ import annotations

import json
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from orate.animator.batch.columns import FILES
from orate.animator.batch.rows import STATE_FOLDER, Job
from orate.errors import OrateError
from orate.media.files import whole_file
from orate.provenance.content_id import file_sha256

KEY_CHARACTERS = 24


class Stamp(BaseModel):
    """What a file was: its size and time tell at a glance that it is the same, its SHA-256 for certain."""

    model_config = ConfigDict(frozen=True)
    size: int
    mtime_ns: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Stamp:
        """The stamp of a file; raises `OrateError` where it cannot be read."""
        digest = file_sha256(path)
        state = path.stat()
        return cls(size=state.st_size, mtime_ns=state.st_mtime_ns, sha256=digest)

    def fits(self, path: Path) -> bool:
        """Whether the file is the same still, which may have been copied since."""
        try:
            state = path.stat()
            if state.st_size != self.size:
                return False
            return state.st_mtime_ns == self.mtime_ns or file_sha256(path) == self.sha256
        except (OSError, OrateError):
            return False


class Record(BaseModel):
    """A finished row: the name of its output, its options, its files, the video, and what the report says."""

    model_config = ConfigDict(frozen=True)
    output: str
    options: str
    files: dict[str, Stamp]
    video: Stamp
    content_id: str
    seconds: float


def key_of(job: Job) -> str:
    """The row's name among the batch's own files; follows from its output's."""
    return sha256(Path(job.name).as_posix().encode()).hexdigest()[:KEY_CHARACTERS]


def record_path(job: Job) -> Path:
    """Where the row's record lies."""
    return job.folder / STATE_FOLDER / "records" / f"{key_of(job)}.json"


def options_text(job: Job) -> str:
    """All that the video follows from besides files, as text to compare. Files count by what is in them."""
    options: dict[str, object] = {name: value for name, value in job.options.items() if name not in FILES}
    model = Path(str(options.get("model", "")))
    if "model" in options and model.is_dir():
        parts = sorted(path for path in model.iterdir() if path.is_file())
        options["model"] = [model.name, [[part.name, part.stat().st_size, part.stat().st_mtime_ns] for part in parts]]
    return json.dumps(options, sort_keys=True)


def read_record(job: Job) -> Record | None:
    """What is remembered of the row; None for nothing, or what cannot be read."""
    try:
        return Record.model_validate_json(record_path(job).read_bytes())
    except (OSError, ValidationError):
        return None


def finished(job: Job) -> Record | None:
    """The row's record where its video is there, and is what the row still asks for."""
    record = read_record(job)
    if record is None or not record.video.fits(job.output) or record.options != options_text(job):
        return None
    files = job.files
    if record.files.keys() != files.keys() or not all(record.files[name].fits(path) for name, path in files.items()):
        return None
    return record


def clear_way(job: Job) -> None:
    """Remove what an earlier run made for this row from other inputs or options.

    Raises:
        OrateError: in the output's place is something else.
    """
    record = read_record(job)
    if job.output.exists() or job.output.is_symlink():
        if record is None or not record.video.fits(job.output):
            made = "was not made by this batch" if record is None else "was changed since this batch made it"
            raise OrateError(f"{job.output} {made}, and is left as it is: move it away, or name another output.")
        job.output.unlink()
    with suppress(FileNotFoundError):
        record_path(job).unlink()


def write_record(job: Job, record: Record) -> None:
    """Remember a row, whole or not at all."""
    path = record_path(job)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as temporary:
        temporary.write_text(record.model_dump_json(), encoding="utf-8")
