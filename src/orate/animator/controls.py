"""What a user may ask of the movement, in plain units, with natural defaults."""

from __future__ import annotations

from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Literal, get_args

import numpy as np

from orate.errors import OrateError
from orate.render.emotion import EMOTIONS, Emotion

Gaze = Literal["natural", "viewer", "photo"]
Body = Literal["rest", "follow"]

MAX_SEED = 2**63 - 1
NATURAL_BLINKS = 20.0  # a minute; people in conversation blink 15 to 30 times
RANGES: dict[str, tuple[float, float]] = {
    "head_motion": (0.0, 1.5),
    "blink_rate": (0.0, 60.0),
    "mouth_strength": (0.0, 2.0),
    "brow_strength": (0.0, 2.0),
    "emotion_strength": (0.0, 1.0),
}


@dataclass(frozen=True)
class Controls:
    """Controls of the `default` model.

    Attributes:
        head_motion: size of the head's movement, 0 (still) to 1.5; 1 is that of people who speak to a camera.
        blink_rate: blinks a minute, 0 (none) to 60.
        mouth_strength: size of the mouth's movement, 0 to 2.
        brow_strength: size of the brows' movement, 0 to 2.
        emotion: ``neutral``, ``happy``, ``sad``, ``angry``, ``fear``, ``disgust`` or ``surprise``.
        emotion_strength: 0 to 1.
        gaze: ``natural``: at the viewer with small saccades; ``viewer``: at the viewer, without; ``photo``: eyes
            turn with the head, as painted.
        keep_eyes_open: no blinks and no narrowing of the eyes.
        start_as_photo: begin in the photo's own expression.
        end_as_photo: return to it at the end; only where the length is known beforehand, not in a stream.
        body: ``rest``: shoulders stay; ``follow``: they follow the head a little.

    Raises:
        OrateError: a value out of its range, an unknown word.
    """

    head_motion: float = 1.0
    blink_rate: float = NATURAL_BLINKS
    mouth_strength: float = 1.0
    brow_strength: float = 1.0
    emotion: Emotion = "neutral"
    emotion_strength: float = 0.7
    gaze: Gaze = "natural"
    keep_eyes_open: bool = False
    start_as_photo: bool = False
    end_as_photo: bool = False
    body: Body = "rest"

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Real) or not low <= float(value) <= high:
                raise OrateError(f"{name} must be a number from {low:g} to {high:g}, not {value!r}.")
        for name in ("keep_eyes_open", "start_as_photo", "end_as_photo"):
            if not isinstance(getattr(self, name), bool | np.bool_):
                raise OrateError(f"{name} must be True or False, not {getattr(self, name)!r}.")
        for name, words in (("emotion", EMOTIONS), ("gaze", get_args(Gaze)), ("body", get_args(Body))):
            if getattr(self, name) not in words:
                raise OrateError(f"{name} must be one of {', '.join(words)}, not {getattr(self, name)!r}.")

    def changed(self) -> list[str]:
        """Names of the controls that are not at their default."""
        return [field.name for field in fields(self) if getattr(self, field.name) != field.default]


def checked_seed(seed: int) -> int:
    """The seed as a plain number.

    Raises:
        OrateError: not a whole number, or out of range.
    """
    if isinstance(seed, bool) or not isinstance(seed, Integral) or not 0 <= seed <= MAX_SEED:
        raise OrateError(f"The seed must be a whole number from 0 to {MAX_SEED}, not {seed!r}.")
    return int(seed)
