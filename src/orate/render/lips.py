"""FaceLandmarker's points on the lips, the line between them, and the opening."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from orate.face.masks import smoothstep
from orate.render.source import FaceSource

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
CLOSED_GAP = 0.12  # cm; inner lips nowhere further apart are closed, their gap is noise of the landmarks
STEPS = 6  # pieces of the curve between two landmarks


def middle_line(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """(n, 2) px: the line in the middle of the inner lips, from corner to corner, of landmarks (478, 2 or more) px."""
    middles = 0.5 * (points[INNER_UPPER, :2] + points[INNER_LOWER, :2])
    left, right = INNER_CORNERS
    return smooth_curve(np.concatenate([points[left, None, :2], middles, points[right, None, :2]]))


def down_axis(source: FaceSource) -> NDArray[np.float64]:
    """(2,) the direction of the head's lower end in the picture, of length 1."""
    down = -source.pose.rotation[1, :2]
    unit: NDArray[np.float64] = down / max(float(np.linalg.norm(down)), 1e-6)
    return unit


def gaps(source: FaceSource, points: NDArray[np.floating]) -> NDArray[np.float64]:
    """(9,) cm: how far the lower inner lip lies below the upper, of landmarks (478, 2 or more) px."""
    apart = points[INNER_LOWER, :2] - points[INNER_UPPER, :2]
    along: NDArray[np.float64] = apart @ down_axis(source) / source.pose.scale
    return along


def openness(source: FaceSource) -> float:
    """0 where the photo's lips are closed (its landmarks' gap is noise), 1 where they are open."""
    return float(smoothstep(gaps(source, source.landmarks).max() / CLOSED_GAP - 1))


def parting(source: FaceSource, points: NDArray[np.floating]) -> NDArray[np.float64]:
    """(9,) in [0, 1]: how far lips closed in the photo have left each other in the target (478, 2) px.

    At 0 the landmarks' gap is the noise of the photo's, at 1 it is the lips' own.
    """
    grown = (gaps(source, points) - gaps(source, source.landmarks)) / CLOSED_GAP
    parted: NDArray[np.float64] = 1 - (1 - openness(source)) * (1 - smoothstep(grown))
    return parted


def mouth_outline(source: FaceSource, target: NDArray[np.floating]) -> NDArray[np.float64]:
    """(n, 2) px: the opening between the lips that `ExpressionFlow` draws, a closed curve from the left corner.

    The inner lips of the target (478, 2) px less the gap that is only noise: closed lips enclose nothing. First half
    the upper lip to the right corner, then the lower lip back.
    """
    target = np.asarray(target, np.float64)[:, :2]
    upper, lower = target[INNER_UPPER], target[INNER_LOWER]
    apart = gaps(source, target)
    noise = np.clip(gaps(source, source.landmarks), 0, None) * (1 - parting(source, target))
    share = np.where(apart > 1e-6, np.minimum(noise / np.maximum(apart, 1e-6), 1), 1.0)[:, None]
    middle = 0.5 * (upper + lower)
    left, right = target[INNER_CORNERS[0], None], target[INNER_CORNERS[1], None]
    above = smooth_curve(np.concatenate([left, upper + share * (middle - upper), right]))
    below = smooth_curve(np.concatenate([left, lower + share * (middle - lower), right]))
    return np.concatenate([above, below[-2:0:-1]])


def smooth_curve(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """A Catmull-Rom spline through (n, 2) points, STEPS pieces between two of them."""
    p = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]]).astype(np.float64)
    t = (np.arange(STEPS) / STEPS)[None, :, None]
    before, start, end, after = p[:-3, None], p[1:-2, None], p[2:-1, None], p[3:, None]
    curve = start + 0.5 * t * (
        end - before + t * (2 * before - 5 * start + 4 * end - after + t * (3 * (start - end) + after - before))
    )
    return np.concatenate([curve.reshape(-1, 2), p[-2:-1]])
