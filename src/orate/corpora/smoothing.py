"""Alignment that is steady in time: gaps filled, and each similarity's parameters low-passed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from orate.face.landmarks import Face

SMOOTHING_S = 0.08  # standard deviation of the Gaussian: two frames at 25 fps, so about five frames count
SMOOTHING_REACH = 3  # standard deviations on each side


def fill_gaps(faces: Sequence[Face | None]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Landmarks (T, 478, 3) px and blendshapes (T, 52), linear across lost frames, held at the ends.

    At least one face must be there.
    """
    known = np.array([k for k, face in enumerate(faces) if face is not None])
    landmarks = np.stack([face.landmarks for face in faces if face is not None]).astype(np.float64)
    blendshapes = np.stack([face.blendshapes for face in faces if face is not None]).astype(np.float64)
    at = np.arange(len(faces))
    return _interpolate(at, known, landmarks), _interpolate(at, known, blendshapes)


def _interpolate(at: NDArray[np.int64], known: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    if len(known) == len(at):
        return values
    right = np.clip(np.searchsorted(known, at), 0, len(known) - 1)
    left = np.maximum(right - 1, 0)
    span = np.maximum(known[right] - known[left], 1)
    weight = np.clip((at - known[left]) / span, 0, 1).reshape(-1, *[1] * (values.ndim - 1))
    between: NDArray[np.float64] = values[left] * (1 - weight) + values[right] * weight
    return between


def smooth_alignment(matrices: NDArray[np.float64], crop_size: tuple[int, int], fps: float) -> NDArray[np.float64]:
    """Similarities (T, 2, 3), image to crop, low-passed in time by a Gaussian of SMOOTHING_S.

    Landmarks tremble by a fraction of a pixel from frame to frame, and a crop that trembles teaches a model to tremble.
    What is smoothed is where the crop's centre lies in the image, the logarithm of the scale, and the angle: unlike the
    matrix' entries these do not depend on how far the face is from the image's corner.
    """
    centre = np.array([crop_size[1], crop_size[0]]) / 2
    cosine, sine = matrices[:, 0, 0], matrices[:, 1, 0]
    inverse = np.linalg.inv(matrices[:, :, :2])
    middle = np.einsum("tij,tj->ti", inverse, centre - matrices[:, :, 2])
    parameters = np.column_stack([middle, np.log(np.hypot(cosine, sine)), np.unwrap(np.arctan2(sine, cosine))])
    middle_x, middle_y, log_scale, angle = _gaussian(parameters, SMOOTHING_S * fps).T
    a, b = np.exp(log_scale) * np.cos(angle), np.exp(log_scale) * np.sin(angle)
    linear = np.stack([np.stack([a, -b], -1), np.stack([b, a], -1)], 1)
    offset = centre - np.einsum("tij,tj->ti", linear, np.stack([middle_x, middle_y], -1))
    return np.concatenate([linear, offset[:, :, None]], -1)


def _gaussian(values: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Columns of (T, n) low-passed; the ends are mirrored."""
    radius = max(1, round(SMOOTHING_REACH * sigma))
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(values, ((radius, radius), (0, 0)), mode="symmetric")
    return np.column_stack([np.convolve(column, kernel, mode="valid") for column in padded.T])
