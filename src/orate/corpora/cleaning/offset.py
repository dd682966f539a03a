"""Audio-visual offset: the sound of a clip comes later or earlier than the mouth that speaks it.

Recorders, cameras and video sites leave offsets of some frames. A constant one is taken away; a clip in which it
changes is dropped; where it cannot be told the clip stays as it is. What measures is handed in: this room knows no
networks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from orate.corpora.cleaning.figures import OffsetState
from orate.corpora.cleaning.reasons import Dropped, DropReason

# Nearer than this sound and picture count as together: GRID's own clips agree to about a frame, and people see less.
LEAST_S = 0.05
MOST_S = 0.6


class Constancy(StrEnum):
    """What a meter can say of a clip's offset."""

    SURE = "sure"
    UNSURE = "unsure"
    CHANGING = "changing"


@dataclass(frozen=True)
class OffsetReading:
    """What a meter found.

    Attributes:
        offset_s: seconds by which the sound comes after the picture; negative where it comes before.
        confidence: how far the best offset stands out, 0 and up, in the meter's own unit.
        constancy: whether the offset is sure and the same all along, cannot be told, or surely changes.
        detail: for the report, where the offset changes.
    """

    offset_s: float
    confidence: float
    constancy: Constancy
    detail: str = ""


class OffsetMeter(Protocol):
    """Tells how late the sound of a clip is against its picture."""

    def __call__(
        self,
        frames: NDArray[np.uint8],
        landmarks: NDArray[np.floating],
        audio: NDArray[np.float32],
        rate: int,
        fps: float,
    ) -> OffsetReading:
        """Measure one clip.

        Args:
            frames: (T, height, width, 3) uint8 RGB, canonical crops.
            landmarks: (T, 478, 2 or more) px of the crop.
            audio: (n,) in [-1, 1], from the time of the first frame on.
            rate: of the sound, Hz.
            fps: frames a second.
        """


@dataclass(frozen=True)
class Overlap:
    """What is left of a clip of T frames when its sound is moved: both must exist.

    Attributes:
        first, end: the frames that stay, ``first <= k < end``.
        sound_start_s: where in the clip's sound the sound of frame ``first`` is.
    """

    first: int
    end: int
    sound_start_s: float


def overlap_of(offset_s: float, frames: int, fps: float) -> Overlap:
    """What is left of ``frames`` when a sound that comes ``offset_s`` after its picture is moved to it."""
    lost = math.ceil(abs(offset_s) * fps - 1e-9)
    if offset_s >= 0:
        return Overlap(0, frames - lost, offset_s)
    return Overlap(lost, frames, lost / fps + offset_s)


def settle(reading: OffsetReading) -> tuple[OffsetState, float]:
    """What to do about a reading: the state, and the offset to take away in seconds.

    Raises:
        Dropped: the offset surely changes.
    """
    if reading.constancy is Constancy.CHANGING:
        raise Dropped(DropReason.OFFSET, reading.detail)
    if reading.constancy is Constancy.UNSURE or abs(reading.offset_s) > MOST_S:
        return OffsetState.UNSURE, 0.0
    if abs(reading.offset_s) < LEAST_S:
        return OffsetState.IN_TIME, 0.0
    return OffsetState.CORRECTED, reading.offset_s
