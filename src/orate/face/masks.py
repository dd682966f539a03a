"""Soft masks of a face's parts in its canonical crop, drawn from its landmarks.

Lengths are in pixels of a crop 96 px wide; for another crop they scale with its width.
"""

from __future__ import annotations

import cv2
import numpy as np

REFERENCE_WIDTH_PX = 96.0
FEATHER_PX = 8.0  # over which the face mask rises from 0 to 1, inwards
BORDER_FEATHER_PX = 7.0  # the same along the crop's border
JAW_DROP = 0.24  # of the face's height: how far below the chin an opening jaw may reach
JAW_SPREAD = 0.10  # of the half width: how far outside the jaw's line the mask reaches
MOUTH_MARGIN_PX = 7.0  # beyond it, lips in speech seldom change the skin
LIPS_MARGIN_PX = 3.0
EYE_MARGIN_PX = 4.0
SKIN_FEATHER_PX = 4.0

# fmt: off
FACE_OVAL = [
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
]
OUTER_LIPS = [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185]
RIGHT_EYE = [33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246]
LEFT_EYE = [263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466]
# fmt: on
FOREHEAD, NOSE_BASE, CHIN = 10, 2, 152


def face_mask(points: np.ndarray, crop_size: tuple[int, int]) -> np.ndarray:
    """Where the animated face may show: (height, width) float32 in [0, 1], zero at the crop's border.

    ``points`` (478, 2) px of the crop. The face's oval, let down below the chin so that an opening jaw stays inside.
    """
    height, width = crop_size
    unit = width / REFERENCE_WIDTH_PX
    inside = _depth(_let_down(points), crop_size) / (FEATHER_PX * unit)
    y = np.minimum(np.arange(height), np.arange(height)[::-1])[:, None]
    x = np.minimum(np.arange(width), np.arange(width)[::-1])[None]
    mask: np.ndarray = smoothstep(inside) * smoothstep(np.minimum(x, y) / (BORDER_FEATHER_PX * unit))
    return mask.astype(np.float32)


def skin_mask(points: np.ndarray, crop_size: tuple[int, int]) -> np.ndarray:
    """The face without mouth and eyes, which speech changes: (height, width) float32 in [0, 1]."""
    unit = crop_size[1] / REFERENCE_WIDTH_PX
    skin = smoothstep(_depth(points[FACE_OVAL], crop_size) / (SKIN_FEATHER_PX * unit))
    for part, margin in ((OUTER_LIPS, MOUTH_MARGIN_PX), (RIGHT_EYE, EYE_MARGIN_PX), (LEFT_EYE, EYE_MARGIN_PX)):
        outside = _distance_outside(points[part], crop_size) - margin * unit
        skin = skin * smoothstep(outside / (SKIN_FEATHER_PX * unit))
    return skin.astype(np.float32)


def mouth_mask(points: np.ndarray, crop_size: tuple[int, int]) -> np.ndarray:
    """The lips with a narrow margin: (height, width) float32 in [0, 1]."""
    unit = crop_size[1] / REFERENCE_WIDTH_PX
    outside = _distance_outside(points[OUTER_LIPS], crop_size) - LIPS_MARGIN_PX * unit
    return (1 - smoothstep(outside / (SKIN_FEATHER_PX * unit))).astype(np.float32)


def smoothstep(values: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, between them 3 v^2 - 2 v^3."""
    clipped = np.clip(values, 0, 1)
    stepped: np.ndarray = clipped * clipped * (3 - 2 * clipped)
    return stepped


def _let_down(points: np.ndarray) -> np.ndarray:
    """The oval with its lower part stretched down and a little outwards, growing from the nose to the chin."""
    oval = points[FACE_OVAL].astype(np.float64)
    nose, chin = points[NOSE_BASE, 1], points[CHIN, 1]
    height = chin - points[FOREHEAD, 1]
    low = np.clip((oval[:, 1] - nose) / max(chin - nose, 1e-6), 0, 1)
    oval[:, 1] += low * JAW_DROP * height
    oval[:, 0] += (oval[:, 0] - points[CHIN, 0]) * JAW_SPREAD * low
    return oval


def _filled(polygon: np.ndarray, crop_size: tuple[int, int]) -> np.ndarray:
    filled = np.zeros(crop_size, np.uint8)
    subpixel = 4  # fillPoly counts in 1/16 px with a shift of 4
    corners = np.rint((polygon - 0.5) * (1 << subpixel)).astype(np.int32)
    cv2.fillPoly(filled, [corners], (255,), lineType=cv2.LINE_8, shift=subpixel)
    return filled


def _depth(polygon: np.ndarray, crop_size: tuple[int, int]) -> np.ndarray:
    """Distance to the polygon's outline in px for pixels inside it, 0 outside; the crop's border is no outline."""
    height, width = crop_size
    padded = _filled(polygon + np.array([width, height]), (3 * height, 3 * width))
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return distance[height : 2 * height, width : 2 * width]


def _distance_outside(polygon: np.ndarray, crop_size: tuple[int, int]) -> np.ndarray:
    """Distance in px to the polygon's convex hull for pixels outside it, 0 inside."""
    hull = cv2.convexHull(polygon.astype(np.float32))[:, 0]
    return cv2.distanceTransform(255 - _filled(hull, crop_size), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
