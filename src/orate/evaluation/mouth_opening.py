"""Does the mouth open when it should: correlation of the mouth's opening with that of the real video."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from orate.evaluation.track import eye_distances

# Inner edge of the upper and of the lower lip: middle, and a little to either side.
INNER_LIP_PAIRS = ((13, 14), (82, 87), (312, 317))
# The landmarks of a picture that stands still waver by 0.001 eye distances; a speaking mouth moves by 0.02 and more.
STILL_DEVIATION = 0.002


def opening(landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean distance of the inner lips' edges in parts of the distance between the outer eye corners.

    Args:
        landmarks: (..., 478, 2 or more), pixels.

    Returns:
        (...,), NaN where the landmarks are.
    """
    upper, lower = (landmarks[..., [pair[side] for pair in INNER_LIP_PAIRS], :2] for side in (0, 1))
    gaps = np.linalg.norm((upper - lower).astype(np.float64), axis=-1)
    parts: NDArray[np.float64] = gaps.mean(-1) / eye_distances(landmarks)
    return parts


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
