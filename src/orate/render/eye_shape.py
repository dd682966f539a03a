"""One eye of a photo as curves: the lids' edges and the crease, in a frame that lies along the eye."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.render.source import FaceSource

Floats = NDArray[np.float32]
Box = tuple[int, int, int, int]

# FaceLandmarker's points from the image's left to its right; the person's right eye first.
UPPER = ((33, 246, 161, 160, 159, 158, 157, 173, 133), (362, 398, 384, 385, 386, 387, 388, 466, 263))
LOWER = ((33, 7, 163, 144, 145, 153, 154, 155, 133), (362, 382, 381, 380, 374, 373, 390, 249, 263))
CREASE = ((247, 30, 29, 27, 28, 56, 190), (414, 286, 258, 257, 259, 260, 467))
UNDER_BROW = ((113, 225, 224, 223, 222, 221, 189), (413, 441, 442, 443, 444, 445, 342))
IRIS = ((468, 469, 470, 471, 472), (473, 474, 475, 476, 477))
REACH_CM = 0.75  # of the patch below the lower lid
CLEAR_CM = 0.12
SIDE_CM = 0.5  # and beyond the corners
CURVE_SAMPLES = 129
DRAPE = 0.09  # of the eye's width
BEYOND = 0.2  # of the eye's width, beyond a corner, over which skin and lashes still move
LOWER_RISE = 0.02  # of the opening: how far the lower lid comes up
INNER_WEIGHT, OUTER_WEIGHT = 12.0, 3.0  # of the corners, in the arc along which lids meet
OUTER_SINKS = 0.3  # of the opening's height
COLUMNS = np.linspace(0.04, 0.96, 32, dtype=np.float32)  # u at which skin and lashes are measured


@dataclass(frozen=True)
class Curves:
    """v, px, of an eye's curves at `COLUMNS`: (n,) each; see `EyeShape`."""

    upper: Floats
    lower: Floats
    crease: Floats
    brow: Floats


@dataclass(frozen=True)
class EyeShape:
    """An eye of the photo. Arrays are (h, w) over `box`, lengths px; v grows downwards across the eye.

    Attributes:
        box: x0, y0, x1, y1 in the photo; empty when the eye lies outside of it.
        scale: px a centimetre.
        along, down: (2,) unit vectors, the axes u and v in the image.
        u, v: each pixel's place; u 0 at the left corner and 1 at the right one, v px from the line of the corners.
        upper, lower, crease, brow: v of the curves at each pixel's u.
        opening: px between the lids at each pixel's u; 0 beyond the corners.
        meet: v where closed lids meet: a flat arc from the inner corner, to a little below the outer one.
        drape: px, the opening spread a little beyond the corners, for skin and lashes that move along there.
        height: px, the greatest opening.
        width: px from corner to corner.
        left: (2,) px in the photo, the left corner.
        curves: the curves at `COLUMNS`, between the corners.
    """

    box: Box
    scale: float
    along: Floats
    down: Floats
    u: Floats
    v: Floats
    upper: Floats
    lower: Floats
    crease: Floats
    brow: Floats
    opening: Floats
    meet: Floats
    drape: Floats
    height: float
    width: float
    left: Floats
    curves: Curves

    def patch_places(self, v: Floats) -> tuple[Floats, Floats]:
        """Array indices x and y, in the box, of places `v` (n, k) at `COLUMNS`."""
        along = self.along * np.float32(self.width)
        x = self.left[0] - self.box[0] - 0.5 + COLUMNS[:, None] * along[0] + v * self.down[0]
        y = self.left[1] - self.box[1] - 0.5 + COLUMNS[:, None] * along[1] + v * self.down[1]
        return x.astype(np.float32), y.astype(np.float32)

    @property
    def empty(self) -> bool:
        """True when there is nothing to draw: outside of the photo, or narrower than two pixels."""
        x0, y0, x1, y1 = self.box
        return x1 - x0 < 4 or y1 - y0 < 4 or self.width < 2.0


def eye_shape(source: FaceSource, side: int) -> EyeShape:
    """The person's right (0) or left (1) eye in the photo."""
    points = source.landmarks[:, :2]
    scale = source.pose.scale
    left, right = points[UPPER[side][0]], points[UPPER[side][-1]]
    width = float(np.linalg.norm(right - left))
    along = (right - left) / max(width, 1e-6)
    down = np.array([-along[1], along[0]])
    frame = np.column_stack([along / max(width, 1e-6), down])

    def curve(indices: tuple[int, ...]) -> NDArray[np.float64]:
        turned: NDArray[np.float64] = (points[list(indices)] - left) @ frame
        return turned

    upper, lower, crease, brow = (curve(rings[side]) for rings in (UPPER, LOWER, CREASE, UNDER_BROW))
    box = _box(source, side)
    x0, y0, x1, y1 = box
    columns, rows = np.meshgrid(np.arange(x0, x1) + 0.5, np.arange(y0, y1) + 0.5)
    place = np.stack([columns - left[0], rows - left[1]], axis=-1) @ frame
    u, v = place[..., 0], place[..., 1]
    at_pixels, at_columns = (_curves(places, upper, lower, crease, brow, scale) for places in (u, COLUMNS))
    height = float(np.max(at_columns.lower - at_columns.upper))
    opening = at_pixels.lower - at_pixels.upper
    return EyeShape(
        box,
        scale,
        along.astype(np.float32),
        down.astype(np.float32),
        u.astype(np.float32),
        v.astype(np.float32),
        at_pixels.upper,
        at_pixels.lower,
        at_pixels.crease,
        at_pixels.brow,
        opening,
        at_pixels.upper + _drop(at_columns, at_pixels, u, side),
        _drape(at_columns, u),
        height=height,
        width=width,
        left=left.astype(np.float32),
        curves=at_columns,
    )


def smooth_step(values: NDArray[np.floating] | np.floating) -> Floats:
    """0 below 0, 1 above 1, and a cubic without kinks between."""
    clipped = np.clip(values, 0.0, 1.0).astype(np.float32, copy=False)
    result: Floats = clipped * clipped * (np.float32(3) - np.float32(2) * clipped)
    return result


def soft_edge(distance: Floats, width: float) -> Floats:
    """1 where `distance` is positive, 0 where negative, a straight ramp of `width` px (a pixel at least) between."""
    result: Floats = np.clip(distance / np.float32(max(width, 1.0)) + np.float32(0.5), 0, 1)
    return result


def luma(pixels: Floats) -> Floats:
    """(..., 3) RGB to (...) brightness, Rec. 601 weights."""
    result: Floats = pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    return result


def _curves(
    u: NDArray[np.floating],
    upper: NDArray[np.float64],
    lower: NDArray[np.float64],
    crease: NDArray[np.float64],
    brow: NDArray[np.float64],
    scale: float,
) -> Curves:
    """The curves through rings of points (n, 2), at `u` of any shape."""
    at_upper, at_lower = _along(upper, u, pinned=True), _along(lower, u, pinned=True)
    # The crease keeps clear of the lid's edge: lids without a visible strip have them on one another.
    at_crease = np.minimum(_along(crease, u), at_upper - CLEAR_CM * scale)
    at_brow = np.minimum(_along(brow, u), at_crease - CLEAR_CM * scale)
    fields = (at_upper, np.maximum(at_lower, at_upper), at_crease, at_brow)
    return Curves(*(np.ascontiguousarray(field, np.float32) for field in fields))


def _drop(columns: Curves, pixels: Curves, u: NDArray[np.floating], side: int) -> Floats:
    """(h, w) px that the upper lid's edge goes down to close, fading out beyond the corners."""
    inner = 1.0 - side
    line = columns.lower - LOWER_RISE * (columns.lower - columns.upper)
    sinks = OUTER_SINKS * float(np.max(columns.lower - columns.upper))
    # The outer corner sinks as lids close; the inner one stays.
    weights = np.concatenate([np.ones(len(COLUMNS)), [INNER_WEIGHT, OUTER_WEIGHT]])
    arc = np.polyfit(
        np.concatenate([COLUMNS, [inner, 1.0 - inner]]), np.concatenate([line, [0.0, sinks]]), 2, w=weights
    )
    inside = np.clip(u, 0.0, 1.0)
    drop = np.maximum(np.polyval(arc, inside) - pixels.upper, 0.0)
    return (drop * smooth_step(1 - np.abs(u - inside) / BEYOND)).astype(np.float32)


def _drape(curves: Curves, u: NDArray[np.floating]) -> Floats:
    """(h, w) px: the opening blurred along the eye."""
    step = float(COLUMNS[1] - COLUMNS[0])
    pad = 16
    opening = np.pad(curves.lower - curves.upper, pad)
    blurred = cv2.GaussianBlur(opening[None].astype(np.float32), (0, 0), DRAPE / step)[0]
    grid = COLUMNS[0] + step * np.arange(-pad, len(COLUMNS) + pad)
    return np.asarray(np.interp(u, grid, blurred, left=0.0, right=0.0), np.float32)


def _along(points: NDArray[np.float64], u: NDArray[np.floating], pinned: bool = False) -> NDArray[np.float64]:
    """The curve through (n, 2) `points` (u, v) as v at `u`, smoothed; `pinned` ends lie at (0, 0) and (1, 0)."""
    points = points[np.argsort(points[:, 0], kind="stable")]
    low, high = (0.0, 1.0) if pinned else (float(points[0, 0]), float(points[-1, 0]))
    grid = np.linspace(low, high, CURVE_SAMPLES)
    line = np.interp(grid, points[:, 0], points[:, 1])
    # Smoothing over a tenth of the eye rounds the polygon; reflected about its ends it keeps them in place.
    pad = CURVE_SAMPLES // 4
    extended = np.concatenate([2 * line[0] - line[pad:0:-1], line, 2 * line[-1] - line[-2 : -pad - 2 : -1]])
    smooth = cv2.GaussianBlur(extended[None], (0, 0), CURVE_SAMPLES * 0.05)[0, pad:-pad]
    result: NDArray[np.float64] = np.interp(u, grid, smooth)
    return result


def _box(source: FaceSource, side: int) -> Box:
    """Around lids, crease and the skin under the eye, cut by the photo."""
    points, scale = source.landmarks[:, :2], source.pose.scale
    rings = points[list(UPPER[side] + LOWER[side] + UNDER_BROW[side])]
    height, width = source.photo.shape[:2]
    x0, y0 = np.floor(rings.min(axis=0) - np.array([SIDE_CM, 0.2]) * scale).astype(int)
    x1, y1 = np.ceil(rings.max(axis=0) + np.array([SIDE_CM, REACH_CM]) * scale).astype(int)
    x0, x1 = (int(np.clip(x, 0, width)) for x in (x0, x1))
    y0, y1 = (int(np.clip(y, 0, height)) for y in (y0, y1))
    return x0, y0, x1, y1
