"""Landmark distance (LMD): are the mouth's landmarks where the real video has them?

Chen, Li, Maddox, Duan, Xu: Lip Movements Generation at a Glance (ECCV 2018), section 4.2. There in pixels of 68-point
landmarks; here in parts of the distance between the outer eye corners, so that the size of the picture does not matter.
In a canonical crop of 128 x 96 that distance is 46 px.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from orate.evaluation.track import eye_distances
from orate.face.masks import OUTER_LIPS

INNER_LIPS = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
MOUTH = (*OUTER_LIPS, *INNER_LIPS)
FACE = tuple(range(468))  # all but the irises


def lmd(real: NDArray[np.floating], generated: NDArray[np.floating], points: tuple[int, ...] = MOUTH) -> float:
    """Mean distance of corresponding landmarks, after each frame's mean position was taken off.

    Args:
        real: (time, 478, 2 or more) px, NaN where no face was found.
        generated: the same of the generated video.
        points: which landmarks: `MOUTH`, or `FACE`.

    Returns:
        In parts of the real video's mean eye distance; NaN when no frame shows a face in both.
    """
    known = np.isfinite(real[:, 0, 0]) & np.isfinite(generated[:, 0, 0])
    if not known.any():
        return float("nan")
    truth, made = (landmarks[known][:, list(points), :2].astype(np.float64) for landmarks in (real, generated))
    difference = (made - made.mean(1, keepdims=True)) - (truth - truth.mean(1, keepdims=True))
    return float(np.linalg.norm(difference, axis=-1).mean() / eye_distances(real[known]).mean())
