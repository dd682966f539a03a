"""Displacements given at points, spread over the plane: inverse-distance weights, carried to first order.

With inverse-distance weights alone the field is flat at every point and steps between them. Fitting an affine map with
the same weights (moving least squares; Schaefer, McPhail, Warren, "Image deformation using moving least squares",
2006, section 2.1) keeps the weights and takes the steps away.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Box = tuple[int, int, int, int]  # x0, y0, x1, y1
SMALL_PRODUCT = 1 << 18  # multiplications up to which OpenBLAS wakes no threads: on a busy machine they wait for long


def spread(
    places: Floats, points: Floats, displacement: Floats, groups: Floats, radius: float, stiffness: float
) -> Floats:
    """Displacement fields at many places, one for each group of points.

    Weights fall with the fourth power of the distance.

    Args:
        places: (n, 2), centred near zero (float32 sums lose digits far away).
        points: (m, 2) where the displacement is known.
        displacement: (m, 2) there.
        groups: (k, m) weights that choose the points of each field.
        radius: smoothing of the weights: distances much below count as equal.
        stiffness: pulls the slope of the affine maps to zero where the points nearby lie closer than this.

    Returns:
        (k, n, 2).
    """
    x, y = points.T
    u, v = displacement.T
    moments = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y, u, v, x * u, y * u, x * v, y * v])
    columns = np.ascontiguousarray((groups[:, None] * moments[None]).reshape(-1, len(points)).T)
    # weights = 1 / (|place - point|^2 + radius^2)^2, the squared distance as a matrix product, in blocks of places.
    rows = max(1, SMALL_PRODUCT // columns.size)
    blocks = -(-len(places) // rows)
    left = np.zeros((blocks * rows, 4), np.float32)
    left[: len(places), :2], left[: len(places), 2], left[:, 3] = places, (places**2).sum(axis=1), 1.0
    right = np.empty((4, len(points)), np.float32)
    right[:2], right[2], right[3] = -2 * points.T, 1.0, (points**2).sum(axis=1) + radius**2
    weights = left.reshape(blocks, rows, 4) @ right
    np.multiply(weights, weights, out=weights)
    np.reciprocal(weights, out=weights)

    sums = (weights @ columns).reshape(blocks * rows, -1)[: len(places)].T.reshape(len(groups), 12, -1)
    means: Floats = sums[:, 1:] / sums[:, :1]
    mx, my, xx, xy, yy, mu, mv, xu, yu, xv, yv = means.transpose(1, 0, 2)
    xx = xx - mx * mx + stiffness**2
    yy = yy - my * my + stiffness**2
    xy = xy - mx * my
    dx, dy = places[:, 0] - mx, places[:, 1] - my
    # Row (dx, dy) times the inverse of [[xx, xy], [xy, yy]].
    determinant = xx * yy - xy * xy
    across, down = (dx * yy - dy * xy) / determinant, (dy * xx - dx * xy) / determinant
    field = np.empty((len(groups), len(places), 2), np.float32)
    field[..., 0] = mu + across * (xu - mx * mu) + down * (yu - my * mu)
    field[..., 1] = mv + across * (xv - mx * mv) + down * (yv - my * mv)
    return field


class Grid:
    """Values at the centres of square blocks of pixels."""

    def __init__(self, start: NDArray[np.int_], cells: NDArray[np.int_], step: int):
        self.start, self.cells, self.step = start, cells, step
        self.stop = start + cells * step

    def places(self) -> NDArray[np.float64]:
        """(rows * columns, 2) px: the blocks' centres."""
        xs, ys = (self.start[i] + (np.arange(self.cells[i]) + 0.5) * self.step for i in (0, 1))
        return np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)

    def pixels(self) -> NDArray[np.float64]:
        """(height * width, 2) px: the centres of the pixels."""
        return Grid(self.start, self.cells * self.step, 1).places()

    def enlarge(self, values: Floats, box: Box) -> Floats:
        """(rows, columns, 2) values at every pixel of a box, (height, width, 2)."""
        x0, y0, x1, y1 = box
        low = np.maximum((np.array([x0, y0]) - self.start) // self.step - 1, 0)
        high = np.minimum(-(-(np.array([x1, y1]) - self.start) // self.step) + 1, self.cells)
        part = values[low[1] : high[1], low[0] : high[0]]
        size = (high - low) * self.step
        large = cv2.resize(part, (int(size[0]), int(size[1])), interpolation=cv2.INTER_LINEAR)
        x, y = self.start + low * self.step
        return np.asarray(large[y0 - y : y1 - y, x0 - x : x1 - x], np.float32)

    def at(self, values: Floats, other: Grid) -> Floats:
        """(rows, columns, 2) values at the centres of another grid's blocks."""
        ratio = other.step / self.step
        shift = (other.start + 0.5 * other.step - self.start) / self.step - 0.5
        matrix = np.array([[ratio, 0, shift[0]], [0, ratio, shift[1]]])
        return self._warped(values, matrix, (int(other.cells[0]), int(other.cells[1])))

    @staticmethod
    def _warped(values: Floats, matrix: NDArray[np.float64], size: tuple[int, int]) -> Floats:
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(
            cv2.warpAffine(values, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32
        )


def distance_inside(outline: NDArray[np.floating], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) px: how far inside a closed outline the places lie, negative outside."""
    contour = outline.astype(np.float32)
    return np.array([cv2.pointPolygonTest(contour, (float(x), float(y)), True) for x, y in places])
