"""Mean absolute difference of pixels, in the scale of the model's pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HALF_RANGE = 127.5


def l1(real: NDArray[np.uint8], generated: NDArray[np.uint8]) -> float:
    """Mean absolute difference of two videos, (time, height, width, 3) uint8, as if they were in [-1, 1]."""
    return float(np.abs(real.astype(np.float32) - generated.astype(np.float32)).mean()) / HALF_RANGE
