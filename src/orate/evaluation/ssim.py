"""Structural similarity (Wang, Bovik, Sheikh, Simoncelli 2004; paper, section 4.2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity


def ssim(real: NDArray[np.uint8], generated: NDArray[np.uint8]) -> float:
    """Mean over frames and colours of the structural similarity, in [-1, 1], 1 for equal videos.

    Gaussian windows of deviation 1.5 and 11 pixels, as in the publication.

    Args:
        real: (time, height, width, 3) uint8, at least 11 pixels high and wide.
        generated: the same shape.
    """
    figures = [
        structural_similarity(a, b, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
        for a, b in zip(real, generated, strict=True)
    ]
    return float(np.mean(figures))
