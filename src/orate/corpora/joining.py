"""Finished clips to shards, in the planned order: a shard is closed where its clips reach the size.

When that is known, the clips' parts are joined into OUT/shard-NNNNNN.tar, then a shard record says so, then the parts
are deleted. Killed anywhere between these steps, the next run does the last one again, with the same bytes: which
clips a shard holds depends on their sizes and their order alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from orate.corpora.cleaning.duplicates import DuplicateFinder
from orate.corpora.cleaning.reasons import DropReason
from orate.corpora.report import DroppedClip
from orate.corpora.shards import (
    Member,
    Sample,
    Shard,
    fragment_bytes,
    parsed,
    sync_folder,
    write_atomically,
    write_shard,
)
from orate.corpora.worker import Record, fragment_path, record_path
from orate.errors import OrateError


class ShardRecord(BaseModel):
    """A closed shard: which clips it holds, and which before its end were dropped.

    ``shard`` is None when none was kept. ``fingerprints`` are those of the samples, in order.
    """

    model_config = ConfigDict(frozen=True)
    shard: Shard | None
    samples: list[Sample]
    dropped: list[DroppedClip]
    fingerprints: list[str] = []


class Joiner:
    """The shards of one preparation, those of earlier runs included.

    Args:
        keys: of all clips, in the planned order.
        out: the folder of shards.
        state: of shard records.
        work: of clips' records and parts.
        shard_bytes: a shard is closed by the clip that brings it to this size.
    """

    def __init__(self, keys: Sequence[str], out: Path, state: Path, work: Path, shard_bytes: int) -> None:
        self._keys = keys
        self._out, self._state, self._work = out, state, work
        self._shard_bytes = shard_bytes
        self._finder = DuplicateFinder()
        self._number = 0  # of the open shard
        self._next = 0  # of the planned clips: the first that is in no shard yet, not even the open one
        self._open: list[Record] = []
        self._open_bytes = 0
        self._lost: dict[int, set[str]] = {}  # closed shards that are gone: the clips they wait for
        self._lost_of: dict[str, int] = {}
        self._read_closed()
        self._finished = self._tidy()

    def _read_closed(self) -> None:
        while record := self._closed(self._number):
            kept = [sample.key for sample in record.samples]
            count = len(kept) + len(record.dropped)
            planned = self._keys[self._next : self._next + count]
            if {*kept, *(clip.key for clip in record.dropped)} != set(planned):
                return
            for key, fingerprint in zip(kept, record.fingerprints, strict=True):
                self._finder.find(key, fingerprint)
            if record.shard and not _is_whole(self._out, record.shard):
                self._lost[self._number] = set(kept)
                self._lost_of |= dict.fromkeys(kept, self._number)
            self._next += count
            self._number += 1

    def _tidy(self) -> set[str]:
        """Delete what earlier runs left behind half written, or after it was in a shard; returns the finished clips."""
        needed = {*self._keys[self._next :], *self._lost_of}
        finished = set()
        with os.scandir(self._work) as entries:
            for name in [entry.name for entry in entries]:
                key, _, suffix = name.partition(".")
                if key not in needed:  # hidden temporary files among them
                    (self._work / name).unlink(missing_ok=True)
                elif suffix == "json":
                    finished.add(key)
        return finished

    def pending(self) -> list[str]:
        """The clips that are still to be prepared: those of lost shards first, then in the planned order."""
        wanted = [*sorted(self._lost_of), *self._keys[self._next :]]
        return [key for key in wanted if key not in self._finished]

    def finish(self, *keys: str) -> None:
        """Take clips as finished, and close what shards can be closed."""
        self._finished.update(keys)
        for number in sorted({self._lost_of[key] for key in keys if key in self._lost_of}):
            if self._lost[number] <= self._finished:
                self._remake(number)
        while self._next < len(self._keys) and self._keys[self._next] in self._finished:
            self._take(self._keys[self._next])

    def begin(self) -> None:
        """Close what an earlier run could have closed."""
        self.finish(*sorted(self._finished))

    def close(self) -> list[ShardRecord]:
        """Close the last shard, which may be small; returns the records of all."""
        missing = self.pending()
        if missing or self._lost:
            raise OrateError(f"{len(missing)} clips were not prepared, for one {missing[0]}: run the command again.")
        if self._open:
            self._close()
        return [self._read(number) for number in range(self._number)]

    def _take(self, key: str) -> None:
        """Put the next clip into the open shard."""
        record = _clip_record(self._work, key)
        if record.sample:
            earlier = self._finder.find(key, record.fingerprint)
            if earlier is not None:
                record = Record(dropped=_duplicate(record, key, earlier))
        self._open.append(record)
        self._open_bytes += fragment_bytes(record.sample.members.values()) if record.sample else 0
        self._next += 1
        self._finished.discard(key)
        if self._open_bytes >= self._shard_bytes:
            self._close()

    def _close(self) -> None:
        records, self._open, self._open_bytes = self._open, [], 0
        dropped = [record.dropped for record in records if record.dropped]
        self._join(self._number, records, dropped)
        self._number += 1

    def _remake(self, number: int) -> None:
        """Join a closed shard again that was deleted or cut short: what was a duplicate is not asked again."""
        before = self._read(number)
        records = [_clip_record(self._work, sample.key) for sample in before.samples]
        again = [record.dropped for record in records if record.dropped]
        self._join(number, records, sorted([*before.dropped, *again], key=lambda clip: clip.key))
        for key in self._lost.pop(number):
            del self._lost_of[key]
            self._finished.discard(key)

    def _join(self, number: int, records: Sequence[Record], dropped: list[DroppedClip]) -> None:
        """Write a shard, then its record; only then the clips' parts go."""
        kept = [record for record in records if record.sample]
        samples = [record.sample for record in records if record.sample]
        path = _shard_path(self._out, number)
        parts = [fragment_path(self._work, sample.key) for sample in samples]
        shard = write_shard(path, parts) if parts else None
        placed = list(_place(samples, path.name))
        fingerprints = [record.fingerprint for record in kept]
        record = ShardRecord(shard=shard, samples=placed, dropped=dropped, fingerprints=fingerprints)
        write_atomically(_record_path(self._state, number), record.model_dump_json().encode())
        sync_folder(self._out)
        sync_folder(self._state)
        for key in [*(sample.key for sample in samples), *(clip.key for clip in dropped)]:
            record_path(self._work, key).unlink(missing_ok=True)
            fragment_path(self._work, key).unlink(missing_ok=True)

    def _closed(self, number: int) -> ShardRecord | None:
        return self._read(number) if _record_path(self._state, number).exists() else None

    def _read(self, number: int) -> ShardRecord:
        path = _record_path(self._state, number)
        try:
            return parsed(ShardRecord, path.read_bytes())
        except (OSError, ValidationError) as error:
            raise OrateError(f"{path} cannot be read: delete it and run the same command again.") from error


def _shard_path(out: Path, number: int) -> Path:
    return out / f"shard-{number:06d}.tar"


def _record_path(state: Path, number: int) -> Path:
    return state / f"shard-{number:06d}.json"


def _is_whole(out: Path, shard: Shard) -> bool:
    with suppress(OSError):
        return (out / shard.name).stat().st_size == shard.bytes
    return False


def _clip_record(work: Path, key: str) -> Record:
    path = record_path(work, key)
    try:
        record = Record.model_validate_json(path.read_bytes())
        if record.sample:
            whole = fragment_bytes(record.sample.members.values())
            if fragment_path(work, key).stat().st_size != whole:
                raise OrateError(f"{fragment_path(work, key)} is cut short: delete {path} and run the command again.")
    except (OSError, ValidationError) as error:
        raise OrateError(f"What was prepared of {key} cannot be read: delete {path}, run the command again.") from error
    return record


def _duplicate(record: Record, key: str, earlier: str) -> DroppedClip:
    return DroppedClip(key=key, source=record.source, reason=str(DropReason.DUPLICATE), detail=f"repeats {earlier}")


def _place(samples: Iterable[Sample], shard: str) -> Iterator[Sample]:
    """Samples with the places of their members in the shard instead of in their own part."""
    base = 0
    for sample in samples:
        members = {
            suffix: Member(offset=base + member.offset, size=member.size, crc32=member.crc32)
            for suffix, member in sample.members.items()
        }
        yield sample.model_copy(update={"shard": shard, "members": members})
        base += fragment_bytes(sample.members.values())
