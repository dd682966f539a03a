"""The canonical crop: the face moved, turned and scaled so that points that speech does not move lie on a mean face.

Section "Face alignment" of the system: a similarity transform of five points. Coordinates as everywhere in this room:
pixel centres at integer + 0.5.
"""

from __future__ import annotations

import cv2
import numpy as np

from orate.face.regions import Pyramid

CROP_SIZE = (128, 96)  # height, width of the canonical crop, px

# Base of the nose and the four eye corners: in the 68-point scheme, and the same points of FaceLandmarker's 478.
STABLE_68 = (33, 36, 39, 42, 45)
STABLE_478 = (2, 33, 133, 362, 263)

# FaceLandmarker's points on the neutral head of ICT-FaceKit (MIT licence), projected from the front and made symmetric;
# scaled so that the face is 74 px wide (points 234 to 454), centred, with the chin (point 152) at y = 108, which leaves
# room for the jaw to open.
MEAN_FACE = np.array([[48.0, 74.17], [25.02, 50.86], [39.38, 52.28], [56.62, 52.28], [70.98, 50.86]])


def align(
    landmarks: np.ndarray,
    crop_size: tuple[int, int] = CROP_SIZE,
    mean_points: np.ndarray | None = None,
) -> np.ndarray:
    """The similarity transform from the picture to the canonical crop.

    Args:
        landmarks: (478, 2 or 3) px in the picture.
        crop_size: Height and width of the crop, px.
        mean_points: Where the five points shall lie: (5, 2) px of the crop, or (68, 2), of which those of
            ``STABLE_68`` count. By default ``MEAN_FACE`` stretched to the crop (``scaled_mean_face``).

    Returns:
        (2, 3) float64, picture coordinates to crop coordinates.
    """
    target = scaled_mean_face(crop_size) if mean_points is None else np.asarray(mean_points, np.float64)
    if len(target) != len(STABLE_68):
        target = target[list(STABLE_68)]
    return similarity(np.asarray(landmarks, np.float64)[list(STABLE_478), :2], target)


def scaled_mean_face(crop_size: tuple[int, int]) -> np.ndarray:
    """``MEAN_FACE`` for another crop: (5, 2) px, as large as fits whole when the sides' ratio differs, and centred."""
    ratio = min(crop_size[0] / CROP_SIZE[0], crop_size[1] / CROP_SIZE[1])
    margin = np.array([crop_size[1] - CROP_SIZE[1] * ratio, crop_size[0] - CROP_SIZE[0] * ratio]) / 2
    scaled: np.ndarray = MEAN_FACE * ratio + margin
    return scaled


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Least-squares rotation, scale and shift of ``source`` (n, 2) onto ``target`` (n, 2): (2, 3) float64.

    Umeyama, Least-Squares Estimation of Transformation Parameters Between Two Point Patterns (1991), equations 40 to
    42; in the plane, without reflection, its singular values reduce to a product of complex numbers.
    """
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    a, b = source - source_mean, target - target_mean
    spread = max(float((a**2).sum()), 1e-12)
    real = float((a * b).sum()) / spread
    imaginary = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / spread
    linear = np.array([[real, -imaginary], [imaginary, real]])
    return np.column_stack([linear, target_mean - linear @ source_mean])


def invert(matrix: np.ndarray) -> np.ndarray:
    """The (2, 3) transform back, crop to picture."""
    inverse: np.ndarray = cv2.invertAffineTransform(np.asarray(matrix, np.float64))
    return inverse


def scale_of(matrix: np.ndarray) -> float:
    """Crop pixels per picture pixel."""
    return float(np.sqrt(abs(np.linalg.det(np.asarray(matrix)[:, :2]))))


def canonical_crop(image: np.ndarray, matrix: np.ndarray, crop_size: tuple[int, int] = CROP_SIZE) -> np.ndarray:
    """The crop, (height, width, 3) uint8, of ``image`` (H, W, 3) uint8 through ``matrix`` (2, 3), picture to crop.

    Anti-aliased when shrinking; what lies outside the picture repeats its border.
    """
    height, width = crop_size
    matrix = np.asarray(matrix, np.float64)
    picture, moved = _surroundings(image, matrix, crop_size)
    if scale_of(matrix) >= 1:
        return picture.sample(moved, crop_size)
    # Bilinear sampling at twice the size steps over less than a pixel of the halving below; means of 2 x 2 do the rest.
    doubled = picture.sample(moved * 2, (2 * height, 2 * width))
    return cv2.resize(doubled, (width, height), interpolation=cv2.INTER_AREA)


def _surroundings(image: np.ndarray, matrix: np.ndarray, crop_size: tuple[int, int]) -> tuple[Pyramid, np.ndarray]:
    """The part of the picture that the crop can see, with the transform from there: large photos cost no more."""
    height, width = crop_size
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], np.float64)
    back = invert(matrix)
    points = corners @ back[:, :2].T + back[:, 2]
    margin = 2 / scale_of(matrix) + 2
    limit = np.array([image.shape[1], image.shape[0]])
    low = np.clip(np.floor(points.min(axis=0) - margin), 0, limit - 1).astype(int)
    high = np.clip(np.ceil(points.max(axis=0) + margin), low + 1, limit).astype(int)
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ low
    return Pyramid(image[low[1] : high[1], low[0] : high[0]]), moved
