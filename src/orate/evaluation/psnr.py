"""Peak signal-to-noise ratio (paper, section 4.2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio


def psnr(real: NDArray[np.uint8], generated: NDArray[np.uint8]) -> float:
    """Mean over the frames of 10 log10(255^2 / mean squared error), in dB.

    Frames that are equal to the real one, such as the source image at the beginning, do not count.

    Args:
        real: (time, height, width, 3) uint8.
        generated: the same shape.

    Returns:
        dB; infinite when all frames are equal to the real ones.
    """
    pairs = zip(real, generated, strict=True)
    figures = [peak_signal_noise_ratio(a, b) for a, b in pairs if not np.array_equal(a, b)]
    return float(np.mean(figures)) if figures else float("inf")
