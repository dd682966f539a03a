"""The camera: how the head is framed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NEAR_CM, FAR_CM = 10.0, 600.0
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """A pinhole camera that looks at a point of the head at rest.

    Attributes:
        distance: cm from that point.
        view_cm: height of what the picture shows at that point, cm.
        target: (3,) cm in head space.
        yaw, pitch, roll: degrees around the target: to the image's right, up, and about the view's axis.
    """

    distance: float = 90.0
    view_cm: float = 30.0
    target: tuple[float, float, float] = (0.0, 0.0, 4.0)
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0

    @classmethod
    def random(cls, rng: np.random.Generator) -> Camera:
        """Head and shoulders to close-up, from a webcam's distance to that of a studio's camera."""
        view = rng.uniform(24, 42)
        return cls(
            distance=float(np.exp(rng.uniform(np.log(55), np.log(200)))),
            view_cm=float(view),
            target=(float(rng.normal(0, 1.2)), float(rng.normal(-1.5 - 0.12 * (view - 24), 0.8)), 4.0),
            yaw=float(rng.normal(0, 5)),
            pitch=float(rng.normal(5, 4)),
            roll=float(rng.normal(0, 1.2)),
        )

    def view(self) -> tuple[Floats, Floats]:
        """Rotation (3, 3) and shift (3,): ``eye = rotation @ world + shift``; the camera looks along -z."""
        yaw, pitch, roll = np.radians([self.yaw, self.pitch, self.roll])
        about_y = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
        about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
        about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
        rotation = about_z @ about_x @ about_y
        return rotation, np.array([0, 0, -self.distance]) - rotation @ np.array(self.target)

    def position(self) -> Floats:
        """(3,) cm in world space."""
        rotation, shift = self.view()
        return np.asarray(-rotation.T @ shift)

    def matrix(self, size: tuple[int, int]) -> Floats:
        """(4, 4) from world cm to clip space for a picture of ``size`` (height, width)."""
        rotation, shift = self.view()
        eye = np.eye(4)
        eye[:3, :3], eye[:3, 3] = rotation, shift
        focal = 2 * self.distance / self.view_cm
        clip = np.zeros((4, 4))
        clip[0, 0], clip[1, 1] = focal * size[0] / size[1], focal
        clip[2, 2] = -(FAR_CM + NEAR_CM) / (FAR_CM - NEAR_CM)
        clip[2, 3] = -2 * FAR_CM * NEAR_CM / (FAR_CM - NEAR_CM)
        clip[3, 2] = -1
        return np.asarray(clip @ eye)

    def project(self, points: NDArray[np.floating], size: tuple[int, int], origin: NDArray[np.floating]) -> Floats:
        """World points (..., 3) cm to (..., 3) px in a picture of ``size`` (height, width).

        x right, y down, (0, 0) the outer corner of the first pixel; z in px at the depth of ``origin`` (3,), 0 there
        and smaller towards the camera, as `orate.face.landmarks` has it.
        """
        rotation, shift = self.view()
        eye = np.asarray(points, np.float64) @ rotation.T + shift
        depth = -eye[..., 2]
        middle = -float((rotation @ np.asarray(origin, np.float64) + shift)[2])
        focal = size[0] * self.distance / self.view_cm
        x = size[1] / 2 + focal * eye[..., 0] / depth
        y = size[0] / 2 - focal * eye[..., 1] / depth
        return np.stack([x, y, (depth - middle) * focal / middle], axis=-1)
