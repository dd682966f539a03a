"""Displacements given at points, spread over the plane: inverse-distance weights, carried to first order.

With inverse-distance weights alone the field is flat at every point and steps between them. Fitting an affine map with
the same weights (moving least squares; Schaefer, McPhail, Warren, "Image deformation using moving least squares",
2006, section 2.1) keeps the weights and takes the steps away.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


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
    # weights = 1 / (|place - point|^2 + radius^2)^2, the squared distance as one matrix product.
    left = np.empty((len(places), 4), np.float32)
    left[:, :2], left[:, 2], left[:, 3] = places, (places**2).sum(axis=1), 1.0
    right = np.empty((4, len(points)), np.float32)
    right[:2], right[2], right[3] = -2 * points.T, 1.0, (points**2).sum(axis=1) + radius**2
    weights = left @ right
    np.multiply(weights, weights, out=weights)
    np.reciprocal(weights, out=weights)

    x, y = points.T
    u, v = displacement.T
    moments = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y, u, v, x * u, y * u, x * v, y * v])
    sums = (weights @ (groups[:, None] * moments[None]).reshape(-1, len(points)).T).T.reshape(len(groups), 12, -1)
    sums = sums[:, 1:] / sums[:, :1]
    mx, my, xx, xy, yy, mu, mv, xu, yu, xv, yv = sums.transpose(1, 0, 2)
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
