"""The opening between the lips of one frame, and the light that falls through it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.render.lips import down_axis, mouth_outline
from orate.render.mouth_render import Image
from orate.render.source import FaceSource

Box = tuple[int, int, int, int]
Points = NDArray[np.float64]
NOTHING: Box = (0, 0, 0, 0)
SEEN_CM = (0.02, 0.12)  # lips that open less than the first show nothing, than the second not all
LIT_CM, LIT_SIDE = 0.85, 0.72  # a gap as wide, so much of the way to the corners, lets all light in
# Depth and reach in cm of the upper lip's shadow on the upper layer; light that a hair's breadth lets in. Against real
# frames of GRID, in which narrow mouths are dark and red.
LIP_SHADOW = (0.36, 0.16)
NARROW = 0.38


@dataclass(frozen=True)
class Opening:
    """Where the pixels of a box lie between the lips, all (h, w).

    Attributes:
        box: (x0, y0, x1, y1) px.
        inside: in [0, 1], how much of the pixel lies between the lips, the edge as soft as the photo's.
        shown: in [0, 1], less where the gap is too narrow to see through.
        below: cm below the edge of the upper lip.
        above: cm above the edge of the lower lip.
        gap: cm by which the lips are apart there.
        side: 0 at the corners, 1 in the middle.
        along: cm to the image's right of the middle.
    """

    box: Box
    inside: Image
    shown: Image
    below: Image
    above: Image
    gap: Image
    side: Image
    along: Image

    def light(self, tilt: float) -> tuple[Image, Image]:
        """(h, w) each, about [0, 1]: the light on the upper and on the lower layer.

        Less in a narrow gap, in the corners and under the upper lip; `tilt` as in `Palette`.
        """
        entering = NARROW + (1 - NARROW) * np.minimum(self.gap / LIT_CM, 1)
        corner = np.clip(self.side / LIT_SIDE, 0, 1)
        light = entering * (0.25 + 0.75 * corner * (2 - corner)) * (1 + tilt * self.along)
        near = np.maximum(self.below, 0)
        rim = np.exp(-np.maximum(self.above, 0) / 0.08)
        upper = light * (1 - LIP_SHADOW[0] * np.exp(-near / LIP_SHADOW[1]))
        lower = light * (1 - 0.30 * np.exp(-near / 0.40)) * (1 - 0.15 * rim)
        return upper.astype(np.float32), lower.astype(np.float32)


def find_opening(
    source: FaceSource, target: NDArray[np.floating], size: tuple[int, int], feather: float
) -> Opening | None:
    """The opening of a frame's lips, or None where they are closed or outside the picture.

    Args:
        source: the photo, which says how far closed lips seem apart.
        target: (478, 2) px.
        size: (height, width) px of the picture.
        feather: px, standard deviation of the edge's blur.
    """
    ring = mouth_outline(source, target)
    half = len(ring) // 2 + 1
    upper, lower = ring[:half], np.concatenate([ring[:1], ring[half - 1 :][::-1]])
    down, scale = down_axis(source), source.pose.scale
    gap = np.maximum((lower - upper) @ down, 0) / scale
    if gap.max() <= SEEN_CM[0]:
        return None
    margin = 3 * feather + 1
    x0, y0 = np.clip(np.floor(ring.min(axis=0) - margin).astype(int), 0, size[::-1])
    x1, y1 = np.clip(np.ceil(ring.max(axis=0) + margin).astype(int), 0, size[::-1])
    if x0 >= x1 or y0 >= y1:
        return None
    right = np.array([down[1], -down[0]])
    xs, ys = np.arange(x0, x1) + 0.5, np.arange(y0, y1) + 0.5
    u = (xs * right[0])[None] + (ys * right[1])[:, None]
    v = (xs * down[0])[None] + (ys * down[1])[:, None]
    start = float(u.min())
    grid = np.arange(start, float(u.max()) + 0.5, 0.5)
    column = ((u - start) / 0.5).astype(np.int32)
    top = np.interp(grid, np.maximum.accumulate(upper @ right), upper @ down)
    bottom = np.interp(grid, np.maximum.accumulate(lower @ right), lower @ down)
    middle = np.maximum.accumulate((upper + lower) @ right / 2)
    apart = np.interp(grid, middle, gap, left=0, right=0)
    share = np.clip((apart - SEEN_CM[0]) / (SEEN_CM[1] - SEEN_CM[0]), 0, 1)
    side = np.clip((grid - middle[0]) / max(middle[-1] - middle[0], 1e-6), 0, 1)
    box = (int(x0), int(y0), int(x1), int(y1))
    columns = np.stack(
        [share * share * (3 - 2 * share), apart, 4 * side * (1 - side), (grid - middle[[0, -1]].mean()) / scale]
    ).astype(np.float32)
    return Opening(
        box=box,
        inside=_coverage(ring, box, feather, 4 if scale < 40 else 2),
        shown=columns[0][column],
        below=((v - top[column]) / scale).astype(np.float32),
        above=((bottom[column] - v) / scale).astype(np.float32),
        gap=columns[1][column],
        side=columns[2][column],
        along=columns[3][column],
    )


def _coverage(ring: Points, box: Box, feather: float, fine: int) -> Image:
    """(h, w) in [0, 1]: how much of each pixel lies inside a ring, blurred."""
    x0, y0, x1, y1 = box
    mask = np.zeros(((y1 - y0) * fine, (x1 - x0) * fine), np.uint8)
    place = (ring - (x0, y0)) * fine - 0.5
    cv2.fillPoly(mask, [np.round(place * 16).astype(np.int32)], 255, cv2.LINE_8, 4)
    small = cv2.resize(mask, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    reach = 2 * int(np.ceil(2.5 * feather)) + 1
    soft = cv2.GaussianBlur(small, (reach, reach), feather, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(soft, np.float32)
