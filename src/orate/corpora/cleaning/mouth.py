"""Off-screen voice: somebody is heard while this mouth keeps still.

Between a voice and a mouth that moves, but to other words, only the sync network could tell, and not surely enough
(`orate.evaluation.clip_offset`): such clips end as "unsure" or with an offset that is not constant.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from orate.corpora.cleaning.reasons import Dropped, DropReason

INNER_LIP_PAIRS = ((13, 14), (82, 87), (312, 317))
MOUTH_CORNERS = (61, 291)
OUTER_EYE_CORNERS = (33, 263)
LEAST_FRAMES = 8  # with a voice: fewer say nothing of the mouth
REACH = 2  # frames: a voice may be heard before or after the mouth moves for it
SMOOTHING = np.array([0.25, 0.5, 0.25])  # landmarks tremble from frame to frame, mouths do not
# Range of the lips' gap, or of the mouth's width, in distances of the outer eye corners. It is 0.06 and more of GRID's
# speakers in 3 s, under 0.025 in 95% of the cases while they wait, and up to 0.02 of a still picture of a small face.
STILL_RANGE = 0.025


def check_mouth(landmarks: NDArray[np.floating], voiced: NDArray[np.bool_]) -> None:
    """Raise Dropped where a voice is heard and the mouth does not move with it.

    Args:
        landmarks: (T, 478, 2 or more) px.
        voiced: (T,) the frames in which a voice is heard.
    """
    near = np.convolve(voiced, np.ones(2 * REACH + 1), "same") > 0
    if voiced.sum() < LEAST_FRAMES:
        return
    moved = mouth_range(landmarks[near])
    if moved < STILL_RANGE:
        raise Dropped(DropReason.OFF_SCREEN, f"the mouth moves by {moved:.1%} of the eyes' distance")


def mouth_range(landmarks: NDArray[np.floating]) -> float:
    """How far a mouth opens and closes, or widens and narrows, in distances of the outer eye corners.

    The larger of the two, between the 10th and the 90th percentile over landmarks (T, 478, 2 or more).
    """
    points = np.asarray(landmarks[..., :2], np.float64)
    eyes = np.maximum(_distance(points, *OUTER_EYE_CORNERS), 1e-6)
    gap = np.mean([_distance(points, upper, lower) for upper, lower in INNER_LIP_PAIRS], axis=0) / eyes
    width = _distance(points, *MOUTH_CORNERS) / eyes
    ranges = []
    for curve in (gap, width):
        smooth = np.convolve(np.pad(curve, 1, mode="edge"), SMOOTHING, "valid")
        ranges.append(np.quantile(smooth, 0.9) - np.quantile(smooth, 0.1))
    return float(max(ranges))


def _distance(points: NDArray[np.float64], first: int, second: int) -> NDArray[np.float64]:
    distance: NDArray[np.float64] = np.linalg.norm(points[:, first] - points[:, second], axis=-1)
    return distance
