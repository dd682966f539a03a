"""Jitter: how fast the landmarks' velocity changes; trembling shows here and nowhere else.

Mean absolute acceleration, as the smoothness measure of pose tracking (such as Zeng et al., SmoothNet, ECCV 2022,
"Accel"), of all of the face's landmarks. Speech and head movement accelerate landmarks too, and trackers tremble by
themselves: the figure means something beside that of real clips of the same size and frame rate.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from orate.evaluation.lmd import FACE
from orate.evaluation.track import eye_distances


def acceleration(before: NDArray[np.floating], now: NDArray[np.floating], after: NDArray[np.floating]) -> float:
    """Mean length of the second difference of three successive frames' landmarks, (478, 2 or more) px each.

    Returns:
        Parts of the eye distance per frame squared; NaN when a frame shows no face.
    """
    faces = (landmarks[: len(FACE), :2].astype(np.float64) for landmarks in (before, now, after))
    first, second, third = faces
    bend = np.linalg.norm(third - 2 * second + first, axis=-1)
    return float(bend.mean() / eye_distances(now))


def jitter(landmarks: NDArray[np.floating]) -> float:
    """Mean acceleration over a video's frames.

    Args:
        landmarks: (time, 478, 2 or more) px, NaN where no face was found.

    Returns:
        Parts of the eye distance per frame squared; NaN when no three successive frames show a face.
    """
    parts = [acceleration(*landmarks[place : place + 3]) for place in range(len(landmarks) - 2)]
    known = [part for part in parts if np.isfinite(part)]
    return float(np.mean(known)) if known else float("nan")
