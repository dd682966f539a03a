"""Where an eye's opening really ends: landmarks beside the true edge leave white of the eye on the lid."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.render.eye_shape import UPPER, EyeShape, Floats, eye_shape, luma
from orate.render.eye_skin import skin_colours
from orate.render.source import FaceSource

REACH_CM = 0.3  # white further from the landmarks' opening is something else
REACH_SIDE = 0.2  # of the eye's width, beyond the corners
NEAR = 0.08  # of the eye's width: a landmark rises with the white so near beside it
WHITE_BLUR_CM = 0.03
DULL, PALE = 0.6, 0.8  # saturation as a part of the skin's: below the first no skin, below the second none that shines
SHADED, SHINING = 0.55, 1.04  # brightness as a part of the skin's: the white in shadow, and white brighter than skin
GREY_SATURATION, GREY_SHINING = 0.06, 1.06  # in a grey photo only brightness tells
SKIN_IN_OPENING = 0.8  # brightness of what is neither iris nor shadow
RIM_DARK, RIM_FREE_CM = 0.6, 0.28  # brightness as a part of the skin's; distance from the lids' edges
RIM_BEYOND = 0.1  # of the eye's width that a rim goes on beyond both corners
LEAST = 0.02  # of the opening's area: smaller patches of white say nothing


def fitted_eye_shape(source: FaceSource, side: int) -> EyeShape:
    """The person's right (0) or left (1) eye, its upper edge and corners moved out to the end of the white.

    Landmarks of turned and painted eyes lie up to a quarter of a centimetre beside them.
    """
    shape = eye_shape(source, side)
    if shape.empty or shape.height < 2.0:
        return shape
    landmarks = source.landmarks.copy()
    ring = list(UPPER[side])
    moved = _widened(source.photo, shape, landmarks[ring, :2])
    if moved is None:
        return shape
    landmarks[ring, :2] = moved
    return eye_shape(replace(source, landmarks=landmarks), side)


def white_of_eye(patch: Floats, shape: EyeShape) -> NDArray[np.bool_]:
    """(h, w): what is paler than this eye's skin can be."""
    _, above, under = skin_colours(patch, shape)
    skin = 0.65 * above.at(shape.u) + 0.35 * under.at(shape.u)
    smooth = np.asarray(cv2.GaussianBlur(patch, (0, 0), max(WHITE_BLUR_CM * shape.scale, 0.3)), np.float32)
    bright = luma(smooth) / np.maximum(luma(skin), 1)
    own = _saturation(skin)
    pale = _saturation(smooth) / np.maximum(own, 0.02)
    white: NDArray[np.bool_] = np.where(
        own < GREY_SATURATION,
        bright > GREY_SHINING,
        ((bright > SHADED) & (pale < DULL)) | ((bright > SHINING) & (pale < PALE)),
    )
    return white


def glasses(patch: Floats, shape: EyeShape) -> Floats | None:
    """(h, w) in [0, 1]: rims of glasses, which lie over the lids and stay; None without.

    A rim is much darker than the skin, away from the lashes, and crosses the whole eye.
    """
    _, above, under = skin_colours(patch, shape)
    skin = np.where(shape.v < shape.lower, luma(above.at(shape.u)), luma(under.at(shape.u)))
    free = np.float32(RIM_FREE_CM * shape.scale)
    away = (shape.v < shape.upper - free) | (shape.v > shape.lower + free)
    count, parts = cv2.connectedComponents(((luma(patch) < RIM_DARK * skin) & away).astype(np.uint8))
    rim = np.zeros(patch.shape[:2], np.float32)
    for part in range(1, count):
        u = shape.u[parts == part]
        if u.min() < -RIM_BEYOND and u.max() > 1 + RIM_BEYOND:
            rim[parts == part] = 1
    if not rim.any():
        return None
    size = 2 * max(1, round(0.05 * shape.scale)) + 1
    wide = cv2.dilate(rim, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    return np.asarray(cv2.GaussianBlur(wide, (0, 0), max(0.03 * shape.scale, 0.5)), np.float32)


def _widened(photo: NDArray[np.uint8], shape: EyeShape, ring: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """(9, 2) px, the upper ring, left corner first, moved to the edge of the white; None where it lies there."""
    x0, y0, x1, y1 = shape.box
    patch = photo[y0:y1, x0:x1].astype(np.float32)
    white = white_of_eye(patch, shape)
    u, v, reach = shape.u, shape.v, REACH_CM * shape.scale
    # The lower lid's wet edge and the skin under it shine: only what lies above the corners' line counts.
    near = (u > -REACH_SIDE) & (u < 1 + REACH_SIDE) & (v > shape.upper - reach) & (v < np.maximum(shape.lower, 0.5))
    parts = cv2.connectedComponents((white & near).astype(np.uint8), connectivity=4)[1]
    inside = (v > shape.upper) & (v < shape.lower) & (u > 0) & (u < 1)
    joined = np.isin(parts, np.unique(parts[inside & (parts > 0)])) & (parts > 0)
    beyond = joined & ~inside
    if joined.sum() < 4 or inside.sum() < 9 or beyond.sum() < max(LEAST * inside.sum(), 2):
        return None
    frame = np.stack([shape.along * np.float32(shape.width), shape.down]).astype(np.float64)
    place = (ring - shape.left) @ np.linalg.inv(frame)
    rise = np.full(len(place), np.nan)
    bright = luma(patch) / np.maximum(luma(skin_colours(patch, shape)[1].at(u)), 1)
    for index in range(1, len(place) - 1):
        column = np.abs(u - place[index, 0]) < NEAR
        whites = v[joined & column]
        if len(whites) >= 3:
            rise[index] = max(0.0, place[index, 1] - float(np.quantile(whites, 0.05)))
        elif np.median(bright[column & inside]) > SKIN_IN_OPENING:
            rise[index] = 0.0
    # Where iris or shadow lies at the edge only the neighbours tell.
    known = np.isfinite(rise)
    if known.any():
        place[1:-1, 1] -= np.interp(place[1:-1, 0], place[known, 0], rise[known])
    up, vp = u[joined], v[joined]
    for index, past in ((0, up < 0), (len(place) - 1, up > 1)):
        if past.sum() >= 3:
            end = float(np.quantile(up[past], 0.1 if index == 0 else 0.9))
            place[index] = end, float(np.median(vp[past]))
    moved: NDArray[np.float64] = place @ frame + shape.left
    return moved


def _saturation(pixels: Floats) -> Floats:
    """(..., 3) RGB to (...): 0 grey, 1 pure."""
    high = pixels.max(axis=-1)
    result: Floats = (high - pixels.min(axis=-1)) / np.maximum(high, 1)
    return result
