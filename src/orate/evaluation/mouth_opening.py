"""Does the mouth open when it should: correlation of the mouth's opening with that of the real video."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from orate.face.landmarks import Face, FaceLandmarker
from orate.face.regions import OUTER_EYE_CORNERS

# Inner edge of the upper and of the lower lip: middle, and a little to either side.
INNER_LIP_PAIRS = ((13, 14), (82, 87), (312, 317))
# The landmarks of a picture that stands still waver by 0.001 eye distances; a speaking mouth moves by 0.02 and more.
STILL_DEVIATION = 0.002


def opening(landmarks: NDArray[np.float32]) -> float:
    """Mean distance of the inner lips' edges in parts of the distance between the outer eye corners.

    Args:
        landmarks: (478, 2 or more), pixels.
    """
    points = landmarks[:, :2]
    gaps = [np.linalg.norm(points[upper] - points[lower]) for upper, lower in INNER_LIP_PAIRS]
    eyes = np.linalg.norm(points[OUTER_EYE_CORNERS[0]] - points[OUTER_EYE_CORNERS[1]])
    return float(np.mean(gaps) / max(float(eyes), 1e-6))


def opening_curve(landmarker: FaceLandmarker, video: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Opening of each frame of a video, (time, height, width, 3) uint8; NaN where no face is found."""
    curve = np.full(len(video), np.nan)
    face: Face | None = None
    for index, frame in enumerate(video):
        face = landmarker.track(frame, face)
        if face is not None:
            curve[index] = opening(face.landmarks)
    return curve


def correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Pearson correlation of two curves over the frames where both are known.

    A curve that hardly moves (`STILL_DEVIATION`) says nothing of the other: the correlation is then 0, so that a still
    mouth fails, whatever its landmarks' noise happens to do. NaN when fewer than three frames are known in both.
    """
    known = np.isfinite(first) & np.isfinite(second)
    if known.sum() < 3:
        return float("nan")
    a, b = first[known] - first[known].mean(), second[known] - second[known].mean()
    if min(a.std(), b.std()) < STILL_DEVIATION:
        return 0.0
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))
