"""Is the noise used: how far two videos differ that only the seed tells apart.

The paper's noise generator is there for what the sound does not determine, blinks and brows above all (section 3.1);
a generator may learn to overhear it, and then all seeds give one video. Nothing is compared with the truth: with noise
that is used, no seed's video is wrong.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from orate.evaluation.track import eye_distances


def seed_difference(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Root mean square distance of the same landmarks in two videos of one source image and one sound.

    Args:
        first: (time, 478, 2 or more) px, NaN where no face was found.
        second: the same of the other seed's video.

    Returns:
        In parts of the first video's mean eye distance, movement of the whole head included. 0 when the noise is not
        used; the tracker's wavering, 0.005 or so, when it changes pixels that nobody sees. NaN when no frame shows a
        face in both.
    """
    known = np.isfinite(first[:, 0, 0]) & np.isfinite(second[:, 0, 0])
    if not known.any():
        return float("nan")
    one, other = (landmarks[known][..., :2].astype(np.float64) for landmarks in (first, second))
    return float(np.sqrt(((one - other) ** 2).sum(-1).mean()) / eye_distances(first[known]).mean())
