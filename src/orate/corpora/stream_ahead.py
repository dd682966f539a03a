"""Reading ahead: the system is told what a stream will need, in the order of the files, and keeps it in its page cache.

The page cache is the buffer of the shuffle. All loader processes of a machine share it, the system takes it back when
memory is short, and a stream that begins anywhere has nothing to fill first.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orate.corpora.shards import Sample
from orate.corpora.stream_order import StreamOrder, Use

CLIPS_AT_ONCE = 32  # of a lane; about 30 MB of clips of three seconds
GAP_BYTES = 1 << 20  # clips of other splits between two that are wanted are read along


class ReadAhead:
    """Asks for the bytes of coming clips; without effect where the system has no such request.

    Args:
        places: folder and sample of each clip.
    """

    def __init__(self, places: Iterator[tuple[Path, Sample]]) -> None:
        numbers: dict[Path, int] = {}
        extents = []
        for folder, sample in places:
            members = sample.members.values()
            extents.append(
                (
                    numbers.setdefault(folder / sample.shard, len(numbers)),
                    min(member.offset for member in members),
                    max(member.offset + member.size for member in members),
                )
            )
        self.shards = list(numbers)
        self.extents: NDArray[np.int64] = np.array(extents, np.int64).reshape(-1, 3)  # shard, first byte, end
        self._fronts: dict[tuple[int, int, int], int] = {}

    def reach(self, order: StreamOrder, use: Use) -> None:
        """Have everything asked for that a use's lane may need by now."""
        passing = order.passing(use.corpus, use.epoch)
        place, begin, end = (int(of[use.number]) for of in (passing.place, passing.lane_begin, passing.lane_end))
        lane = use.corpus, use.epoch, end
        front = self._fronts.get(lane, max(begin, place - order.window))
        if front < min(place + order.window, end):
            self._fronts[lane] = min(place + order.window + CLIPS_AT_ONCE, end)
            self._ask(passing.read[front : self._fronts[lane]])

    def _ask(self, clips: NDArray[np.int64]) -> None:
        if not hasattr(os, "posix_fadvise"):
            return
        for shard, begin, end in joined(self.extents[clips]):
            try:
                file = os.open(self.shards[shard], os.O_RDONLY)
            except OSError:
                continue  # who reads it will tell
            try:
                os.posix_fadvise(file, begin, end - begin, os.POSIX_FADV_WILLNEED)
            finally:
                os.close(file)


def joined(extents: NDArray[np.int64]) -> Iterator[tuple[int, int, int]]:
    """Extents (shard, first byte, end) with neighbours in one piece."""
    piece: tuple[int, int, int] | None = None
    for shard, begin, end in extents.tolist():
        if piece and piece[0] == shard and 0 <= begin - piece[2] <= GAP_BYTES:
            piece = shard, piece[1], end
            continue
        if piece:
            yield piece
        piece = shard, begin, end
    if piece:
        yield piece
