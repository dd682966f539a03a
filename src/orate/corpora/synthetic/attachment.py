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
MIN_FACING = 0.05
DEPTH_PENALTY = 0.05  # cm of distance a cm of depth: the skin's front, not what lies behind it
NEAREST = 3


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
    front = _facing(neutral, quads)
    vertices = np.empty((parts.LANDMARKS, NEAREST), np.int64)
    weights = np.empty((parts.LANDMARKS, NEAREST), np.float32)
    on_skin = np.arange(parts.IRISES.start)
    drop = -jaw_open[parts.FACE, 1]
    allowed = np.broadcast_to(front[parts.FACE], (len(on_skin), len(drop))).copy()
    allowed[LOWER_LIP] &= drop >= LOWER_LIP_DROP_CM
    allowed[UPPER_LIP] &= drop <= UPPER_LIP_DROP_CM
    vertices[on_skin], weights[on_skin] = _nearest(target[on_skin], neutral[parts.FACE], allowed)
    for eyeball in parts.EYEBALLS:
        side = np.sign(neutral[eyeball, 0].mean())
        irises = np.arange(parts.IRISES.start, parts.IRISES.stop)
        irises = irises[np.sign(target[irises, 0]) == side]
        allowed = np.broadcast_to(front[eyeball], (len(irises), eyeball.stop - eyeball.start))
        index, weights[irises] = _nearest(target[irises], neutral[eyeball], allowed)
        vertices[irises] = index + eyeball.start
    return Attachment(vertices, weights)


def _nearest(
    points: NDArray[np.float64], vertices: NDArray[np.float32], allowed: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """For each point the three allowed vertices next to it from the front, and weights that reproduce its place."""
    distance = np.linalg.norm(points[:, None] - vertices[None, :, :2], axis=2)
    ranked = distance + DEPTH_PENALTY * (vertices[:, 2].max() - vertices[:, 2])[None] + np.where(allowed, 0, 1e3)
    index = np.argsort(ranked, axis=1)[:, :NEAREST]
    near = np.take_along_axis(distance, index, axis=1)
    weight = 1 / (near + 0.02) ** 2
    return index, (weight / weight.sum(axis=1, keepdims=True)).astype(np.float32)


def _facing(vertices: NDArray[np.float32], quads: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Whether each vertex faces the front."""
    cross = np.cross(vertices[quads[:, 2]] - vertices[quads[:, 0]], vertices[quads[:, 3]] - vertices[quads[:, 1]])
    normals = np.zeros((len(vertices), 3))
    for corner in range(4):
        np.add.at(normals, quads[:, corner], cross)
    return np.asarray(normals[:, 2] > MIN_FACING * np.linalg.norm(normals, axis=1))
