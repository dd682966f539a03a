"""What is kept of a measured clip: figures, and the curves from which figures of many clips and pictures are made."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orate.evaluation.blinks import eye_opening, find_blinks
from orate.evaluation.head_movement import head_curves
from orate.evaluation.mouth_opening import opening

DIGITS = 5  # of what is kept: the landmarks are not known better


@dataclass(frozen=True)
class VideoRecord:
    """Curves of one video, with NaN where no face was found.

    Attributes:
        opening: (time,) of the mouth, in eye distances.
        head: (time, 4), see `orate.evaluation.head_movement.head_curves`.
        blinks: start and length of each blink in s, the length NaN where the video cuts it off.
        read: what the lip reader read; None where it was not asked.
    """

    opening: list[float]
    head: list[list[float]]
    blinks: list[tuple[float, float]]
    read: str | None = None


@dataclass(frozen=True)
class ClipFigures:
    """One clip's figures.

    Attributes:
        key: the clip's name.
        group: the speaker, or ``unseen`` for people that training never saw.
        rows: figures by row (model, ceiling, floor) and name.
        said: the sentence; empty where none is known.
        fps: frames a second.
        videos: curves by row.
    """

    key: str
    group: str
    rows: dict[str, dict[str, float]]
    said: str = ""
    fps: float = 25.0
    videos: dict[str, VideoRecord] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Ready for JSON, null for what is not known or infinite."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> ClipFigures:
        """What `as_json` gave, NaN for null.

        Raises:
            KeyError, TypeError: it is nothing of the kind.
        """
        rows = {row: {name: _number(one) for name, one in figures.items()} for row, figures in value["rows"].items()}
        videos = {
            row: VideoRecord(
                [_number(one) for one in video["opening"]],
                [[_number(one) for one in angles] for angles in video["head"]],
                [(_number(start), _number(length)) for start, length in video["blinks"]],
                video["read"],
            )
            for row, video in value["videos"].items()
        }
        return cls(value["key"], value["group"], rows, value["said"], value["fps"], videos)


def record(landmarks: NDArray[np.floating], fps: float, read: str | None = None) -> VideoRecord:
    """The curves of a video from its landmarks, (time, 478, 3) px, NaN where no face was found."""
    blinks = find_blinks(eye_opening(landmarks), fps) or []
    return VideoRecord(
        np.round(opening(landmarks), DIGITS).tolist(),
        np.round(head_curves(landmarks), DIGITS).tolist(),
        [(round(blink.start_s, DIGITS), round(blink.duration_s, DIGITS)) for blink in blinks],
        read,
    )


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
