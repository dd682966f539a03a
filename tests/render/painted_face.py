"""A face of known pose in a painted picture: noise, and a dot wherever a test wants to follow one."""

from __future__ import annotations

import cv2
import numpy as np

from orate.render.head import load_head
from orate.render.pose import HeadPose, fit_pose
from orate.render.source import FaceSource

FLIP = np.diag([1.0, -1.0, -1.0])  # head axes to image axes of a frontal face


def frontal_pose(scale: float, x: float, y: float, turn: np.ndarray | None = None) -> HeadPose:
    rotation = FLIP if turn is None else turn @ FLIP
    return HeadPose(scale, rotation, np.array([x, y, 0.0]))


def painted_source(
    height: int = 240,
    width: int = 256,
    pose: HeadPose | None = None,
    seed: int = 0,
    photo: np.ndarray | None = None,
) -> FaceSource:
    """The generic head's face at `pose`, over smooth noise or the photo given."""
    pose = pose or frontal_pose(5.0, width / 2, height / 2)
    if photo is None:
        noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
        photo = cv2.GaussianBlur(noise, (0, 0), 2)
        photo = cv2.normalize(photo, np.empty(0), 0, 255, cv2.NORM_MINMAX)
    landmarks = pose.project(load_head().landmarks)
    fitted = fit_pose(landmarks)
    shape = fitted.unproject(landmarks)
    return FaceSource(np.asarray(photo, np.uint8), landmarks, np.zeros(52, np.float32), fitted, shape, shape.copy())


def with_dot(photo: np.ndarray, place: np.ndarray, radius: int = 2) -> np.ndarray:
    """A white dot at (x, y) px on a copy that is black elsewhere."""
    canvas = np.zeros_like(photo)
    cv2.circle(canvas, (round(place[0] - 0.5), round(place[1] - 0.5)), radius, (255, 255, 255), -1, cv2.LINE_AA)
    return canvas


def dot_place(picture: np.ndarray) -> np.ndarray:
    """(2,) px, x and y of the middle of what is bright."""
    mass = picture.astype(np.float64).sum(axis=2)
    rows, columns = np.indices(mass.shape)
    return np.array([(columns * mass).sum(), (rows * mass).sum()]) / mass.sum() + 0.5
