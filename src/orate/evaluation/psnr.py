"""Peak signal-to-noise ratio (paper, section 4.2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio


def psnr(real: NDArray[np.uint8], generated: NDArray[np.uint8]) -> float:
    """Mean over the frames of 10 log10(255^2 / mean squared error), in dB.

    Args:
        real: (time, height, width, 3) uint8.
        generated: the same shape.

    Returns:
        dB; infinite when a frame is equal to the real one.
    """
    with np.errstate(divide="ignore"):
        return float(np.mean([peak_signal_noise_ratio(a, b) for a, b in zip(real, generated, strict=True)]))
