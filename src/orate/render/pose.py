"""Where the generic head stands in a picture: the pose fit, and the way between head space and pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orate.render.head import load_head

Points = NDArray[np.float64]


@dataclass(frozen=True)
class HeadPose:
    """A similarity from head space to pixels (weak perspective): ``pixels = scale * points @ rotation + shift``.

    Attributes:
        scale: pixels a centimetre of the head.
        rotation: (3, 3) with determinant 1, head axes (y up, z to the viewer) to image axes (y down, z away).
        shift: (3,) px, where the head's origin (near the tip of the nose's height, inside the head) lies.
    """

    scale: float
    rotation: Points
    shift: Points

    def project(self, points: NDArray[np.floating]) -> Points:
        """(..., 3) cm in head space to (..., 3) px: x right, y down, z away from the viewer."""
        projected: Points = self.scale * np.asarray(points, np.float64) @ self.rotation + self.shift
        return projected

    def project_displacement(self, displacement: NDArray[np.floating]) -> Points:
        """(..., 3) cm of displacement to px of displacement."""
        projected: Points = self.scale * np.asarray(displacement, np.float64) @ self.rotation
        return projected

    def unproject(self, pixels: NDArray[np.floating]) -> Points:
        """(..., 3) px to cm in head space; the exact inverse of `project`."""
        points: Points = (np.asarray(pixels, np.float64) - self.shift) @ self.rotation.T / self.scale
        return points

    @property
    def yaw_pitch_roll(self) -> tuple[float, float, float]:
        """Degrees: yaw to the image's right, pitch downwards, roll clockwise, as the viewer sees them."""
        forward = np.array([0.0, 0.0, 1.0]) @ self.rotation
        side = np.array([1.0, 0.0, 0.0]) @ self.rotation
        yaw = np.degrees(np.arctan2(forward[0], -forward[2]))
        pitch = np.degrees(np.arctan2(forward[1], np.hypot(forward[0], forward[2])))
        return float(yaw), float(pitch), float(np.degrees(np.arctan2(side[1], side[0])))


def fit_pose(landmarks: NDArray[np.floating]) -> HeadPose:
    """Fit the head to a face's landmarks.

    The tracks' way: least squares over 14 points that speech hardly moves (Umeyama 1991), onto the reference face in
    canonical units, then the constant similarity from there to head space.

    Args:
        landmarks: (478, 3) px, as `orate.face.landmarks` gives them.
    """
    head = load_head()
    stable = head.stable_points
    scale, rotation, shift = _similarity(
        head.reference[stable].astype(np.float64), np.asarray(landmarks, np.float64)[stable]
    )
    # pixels = s C R + t and P = a C A + b, so pixels = (s / a) (P - b) A' R + t.
    turn = head.canonical_rotation.T @ rotation
    size = scale / head.canonical_scale
    return HeadPose(size, turn, shift - size * head.canonical_shift @ turn)


def rotation_matrix(vector: NDArray[np.floating]) -> Points:
    """(3,) rotation vector, radians, to the (3, 3) matrix for row vectors, ``points @ matrix`` (Rodrigues' formula)."""
    angle = float(np.linalg.norm(vector))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = np.asarray(vector, np.float64) / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    matrix: Points = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return matrix.T


def _similarity(source: Points, target: Points) -> tuple[float, Points, Points]:
    """Scale, rotation and shift of ``scale * source @ rotation + shift`` next to ``target``, (n, 3) both."""
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    left, sizes, right = np.linalg.svd(a.T @ b)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    rotation = (left * signs) @ right
    scale = float((sizes * signs).sum() / max((a**2).sum(), 1e-12))
    return scale, rotation, target.mean(axis=0) - scale * source.mean(axis=0) @ rotation
