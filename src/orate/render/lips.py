"""FaceLandmarker's points on the lips, and the line between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# fmt: off
# From the image's left to its right, corners left out. Inner lips first; each ring lies further out.
UPPER_RINGS = np.array([
    [191, 80, 81, 82, 13, 312, 311, 310, 415],
    [183, 42, 41, 38, 12, 268, 271, 272, 407],
    [184, 74, 73, 72, 11, 302, 303, 304, 408],
    [185, 40, 39, 37, 0, 267, 269, 270, 409],
])
LOWER_RINGS = np.array([
    [95, 88, 178, 87, 14, 317, 402, 318, 324],
    [96, 89, 179, 86, 15, 316, 403, 319, 325],
    [77, 90, 180, 85, 16, 315, 404, 320, 307],
    [146, 91, 181, 84, 17, 314, 405, 321, 375],
])
# fmt: on
INNER_UPPER, INNER_LOWER = UPPER_RINGS[0], LOWER_RINGS[0]  # nine pairs that meet when the lips close
INNER_CORNERS = (78, 308)
OUTER_CORNERS = (61, 291)
STEPS = 6  # pieces of the curve between two landmarks


def middle_line(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """(n, 2) px: the line in the middle of the inner lips, from corner to corner, of landmarks (478, 2 or more) px."""
    middles = 0.5 * (points[INNER_UPPER, :2] + points[INNER_LOWER, :2])
    left, right = INNER_CORNERS
    return smooth_curve(np.concatenate([points[left, None, :2], middles, points[right, None, :2]]))


def smooth_curve(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """A Catmull-Rom spline through (n, 2) points, STEPS pieces between two of them."""
    p = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]]).astype(np.float64)
    t = (np.arange(STEPS) / STEPS)[None, :, None]
    before, start, end, after = p[:-3, None], p[1:-2, None], p[2:-1, None], p[3:, None]
    curve = start + 0.5 * t * (
        end - before + t * (2 * before - 5 * start + 4 * end - after + t * (3 * (start - end) + after - before))
    )
    return np.concatenate([curve.reshape(-1, 2), p[-2:-1]])
