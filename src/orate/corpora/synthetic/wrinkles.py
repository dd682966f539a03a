"""Relief of the skin: pores, lines of the lips, and the folds that come with age."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.corpora.synthetic.chart import Chart
from orate.corpora.synthetic.skin import Skin

Array = NDArray[np.float32]

# Folds as curves through landmarks: both sides, depth at 80 years and at 25 in cm, width and softness in texels of
# 1024.
NASOLABIAL = ([129, 203, 206, 216, 212], [358, 423, 426, 436, 432])
MARIONETTE = ([57, 202, 211], [287, 422, 431])
BAGS = ([226, 31, 228, 229, 230, 231, 232, 233], [446, 261, 448, 449, 450, 451, 452, 453])
TROUGHS = ([233, 232, 231, 230, 119, 118], [453, 452, 451, 450, 348, 347])
LIDS = ([247, 30, 29, 27, 28, 56], [467, 260, 259, 257, 258, 286])
FOLDS = (
    (NASOLABIAL, 0.17, 0.025, 7, 8),
    (MARIONETTE, 0.11, 0.0, 5, 6),
    (BAGS, 0.12, 0.012, 3, 5),
    (TROUGHS, 0.10, 0.008, 8, 9),
    (LIDS, 0.05, 0.03, 2, 3),
)
CROWS_FEET = ((33, -1.0), (263, 1.0))
DEEP_CM = 0.12  # a fold of this depth is as dark as folds get


class Relief:
    """Height of the skin above the mesh, drawn fold by fold.

    Attributes:
        height: (side, side) cm.
        shade: (side, side) in [0, 1], how little light falls into the folds.
    """

    def __init__(self, skin: Skin, chart: Chart, rng: np.random.Generator, lips: Array):
        """Draw the relief of ``skin``; ``lips`` (side, side) says where they are."""
        self._chart, self._rng = chart, rng
        old = float(np.clip((skin.age - 25) / 50, 0, 1))
        pores = chart.noise(rng, 0.1) * (0.0013 + 0.0015 * old) * (1 - lips)
        coarse = chart.noise(rng, 0.35) * (0.0008 + 0.003 * old)
        self.height = np.asarray(pores + coarse + _lip_lines(chart, rng, lips), np.float32)
        self.shade = np.zeros_like(self.height)
        for pair, deep, shallow, width, softness in FOLDS:
            depth = (shallow + (deep - shallow) * old**1.2) * rng.uniform(0.5, 1.3)
            for curve in pair:
                points = chart.landmarks[curve] + rng.normal(0, 1.5, (len(curve), 2))
                self._fold(points.astype(np.float32), depth, width, softness)
        if old > 0.1:
            self._forehead(old)
            self._crows_feet(old)
            self._frown(old)
        self.shade = np.clip(self.shade, 0, 1)

    def _fold(self, points: Array, depth: float, width: float, softness: float) -> None:
        line = self._chart.line(points, width, softness)
        line = line / max(float(line.max()), 1e-3)  # as deep as asked for, however soft
        self.height -= depth * line
        self.shade += min(depth / DEEP_CM, 1) * line**1.5

    def _forehead(self, old: float) -> None:
        """Three to five level lines."""
        rng = self._rng
        for y in np.arange(6.3, 8.8, rng.uniform(0.5, 0.8)):
            half = rng.uniform(2.0, 4.4)
            x = np.linspace(-half, half, 7) + rng.normal(0, 0.3)
            bow = 0.25 * np.cos(x / 1.5) * rng.normal(0.6, 0.5) - 0.02 * x * x + rng.normal(0, 0.06, 7)
            points = np.array([_place(self._chart, float(a), float(y + b)) for a, b in zip(x, bow, strict=True)])
            self._fold(points, 0.06 * old**1.3 * rng.uniform(0.3, 1.2), 2, 3.5)

    def _crows_feet(self, old: float) -> None:
        """Rays from the outer corners of the eyes."""
        rng = self._rng
        for corner, side in CROWS_FEET:
            x, y = self._chart.middle[corner, :2]
            for slant in np.linspace(-0.6, 0.6, int(rng.integers(3, 6))):
                reach = rng.uniform(0.35, 0.6) + np.linspace(0, rng.uniform(0.7, 1.5), 4)
                bent = [_place(self._chart, x + side * r, y + slant * r + 0.08 * slant * r * r) for r in reach]
                self._fold(np.array(bent), 0.045 * old**1.1 * rng.uniform(0.4, 1.2), 1.5, 2.5)

    def _frown(self, old: float) -> None:
        """Upright lines between the brows."""
        rng = self._rng
        for side in (-1, 1):
            x = side * rng.uniform(0.45, 0.8)
            points = np.array([_place(self._chart, x * s, y) for s, y in ((1.15, 6.0), (1.0, 5.4), (0.8, 4.9))])
            self._fold(points, 0.07 * old**1.2 * rng.uniform(0.0, 1.2), 2.5, 4)


def _place(chart: Chart, x: float, y: float) -> Array:
    """(2,) texel of the point of the front at x, y cm, by the nearest landmarks."""
    distance = np.hypot(chart.middle[:, 0] - x, chart.middle[:, 1] - y)
    near = np.argsort(distance)[:6]
    design = np.concatenate([chart.middle[near, :2], np.ones((6, 1))], axis=1)
    weight = (1 / (distance[near] + 0.2))[:, None]
    solution = np.linalg.lstsq(design * weight, chart.landmarks[near] * weight, rcond=None)[0]
    return np.asarray(np.array([x, y, 1.0]) @ solution, np.float32)


def _lip_lines(chart: Chart, rng: np.random.Generator, lips: Array) -> Array:
    """Fine upright lines of the lips."""
    row = rng.standard_normal((1, chart.side // 5)).astype(np.float32)
    spread = np.asarray(cv2.resize(row, (chart.side, chart.side), interpolation=cv2.INTER_CUBIC), np.float32)
    return np.asarray(0.003 * spread * lips, np.float32)
