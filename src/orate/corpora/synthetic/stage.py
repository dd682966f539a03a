"""Motion put on a stage: how lively it is, where the head looks on the whole, and poses as the renderer takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orate.corpora.motion_tracks import NECK_PIVOT_CM
from orate.corpora.synthetic.camera import Camera
from orate.corpora.synthetic.motion import ActionMotion
from orate.corpora.synthetic.pose import PIVOT_CM, Pose, rotation_from_angles
from orate.render.pose import rotation_matrix

PITCH_SHARE, ROLL_SHARE = 0.45, 0.35  # of the range of the head's mean yaw
MOUTH_RANGE, SKIN_RANGE, HEAD_RANGE = (0.85, 1.15), (0.7, 1.3), (0.6, 2.0)  # of amplitudes
LOOK_LIMIT_DEG = np.array([22.0, 14.0])
EYES_CM = np.array([0.0, 3.5, 9.0])  # between the eyes of the head at rest
AT_CAMERA = 0.7  # how many people look at the camera while the head is turned; the others look where the head does
WANDER_DEG = 2.0  # deviation of where those who do not look quite there look


@dataclass(frozen=True)
class Stage:
    """T frames as the renderer takes them.

    Attributes:
        motion: what the face does.
        poses: T poses of the head.
        gaze: (T, 2) degrees to the image's right and up, within the head.
    """

    motion: ActionMotion
    poses: Sequence[Pose]
    gaze: NDArray[np.float32]


def staged(motion: ActionMotion, turn_deg: float, camera: Camera, rng: np.random.Generator) -> Stage:
    """A clip's motion varied and turned, by chance.

    Half of the clips are mirrored; mouth, face and head are a little livelier or calmer; the head is turned by up to
    `turn_deg` degrees of yaw, less of pitch and roll, and most people's eyes stay on the camera.
    """
    if rng.random() < 0.5:
        motion = motion.mirrored()
    motion = motion.scaled(*(float(rng.uniform(*amounts)) for amounts in (MOUTH_RANGE, SKIN_RANGE, HEAD_RANGE)))
    # triangular: most heads are nearly upright
    yaw, pitch, roll = rng.triangular(-1, 0, 1, 3) * turn_deg * np.array([1, PITCH_SHARE, ROLL_SHARE])
    base = rotation_from_angles(float(yaw), float(pitch), float(roll))
    eyes = base @ (EYES_CM - PIVOT_CM) + PIVOT_CM
    look = towards(camera.position() - eyes, base) if rng.random() < AT_CAMERA else np.zeros(2)
    look = look + WANDER_DEG * rng.standard_normal(2)
    gaze = np.clip(look + motion.gaze * [1, -1], -LOOK_LIMIT_DEG, LOOK_LIMIT_DEG).astype(np.float32)
    return Stage(motion, head_poses(motion, base), gaze)


def towards(direction: NDArray[np.floating], turn: NDArray[np.floating]) -> NDArray[np.float64]:
    """(2,) degrees right and up within a head turned by `turn` (3, 3) that look along `direction` (3,) of the world."""
    x, y, z = turn.T @ direction
    return np.degrees([np.arctan2(x, z), np.arctan2(y, np.hypot(x, z))])


def head_poses(motion: ActionMotion, base: NDArray[np.floating]) -> list[Pose]:
    """Poses of the moving head that `base` (3, 3) turns as a whole.

    The motion turns the head about the neck, `motion_tracks.NECK_PIVOT_CM`; the renderer's poses about `PIVOT_CM`.
    """
    arm = (NECK_PIVOT_CM - PIVOT_CM).astype(np.float64)
    poses = []
    for vector, shift in zip(motion.rotation, motion.translation, strict=True):
        turn = rotation_matrix(vector).T  # of columns, as the renderer has it
        # about the neck: turn (p - N) + N + shift = turn (p - P) + P + (N - P) - turn (N - P) + shift
        moved = arm - turn @ arm + shift
        poses.append(Pose((base @ turn).astype(np.float32), (base @ moved).astype(np.float32)))
    return poses
