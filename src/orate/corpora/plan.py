"""The plan of a preparation: clips, their files, settings; a folder goes on with the plan it was begun with alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from orate.corpora.clip import Clip
from orate.corpora.shards import MAX_NAME_BYTES, write_atomically
from orate.errors import OrateError

PLAN_NAME = "plan.jsonl"
OLD_PLAN_NAME = "plan.json"  # of the release whose shards held 64 clips
PLAN_VERSION = 2
LONGEST_SUFFIX = ".flac"
STAT_THREADS = 16  # on a network's disk each file costs a round trip
STAT_AT_ONCE = 512

Entry = list[Any]
"""What tells a clip from another: its key, its video's name, size and date, its audio's size and date, a digest of
what else is known of it. Folders may move between two runs; dates are whole seconds, None where a file cannot be seen.
"""


class Begun(BaseModel):
    """What a folder was begun with. ``release`` and ``command`` are told, not compared."""

    model_config = ConfigDict(frozen=True)
    version: int = PLAN_VERSION
    release: str
    command: str
    settings: dict[str, Any]
    shard_bytes: int
    meter: str
    prepare: str


def sorted_clips(clips: Sequence[Clip]) -> list[Clip]:
    """The clips by key. Raises OrateError where keys are equal, or cannot be names in a shard."""
    ordered = sorted(clips, key=lambda clip: clip.key)
    for clip, after in pairwise(ordered):
        if clip.key == after.key:
            raise OrateError(f"Two clips have the same key, {clip.key}: rename {clip.video} or {after.video}.")
    for clip in ordered:
        if not clip.key or set("./\\\0") & set(clip.key):
            raise OrateError(f"The key '{clip.key}' of {clip.video} holds a dot or a slash: rename the file.")
        if len(clip.key.encode()) + len(LONGEST_SUFFIX) > MAX_NAME_BYTES:
            limit = MAX_NAME_BYTES - len(LONGEST_SUFFIX)
            raise OrateError(f"The key {clip.key} is longer than {limit} bytes: rename {clip.video}.")
    return ordered


def agree(state: Path, out: Path, clips: Sequence[Clip], begun: Begun) -> Begun:
    """Write the plan into ``state``, or make sure that the one there is the same; returns what it was begun with.

    Raises:
        OrateError: ``out`` was begun with other settings or clips, or by an earlier release; source files have changed.
    """
    if (state / OLD_PLAN_NAME).exists():
        raise OrateError(
            f"{out} was prepared by an earlier release, with other shards: it can be trained on once it is complete, "
            "but not continued or prepared again; choose another output folder or delete it."
        )
    path = state / PLAN_NAME
    entries = _entries(clips)
    if not path.exists():
        lines = chain([begun.model_dump_json()], map(_line, entries), [""])
        write_atomically(path, "\n".join(lines).encode())
        return begun
    try:
        with path.open(encoding="utf-8") as file:
            first = Begun.model_validate_json(file.readline())
            _compare(first, begun, out)
            same = all(_line(entry) == line for entry, line in _side_by_side(entries, file))
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        raise OrateError(f"{path} cannot be read ({type(error).__name__}): delete {out} and begin again.") from error
    if not same:
        raise OrateError(_difference(path, out, clips))
    return first


def _compare(first: Begun, now: Begun, out: Path) -> None:
    names = [name for name in first.settings.keys() | now.settings.keys() if _of(first, name) != _of(now, name)]
    names += [name for name in ("shard_bytes", "meter", "prepare") if getattr(first, name) != getattr(now, name)]
    if names:
        raise OrateError(
            f"{out} was begun with other settings ({', '.join(sorted(names))}): give the same ones, choose another "
            "output folder or delete it."
        )


def _of(begun: Begun, name: str) -> Any:
    return begun.settings.get(name)


def _side_by_side(entries: Iterator[Entry], lines: Iterator[str]) -> Iterator[tuple[Entry, str]]:
    for entry in entries:
        yield entry, next(lines, "").rstrip("\n")
    if rest := next(lines, "").rstrip("\n"):
        yield [], rest


def _difference(path: Path, out: Path, clips: Sequence[Clip]) -> str:
    """The sentence for a plan that is not the one the folder was begun with."""
    with path.open(encoding="utf-8") as file:
        next(file)
        before = {entry[0]: entry for entry in map(json.loads, file)}
    now = {clip.key: (clip, entry) for clip, entry in zip(clips, _entries(clips), strict=True)}
    end = "choose another output folder or delete it."
    if before.keys() != now.keys():
        more, fewer = sorted(now.keys() - before.keys()), sorted(before.keys() - now.keys())
        example = (more or fewer)[0]
        return f"{out} was begun with other clips ({len(more)} are new, {len(fewer)} gone, for one {example}): {end}"
    labels = [key for key, (_, entry) in now.items() if (entry[1], entry[-1]) != (before[key][1], before[key][-1])]
    if labels:
        return (
            f"{out} was begun with other clips: speaker, split, text or cut of {len(labels)} have changed, for one of "
            f"{labels[0]}; {end}"
        )
    changed = [clip for key, (clip, entry) in now.items() if entry != before[key]]
    return (
        f"{len(changed)} source files have another size or date than when {out} was begun, for one {changed[0].video}: "
        f"bring them back as they were (copies keep their dates with 'cp -p' or 'rsync -a'), {end}"
    )


def _entries(clips: Sequence[Clip]) -> Iterator[Entry]:
    blocks = [clips[i : i + STAT_AT_ONCE] for i in range(0, len(clips), STAT_AT_ONCE)]
    with ThreadPoolExecutor(min(STAT_THREADS, len(blocks))) as pool:
        for block in pool.map(lambda block: [_entry(clip) for clip in block], blocks):
            yield from block


def _entry(clip: Clip) -> Entry:
    timed = [(word.start_s, word.end_s, word.text) for word in (*clip.words, *clip.phones)]
    told = [clip.speaker, clip.sentence_id, clip.transcript, timed, clip.split, clip.unseen_speaker, clip.corpus]
    told += [clip.emotion, clip.emotion_level, clip.start_s, clip.end_s, clip.details]
    digest = blake2b(json.dumps(told).encode(), digest_size=8).hexdigest()
    return [clip.key, clip.video.name, *_size_and_date(clip.video), *_size_and_date(clip.audio), digest]


def _size_and_date(path: Path | None) -> tuple[int | None, int | None]:
    try:
        found = path.stat() if path else None
    except OSError:  # the clip will be dropped as unreadable
        return None, None
    return (found.st_size, int(found.st_mtime)) if found else (None, None)


def _line(entry: Entry) -> str:
    return json.dumps(entry, separators=(",", ":"))
