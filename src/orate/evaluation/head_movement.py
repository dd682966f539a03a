"""Amount and variety of the movement of head and brows in videos, from landmarks.

The paper speaks of head and brows in words and pictures only (section 4). Amount is the deviation within a video, as in
the head-pose figures of later work (Zhang et al., SadTalker, CVPR 2023, section 4.2); variety is how far videos of one
model differ from each other, so that a model which nods the same nod in every video moves, and has no variety.

Angles are those of the rigid fit of a head to points that neither speech nor brows move (`orate.render.pose`). Brows
are measured in head space, where turning does not raise them. Canonical crops hold the head still by its eyes and nose:
of its turning only the perspective is left. The tracker wavers by itself. Compare with the real clips' figures.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from orate.evaluation.track import found
from orate.render.pose import fit_pose

BROWS = (105, 334, 66, 296)  # middles of both brows
ANGLES, BROW = slice(0, 3), slice(3, 4)  # columns of the curves
MIN_FRAMES = 3

Curves = NDArray[np.float64]


def head_curves(landmarks: NDArray[np.floating]) -> Curves:
    """How head and brows of a video stand in each frame.

    Args:
        landmarks: (time, 478, 3) px, NaN where no face was found.

    Returns:
        (time, 4): yaw, pitch and roll in degrees, height of the brows in cm of the generic head; NaN where the
        landmarks are.
    """
    curves = np.full((len(landmarks), 4), np.nan)
    for place in np.flatnonzero(found(landmarks)):
        pose = fit_pose(landmarks[place])
        curves[place, ANGLES] = pose.yaw_pitch_roll
        curves[place, BROW] = pose.unproject(landmarks[place][list(BROWS)])[:, 1].mean()
    return curves


def amount(curves: Curves, columns: slice) -> float:
    """Deviation within a video over the columns together (`ANGLES` or `BROW`), degrees or cm; NaN for no face."""
    known = curves[np.isfinite(curves).all(1)][:, columns]
    if len(known) < MIN_FRAMES:
        return float("nan")
    return float(np.sqrt(known.var(0).sum()))


def variety(videos: list[Curves], columns: slice) -> float:
    """How far the movements of videos differ, each about its own mean: root mean square over pairs and frames.

    Args:
        videos: (time, 4) each, from `head_curves`; pairs are compared over the shorter one's time.
        columns: `ANGLES` or `BROW`.

    Returns:
        Degrees or cm, divided by the root of two: about the amount where movements are unrelated, 0 where all are the
        same or stand still; NaN for fewer than two videos with a face.
    """
    parts = []
    for pair in combinations(videos, 2):
        length = min(len(curves) for curves in pair)
        first, second = (curves[:length, columns] for curves in pair)
        known = np.isfinite(first).all(1) & np.isfinite(second).all(1)
        if known.sum() < MIN_FRAMES:
            continue
        first, second = first[known], second[known]
        difference = (first - first.mean(0)) - (second - second.mean(0))
        parts.append(float((difference**2).sum(1).mean()) / 2)
    return float(np.sqrt(np.mean(parts))) if parts else float("nan")
