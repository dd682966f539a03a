"""Landmarks fixed to the mesh, so that they move with identity and expression."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orate.corpora.synthetic import parts

# FaceLandmarker's points on either lip, corners left out, and how far `jawOpen` moves vertices of each: the lips touch
# on the neutral head, and points must not stick to the wrong one.
UPPER_LIP = [185, 40, 39, 37, 0, 267, 269, 270, 409, 191, 80, 81, 82, 13, 312, 311, 310, 415]
UPPER_LIP += [184, 74, 73, 72, 11, 302, 303, 304, 408, 183, 42, 41, 38, 12, 268, 271, 272, 407]
LOWER_LIP = [146, 91, 181, 84, 17, 314, 405, 321, 375, 95, 88, 178, 87, 14, 317, 402, 318, 324]
LOWER_LIP += [77, 90, 180, 85, 16, 315, 404, 320, 307, 96, 89, 179, 86, 15, 316, 403, 319, 325]
LOWER_LIP_DROP_CM, UPPER_LIP_DROP_CM = 1.3, 1.2
MIN_AREA_CM2 = 1e-6  # of a triangle that faces the front
DEPTH_PENALTY = 0.05  # cm of distance a cm of depth: the skin's front, not what lies behind it
EDGE = 1e-6


@dataclass(frozen=True)
class Attachment:
    """Points as weighted means of three vertices each.

    Attributes:
        vertices: (478, 3) indices.
        weights: (478, 3), each row sums to 1.
    """

    vertices: NDArray[np.int64]
    weights: NDArray[np.float32]

    def points(self, vertices: NDArray[np.float32]) -> NDArray[np.float32]:
        """(478, 3) in the space of ``vertices`` (26719, 3)."""
        return np.asarray(np.einsum("pk,pkc->pc", self.weights, vertices[self.vertices]), np.float32)


def attach_landmarks(
    points: NDArray[np.generic],
    neutral: NDArray[np.float32],
    quads: NDArray[np.int32],
    jaw_open: NDArray[np.float32],
) -> Attachment:
    """Attach ``points`` (478, 3) cm, of which only x and y are trusted, to the front of face and eyeballs.

    Args:
        points: on the neutral head; detected depths are a guess, those of the mesh are not.
        neutral: (26719, 3) cm.
        quads: (n, 4).
        jaw_open: (26719, 3) cm, displacement by ``jawOpen``.
    """
    target = np.asarray(points, np.float64)[:, :2]
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int64)
    drop = -jaw_open[:, 1]
    vertices = np.empty((parts.LANDMARKS, 3), np.int64)
    weights = np.empty((parts.LANDMARKS, 3), np.float32)
    lower, upper = np.isin(np.arange(parts.LANDMARKS), LOWER_LIP), np.isin(np.arange(parts.LANDMARKS), UPPER_LIP)
    on_skin = np.arange(parts.LANDMARKS) < parts.IRISES.start
    everywhere = np.ones(len(neutral), bool)
    choices = [
        (on_skin & ~lower & ~upper, parts.FACE, everywhere),
        (lower, parts.FACE, drop >= LOWER_LIP_DROP_CM),
        (upper, parts.FACE, drop <= UPPER_LIP_DROP_CM),
    ]
    for cornea in parts.CORNEAS:
        side = np.sign(target[:, 0]) == np.sign(neutral[cornea, 0].mean())
        choices.append((~on_skin & side, cornea, everywhere))
    for chosen, part, allowed in choices:
        inside = (triangles >= part.start) & (triangles < part.stop) & allowed[triangles]
        vertices[chosen], weights[chosen] = _on_front(target[chosen], neutral, triangles[inside.all(axis=1)])
    return Attachment(vertices, weights)


def _on_front(
    points: NDArray[np.float64], vertices: NDArray[np.float32], triangles: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """For each point (n, 2) the foremost triangle that it lies in from the front, or the nearest; its weights."""
    corners = vertices[triangles].astype(np.float64)
    a, b, c = (corners[:, k, :2] for k in range(3))
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    front = area > MIN_AREA_CM2
    triangles, a, b, c, area = triangles[front], a[front], b[front], c[front], area[front]
    x, y = points[:, None, 0], points[:, None, 1]
    second = ((x - a[:, 0]) * (c[:, 1] - a[:, 1]) - (y - a[:, 1]) * (c[:, 0] - a[:, 0])) / area
    third = ((b[:, 0] - a[:, 0]) * (y - a[:, 1]) - (b[:, 1] - a[:, 1]) * (x - a[:, 0])) / area
    weights = np.stack([1 - second - third, second, third], axis=-1)
    outside = np.linalg.norm(points[:, None] - (a + b + c) / 3, axis=2)
    depth = vertices[triangles, 2].mean(axis=1)
    # Points next to an edge that belongs to no triangle, such as the mouth's corners, take the nearest.
    rank = np.where((weights >= -EDGE).all(axis=2), -1e3 - depth, outside - DEPTH_PENALTY * depth)
    best = rank.argmin(axis=1)
    chosen = np.clip(weights[np.arange(len(points)), best], 0, 1)
    return triangles[best], (chosen / chosen.sum(axis=1, keepdims=True)).astype(np.float32)
