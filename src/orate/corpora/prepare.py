"""Preparation of any corpus: clips to shards, over several processes, to be stopped and taken up again at any time.

Every clip is one unit of work: its part of a shard and a record are written to OUT/.prepare/samples, each whole or
absent. When all clips of a shard are through, their parts are joined in the planned order into OUT/shard-NNNNNN.tar,
then a shard record says so, then the parts are deleted. Killed anywhere between these steps, the next run continues
from what exists, and the bytes do not depend on the number of processes or of interruptions.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from orate.corpora.cleaning.offset import OffsetMeter
from orate.corpora.clip import Clip, PrepareSettings
from orate.corpora.engine import Engine, PoolEngine, PrepareClip, Task
from orate.corpora.report import DroppedClip, Report
from orate.corpora.shards import INDEX_NAME, Index, Member, Sample, Shard, to_json, write_atomically, write_shard
from orate.corpora.worker import Record, fragment_path, record_path
from orate.errors import OrateError

CLIPS_PER_SHARD = 64  # of 75 frames: about 70 MB
STATE_FOLDER = ".prepare"
PLAN_NAME = "plan.json"

Progress = Callable[[int, int], None]


class ShardRecord(BaseModel):
    """A finished shard: which of its clips it holds, and which were dropped. ``shard`` is None when none was kept."""

    model_config = ConfigDict(frozen=True)
    shard: Shard | None
    samples: list[Sample]
    dropped: list[DroppedClip]


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
) -> Report:
    """Prepare clips into a folder of shards with index.json and report.json.

    ``progress`` is called with (clips finished, clips in all), those of earlier runs counted as finished. ``engine``
    is where clips are prepared (None: ``workers`` processes on this machine), ``meter`` and ``prepare_clip`` are the
    task's (see `orate.corpora.engine.Task`). Raises OrateError when ``out`` was begun with other clips or settings,
    cannot be written, or a process dies.
    """
    if not clips:
        raise OrateError("There are no clips to prepare: check the source folder and the speakers.")
    settings = settings or PrepareSettings()
    job = _Job(clips, out, settings)
    job.start()
    task = Task(settings, job.work, prepare_clip, meter)
    job.run(engine or PoolEngine(workers), task, progress or (lambda done, total: None))
    return job.finish()


class _Job:
    def __init__(self, clips: Sequence[Clip], out: Path, settings: PrepareSettings) -> None:
        self.clips = sorted(clips, key=lambda clip: clip.key)
        self.out = out
        self.settings = settings
        self.state = out / STATE_FOLDER
        self.work = self.state / "samples"
        self.shards = [self.clips[i : i + CLIPS_PER_SHARD] for i in range(0, len(self.clips), CLIPS_PER_SHARD)]

    def start(self) -> None:
        """Make the folders, and make sure that what they hold belongs to this job."""
        keys = [clip.key for clip in self.clips]
        if len(set(keys)) != len(keys):
            twice = sorted({key for key in keys if keys.count(key) > 1})
            raise OrateError(f"Two clips have the same key, for one {twice[0]}: rename a source file.")
        plan = to_json({"settings": asdict(self.settings), "clips": [_identity(clip) for clip in self.clips]})
        try:
            self.work.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OrateError(f"Cannot create {self.out}: {error.strerror}. Choose another output folder.") from error
        path = self.state / PLAN_NAME
        if path.exists() and path.read_bytes() != plan:
            raise OrateError(
                f"{self.out} was begun with other clips, splits or settings: choose another output folder or delete it."
            )
        if not path.exists():
            write_atomically(path, plan)

    def run(self, engine: Engine, task: Task, progress: Progress) -> None:
        """Prepare what is missing; a shard is written as soon as its last clip is through."""
        open_shards = {number for number in range(len(self.shards)) if not self._is_written(number)}
        shard_of = {clip.key: number for number in open_shards for clip in self.shards[number]}
        waiting = {number: {clip.key for clip in self.shards[number]} for number in open_shards}
        pending = []
        for clip in self.clips:
            if clip.key in shard_of:
                if record_path(self.work, clip.key).exists():
                    waiting[shard_of[clip.key]].discard(clip.key)
                else:
                    pending.append(clip)
        for number in sorted(open_shards):
            if not waiting[number]:
                self._write(number)
        total = len(self.clips)
        progress(total - len(pending), total)
        with engine.run(pending, task) as keys:
            for done, key in enumerate(keys, start=total - len(pending) + 1):
                waiting[shard_of[key]].discard(key)
                if not waiting[shard_of[key]]:
                    self._write(shard_of[key])
                progress(done, total)

    def finish(self) -> Report:
        """Write the index and the report, and clear the workshop."""
        records = [self._record(number) for number in range(len(self.shards))]
        index = Index(
            fps=self.settings.fps,
            rate=self.settings.rate,
            height=self.settings.height,
            width=self.settings.width,
            shards=[record.shard for record in records if record.shard],
            samples=[sample for record in records for sample in record.samples],
        )
        report = Report(index=index, dropped=[clip for record in records for clip in record.dropped])
        write_atomically(self.out / INDEX_NAME, index.model_dump_json(indent=1).encode() + b"\n")
        report.save(self.out)
        shutil.rmtree(self.work)
        return report

    def _shard_path(self, number: int) -> Path:
        return self.out / f"shard-{number:06d}.tar"

    def _record_path(self, number: int) -> Path:
        return self.state / f"shard-{number:06d}.json"

    def _record(self, number: int) -> ShardRecord:
        return ShardRecord.model_validate_json(self._record_path(number).read_bytes())

    def _is_written(self, number: int) -> bool:
        if not self._record_path(number).exists():
            return False
        shard = self._record(number).shard
        path = self._shard_path(number)
        return shard is None or (path.is_file() and path.stat().st_size == shard.bytes)

    def _write(self, number: int) -> None:
        """Join a shard's parts in the planned order; parts go only when the record is there."""
        records = [self._clip_record(clip.key) for clip in self.shards[number]]
        kept = [record.sample for record in records if record.sample]
        path = self._shard_path(number)
        fragments = (fragment_path(self.work, sample.key).read_bytes() for sample in kept)
        shard = write_shard(path, fragments) if kept else None
        placed = list(_place(kept, path.name, [fragment_path(self.work, sample.key) for sample in kept]))
        dropped = [record.dropped for record in records if record.dropped]
        record = ShardRecord(shard=shard, samples=placed, dropped=dropped)
        write_atomically(self._record_path(number), record.model_dump_json().encode())
        for clip in self.shards[number]:
            record_path(self.work, clip.key).unlink(missing_ok=True)
            fragment_path(self.work, clip.key).unlink(missing_ok=True)

    def _clip_record(self, key: str) -> Record:
        return Record.model_validate_json(record_path(self.work, key).read_bytes())


def _identity(clip: Clip) -> list[object]:
    """What tells one clip from another; its folder may move between two runs."""
    return [clip.key, clip.video.name, clip.video.stat().st_size, clip.split, clip.unseen_speaker]


def _place(samples: Iterable[Sample], shard: str, fragments: Iterable[Path]) -> Iterator[Sample]:
    """Samples with the places of their members in the shard instead of in their own part."""
    base = 0
    for sample, fragment in zip(samples, fragments, strict=True):
        members = {
            suffix: Member(offset=base + member.offset, size=member.size, crc32=member.crc32)
            for suffix, member in sample.members.items()
        }
        yield sample.model_copy(update={"shard": shard, "members": members})
        base += fragment.stat().st_size
