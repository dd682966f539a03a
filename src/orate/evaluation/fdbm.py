"""Frequency domain blurriness measure (FDBM): the share of a picture's frequencies that are strong.

De, Masilamani: Image Sharpness Measure for Blurred Images in Frequency Domain, Procedia Engineering 64, 2013: of the
coefficients of the picture's Fourier transform, those whose magnitude is above a thousandth of the largest one, over
their number. Blur takes away high frequencies, so sharper pictures have more of it. So have noisy ones, and the figure
depends on the picture's content and size: compare it with that of the real video alone.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

WEAK = 1 / 1000  # of the largest magnitude, which for pictures is that of their mean


def fdbm(video: NDArray[np.uint8]) -> float:
    """Mean over the frames of a video, (time, height, width, 3) uint8: in [0, 1], more for sharper pictures."""
    return float(np.mean([picture_fdbm(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)) for frame in video]))


def picture_fdbm(grey: NDArray[np.uint8]) -> float:
    """FDBM of one grey picture, (height, width) uint8; 0 for a black one."""
    magnitudes = np.abs(np.fft.fft2(grey.astype(np.float64)))
    return float(np.count_nonzero(magnitudes > WEAK * magnitudes.max()) / magnitudes.size)
