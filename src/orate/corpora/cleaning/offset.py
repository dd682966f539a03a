"""Audio-visual offset: the sound of a clip comes later or earlier than the mouth that speaks it.

Recorders, cameras and video sites leave offsets of some frames. A constant one is taken away; a clip in which it
changes is dropped; where it cannot be told the clip stays as it is. What measures is handed in: this room knows no
networks.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


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
