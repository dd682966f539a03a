"""What the disk gives for one epoch of clips at random and of a stream; a part of benchmarks/loader.py."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from orate.corpora.dataset import ClipDataset
from orate.corpora.shards import read_member
from orate.corpora.stream import ClipStream

FEWEST, MOST = 200, 4000  # clips whose reading is looked at


def read_bytes() -> int:
    """What the disk has given this process and its ended children, where the system tells."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/io").read_text().splitlines():
            if line.startswith("read_bytes"):
                return int(line.split()[1])
    return 0


def drop(shards: set[Path]) -> None:
    """Have the system forget what it has read of files."""
    for shard in shards:
        file = os.open(shard, os.O_RDONLY)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(file)


def reading(clips: ClipDataset, batches: list[list[int]]) -> dict[str, float]:
    """MB that the disk gives for one epoch, clips read but not decoded; empty where the system does not tell.

    Where memory is far smaller than the corpus, what was read around a clip is gone before its neighbours are wanted.

    Args:
        clips: the corpus.
        batches: an epoch at random.
    """
    if not hasattr(os, "posix_fadvise") or not FEWEST <= len(clips) <= MOST:
        return {}
    samples = [(clips.folders[clips.folder(i)], clips.sample(i)) for i in range(len(clips))]
    shards = {folder / sample.shard for folder, sample in samples}
    stream = ClipStream(clips, len(batches[0]), shuffle=len(clips) // 4)
    at_random = [index for batch in batches for index in batch]

    def read(index: int) -> None:
        for suffix in ("mp4", "flac", "npz"):
            read_member(*samples[index], suffix)

    def stream_epoch() -> None:
        for position in range(len(at_random)):
            use = stream.order.at(position)
            stream.ahead.reach(stream.order, use)
            read(use.clip)

    def random_epoch(forgetful: bool) -> None:
        for number, index in enumerate(at_random):
            if forgetful and number % len(batches[0]) == 0:
                drop(shards)
            read(index)

    epochs: dict[str, Callable[[], None]] = {
        "at random, memory for all shards": lambda: random_epoch(False),
        "at random, memory for one batch": lambda: random_epoch(True),
        "stream, shuffled among a quarter": stream_epoch,
    }
    wanted = sum(member.size for _, sample in samples for suffix, member in sample.members.items() if suffix != "json")
    found = {"wanted": wanted * len(at_random) / len(clips) / 1e6}
    for name, epoch in epochs.items():
        drop(shards)
        before = read_bytes()
        epoch()
        found[name] = (read_bytes() - before) / 1e6
    return found if any(found[name] for name in epochs) else {}
