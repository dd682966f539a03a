"""Rotated square regions of a picture, and sampling them at any scale.

All coordinates are those of MediaPipe times the picture's size: (0, 0) is the outer corner of the first pixel, pixel
centres lie at integer + 0.5, x runs right, y down. Angles are in radians, clockwise as seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

REGION_SCALE = 1.5  # a region holds this many times the face's box (MediaPipe's RectTransformationCalculator)
OUTER_EYE_CORNERS = (33, 263)


@dataclass(frozen=True)
class Region:
    """A square of side ``size`` px around (``x``, ``y``), turned by ``angle``."""

    x: float
    y: float
    size: float
    angle: float = 0.0

    def matrix(self, side: int) -> np.ndarray:
        """(2, 3) float64: from the picture's coordinates to a ``side`` x ``side`` sample of the region."""
        scale = side / self.size
        cos, sin = np.cos(self.angle) * scale, np.sin(self.angle) * scale
        linear = np.array([[cos, sin], [-sin, cos]])
        shift = side / 2 - linear @ np.array([self.x, self.y])
        return np.column_stack([linear, shift])


def region_from_landmarks(landmarks: np.ndarray) -> Region:
    """The region in which the landmark network finds the face again: ``landmarks`` (478, 2 or 3) px.

    As MediaPipe's tracking: the points' bounding box, turned so that the outer eye corners lie level, made square by
    its longer side and enlarged 1.5 times.
    """
    points = landmarks[:, :2].astype(np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    left, right = points[OUTER_EYE_CORNERS[0]], points[OUTER_EYE_CORNERS[1]]
    centre = (low + high) / 2
    size = max(float((high - low).max()), 1.0) * REGION_SCALE
    return Region(float(centre[0]), float(centre[1]), size, eye_angle(left, right))


def eye_angle(left: np.ndarray, right: np.ndarray) -> float:
    """The angle of the line from the picture-left eye to the picture-right eye; 0 when they are level."""
    return float(np.arctan2(right[1] - left[1], right[0] - left[0]))


def transform_points(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """``points`` (n, 2) through a (2, 3) matrix: (n, 2) float64."""
    moved: np.ndarray = points @ matrix[:, :2].T + matrix[:, 2]
    return moved


def as_mediapipe_samples(matrix: np.ndarray) -> np.ndarray:
    """``matrix`` (2, 3) moved so that a sample's pixel *index* meets the picture's pixel *index*.

    MediaPipe maps corners but samples at indices, half a pixel off at both ends. The networks are sensitive to it (0.5%
    of the eye distance), so their inputs are taken the same way; it makes the landmarks equal to MediaPipe's.
    """
    shifted = matrix.copy()
    shifted[:, 2] += 0.5 - matrix[:, :2] @ np.array([0.5, 0.5])
    return shifted


def centre_based(matrix: np.ndarray) -> np.ndarray:
    """The same map between pixel indices (pixel centres at integers), as OpenCV's warps want it."""
    shifted = matrix.astype(np.float64).copy()
    shifted[:, 2] += matrix[:, :2] @ np.array([0.5, 0.5]) - 0.5
    return shifted


class Pyramid:
    """A picture and its halvings, made when first needed, so that sampling never skips pixels."""

    def __init__(self, image: np.ndarray):
        self._levels = [np.ascontiguousarray(image)]

    @property
    def image(self) -> np.ndarray:
        """The picture itself, (H, W, 3) uint8."""
        return self._levels[0]

    def level(self, index: int) -> np.ndarray:
        """The picture halved ``index`` times by area averaging (no side goes below one pixel)."""
        while len(self._levels) <= index:
            last = self._levels[-1]
            size = (max(1, (last.shape[1] + 1) // 2), max(1, (last.shape[0] + 1) // 2))
            self._levels.append(cv2.resize(last, size, interpolation=cv2.INTER_AREA))
        return self._levels[index]

    def sample(
        self, matrix: np.ndarray, size: tuple[int, int], border: int = cv2.BORDER_REPLICATE, skip: float = 1.0
    ) -> np.ndarray:
        """Resample through ``matrix`` (2, 3), picture to sample, into ``size`` (height, width).

        Bilinear, from the smallest halving that still has at least one pixel (``skip`` pixels along each axis) for each
        of the sample's.
        """
        shrink = 1 / max(1e-9, float(np.sqrt(abs(np.linalg.det(matrix[:, :2])))))
        source = self.level(max(0, int(np.floor(np.log2(max(shrink / skip, 1e-9)) + 1e-6))))
        ratio = np.array([self.image.shape[1] / source.shape[1], self.image.shape[0] / source.shape[0]])
        scaled = np.column_stack([matrix[:, :2] * ratio, matrix[:, 2]])
        return cv2.warpAffine(source, centre_based(scaled), size[::-1], flags=cv2.INTER_LINEAR, borderMode=border)
