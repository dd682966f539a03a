"""Is the drawn mouth as sharp as the source's face: not blurred, and not sharper than the photo it is part of.

Sharpness of a part of a picture is how much of its texture is fine: where there is texture, the ratio of the
amplitudes of two neighbouring octaves of a Laplacian pyramid (differences of Gaussians; Burt, Adelson 1983),

    r = rms(G(s/2) - G(s)) / rms(G(s) - G(2 s))

around each pixel, and the median of r over the part's most textured pixels. As a ratio of two octaves it does not
depend on contrast; noise is taken off both. s is 1/55 of the distance between the outer eye corners, but
0.8 px at least. The figure is r of the mouth over r of the source's face without its mouth.

Of mouths in GRID's clips and in five portraits, as they are, it is 0.93 to 1.12; blurred by 1/46 of the eye distance
(a pixel of the canonical crop), 0.61 to 0.82; unsharp-masked at that width, 1.14 to 1.49.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.evaluation.track import eye_distances
from orate.face.masks import FACE_OVAL, OUTER_LIPS

SCALE = 1 / 55  # of the eye distance
MIN_SCALE_PX = 0.8
TEXTURED = 0.3  # of a part's pixels: those with the strongest texture count
MOUTH_MARGIN = 0.1  # of the eye distance, around the lips
FACE_MARGIN = 0.2  # what is nearer to the lips does not count as the face without its mouth
MIN_ENERGY = 0.25  # grey levels squared: less texture has no sharpness
REACH = 8  # of s: how far outside a part its sharpness looks
NOISE_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
NORMAL_MEDIAN = 0.6745  # median absolute value of a normal variable of deviation 1

Box = tuple[int, int, int, int]  # x0, y0, x1, y1


@dataclass(frozen=True)
class FaceSharpness:
    """What the sharpness of mouths is measured against.

    Attributes:
        scale_px: s, the width of the finest Gaussian but one.
        noise: deviation of the source's noise, grey levels.
        face: sharpness of the source's face without its mouth.
    """

    scale_px: float
    noise: float
    face: float


def source_sharpness(photo: NDArray[np.uint8], landmarks: NDArray[np.floating]) -> FaceSharpness:
    """Measure a source image.

    Args:
        photo: (height, width, 3) uint8.
        landmarks: (478, 2 or more) px of its face.
    """
    eyes = float(eye_distances(landmarks))
    scale = max(MIN_SCALE_PX, SCALE * eyes)
    oval = landmarks[FACE_OVAL, :2].astype(np.float64)
    box = _clipped(oval, 0.0, photo.shape)
    grey, inside = _cut(photo, box, scale)
    polygon = np.rint((oval - 0.5 - np.array(box[:2])) * 16).astype(np.int32)
    face = np.zeros((box[3] - box[1], box[2] - box[0]), np.uint8)
    cv2.fillPoly(face, [polygon], (1,), shift=4)
    left, top, right, bottom = _clipped(landmarks[OUTER_LIPS, :2], FACE_MARGIN * eyes, photo.shape)
    face[max(0, top - box[1]) : bottom - box[1], max(0, left - box[0]) : right - box[0]] = 0
    noise = _noise(grey[inside])
    return FaceSharpness(scale, noise, _sharpness(grey, inside, face > 0, scale, noise))


def mouth_sharpness(frame: NDArray[np.uint8], landmarks: NDArray[np.floating], source: FaceSharpness) -> float:
    """Sharpness of the mouth that a frame shows over that of the source's face.

    Args:
        frame: (height, width, 3) uint8, of the source's resolution.
        landmarks: (478, 2 or more) px of the face in the frame.
        source: from `source_sharpness`.

    Returns:
        1 for a mouth as sharp as the face, less for a blurred one; NaN when mouth or face have no texture.
    """
    box = _clipped(landmarks[OUTER_LIPS, :2], MOUTH_MARGIN * float(eye_distances(landmarks)), frame.shape)
    if box[2] <= box[0] or box[3] <= box[1]:
        return float("nan")
    grey, inside = _cut(frame, box, source.scale_px)
    whole = np.ones((box[3] - box[1], box[2] - box[0]), bool)
    # What was drawn may lack the photo's grain; and the kernel takes what is sharp in a small mouth for noise.
    noise = min(source.noise, _noise(grey[inside]))
    return _sharpness(grey, inside, whole, source.scale_px, noise) / source.face


def _sharpness(
    grey: NDArray[np.float32], inside: tuple[slice, slice], part: NDArray[np.bool_], scale: float, noise: float
) -> float:
    """Median of the octaves' ratio over the most textured pixels of a part of the picture `grey[inside]`."""
    fine, coarse = (energy[inside][part] for energy in _energies(grey, scale))
    impulse = np.zeros((2 * round(REACH * scale) + 1,) * 2, np.float32)
    impulse[len(impulse) // 2, len(impulse) // 2] = 1
    for energy, octave in zip((fine, coarse), _octaves(impulse, scale), strict=True):
        energy -= noise**2 * float((octave**2).sum())
    textured = coarse >= max(MIN_ENERGY, float(np.quantile(coarse, 1 - TEXTURED)) if coarse.size else 0.0)
    if not textured.any():
        return float("nan")
    return float(np.median(np.sqrt(np.maximum(fine[textured], 0) / coarse[textured])))


def _noise(grey: NDArray[np.float32]) -> float:
    """Deviation of the noise (Immerkaer: Fast Noise Variance Estimation, 1996), by the median, robust to edges."""
    response = np.abs(cv2.filter2D(grey, -1, NOISE_KERNEL))
    return float(np.median(response)) / NORMAL_MEDIAN / float(np.linalg.norm(NOISE_KERNEL))


def _energies(grey: NDArray[np.float32], scale: float) -> list[NDArray[np.float32]]:
    return [_blur(octave**2, 2 * scale) for octave in _octaves(grey, scale)]


def _octaves(grey: NDArray[np.float32], scale: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    fine, middle, coarse = (_blur(grey, factor * scale) for factor in (0.5, 1.0, 2.0))
    return fine - middle, middle - coarse


def _blur(picture: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.float32)


def _clipped(points: NDArray[np.floating], margin: float, shape: tuple[int, ...]) -> Box:
    """Bounding box of points with a margin, as far as it lies in the picture; whole pixels."""
    low, high = points.min(0) - margin, points.max(0) + margin
    limit = np.array([shape[1], shape[0]])
    (left, top), (right, bottom) = (np.clip(np.rint(corner), 0, limit).astype(int).tolist() for corner in (low, high))
    return left, top, right, bottom


def _cut(picture: NDArray[np.uint8], box: Box, scale: float) -> tuple[NDArray[np.float32], tuple[slice, slice]]:
    """A box of the picture with as much around it as its sharpness depends on, grey; and where in it the box is."""
    reach = round(REACH * scale)
    left, top = max(0, box[0] - reach), max(0, box[1] - reach)
    around = picture[top : box[3] + reach, left : box[2] + reach]
    grey = cv2.cvtColor(np.ascontiguousarray(around), cv2.COLOR_RGB2GRAY).astype(np.float32)
    return grey, (slice(box[1] - top, box[3] - top), slice(box[0] - left, box[2] - left))
