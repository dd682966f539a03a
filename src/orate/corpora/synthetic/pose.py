"""Where the head is: a rotation about the neck and a shift."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

PIVOT_CM = np.array([0.0, -7.0, -1.0], np.float32)
CHIN_Y_CM, COLLAR_Y_CM = -7.5, -15.0  # the head turns as a whole above, the shoulders stay below


def _upright() -> NDArray[np.float32]:
    return np.eye(3, dtype=np.float32)


def _nowhere() -> NDArray[np.float32]:
    return np.zeros(3, np.float32)


@dataclass(frozen=True)
class Pose:
    """The head's pose: ``world = rotation @ (head - PIVOT_CM) + PIVOT_CM + translation``.

    World axes are those of the head at rest: x to the image's right, y up, z to the camera at yaw 0.

    Attributes:
        rotation: (3, 3) with determinant 1.
        translation: (3,) cm.
    """

    rotation: NDArray[np.floating] = field(default_factory=_upright)
    translation: NDArray[np.floating] = field(default_factory=_nowhere)

    def move(self, vertices: NDArray[np.float32], stiffness: NDArray[np.float32]) -> NDArray[np.float32]:
        """Vertices (n, 3) cm moved with the head by their ``stiffness`` (n,): 1 wholly, 0 not at all."""
        arm = vertices - PIVOT_CM
        moved = arm @ np.asarray(self.rotation, np.float32).T + np.asarray(self.translation, np.float32)
        return np.asarray(vertices + stiffness[:, None] * (moved - arm), np.float32)


def rotation_from_angles(yaw: float, pitch: float, roll: float) -> NDArray[np.float32]:
    """(3, 3) from degrees: yaw to the image's right, pitch up, roll to the image's left (counter-clockwise)."""
    y, p, r = np.radians([yaw, -pitch, roll])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return np.asarray(about_y @ about_x @ about_z, np.float32)


def neck_stiffness(neutral: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n,) how far each vertex of the head at rest moves with the head."""
    height = np.clip((neutral[:, 1] - COLLAR_Y_CM) / (CHIN_Y_CM - COLLAR_Y_CM), 0, 1)
    return np.asarray(height * height * (3 - 2 * height), np.float32)
