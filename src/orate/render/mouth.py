"""The mouth's inside: teeth, gums, tongue and throat drawn between the lips of a frame's landmarks.

Two layers are made once a photo, in the photo's own pixels: the upper one is fixed to the skull, which does not move while
layers are drawn, so it is only cut out; the lower one moves with the jaw.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.render.head import load_head
from orate.render.mouth_palette import Palette, measure
from orate.render.mouth_render import GUM, TONGUE, TOOTH, Image, draw, oversampling, shade
from orate.render.source import FaceSource

Box = tuple[int, int, int, int]
Points = NDArray[np.float64]
UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)  # inner lip ring, picture left to right
LOWER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
CHIN = (152, 148, 377, 175, 171, 396)
CORNERS = (61, 291)
NOTHING: Box = (0, 0, 0, 0)
REACH_CM = (3.4, 1.6, 3.6)  # the layers' extent to either side, above and below the lips
GAP_CM = (0.02, 0.11)  # lips that open less than the first show nothing, than the second not all
TOOTH_DROP = 0.95  # the lower teeth drop this part of the chin's way: they are a little nearer to the jaw's joint


@dataclass(frozen=True)
class Layer:
    """Premultiplied colour in the photo's pixels.

    Attributes:
        image: (h, w, 4) RGB in [0, 255], alpha in [0, 1].
        x, y: the photo's pixel where it begins.
    """

    image: Image
    x: int
    y: int

    def cut(self, box: Box, shift: Points) -> Image:
        """The layer moved by `shift` px inside `box`, (y1 - y0, x1 - x0, 4)."""
        x0, y0, x1, y1 = box
        matrix = np.array([[1, 0, self.x + shift[0] - x0], [0, 1, self.y + shift[1] - y0]])
        return np.asarray(cv2.warpAffine(self.image, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR), np.float32)


class Mouth:
    """Draws the inside of the mouth into frames of one photo."""

    def __init__(self, source: FaceSource) -> None:
        """Measure the photo and draw its layers.

        Args:
            source: the photo; `rest` with the lips closed is where the teeth are placed from.
        """
        self._scale = source.pose.scale
        self._palette = measure(source)
        self._rest = source.pixels(source.rest)
        down = source.pose.project_displacement(np.array([0.0, -1.0, 0.0]))[:2]
        self._down = down / max(float(np.linalg.norm(down)), 1e-9)
        self._rest_gap = self._gaps(self._rest)
        self._feather = float(np.clip(self._palette.blur, 0.6, 0.03 * self._scale + 0.6))
        self._upper = _layer(source, self._palette, lower=False)
        self._lower = _layer(source, self._palette, lower=True)
        self._throat = _rgb(self._palette.throat, self._palette.grey)

    def __call__(self, canvas: NDArray[np.uint8], target: NDArray[np.floating]) -> Box:
        """Draw into a frame whose lips are already in place.

        Args:
            canvas: (H, W, 3) uint8 RGB, the photo's size, changed in place.
            target: (478, 2) px, the frame's landmarks.

        Returns:
            The box (x0, y0, x1, y1) outside of which nothing changed; empty where the lips are closed.
        """
        points = np.asarray(target, np.float64)[:, :2]
        opening = np.maximum(self._gaps(points) - self._rest_gap, 0) / self._scale
        if opening.max() <= GAP_CM[0]:
            return NOTHING
        upper, lower = _smooth(points[list(UPPER)]), _smooth(points[list(LOWER)])
        ring = np.concatenate([upper, lower[-2:0:-1]])
        margin = 2 * self._feather + 1
        height, width = canvas.shape[:2]
        x0, y0 = np.clip(np.floor(ring.min(axis=0) - margin).astype(int), 0, (width, height))
        x1, y1 = np.clip(np.ceil(ring.max(axis=0) + margin).astype(int), 0, (width, height))
        if x0 >= x1 or y0 >= y1:
            return NOTHING
        box = (int(x0), int(y0), int(x1), int(y1))
        inside = self._inside(ring, box)
        depth = self._depths(points, upper, lower, opening, box)
        alpha = inside * depth.shown
        mouth = self._interior(points, depth, box)
        view = canvas[y0:y1, x0:x1]
        mixed = view + alpha[..., None] * (mouth - view)
        np.copyto(view, np.clip(np.rint(mixed), 0, 255).astype(np.uint8), where=(alpha > 0)[..., None])
        return box

    def _gaps(self, points: Points) -> Points:
        """(11,) px by which the lips are apart, from corner to corner."""
        return np.asarray((points[list(LOWER)] - points[list(UPPER)]) @ self._down)

    def _inside(self, ring: Points, box: Box) -> Image:
        """(h, w) in [0, 1]: how much of each pixel lies between the lips, the edge as soft as the photo's."""
        x0, y0, x1, y1 = box
        fine = 4 if self._scale < 40 else 2
        mask = np.zeros(((y1 - y0) * fine, (x1 - x0) * fine), np.uint8)
        place = (ring - (x0, y0)) * fine - 0.5
        cv2.fillPoly(mask, [np.round(place * 16).astype(np.int32)], 255, cv2.LINE_8, 4)
        small = cv2.resize(mask, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA)
        return cv2.GaussianBlur(small, (0, 0), self._feather, borderType=cv2.BORDER_REPLICATE).astype(np.float32) / 255

    def _depths(self, points: Points, upper: Points, lower: Points, opening: Points, box: Box) -> _Depths:
        x0, y0, x1, y1 = box
        along = np.array([self._down[1], -self._down[0]])
        across_x = np.arange(x0, x1) + 0.5
        across_y = np.arange(y0, y1) + 0.5
        u = (across_x * along[0])[None] + (across_y * along[1])[:, None]
        v = (across_x * self._down[0])[None] + (across_y * self._down[1])[:, None]
        start, step = float(u.min()), 0.5
        grid = np.arange(start, float(u.max()) + step, step)
        column = ((u - start) / step).astype(np.int32)
        top = np.interp(grid, np.maximum.accumulate(upper @ along), upper @ self._down)
        bottom = np.interp(grid, np.maximum.accumulate(lower @ along), lower @ self._down)
        middle = (points[list(UPPER)] + points[list(LOWER)]) @ along / 2
        gap = np.interp(grid, np.maximum.accumulate(middle), opening)
        low, high = GAP_CM
        share = np.clip((gap - low) / (high - low), 0, 1)
        share = share * share * (3 - 2 * share)
        ends = middle[[0, -1]]
        side = np.clip((grid - ends[0]) / max(ends[1] - ends[0], 1e-6), 0, 1)
        return _Depths(
            below=((v - top[column]) / self._scale).astype(np.float32),
            above=((bottom[column] - v) / self._scale).astype(np.float32),
            gap=gap.astype(np.float32)[column],
            shown=share.astype(np.float32)[column],
            side=(4 * side * (1 - side)).astype(np.float32)[column],
            along=((grid - ends.mean()) / self._scale).astype(np.float32)[column],
        )

    def _interior(self, points: Points, depth: _Depths, box: Box) -> Image:
        """(h, w, 3) what is seen through the lips."""
        moved = (points[list(CHIN)] - self._rest[list(CHIN)]).mean(axis=0) * TOOTH_DROP
        moved = moved - min(float(moved @ self._down), 0.0) * self._down  # teeth do not bite through teeth
        upper, lower = self._upper.cut(box, np.zeros(2)), self._lower.cut(box, moved)
        # Light comes in between the lips: less under the upper lip, in the corners, and through a narrow gap.
        entering = 0.72 + 0.28 * np.clip(depth.gap / 0.6, 0, 1)
        corner = 0.45 + 0.55 * np.clip(depth.side / 0.7, 0, 1)
        light = entering * corner * (1 + self._palette.tilt * depth.along)
        near = np.maximum(depth.below, 0)
        upper_light = light * (1 - 0.40 * np.exp(-near / 0.12))
        rim = np.exp(-np.maximum(depth.above, 0) / 0.08)
        lower_light = light * (1 - 0.40 * np.exp(-near / 0.40)) * (1 - 0.15 * rim)
        mouth = lower[..., :3] * lower_light[..., None]
        mouth += self._throat * ((1 - lower[..., 3]) * (0.8 + 0.2 * light))[..., None]
        mouth *= 1 - upper[..., 3:]
        mouth += upper[..., :3] * upper_light[..., None]
        if self._palette.grey:
            mouth[...] = mouth.mean(axis=2, keepdims=True)
        return np.asarray(mouth, np.float32)


@dataclass(frozen=True)
class _Depths:
    """Where pixels lie between the lips, (h, w) each, in cm: below the upper lip, above the lower one, the opening at their
    column, along the mouth from its middle; `shown` and `side` (0 at the corners, 1 in the middle) in [0, 1]."""

    below: Image
    above: Image
    gap: Image
    shown: Image
    side: Image
    along: Image


def _smooth(points: Points, parts: int = 4) -> Points:
    """A Catmull-Rom curve through points (n, 2), ends kept, each stretch in `parts`."""
    ends = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = (np.arange(parts) / parts)[None, :, None]
    a, b, c, d = (ends[k : len(points) - 1 + k, None] for k in range(4))
    curve = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return np.concatenate([curve.reshape(-1, 2), points[-1:]])


def _rgb(lab: Points, grey: bool) -> NDArray[np.float32]:
    rgb = 255 * np.clip(cv2.cvtColor(lab.astype(np.float32)[None, None], cv2.COLOR_Lab2RGB)[0, 0], 0, 1)
    return np.asarray(np.full(3, rgb.mean()) if grey else rgb, np.float32)


def _layer(source: FaceSource, palette: Palette, lower: bool) -> Layer:
    """Draw one layer where the face at rest has its mouth."""
    rest, neutral = source.rest, load_head().landmarks
    middle = (rest[13] + rest[14]) / 2
    width = float(np.linalg.norm(rest[CORNERS[1]] - rest[CORNERS[0]]))
    usual = float(np.linalg.norm(neutral[CORNERS[1]] - neutral[CORNERS[0]]))
    # Teeth vary less than mouths, which a smile widens.
    size = float(np.clip((width / usual) ** 0.7, 0.8, 1.15))
    scale = source.pose.scale
    origin = source.pose.project(middle)[:2]
    side, up, down = (reach * scale * 1.1 for reach in REACH_CM)
    fine = oversampling(scale)
    x0, y0 = int(np.floor(origin[0] - side)), int(np.floor(origin[1] - up))
    columns, rows = int(np.ceil(2 * side)), int(np.ceil(up + down))
    drawn = (int(rows * fine), int(columns * fine))
    relief = draw(lower, source.pose.rotation * scale * size * fine, (origin - (x0, y0)) * fine, drawn)
    image = shade(relief, {GUM: palette.gum, TONGUE: palette.tongue, TOOTH: palette.tooth}, 7.0)
    method = cv2.INTER_AREA if fine >= 1 else cv2.INTER_LINEAR
    image = cv2.resize(image, (columns, rows), interpolation=method)
    image = cv2.GaussianBlur(image, (0, 0), max(palette.blur, 0.45))
    grain = palette.grain
    tiles = np.tile(np.block([[grain, grain[:, ::-1]], [grain[::-1], grain[::-1, ::-1]]]), (2, 2))
    repeat = (rows // len(tiles) + 1, columns // tiles.shape[1] + 1)
    image[..., :3] += (np.tile(tiles, repeat)[:rows, :columns] * image[..., 3])[..., None]
    return Layer(np.ascontiguousarray(image, np.float32), x0, y0)
