"""What the detector looks at: a picture with its content taken away, laid on the cells of a tile."""

from __future__ import annotations

from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.provenance.pattern import TILE

CELL_PX = 3.0  # the median, and with it what counts as content, suits cells of 2 to 4.5 px
MEDIAN_PX = 7
SPREAD_PX = 2.1  # reach of the local variance
QUIET = 0.25  # variance in squared grey levels, that of rounding and a little more
CONTRAST_POWER = 0.65  # between 0.5, equal variance everywhere, and 1, the best if the mark were as strong everywhere
BLUR_PX = 1.2  # before cells are sampled
PHASES = 2  # positions of the grid in each axis, half a cell apart
SMOOTHING = 5  # frequencies
TINY = float(np.finfo(np.float32).tiny)

Floats = NDArray[np.float32]
Spectra = NDArray[np.complex64]


def residual(picture: NDArray[np.uint8], short_side: int) -> Floats:
    """A picture without what is larger than a cell, weighted by how much can be seen in it.

    An edge-keeping prediction is subtracted; the rest is divided by a power of its local variance, so that flat parts,
    where a mark stands out, count more than textured ones.

    Args:
        picture: (H, W, 3) uint8 RGB, or (H, W) grey.
        short_side: px to which the shorter side is brought first; a cell should then have about `CELL_PX`.

    Returns:
        (h, w) without unit.
    """
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    height, width = grey.shape
    factor = short_side / min(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)
    rest = cv2.subtract(grey, cv2.medianBlur(grey, MEDIAN_PX), dtype=cv2.CV_32F)
    variance = cv2.GaussianBlur(rest * rest, (0, 0), SPREAD_PX) + np.float32(QUIET)
    weighted = np.asarray(rest / cv2.pow(variance, CONTRAST_POWER), np.float32)
    return np.asarray(cv2.GaussianBlur(weighted, (0, 0), BLUR_PX), np.float32)


def fold(rest: Floats, cell_px: tuple[float, float]) -> Spectra:
    """All tiles of a picture laid on each other, at four positions of the grid, each whitened.

    Args:
        rest: (h, w), a `residual`.
        cell_px: height and width of a cell, px.

    Returns:
        (4, 64, 33): two-dimensional spectra, as `numpy.fft.rfft2` gives them, of (64, 64) cells whose sum of squares is
        1. The grid is shifted by nothing, half a cell to the right, half a cell down, and both.
    """
    height, width = rest.shape
    down, across = cell_px[0] / PHASES, cell_px[1] / PHASES
    rows, columns = ceil(height / down), ceil(width / across)
    # Sample k lies at the middle of cell k / 2.
    matrix = np.array([[across, 0, across - 0.5], [0, down, down - 0.5]])
    samples = cv2.warpAffine(rest, matrix, (columns, rows), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    side = PHASES * TILE
    padded = np.zeros((-(-rows // side) * side, -(-columns // side) * side), np.float32)
    padded[:rows, :columns] = samples
    tiles = padded.reshape(-1, side, padded.shape[1] // side, side).sum(axis=(0, 2))
    phases = tiles.reshape(TILE, PHASES, TILE, PHASES).transpose(1, 3, 0, 2).reshape(PHASES**2, TILE, TILE)
    return whiten(np.fft.rfft2(phases).astype(np.complex64))


def whiten(spectra: Spectra) -> Spectra:
    """Every frequency brought to about the same power, without the mean; the cells' sum of squares becomes 1.

    As the symmetrical phase-only filter of JAWS, but by the power of neighbouring frequencies instead of each one's.

    Args:
        spectra: (n, 64, 33).
    """
    power = np.mean(spectra.real**2 + spectra.imag**2, axis=0)
    reach = SMOOTHING // 2
    wrapped = cv2.blur(np.pad(power, ((reach, reach), (0, 0)), mode="wrap"), (SMOOTHING, SMOOTHING))
    white = spectra / np.sqrt(wrapped[reach:-reach] + TINY)
    white[:, 0, 0] = 0
    squares = (white.real**2 + white.imag**2).sum(axis=1)
    # Half of the plane stands for the whole; its first and last column are their own counterparts.
    norms = np.sqrt(2 * squares.sum(axis=1) - squares[:, 0] - squares[:, -1]) / TILE
    return np.asarray(white / np.maximum(norms, TINY)[:, None, None], np.complex64)


def mirrored(spectra: Spectra) -> Spectra:
    """The spectra (n, 64, 33) of the same cells counted from right to left."""
    return np.asarray(np.conj(spectra[:, -np.arange(TILE)]), np.complex64)


def correlations(spectra: Spectra, patterns: Spectra) -> Floats:
    """(n, 64, 64): products of pictures and patterns, n of one or the other, for every cyclic shift of the patterns."""
    return np.asarray(np.fft.irfft2(spectra * np.conj(patterns), (TILE, TILE)), np.float32)
