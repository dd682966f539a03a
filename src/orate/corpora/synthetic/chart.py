"""The flattened face: which place of the head each texel of the skin's maps shows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Chart:
    """The face's texture, ``side`` texels square, row 0 at v = 0.

    Attributes:
        rest: (side, side, 3) cm, the mean head's place at each texel; 0 where there is none.
        covered: (side, side) whether the face is there.
        landmarks: (468, 2) texels x, y of FaceLandmarker's points.
        middle: (468, 3) cm, the same points on the mean head.
    """

    rest: Array
    covered: NDArray[np.bool_]
    landmarks: Array
    middle: Array

    @property
    def side(self) -> int:
        """Texels a side."""
        return len(self.rest)

    @cached_property
    def inside(self) -> Array:
        """(side, side) in [0, 1]: 0 at the chart's border, where it meets the back of the head, 1 well within."""
        distance = cv2.distanceTransform(np.pad(self.covered.astype(np.uint8), 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
        return np.asarray(np.clip(distance / (0.06 * self.side) - 0.1, 0, 1), np.float32)

    @cached_property
    def texel_cm(self) -> tuple[Array, Array]:
        """(side, side) cm a texel along u and along v."""
        across = np.linalg.norm(np.gradient(self.rest, axis=1), axis=2)
        along = np.linalg.norm(np.gradient(self.rest, axis=0), axis=2)
        sizes = [np.clip(cv2.blur(size, (9, 9)), 0.004, 0.2).astype(np.float32) for size in (across, along)]
        return sizes[0], sizes[1]

    @cached_property
    def _unrolled(self) -> tuple[Array, Array]:
        """Places on a cylinder round the head in cm, so that patterns are not stretched as the chart is."""
        x, y, z = (self.rest[..., axis] for axis in range(3))
        return np.asarray(8.5 * np.arctan2(x, z + 1) + 30, np.float32), np.asarray(y + 25, np.float32)

    def noise(self, rng: np.random.Generator, cell_cm: float) -> Array:
        """(side, side) smooth noise with cells of ``cell_cm``, standard deviation about 1, 0 at the chart's border."""
        cells = int(60 / cell_cm) + 4
        grid: Array = rng.standard_normal((cells, cells)).astype(np.float32)
        if cells < 400:  # cubic steps between cells by doubling, then linear
            grid = np.asarray(cv2.resize(grid, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC), np.float32)
        scale = len(grid) / 60
        across, along = self._unrolled
        values = cv2.remap(grid, across * scale, along * scale, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        return np.asarray(1.4 * values * self.inside, np.float32)

    def blob(self, landmark: int | tuple[float, float], radius: tuple[float, float]) -> Array:
        """(side, side) a Gaussian around a landmark (or x, y in cm) with these radii in cm, from the front."""
        x, y = self.middle[landmark, :2] if isinstance(landmark, int) else landmark
        dx, dy = (self.rest[..., 0] - x) / radius[0], (self.rest[..., 1] - y) / radius[1]
        return np.asarray(np.exp(-0.5 * (dx * dx + dy * dy)) * (self.rest[..., 2] > 0), np.float32)

    def filled(self, landmarks: list[int], softness: float) -> Array:
        """(side, side) 1 inside the polygon of landmarks, its edge ``softness`` texels at side 1024 wide."""
        mask = np.zeros((self.side, self.side), np.uint8)
        cv2.fillPoly(mask, [self._pixels(self.landmarks[landmarks])], 255, cv2.LINE_AA, 4)
        return self.soft(mask, softness)

    def line(self, points: Array, width: float, softness: float) -> Array:
        """(side, side) 1 along the curve through ``points`` (n, 2) texels; widths as in `filled`."""
        mask = np.zeros((self.side, self.side), np.uint8)
        thickness = max(1, round(width * self.side / 1024))
        cv2.polylines(mask, [self._pixels(smooth_curve(points))], False, 255, thickness, cv2.LINE_AA, 4)
        return self.soft(mask, softness)

    def soft(self, mask: NDArray[np.uint8], softness: float) -> Array:
        """uint8 to [0, 1], blurred by ``softness`` texels at side 1024."""
        sigma = softness * self.side / 1024
        values = mask.astype(np.float32) / 255  # blurred as floats: reliefs made of bytes are terraced
        return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma) if sigma > 0.2 else values, np.float32)

    def _pixels(self, points: Array) -> NDArray[np.int32]:
        """Texels as OpenCV draws them, in sixteenths."""
        return np.round((points - 0.5) * 16).astype(np.int32)


def smooth_curve(points: Array, steps: int = 8) -> Array:
    """(m, 2) a Catmull-Rom spline through ``points`` (n, 2)."""
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, 1, steps, endpoint=False, dtype=np.float32)[:, None]
    a, b, c, d = (padded[i : len(padded) - 3 + i, None] for i in range(4))
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return np.concatenate([curve.reshape(-1, points.shape[1]), points[-1:]]).astype(np.float32)


def grain(side: int = 256) -> Array:
    """(side, side, 4) in [0, 1]: streaks along v, finer streaks, points, and tufts; it tiles."""
    rng = np.random.default_rng(7)
    layers = []
    for across, along in ((1.2, 16.0), (0.7, 9.0), (0.7, 0.7), (4.0, 4.0)):
        white = np.tile(rng.standard_normal((side, side)).astype(np.float32), (3, 3))
        soft = cv2.GaussianBlur(white, (0, 0), sigmaX=across, sigmaY=along)[side : 2 * side, side : 2 * side]
        layers.append(np.clip(0.5 + 0.22 * soft / soft.std(), 0, 1))
    return np.stack(layers, axis=-1).astype(np.float32)
