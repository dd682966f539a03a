"""Relief of the skin: pores, lines of the lips, and the folds that come with age."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from orate.corpora.synthetic.chart import Chart
from orate.corpora.synthetic.skin import Skin

Array = NDArray[np.float32]

# Folds as curves through landmarks: points, depth in cm at 80 years, at 25, width and softness in texels of 1024.
NASOLABIAL = ([129, 203, 206, 216, 212], [358, 423, 426, 436, 432])
MARIONETTE = ([61, 57, 43, 202, 204], [291, 287, 273, 422, 424])
BAGS = ([226, 31, 228, 229, 230, 231, 232, 233], [446, 261, 448, 449, 450, 451, 452, 453])
TROUGHS = ([233, 232, 231, 230, 119, 118], [453, 452, 451, 450, 348, 347])
FROWN = ([107, 9, 8], [336, 9, 8])
FOLDS = (
    (NASOLABIAL, 0.14, 0.018, 5, 7),
    (MARIONETTE, 0.07, 0.0, 4, 6),
    (BAGS, 0.045, 0.008, 3, 5),
    (TROUGHS, 0.06, 0.006, 6, 9),
)
CROWS_FEET = ((33, 226, -1.0), (263, 446, 1.0))


def relief(skin: Skin, chart: Chart, rng: np.random.Generator, lips: Array) -> Array:
    """(side, side) cm of height above the mesh."""
    old = float(np.clip((skin.age - 25) / 55, 0, 1))
    pores = chart.noise(rng, 0.1) * (0.0013 + 0.0012 * old) * (1 - lips)
    coarse = chart.noise(rng, 0.35) * (0.0008 + 0.003 * old)
    height = (pores + coarse).astype(np.float32)
    for pair, deep, shallow, width, softness in FOLDS:
        depth = (shallow + (deep - shallow) * old**1.3) * rng.uniform(0.4, 1.3)
        for curve in pair:
            height -= depth * chart.line(_wobbled(chart.landmarks[curve], rng, 1.5), width, softness)
    height += _forehead(chart, rng, old)
    height += _crows_feet(chart, rng, old)
    height += _frown(chart, rng, old)
    height += _lip_lines(chart, rng, lips)
    return height


def _wobbled(points: Array, rng: np.random.Generator, texels: float) -> Array:
    return np.asarray(points + rng.normal(0, texels, points.shape), np.float32)


def _place(chart: Chart, x: float, y: float) -> Array:
    """(2,) texel of the point of the front at x, y cm, by the nearest landmarks."""
    distance = np.hypot(chart.middle[:, 0] - x, chart.middle[:, 1] - y)
    near = np.argsort(distance)[:6]
    design = np.concatenate([chart.middle[near, :2], np.ones((6, 1))], axis=1)
    weight = (1 / (distance[near] + 0.2))[:, None]
    solution = np.linalg.lstsq(design * weight, chart.landmarks[near] * weight, rcond=None)[0]
    return np.asarray(np.array([x, y, 1.0]) @ solution, np.float32)


def _forehead(chart: Chart, rng: np.random.Generator, old: float) -> Array:
    """Three to five level lines."""
    total = np.zeros((chart.side, chart.side), np.float32)
    if old < 0.12:
        return total
    for y in np.arange(6.3, 8.6, rng.uniform(0.5, 0.8)):
        half = rng.uniform(2.0, 4.2)
        x = np.linspace(-half, half, 7) + rng.normal(0, 0.3)
        bow = 0.25 * np.cos(x / 1.5) * rng.normal(0.6, 0.5) - 0.02 * x * x + rng.normal(0, 0.06, 7)
        points = np.array([_place(chart, float(a), float(y + b)) for a, b in zip(x, bow, strict=True)])
        total -= 0.05 * old**1.4 * rng.uniform(0.3, 1.2) * chart.line(points, 2.5, 4)
    return total


def _crows_feet(chart: Chart, rng: np.random.Generator, old: float) -> Array:
    total = np.zeros((chart.side, chart.side), np.float32)
    if old < 0.12:
        return total
    for corner, _, side in CROWS_FEET:
        x, y = chart.middle[corner, :2]
        for slant in np.linspace(-0.6, 0.6, int(rng.integers(3, 6))):
            start, length = rng.uniform(0.35, 0.6), rng.uniform(0.7, 1.5)
            reach = start + np.linspace(0, length, 4)
            points = np.array([_place(chart, x + side * r, y + slant * r + 0.08 * slant * r * r) for r in reach])
            total -= 0.035 * old**1.2 * rng.uniform(0.4, 1.2) * chart.line(points, 2, 3)
    return total


def _frown(chart: Chart, rng: np.random.Generator, old: float) -> Array:
    total = np.zeros((chart.side, chart.side), np.float32)
    for side in (-1, 1):
        x = side * rng.uniform(0.45, 0.8)
        points = np.array([_place(chart, x * s, y) for s, y in ((1.15, 6.0), (1.0, 5.4), (0.8, 4.9))])
        total -= 0.05 * old**1.3 * rng.uniform(0.0, 1.2) * chart.line(points, 3, 4)
    return total


def _lip_lines(chart: Chart, rng: np.random.Generator, lips: Array) -> Array:
    """Fine upright lines of the lips."""
    row = rng.standard_normal((1, chart.side // 4)).astype(np.float32)
    spread = np.repeat(np.repeat(row, 4, axis=1), chart.side, axis=0)[:, : chart.side]
    return np.asarray(0.004 * spread * lips, np.float32)
