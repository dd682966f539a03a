"""What cleaning measured of a clip that is kept."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class OffsetState(StrEnum):
    """What became of the measurement of a clip's audio-visual offset."""

    NOT_MEASURED = ""
    IN_TIME = "in time"
    CORRECTED = "corrected"
    UNSURE = "unsure"


@dataclass(frozen=True)
class ClipFigures:
    """Figures of one clip, for its metadata, the index and the card.

    Attributes:
        offset: what became of the audio-visual offset.
        offset_s: seconds by which the sound came after the picture before it was moved; 0 where it was not moved.
        offset_confidence: of the measurement, 0 and up; 0 where nothing was measured.
        voiced: share of the clip's time in which a voice is heard, in [0, 1]; -1 where it was not looked for.
        yaw_deg, pitch_deg, roll_deg: medians of the head's angles in the picture.
        fingerprint: see `orate.corpora.cleaning.duplicates`; empty where none was taken.
    """

    offset: OffsetState = OffsetState.NOT_MEASURED
    offset_s: float = 0.0
    offset_confidence: float = 0.0
    voiced: float = -1.0
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    fingerprint: str = ""
