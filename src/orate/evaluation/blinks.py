"""Blinks: how many a second, and how long.

By the eyes' aspect ratio (Soukupova, Cech: Real-Time Eye Blink Detection using Facial Landmarks, CVWW 2016) over that
of the open eye. Real people blink 0.2 to 0.5 times a second, for 0.15 to 0.45 s; the paper (section 4.2, table) finds
0.39 to 0.45 a second, 0.35 s long, in what it generates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# For each eye: outer corner, inner corner, and pairs of points on the upper and the lower lid.
EYES = (
    (33, 133, ((160, 144), (159, 145), (158, 153))),
    (263, 362, ((387, 373), (386, 374), (385, 380))),
)
OPEN_QUANTILE = 0.8  # lids are lowered in a fifth of the frames at most
MIN_OPEN_RATIO = 0.06  # eyes that are never more open than this cannot blink
CLOSED = 0.5  # of the open eye: a lid that comes below it blinks
BEGUN = 0.8  # of the open eye: the blink lasts while the lid is below it


@dataclass(frozen=True)
class Blink:
    """One blink.

    Attributes:
        start_s: when the lid passed `BEGUN` on its way down.
        duration_s: until it passed it again; NaN when the video begins or ends in the blink.
    """

    start_s: float
    duration_s: float


def eye_opening(landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
    """Height of the opening between the lids over the eye's width, mean of both eyes.

    Args:
        landmarks: (..., 478, 2 or more) px.

    Returns:
        (...,), about 0.3 for open eyes, NaN where the landmarks are.
    """
    points = landmarks[..., :2].astype(np.float64)

    def distance(first: int, second: int) -> NDArray[np.float64]:
        lengths: NDArray[np.float64] = np.linalg.norm(points[..., first, :] - points[..., second, :], axis=-1)
        return lengths

    ratios = [
        np.mean([distance(upper, lower) for upper, lower in lids], axis=0) / np.maximum(distance(outer, inner), 1e-6)
        for outer, inner, lids in EYES
    ]
    both: NDArray[np.float64] = np.mean(ratios, axis=0)
    return both


def find_blinks(opening: NDArray[np.float64], fps: float) -> list[Blink] | None:
    """The blinks of one video.

    A blink is a run of frames in which the lids are less than half open. It lasts from where they left the open state
    to where they came back to it, between frames by interpolation; between two blinks in a row it reaches to where the
    eye was widest.

    Args:
        opening: (time,) from `eye_opening`; frames that are not known count as the ones around them.
        fps: frames a second.

    Returns:
        In order; None when the eyes are never seen open, so that nothing can be said.
    """
    known = np.isfinite(opening)
    if not known.any():
        return None
    curve = np.interp(np.arange(len(opening)), np.flatnonzero(known), opening[known])
    wide = float(np.quantile(curve, OPEN_QUANTILE))
    if wide < MIN_OPEN_RATIO:
        return None
    curve = curve / wide
    edges = np.diff((curve < CLOSED).astype(np.int8), prepend=0, append=0)
    starts, ends = (np.flatnonzero(edges == sign).tolist() for sign in (1, -1))
    runs = list(zip(starts, ends, strict=True))  # first frame, one past the last
    blinks = []
    for number, (first, past) in enumerate(runs):
        floor = runs[number - 1][1] - 1 if number else 0
        ceiling = runs[number + 1][0] if number + 1 < len(runs) else len(curve) - 1
        start = _crossing(curve, first, floor, -1, inner=number > 0)
        end = _crossing(curve, past - 1, ceiling, 1, inner=number + 1 < len(runs))
        whole = start is not None and end is not None
        begin = start if start is not None else 0.0
        blinks.append(Blink(begin / fps, (end - begin) / fps if whole and end is not None else float("nan")))
    return blinks


def _crossing(curve: NDArray[np.float64], place: int, limit: int, step: int, *, inner: bool) -> float | None:
    """Where the lid is at `BEGUN`, going from `place` by `step`; None at the video's end.

    Between two blinks that the eye did not open wide (`inner`): where it was widest.
    """
    begin = place
    while place != limit:
        if curve[place + step] >= BEGUN:
            part = (BEGUN - curve[place]) / (curve[place + step] - curve[place])
            return float(place + step * part)
        place += step
    if not inner:
        return None
    low, high = min(begin, limit), max(begin, limit)
    return float(low + np.argmax(curve[low : high + 1]))


def blinks_per_second(blinks: list[Blink], frames: int, fps: float) -> float:
    """Blinks over the length of the video."""
    return len(blinks) * fps / frames


def blink_duration(blinks: list[Blink]) -> float:
    """Mean duration in s of the blinks that are seen whole; NaN when there is none."""
    durations = [blink.duration_s for blink in blinks if np.isfinite(blink.duration_s)]
    return float(np.mean(durations)) if durations else float("nan")
