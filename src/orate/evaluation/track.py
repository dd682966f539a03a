"""One tracking of a video's face, from which every metric of its movement is computed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from orate.face.landmarks import LANDMARKS, Face, FaceLandmarker
from orate.face.regions import OUTER_EYE_CORNERS


def tracked(landmarker: FaceLandmarker, frames: Iterable[NDArray[np.uint8]]) -> Iterator[Face | None]:
    """The face in each frame, (height, width, 3) uint8; None where there is none.

    A frame equal to the one before has its face: a still picture is looked at once, and its landmarks stand still.
    """
    face: Face | None = None
    previous: NDArray[np.uint8] | None = None
    for frame in frames:
        if previous is None or not np.array_equal(frame, previous):
            face = landmarker.track(frame, face)
        previous = frame.copy()  # whoever draws may draw the next frame over it
        yield face


def track_landmarks(landmarker: FaceLandmarker, video: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Landmarks of a video, (time, height, width, 3) uint8: (time, 478, 3) px, NaN where no face is found."""
    landmarks = np.full((len(video), LANDMARKS, 3), np.nan, np.float32)
    for place, face in zip(landmarks, tracked(landmarker, video), strict=True):
        if face is not None:
            place[:] = face.landmarks
    return landmarks


def found(landmarks: NDArray[np.floating]) -> NDArray[np.bool_]:
    """In which frames a face was found: (time,) of landmarks (time, 478, 2 or more)."""
    return np.asarray(np.isfinite(landmarks[:, 0, 0]))


def eye_distances(landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
    """Distance of the outer eye corners, (...,) px, of landmarks (..., 478, 2 or more); never zero."""
    right, left = (landmarks[..., corner, :2] for corner in OUTER_EYE_CORNERS)
    return np.asarray(np.maximum(np.linalg.norm((right - left).astype(np.float64), axis=-1), 1e-6))
