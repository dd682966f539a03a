"""Small turns of the eyes: the iris slides in the opening, the white beside it gives way, lids and lashes stay."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.render.catchlight import Catchlight
from orate.render.eye_shape import IRIS, EyeShape, smooth_step, soft_edge
from orate.render.pose import HeadPose
from orate.render.source import FaceSource

EYEBALL_CM = 1.2
SIDE_LIMIT_DEG = 6.0
UP_LIMIT_DEG = 4.0
MAX_TURN = 0.6  # sine of the angle at which the photo's eye may already look away from the viewer
LID_FOLLOWS = 0.7  # of the way that the iris goes down; the upper lid sinks as much
LID_SHADOW = 0.1  # of the opening: lash and lid shadows, which stay


class EyeGaze:
    """Turns one eye of one photo."""

    def __init__(self, source: FaceSource, shape: EyeShape, side: int):
        """Find iris and opening; `side` 0 is the person's right eye, 1 the left."""
        points = source.landmarks[:, :2]
        centre, ring = points[IRIS[side][0]], points[list(IRIS[side][1:])]
        self._origin = np.array(shape.box[:2], np.float64)
        self._centre = (centre - self._origin).astype(np.float32)
        self._radius = float(np.median(np.linalg.norm(ring - centre, axis=1)))
        self._eyeball = EYEBALL_CM * shape.scale
        corners = source.landmarks[[(33, 133), (362, 263)][side], :]
        self._look = _photo_look(source.pose, corners, centre, self._eyeball)
        self._along = shape.along
        self._height = max(shape.height, 1e-3)
        height, width = shape.u.shape
        self._x, self._y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        shadow = np.maximum(np.float32(LID_SHADOW) * shape.opening, 0.5)
        below_lid = smooth_step((shape.v - shape.upper) / (2 * shadow))
        above_lid = smooth_step((shape.lower - shape.v) / shadow)
        # Towards the corners the white comes to rest.
        inside = smooth_step(shape.u / 0.12) * smooth_step((1 - shape.u) / 0.12) * soft_edge(shape.opening - 0.5, 1.0)
        self._opening = (below_lid * above_lid * inside).astype(np.float32)
        x0, y0, x1, y1 = shape.box
        patch = source.photo[y0:y1, x0:x1].astype(np.float32)
        self._catchlight = Catchlight(patch, shape, self._centre, self._radius)

    def shift(self, gaze: NDArray[np.floating]) -> NDArray[np.float64]:
        """(2,) px by which the iris moves for a `gaze` of (2,) degrees, on the projected eyeball."""
        limits = np.array([SIDE_LIMIT_DEG, UP_LIMIT_DEG])
        turn = np.radians(np.clip(np.asarray(gaze, np.float64), -limits, limits))
        moved: NDArray[np.float64] = self._eyeball * (np.sin(np.arcsin(self._look) + turn) - self._look)
        return moved

    def lid_closure(self, gaze: NDArray[np.floating]) -> float:
        """Closure in [0, 1] by which the upper lid follows eyes that look down."""
        return float(np.clip(LID_FOLLOWS * self.shift(gaze)[1] / self._height, 0.0, 0.5))

    def __call__(self, patch: NDArray[np.uint8], gaze: NDArray[np.floating]) -> NDArray[np.uint8]:
        """The eye's (h, w, 3) patch with the eye turned by `gaze`, (2,) degrees to the image's right and down."""
        dx, dy = (float(value) for value in self.shift(gaze))
        if abs(dx) < 1e-3 and abs(dy) < 1e-3:
            return patch
        centre = self._centre + np.array([dx - 0.5, dy - 0.5], np.float32)
        distance = np.sqrt((self._x - centre[0]) ** 2 + (self._y - centre[1]) ** 2)
        # Rigid to just beyond the iris's edge, then the white stretches over the rest of the way.
        edge, rest = 1.1 * self._radius, 1.3 * self._radius + 3.0 * float(np.hypot(dx, dy))
        weight = self._opening * smooth_step((edge + rest - distance) / rest)
        x, y = self._x - weight * dx, self._y - weight * dy
        iris = self._catchlight.without(patch)
        turned = np.asarray(cv2.remap(iris, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.uint8)
        self._catchlight.add(turned, (dx, dy))
        moved = (weight > 0)[..., None]
        return np.where(moved, turned, patch).astype(np.uint8)


def kept_gaze(rotation: NDArray[np.floating], pose: HeadPose) -> NDArray[np.float32]:
    """Degrees to the image's right and down that keep the eyes on the viewer while the head turns.

    Args:
        rotation: (3,) radians, rotation vector of the head away from the photo's pose, in head axes (`FaceMotion`).
        pose: the photo's pose.

    Returns:
        (2,) degrees, within the range that `EyeGaze` draws: the eyes turn against the head.
    """
    # Small rotations are vectors: in the image's axes (x right, y down, z away) a turn w moves the gaze, which is
    # (0, 0, -1), by w x (0, 0, -1) = (-w_y, w_x, 0), and the eyes go the other way.
    turn = np.asarray(rotation, np.float64) @ pose.rotation
    degrees = np.degrees(np.array([turn[1], -turn[0]]))
    limits = np.array([SIDE_LIMIT_DEG, UP_LIMIT_DEG])
    return np.asarray(np.clip(degrees, -limits, limits), np.float32)


def _photo_look(
    pose: HeadPose, corners: NDArray[np.float64], iris: NDArray[np.float64], eyeball: float
) -> NDArray[np.float64]:
    """(2,) sines of the angles at which the photo's eye looks past the viewer, from iris and eyeball's centre."""
    # The centre of the eyeball lies 0.9 cm behind the middle between the corners.
    middle = corners.mean(axis=0)[:2] + pose.project_displacement(np.array([0.0, 0.0, -0.9]))[:2]
    look: NDArray[np.float64] = np.clip((iris - middle) / max(eyeball, 1e-6), -MAX_TURN, MAX_TURN)
    return look
