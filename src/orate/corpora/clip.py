"""What every corpus layout hands to preparation: one clip of one speaker, and the settings it is prepared with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

TRAIN = "train"
VALIDATION = "validation"
TEST = "test"


@dataclass(frozen=True)
class Word:
    """One word of a clip; times in seconds from the clip's beginning."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True)
class Clip:
    """One clip as a corpus holds it.

    ``key`` is unique in the corpus and free of dots (a shard's members are KEY.mp4, KEY.flac, ...). ``audio`` is the
    separate recording to read when ``video`` carries no sound. ``split`` is "train", "validation" or "test";
    ``unseen_speaker`` says that no clip of this speaker may be trained on. ``corpus`` is the corpus' short name
    ("grid"); ``emotion`` and ``emotion_level`` are words ("anger", "high") where the corpus tells, else empty.
    ``start_s`` and ``end_s`` cut the clip out of a longer recording, in seconds of it; ``end_s`` None is its end.
    ``phones`` are timed like ``words``, in the corpus' own alphabet; ``details`` are names and values of what else the
    corpus tells of the clip ("channel", "BBC One").
    """

    key: str
    speaker: str
    video: Path
    audio: Path | None = None
    sentence_id: str = ""
    transcript: str = ""
    words: tuple[Word, ...] = ()
    split: str = TRAIN
    unseen_speaker: bool = False
    corpus: str = ""
    emotion: str = ""
    emotion_level: str = ""
    start_s: float = 0.0
    end_s: float | None = None
    phones: tuple[Word, ...] = ()
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class PrepareSettings:
    """What a set of shards is made with; shards made with other settings do not mix.

    ``crf`` is libx264rgb's: 4 gives about 52 dB against the crop that was written, at under 600 KB for three seconds.
    ``largest_turn_deg`` is what the head's yaw or pitch may be for most of a clip. ``voice`` looks for a voice, and
    whether this mouth speaks it; ``least_voiced`` is the share of a clip's time in which one must be heard.
    ``offset`` measures the audio-visual offset and takes a constant one away, where preparation is given a meter.
    """

    fps: float = 25.0
    rate: int = 50_000
    height: int = 128
    width: int = 96
    crf: int = 4
    largest_turn_deg: float = 40.0
    voice: bool = True
    least_voiced: float = 0.1
    offset: bool = True

    @property
    def crop_size(self) -> tuple[int, int]:
        """(height, width) of the canonical crop in pixels."""
        return self.height, self.width
