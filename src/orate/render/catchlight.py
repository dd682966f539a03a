"""The small reflection of a light in an eye: it belongs to the light, not to the iris that moves under it.

The cornea is a sphere whose centre lies about half as far before the eyeball's centre as the pupil does (5.7 mm and
10.5 mm in Gullstrand's schematic eye), so a reflection moves about half as far as the iris.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.render.eye_shape import EyeShape, Floats, luma

FOLLOWS = 0.54  # of the iris's way
SPOT = 0.85  # of the iris's radius: what is wider is a part of the iris or the white
WITHIN, MIDDLE = 1.25, 1.02  # of the iris's radius, in which a reflection, and its middle, lie
LEAST_LEVELS = 18.0  # by which a reflection stands out
PARTS = (0.35, 0.5, 0.65)  # the same, of the contrast between the darkest and the brightest of the iris
MOST_AREA, MOST_LENGTH = 0.2, 1.0  # of the iris's area and radius
UNDER_LID = 0.3  # of the iris's radius above the landmarks' lid, where they lie too low


class Catchlight:
    """The reflection in one eye of one photo.

    Attributes:
        box: (x0, y0, x1, y1) in the eye's patch, the reflection with a margin; None for an eye without.
    """

    def __init__(self, patch: Floats, shape: EyeShape, centre: Floats, radius: float):
        """Find it in the eye's (h, w, 3) patch; `centre` (2,) and `radius` are the iris's, px in the patch."""
        self.box: tuple[int, int, int, int] | None = None
        spot = _spot(patch, shape, centre, radius)
        if spot is None:
            return
        rows, columns = np.nonzero(spot)
        margin = 3
        height, width = spot.shape
        x0, y0 = max(int(columns.min()) - margin, 0), max(int(rows.min()) - margin, 0)
        x1, y1 = min(int(columns.max()) + margin + 1, width), min(int(rows.max()) + margin + 1, height)
        part = np.clip(patch[y0:y1, x0:x1], 0, 255).astype(np.uint8)
        grown = cv2.dilate(spot[y0:y1, x0:x1].astype(np.uint8), np.ones((3, 3), np.uint8))
        under = cv2.inpaint(part, grown, 3, cv2.INPAINT_TELEA)
        self.box = x0, y0, x1, y1
        self._light: Floats = np.maximum(part.astype(np.float32) - under, 0) * grown[..., None]

    def without(self, patch: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A copy of the patch (h, w, 3) with the iris under the reflection; the patch itself where there is none."""
        if self.box is None:
            return patch
        x0, y0, x1, y1 = self.box
        result = patch.copy()
        result[y0:y1, x0:x1] = np.clip(patch[y0:y1, x0:x1] - self._light, 0, 255)
        return result

    def add(self, patch: NDArray[np.uint8], shift: tuple[float, float]) -> None:
        """Put the reflection over a patch, in place, when the iris has moved by `shift`, px."""
        if self.box is None:
            return
        x0, y0, x1, y1 = self.box
        edge = int(np.ceil(max(abs(shift[0]), abs(shift[1])) * FOLLOWS)) + 1
        height, width = patch.shape[:2]
        left, top = min(edge, x0), min(edge, y0)
        right, bottom = min(x1 + edge, width), min(y1 + edge, height)
        matrix = np.array([[1, 0, left + FOLLOWS * shift[0]], [0, 1, top + FOLLOWS * shift[1]]])
        size = (right - x0 + left, bottom - y0 + top)
        light = cv2.warpAffine(self._light, matrix, size, flags=cv2.INTER_LINEAR)
        view = patch[y0 - top : bottom, x0 - left : right]
        view[:] = np.clip(view + np.asarray(light, np.float32) + 0.5, 0, 255)


def _spot(patch: Floats, shape: EyeShape, centre: Floats, radius: float) -> NDArray[np.bool_] | None:
    """(h, w) where the reflection is; None where there is none."""
    if radius < 2:
        return None
    height, width = shape.u.shape
    x, y = np.meshgrid(np.arange(width) + 0.5 - centre[0], np.arange(height) + 0.5 - centre[1])
    distance = np.hypot(x, y)
    iris = (distance < WITHIN * radius) & (shape.v > shape.upper - UNDER_LID * radius) & (shape.v < shape.lower)
    if iris.sum() < 6:
        return None
    bright = luma(patch)
    size = max(3, round(SPOT * radius) | 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    stands_out = np.asarray(cv2.morphologyEx(bright, cv2.MORPH_TOPHAT, kernel))
    low, high = np.quantile(bright[iris], [0.1, 1.0])
    best, weight = None, 0.0
    # Where the white of the eye is near, only the brighter part stands alone.
    for share in PARTS:
        bright_enough = (stands_out > max(LEAST_LEVELS, share * (high - low))).astype(np.uint8)
        count, parts, stats, middles = cv2.connectedComponentsWithStats(bright_enough, connectivity=8)
        for part in range(1, count):
            spot: NDArray[np.bool_] = parts == part
            area = int(stats[part, cv2.CC_STAT_AREA])
            length = max(stats[part, cv2.CC_STAT_WIDTH], stats[part, cv2.CC_STAT_HEIGHT])
            away = float(np.linalg.norm(middles[part] + 0.5 - centre))
            large = area >= MOST_AREA * np.pi * radius**2 or length > max(MOST_LENGTH * radius, 3)
            if large or away > MIDDLE * radius:
                continue
            light = float(stands_out[iris & spot].sum())
            if (iris & spot).sum() >= 0.8 * area and light > weight:
                best, weight = spot, light
    return best
