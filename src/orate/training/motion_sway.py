"""Fit of the sway (`orate.models.sway`) to the head and brows of real tracks."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

Floats = NDArray[np.float64]
ORDER = 4
SMOOTHING_FRAMES = 1.2
LARGEST_ROOT = 0.99
BOUND_DEVIATIONS = 2.5


def fit_sway(stretches: list[NDArray[np.floating]], order: int = ORDER) -> tuple[Floats, Floats]:
    """Matrices (order, values, values) and innovation (values, values) of an autoregression.

    Landmarks waver from frame to frame as no head does: the stretches are smoothed before (Gaussian, 1.2 frames).
    The innovation is scaled so that the process' deviations are those of the stretches.

    Args:
        stretches: (T, values) each, about their own mean; three seconds and more.
        order: frames that it looks back.
    """
    smooth = [smoothed(np.asarray(stretch, np.float64)) for stretch in stretches]
    deviation = np.sqrt(np.mean([x.var(axis=0) for x in smooth], axis=0))
    scaled = [np.clip((x - x.mean(axis=0)) / deviation, -BOUND_DEVIATIONS * 2, BOUND_DEVIATIONS * 2) for x in smooth]
    past = np.concatenate([np.hstack([x[order - k - 1 : len(x) - k - 1] for k in range(order)]) for x in scaled])
    now = np.concatenate([x[order:] for x in scaled])
    gram = past.T @ past + 1e-4 * len(past) * 1e-3 * np.eye(past.shape[1])
    stacked = np.linalg.solve(gram, past.T @ now)
    values = now.shape[1]
    matrices = stacked.reshape(order, values, values)
    root = float(np.abs(np.linalg.eigvals(_companion(matrices))).max())
    if root > LARGEST_ROOT:
        matrices = matrices * (LARGEST_ROOT / root) ** np.arange(1, order + 1)[:, None, None]
    residual = now - past @ matrices.reshape(-1, values)
    left, sizes, _ = np.linalg.svd(np.cov(residual.T))
    innovation = (left * np.sqrt(sizes)) @ left.T
    innovation = innovation * _match(matrices, innovation)
    return matrices * (deviation[None, None, :] / deviation[None, :, None]), innovation * deviation


def smoothed(values: Floats) -> Floats:
    """(T, values) through a Gaussian in time, ends held."""
    offsets = np.arange(-4, 5)
    kernel = np.exp(-0.5 * (offsets / SMOOTHING_FRAMES) ** 2)
    padded = np.pad(values, ((4, 4), (0, 0)), mode="edge")
    return np.stack([np.convolve(column, kernel / kernel.sum(), mode="valid") for column in padded.T], axis=1)


def smoothed_tracks(tracks: Tensor) -> Tensor:
    """`smoothed` of a batch, (batch, time, values)."""
    offsets = torch.arange(-4, 5, device=tracks.device, dtype=tracks.dtype)
    kernel = torch.exp(-0.5 * (offsets / SMOOTHING_FRAMES) ** 2)
    columns = tracks.transpose(1, 2)
    padded = F.pad(columns, (4, 4), mode="replicate").flatten(0, 1)[:, None]
    made = F.conv1d(padded, (kernel / kernel.sum())[None, None])
    return made.reshape(columns.shape).transpose(1, 2)


def _match(matrices: Floats, innovation: Floats) -> Floats:
    """(values,) factors of the noise that bring the process near unit deviation."""
    companion, values = _companion(matrices), matrices.shape[1]
    noise = np.zeros_like(companion)
    noise[:values, :values] = innovation.T @ innovation
    covariance = noise.copy()
    step = companion.copy()
    for _ in range(14):  # doubling: 2^14 frames
        covariance = covariance + step.T @ covariance @ step
        step = step @ step
    factor: Floats = np.full(values, 1.0) / np.sqrt(np.diag(covariance)[:values]).mean()
    return factor


def _companion(matrices: Floats) -> Floats:
    order, values, _ = matrices.shape
    companion = np.zeros((order * values, order * values))
    companion[:, :values] = matrices.reshape(-1, values)
    companion[: (order - 1) * values, values:] = np.eye((order - 1) * values)
    return companion
