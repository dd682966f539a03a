"""Figures of a photo that speaks: there is no truth to compare with, but much that can be wrong without one.

Frames are taken one by one, and of each only a few numbers are kept: memory does not grow with the length.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from orate.errors import OrateError
from orate.evaluation.blinks import blink_duration, blinks_per_second, eye_opening, find_blinks
from orate.evaluation.identity import Embedding, FaceEmbedder
from orate.evaluation.jitter import acceleration
from orate.evaluation.mouth_opening import opening
from orate.evaluation.sharpness import mouth_sharpness, source_sharpness
from orate.evaluation.silence import silence_movement, voice_activity
from orate.evaluation.stillness import change_outside, head_box
from orate.evaluation.track import tracked
from orate.face.landmarks import Face, FaceLandmarker
from orate.training.validation import mean_known

PHOTO_FIGURES = {
    "faces_found": "share of frames in which a face is found",
    "identity_distance": "of face embeddings, to the photo (dlib)",
    "mouth_sharpness": "the mouth's sharpness over that of the photo's face",
    "mouth_range": "90% of the mouth's openings lie so close together, in eye distances",
    "silence_movement": "velocity of the mouth's opening in silence over that in speech",
    "blinks_per_s": "blinks a second",
    "blink_s": "mean length of a blink in s",
    "jitter": "acceleration of the landmarks, in eye distances per frame squared",
    "change_outside": "largest change outside the moving region, grey levels of 255",
    "pixels_outside": "most pixels of a frame that change there",
}
SHARPNESS_EVERY_S = 0.12
IDENTITY_EVERY_S = 0.6  # a face takes 0.12 s


class PhotoMeter:
    """Measures videos made from photos.

    Args:
        landmarker: where there is one already.
        embedder: for the distance of face embeddings, which is NaN without it.
    """

    def __init__(self, landmarker: FaceLandmarker | None = None, embedder: FaceEmbedder | None = None) -> None:
        self._landmarker = landmarker or FaceLandmarker()
        self._embedder = embedder

    def __call__(
        self,
        photo: NDArray[np.uint8],
        frames: Iterable[NDArray[np.uint8]],
        audio: NDArray[np.float32],
        rate: int,
        fps: float = 25.0,
        moving: NDArray[np.bool_] | None = None,
    ) -> dict[str, float]:
        """Compute `PHOTO_FIGURES`.

        Args:
            photo: (height, width, 3) uint8 RGB, the source image; its largest face is the one that speaks.
            frames: of the photo's size, such as from `orate.Animator.stream`.
            audio: the sound that drives them, (samples,) in [-1, 1].
            rate: samples a second of it.
            fps: frames a second.
            moving: (height, width), where the model may change the photo, as `orate.Animator.moving` says it of one
                with layers; None for a box around the head, which such a model leaves: the background near a head
                moves with it.

        Raises:
            OrateError: no face in the photo, or no frames.
        """
        faces = self._landmarker.detect(photo)
        if not faces:
            raise OrateError("No face was found in the photo.")
        source = faces[0]
        allowed = head_box(source.landmarks, photo.shape) if moving is None else moving
        record = _Record(photo, source, allowed, self._embedder, fps)
        kept = _Kept(frames)
        for face in tracked(self._landmarker, kept):
            record.add(kept.frame, face)
        return record.figures(audio, rate)


class _Kept:
    """An iterable that remembers the frame it gave last."""

    def __init__(self, frames: Iterable[NDArray[np.uint8]]) -> None:
        self._frames = iter(frames)
        self.frame: NDArray[np.uint8] = np.empty(0, np.uint8)

    def __iter__(self) -> _Kept:
        return self

    def __next__(self) -> NDArray[np.uint8]:
        self.frame = next(self._frames)
        return self.frame


class _Record:
    """What is kept of the frames of one video."""

    def __init__(
        self,
        photo: NDArray[np.uint8],
        source: Face,
        moving: NDArray[np.bool_],
        embedder: FaceEmbedder | None,
        fps: float,
    ) -> None:
        self._photo, self._moving, self._fps = photo, moving, fps
        self._embedder = embedder
        self._embedding: Embedding | None = embedder(photo, source.landmarks) if embedder else None
        self._sharpness = source_sharpness(photo, source.landmarks)
        self._steps = {name: max(1, round(every * fps)) for name, every in _EVERY_S.items()}
        self._unknown = np.full_like(source.landmarks, np.nan)
        self._last: list[NDArray[np.float32]] = []  # landmarks of the last three frames
        self._openings: list[float] = []
        self._eyes: list[float] = []
        self._means = {name: _Mean() for name in ("jitter", *_EVERY_S)}
        self._level = self._pixels = 0

    def add(self, frame: NDArray[np.uint8], face: Face | None) -> None:
        """Measure the next frame."""
        place = len(self._openings)
        landmarks = self._unknown if face is None else face.landmarks
        self._openings.append(float(opening(landmarks)))
        self._eyes.append(float(eye_opening(landmarks)))
        self._last = [*self._last[-2:], landmarks]
        if len(self._last) == 3:
            self._means["jitter"].add(acceleration(*self._last))
        level, pixels = change_outside(self._photo, frame, self._moving)
        self._level, self._pixels = max(self._level, level), max(self._pixels, pixels)
        if face is None:
            return
        if place % self._steps["mouth_sharpness"] == 0:
            self._means["mouth_sharpness"].add(mouth_sharpness(frame, landmarks, self._sharpness))
        if self._embedder and self._embedding is not None and place % self._steps["identity_distance"] == 0:
            distance = float(np.linalg.norm(self._embedder(frame, landmarks) - self._embedding))
            self._means["identity_distance"].add(distance)

    def figures(self, audio: NDArray[np.float32], rate: int) -> dict[str, float]:
        """All figures of the frames so far."""
        count = len(self._openings)
        if not count:
            raise OrateError("There are no frames to measure.")
        curve, eyes = np.array(self._openings), np.array(self._eyes)
        known = curve[np.isfinite(curve)]
        blinks = find_blinks(eyes, self._fps)
        low, high = np.quantile(known, [0.05, 0.95]) if len(known) else (np.nan, np.nan)
        return {
            "faces_found": len(known) / count,
            "identity_distance": self._means["identity_distance"].value,
            "mouth_sharpness": self._means["mouth_sharpness"].value,
            "mouth_range": float(high - low),
            "silence_movement": silence_movement(curve, voice_activity(audio, rate, count, self._fps)),
            "blinks_per_s": np.nan if blinks is None else blinks_per_second(blinks, count, self._fps),
            "blink_s": blink_duration(blinks or []),
            "jitter": self._means["jitter"].value,
            "change_outside": float(self._level),
            "pixels_outside": float(self._pixels),
        }


_EVERY_S = {"mouth_sharpness": SHARPNESS_EVERY_S, "identity_distance": IDENTITY_EVERY_S}


class _Mean:
    """Mean of the values that are known."""

    def __init__(self) -> None:
        self._sum, self._count = 0.0, 0

    def add(self, value: float) -> None:
        if np.isfinite(value):
            self._sum, self._count = self._sum + value, self._count + 1

    @property
    def value(self) -> float:
        return self._sum / self._count if self._count else float("nan")


def mean_photo_figures(figures: list[dict[str, float]]) -> dict[str, float]:
    """Means over photos; of what must not change, the worst."""
    worst = {"change_outside", "pixels_outside"}
    return {
        name: max(figure[name] for figure in figures)
        if name in worst
        else mean_known([figure[name] for figure in figures])
        for name in PHOTO_FIGURES
    }
