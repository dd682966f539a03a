"""From what the motion model gives to what the layers draw: the user's controls, blinks, gaze, beginning and end."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from orate.animator.controls import Controls
from orate.models.gaze import GazeProcess
from orate.models.motion_session import Motion
from orate.render.emotion import emotion_expression, emotion_lids
from orate.render.gaze import kept_gaze
from orate.render.rest import speaking_face
from orate.render.source import FaceMotion, FaceSource

FPS = 25.0
PHOTO_S = 0.5  # over which the photo's own expression gives way, or comes back
SETTLE_S = 0.4  # over which the head comes out of the photo's pose
# Heights above the head's origin: below the first mouth and cheeks, above the second brows.
BROW_FROM_CM, BROW_FULL_CM = 3.6, 4.8


class Movement:
    """The movement of one video, in parts as they come.

    Args:
        source: the photo.
        controls: what the user asked for.
        seed: of the gaze.
        length_s: length of the video where it is known, for `Controls.end_as_photo`.
    """

    def __init__(self, source: FaceSource, controls: Controls, seed: int, length_s: float | None) -> None:
        self._source, self._controls = source, controls
        self._length = None if length_s is None else max(1, round(length_s * FPS))
        self._gaze = GazeProcess(seed, FPS)
        height = source.rest[:, 1]
        brows = np.clip((height - BROW_FROM_CM) / (BROW_FULL_CM - BROW_FROM_CM), 0, 1)
        strength = controls.brow_strength * brows + controls.mouth_strength * (1 - brows)
        self._strength = strength.astype(np.float32)[:, None]
        self._emotion = emotion_expression(controls.emotion, controls.emotion_strength)
        self._emotion_lids = emotion_lids(controls.emotion, controls.emotion_strength)
        self._done = 0

    def __call__(self, motion: Motion, expressions: NDArray[np.float32]) -> Iterator[FaceMotion]:
        """The next frames for the layers.

        Args:
            motion: of n frames, from `orate.models.motion_session.MotionSession`.
            expressions: (n, 478, 3) cm, their displacement from the face at rest.
        """
        saccades = self._gaze.next(len(expressions))
        for index, expression in enumerate(expressions):
            own = self._own_share()
            size = self._controls.head_motion * (1 - own) * min(1.0, self._done / (SETTLE_S * FPS))
            rotation = (size * motion.rotation[index]).astype(np.float32)
            yield FaceMotion(
                expression=self._shape(expression, own),
                lids=self._lids(motion.lids[index], own),
                gaze=self._look(rotation, (1 - own) * saccades[index]),
                rotation=rotation,
                translation=(size * motion.translation[index]).astype(np.float32),
            )
            self._done += 1

    def _shape(self, expression: NDArray[np.float32], own: float) -> NDArray[np.float32]:
        """(478, 3) cm from the face at rest: speech and emotion on this face's mouth, and the photo's own share."""
        if own >= 1:
            return (self._source.shape - self._source.rest).astype(np.float32)
        face = speaking_face(self._source, expression * self._strength + self._emotion)
        return ((1 - own) * face + own * self._source.shape - self._source.rest).astype(np.float32)

    def _lids(self, blink: NDArray[np.float32], own: float) -> NDArray[np.float32]:
        if self._controls.keep_eyes_open:
            return np.zeros(2, np.float32)
        # Half closed eyes in the first or last frame would be taken for the photo's own, so a blink gives way too.
        return np.asarray(1 - (1 - self._emotion_lids * (1 - own)) * (1 - blink * (1 - own)), np.float32)

    def _look(self, rotation: NDArray[np.float32], saccade: NDArray[np.float32]) -> NDArray[np.float32]:
        gaze = np.zeros(2, np.float32)
        if self._controls.gaze != "photo":
            gaze += kept_gaze(rotation, self._source.pose)
        if self._controls.gaze == "natural":
            gaze += saccade
        return gaze

    def _own_share(self) -> float:
        """How much of the photo's own expression is in the current frame, 0 to 1."""
        share = 0.0
        if self._controls.start_as_photo:
            share = max(share, 1 - self._done / (PHOTO_S * FPS))
        if self._controls.end_as_photo and self._length is not None:
            share = max(share, 1 - (self._length - 1 - self._done) / (PHOTO_S * FPS))
        share = float(np.clip(share, 0, 1))
        return share * share * (3 - 2 * share)
