"""A picture of what a prepared folder holds: the first frame of clips, as many speakers as there is room for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.corpora.codec import MemberError, decode_video
from orate.corpora.shards import Index, Sample, read_member
from orate.errors import OrateError

COLUMNS = 8
ROWS = 3
GAP_PX = 4
BACKGROUND = 255


def shown_samples(samples: Sequence[Sample]) -> list[Sample]:
    """Clips for the sheet: speakers evenly over all of them, then their clips evenly, in the speakers' order."""
    speakers: dict[str, list[Sample]] = {}
    for sample in samples:
        speakers.setdefault(sample.speaker, []).append(sample)
    room = COLUMNS * ROWS
    names = sorted(speakers)
    chosen = [names[i] for i in _evenly(len(names), room)]
    counts = Counter(islice(_in_turn({name: len(speakers[name]) for name in chosen}), room))
    return [speakers[name][i] for name in chosen for i in _evenly(len(speakers[name]), counts[name])]


def _in_turn(clips: dict[str, int]) -> Iterator[str]:
    """Each name once, each again that has a second clip, and so on."""
    for turn in range(max(clips.values(), default=0)):
        yield from (name for name, count in clips.items() if count > turn)


def contact_sheet(folder: Path, index: Index) -> tuple[NDArray[np.uint8], list[Sample]] | None:
    """The sheet (H, W, 3) uint8 RGB and what it shows, row by row; None where nothing can be shown.

    Clips that cannot be decoded are passed over: it is not for a picture to judge a shard.
    """
    frames, shown = [], []
    for sample in shown_samples(index.samples):
        try:
            frames.append(decode_video(read_member(folder, sample, "mp4"), first=1)[0])
        except (MemberError, OrateError, KeyError):
            continue
        shown.append(sample)
    if not frames:
        return None
    columns = min(COLUMNS, len(frames))
    rows = -(-len(frames) // columns)
    height, width = frames[0].shape[:2]
    sheet = np.full((rows * (height + GAP_PX) - GAP_PX, columns * (width + GAP_PX) - GAP_PX, 3), BACKGROUND, np.uint8)
    for number, frame in enumerate(frames):
        top, left = number // columns * (height + GAP_PX), number % columns * (width + GAP_PX)
        sheet[top : top + height, left : left + width] = frame
    return sheet, shown


def png(image: NDArray[np.uint8]) -> bytes:
    """An RGB image as PNG."""
    encoded = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1]
    return encoded.tobytes()


def _evenly(count: int, wanted: int) -> list[int]:
    """At most ``wanted`` of ``count`` places, evenly, the first among them."""
    return [i * count // wanted for i in range(wanted)] if wanted < count else list(range(count))
