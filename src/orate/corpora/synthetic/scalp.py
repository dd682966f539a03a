"""Where hair grows on the head, and which way it is combed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orate.corpora.synthetic import parts
from orate.corpora.synthetic.hair import Hair
from orate.corpora.synthetic.mesh import Mesh

Array = NDArray[np.float32]

AXIS_Z_CM = -1.0  # the skull's upright axis
# The hairline's height in cm over the direction from the axis in degrees, 0 the front, 180 the back: round, and
# with the corners that most men have at the temples.
DIRECTIONS = (0, 14, 24, 32, 40, 48, 54, 60, 66, 70, 76, 82, 100, 112, 128, 150, 180)
ROUND = (9.6, 9.7, 9.6, 9.3, 8.7, 7.4, 6.2, 5.0, 3.9, 3.2, 2.0, 4.6, 5.0, 2.2, -2.0, -4.6, -5.2)
CORNERED = (9.3, 9.6, 10.1, 10.5, 10.0, 8.4, 6.6, 4.9, 3.6, 2.9, 1.6, 4.6, 5.0, 2.2, -2.0, -4.6, -5.2)
UNEVEN_CM = 0.12
CROWN = np.array([0.0, 12.0, -5.5])


@dataclass(frozen=True)
class Scalp:
    """The skin that hair grows on.

    Attributes:
        vertices: (n,) which of the head's vertices.
        triangles: (t, 3) of 0..n-1.
        points, normals: (n, 3) on the person's head at rest.
        cover: (n,) how densely hair grows, 0 to 1.
        edge: (n,) how thick hair is, 0 at the hairline to 1 some cm within it.
        comb: (n, 3) unit, the way hair lies.
        across: (n,) cm, a coordinate that hardly changes along a hair.
        centre, radii: (3,) cm of the ellipsoid nearest to the skull.
    """

    vertices: NDArray[np.int64]
    triangles: NDArray[np.int64]
    points: Array
    normals: Array
    cover: Array
    edge: Array
    comb: Array
    across: Array
    centre: Array
    radii: Array


def hairline_distance(rest: Array, hair: Hair) -> Array:
    """(n,) cm above the hairline of places ``rest`` (n, 3) on the mean head."""
    angle = np.degrees(np.arctan2(np.abs(rest[:, 0]), rest[:, 2] - AXIS_Z_CM))
    knots = np.array(ROUND) + hair.corners * (np.array(CORNERED) - np.array(ROUND))
    height = np.interp(angle, DIRECTIONS, knots)
    signed = np.degrees(np.arctan2(rest[:, 0], rest[:, 2] - AXIS_Z_CM))
    for period in (17.0, 31.0, 57.0):
        height = height + UNEVEN_CM * np.sin(360 / period * np.radians(signed) + hair.seed % 97 + period)
    front = np.clip((62 - angle) / 20, 0, 1)
    height = height + hair.hairline * front
    height = height + 3.4 * hair.recession * np.exp(-(((angle - 40) / 14) ** 2)) + 1.0 * hair.recession * front
    return np.asarray(rest[:, 1] - height, np.float32)


def make_scalp(mesh: Mesh, neutral: Array, shape: Array, normals: Array, hair: Hair) -> Scalp:
    """The scalp of the head ``shape`` (26719, 3) with this cut."""
    triangles = mesh.same[mesh.source[mesh.triangles_of(parts.SKIN)]]
    rest = neutral[parts.SKIN]
    within = hairline_distance(rest, hair)
    cover = np.clip((within + 0.7) / 1.6, 0, 1)
    edge = np.clip((within + 0.45) / (1.2 + 1.6 * hair.layer), 0, 1) ** 0.6
    cover[ears(mesh, len(rest))] = 0
    kept = triangles[(cover[triangles] > 0).any(axis=1)]
    vertices, inverse = np.unique(kept, return_inverse=True)
    points, up = shape[vertices], normals[vertices]
    comb, across = _combed(points, up, hair)
    skull = points[cover[vertices] > 0.5]
    low, high = np.percentile(skull, 1, axis=0), np.percentile(skull, 99, axis=0)
    centre = np.array([0.5 * (low[0] + high[0]), 3.2, 0.5 * (low[2] + high[2])])
    radii = np.array([0.5 * (high[0] - low[0]), high[1] - centre[1], 0.5 * (high[2] - low[2])])
    return Scalp(
        vertices, inverse.reshape(-1, 3), points, up, cover[vertices].astype(np.float32),
        edge[vertices].astype(np.float32), comb, across,
        centre.astype(np.float32), (radii * 0.99).astype(np.float32),
    )  # fmt: skip


def ears(mesh: Mesh, count: int) -> NDArray[np.bool_]:
    """(count,) whether a vertex of the skin belongs to an ear, by its place in the face's texture."""
    found = np.zeros(count, bool)
    u, v = mesh.uv[:, 0], mesh.uv[:, 1]
    inside = (np.minimum(u, 1 - u) < 0.105) & (v > 0.44) & (v < 0.69) & (mesh.source < parts.FACE.stop)
    found[mesh.source[inside]] = True
    return found


def _combed(points: Array, normals: Array, hair: Hair) -> tuple[Array, Array]:
    """The way hair lies at each point, and a coordinate across it."""
    x, y, z = points.T
    if hair.style in ("swept", "tied"):
        way = np.stack([0.06 * x, np.full_like(x, -0.15), np.full_like(x, -1.0)], axis=1)
        across = np.where(np.abs(x) > 5.5, x + 0.6 * y, x)
    elif hair.style in ("parted", "bob", "long"):
        side = np.tanh((x - hair.parting) / 0.4)
        fallen = np.clip((np.abs(x - hair.parting) - 1) / 5, 0, 1)
        forward = hair.fringe * np.clip(z / 6, 0, 1)
        way = np.stack(
            [side * (1 - 0.8 * forward), -0.25 - 1.1 * fallen - 0.4 * forward, -0.45 + 0.5 * forward + 0.0 * z], axis=1
        )
        across = z + 0.35 * y
    else:
        way = points - CROWN
        way[:, 2] += 0.8
        across = np.arctan2(way[:, 0], way[:, 2]) * 9
    lying = way - (way * normals).sum(axis=1, keepdims=True) * normals
    lying = lying / np.maximum(np.linalg.norm(lying, axis=1, keepdims=True), 1e-6)
    return lying.astype(np.float32), np.asarray(across, np.float32)
