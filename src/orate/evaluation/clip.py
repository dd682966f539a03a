"""The figures of one clip: what training's validation and `orate evaluate` both compute."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from orate.evaluation.l1 import l1
from orate.evaluation.mouth_opening import correlation, opening_curve
from orate.evaluation.psnr import psnr
from orate.evaluation.ssim import ssim
from orate.face.landmarks import FaceLandmarker

FIGURES = {
    "l1": "mean absolute difference, pictures in [-1, 1]",
    "psnr": "dB",
    "ssim": "structural similarity",
    "mouth_correlation": "correlation of the mouth's opening with the real video's",
    "mouth_range": "deviation of the mouth's opening over that of the real video",
    "faces_found": "share of generated frames in which a face is found",
}


class ClipMeter:
    """Measures generated clips against real ones; one landmarker serves all."""

    def __init__(self, landmarker: FaceLandmarker | None = None) -> None:
        self._landmarker = landmarker or FaceLandmarker()

    def __call__(self, real: NDArray[np.uint8], generated: NDArray[np.uint8]) -> dict[str, float]:
        """Compute all of `FIGURES`.

        Args:
            real: (time, height, width, 3) uint8, canonical crops.
            generated: the same shape.
        """
        truth, made = (opening_curve(self._landmarker, video) for video in (real, generated))
        spread = float(np.nanstd(truth)) if np.isfinite(truth).any() else float("nan")
        found = np.isfinite(made)
        return {
            "l1": l1(real, generated),
            "psnr": psnr(real, generated),
            "ssim": ssim(real, generated),
            # No face in what was drawn is the worst result, not a missing one.
            "mouth_correlation": correlation(truth, made) if found.sum() >= 3 else 0.0,
            "mouth_range": float(np.nanstd(made)) / max(spread, 1e-9) if found.any() else 0.0,
            "faces_found": float(found.mean()),
        }
