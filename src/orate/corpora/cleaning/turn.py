"""Whether the face looks at the camera: the head's angles in the picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from orate.corpora.cleaning.reasons import Dropped, DropReason
from orate.render.pose import fit_pose

EVERY = 3  # frames: heads do not turn there and back in between
# People who look at the camera are seen a little from above by the pose fit: the median of GRID's is 7 to 11 degrees.
LEVEL_PITCH_DEG = 8.0
MAX_TURNED = 0.25  # of the frames


def head_angles(landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
    """Yaw, pitch and roll in degrees of every third frame, (n, 3), of landmarks (T, 478, 3) in picture pixels."""
    return np.array([fit_pose(points).yaw_pitch_roll for points in landmarks[::EVERY]])


def check_turn(angles: NDArray[np.float64], largest_deg: float) -> None:
    """Raise Dropped where the head is turned aside, up or down for more than a quarter of the clip.

    Leaning to a side is no turning: the alignment takes it away.
    """
    turned = np.maximum(np.abs(angles[:, 0]), np.abs(angles[:, 1] - LEVEL_PITCH_DEG))
    share = float((turned > largest_deg).mean())
    if share > MAX_TURNED:
        yaw, pitch = np.median(angles[:, 0]), np.median(angles[:, 1])
        raise Dropped(
            DropReason.TOO_TURNED,
            f"by more than {largest_deg:g} degrees in {share:.0%} of it (median: yaw {yaw:.0f}, pitch {pitch:.0f})",
        )
