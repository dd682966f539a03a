"""Lips that touch when they should: heads of the model part them by up to 0.2 cm at rest, and teeth would show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from orate.corpora.synthetic import parts
from orate.corpora.synthetic.assets import Assets
from orate.face.masks import smoothstep
from orate.render.head import load_head
from orate.render.lips import INNER_CORNERS, INNER_LOWER, INNER_UPPER

CLOSER, OPENER = "mouthClose", "jawOpen"
# The lips' inner faces: vertices next to the line between them, by their distance in cm.
HIGH, DEEP, BESIDE, FACING, MARGIN = 0.5, 1.5, 0.12, 0.25, 0.2
COLUMNS = 10  # of pairs, from corner to corner: lips are closed where they touch anywhere on the way inwards
JAW_SHARE = 0.3  # of the largest drop with the jaw, above which a vertex is the lower lip's
PARTED = 0.4  # cm of opening at which lips are left as they are
MORE = 0.006  # of the weight, beyond what makes them touch: a slit of a hair's breadth still shows teeth
MAX_WEIGHT = 0.12


class LipSeal:
    """Closes the lips of any person of the assets by as much `mouthClose` as they need to touch."""

    def __init__(self, assets: Assets) -> None:
        names = list(assets.expression_names)
        upper, lower = _pairs(assets) if CLOSER in names else (np.zeros(0, np.int64), np.zeros(0, np.int64))
        self._upper, self._lower = upper, lower
        self._axes = (assets.expression[:, upper, 1] - assets.expression[:, lower, 1]).astype(np.float64)
        self._closer = names.index(CLOSER) if len(upper) else 0
        across = assets.neutral[upper, 0].astype(np.float64)
        rank = np.argsort(np.argsort(across))
        self._column = rank * COLUMNS // max(len(upper), 1)

    def weights(self, expression: NDArray[np.floating], shape: NDArray[np.floating]) -> NDArray[np.float64]:
        """(T,) weights of `mouthClose` that close the lips of a head `shape` (26719, 3) cm in expressions (T, 57)."""
        if not len(self._upper):
            return np.zeros(len(expression))
        apart = (shape[self._upper, 1] - shape[self._lower, 1])[None] + expression @ self._axes
        needed = apart / np.maximum(-self._axes[self._closer], 0.5)
        columns = [needed[:, self._column == column].min(axis=1) for column in np.unique(self._column)]
        closing: NDArray[np.float64] = np.clip(np.max(columns, axis=0) + MORE, 0, MAX_WEIGHT)
        return closing

    def __call__(
        self, expression: NDArray[np.float32], gaps: NDArray[np.floating], shape: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """Expressions (T, 57) of the assets' order, lips closed where gaps (T,) cm say so, less where they part."""
        sealed = expression.copy()
        parted = smoothstep(np.asarray(gaps, np.float64) / PARTED)
        sealed[:, self._closer] += (self.weights(expression, shape) * (1 - parted)).astype(np.float32)
        return sealed


def opening_gaps(weights: NDArray[np.floating]) -> NDArray[np.float64]:
    """(T,) cm: how far the actions' weights (T, 57) part the lips at most, on the generic head."""
    axes = np.stack(list(load_head().actions.values())).astype(np.float64)
    apart = axes[:, INNER_UPPER, 1] - axes[:, INNER_LOWER, 1]
    widest: NDArray[np.float64] = np.maximum((weights @ apart).max(axis=1), 0)
    return widest


def _pairs(assets: Assets) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Vertices of the upper lip, and of the lower lip's next below or above each, on the lips' inner faces."""
    face = assets.neutral[parts.FACE].astype(np.float64)
    drop = -assets.expression[assets.axis(OPENER), parts.FACE, 1]
    points = assets.landmarks.points(assets.neutral)
    left, right = (float(points[corner, 0]) for corner in INNER_CORNERS)
    line, front = points[[*INNER_UPPER, *INNER_LOWER], 1].mean(), points[INNER_UPPER, 2].max()
    near = (np.abs(face[:, 1] - line) < HIGH) & (face[:, 2] > front - DEEP)
    near &= (face[:, 0] > left + MARGIN) & (face[:, 0] < right - MARGIN)
    lower = near & (drop > JAW_SHARE * drop.max())
    upper, below = np.flatnonzero(near & ~lower), np.flatnonzero(lower)
    if not len(upper) or not len(below):
        return upper[:0], below[:0]
    beside = np.linalg.norm(face[upper][:, None, [0, 2]] - face[below][None][..., [0, 2]], axis=2)
    beside += np.where(np.abs(face[upper][:, None, 1] - face[below][None, :, 1]) < FACING, 0, 1e3)
    nearest = beside.argmin(axis=1)
    facing = beside[np.arange(len(upper)), nearest] < BESIDE
    return upper[facing], below[nearest[facing]]
