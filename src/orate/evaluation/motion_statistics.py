"""How heads, brows and lids move: the same figures of generated and of real motion, to be set side by side."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

FPS = 25.0
BLINK_FROM = 0.3
BLINK_EDGE = 0.1
AXES = ("pitch", "yaw", "roll")
Array = NDArray[np.floating]


@dataclass(frozen=True)
class MotionStatistics:
    """Figures of motion.

    Attributes:
        rotation_deg: (3,) standard deviation of the head's rotation about x, y, z within a stretch.
        rotation_speed_deg: (3,) deviation of its speed, degrees a second.
        rotation_jitter_deg: (3,) deviation of its second difference, degrees a frame and frame.
        brow_cm, brow_speed_cm: deviation of the brows' height, and of its speed a second.
        blinks_per_second: closures that go beyond `BLINK_FROM`.
        blink_s: median length of the blinks; NaN without any.
    """

    rotation_deg: Array
    rotation_speed_deg: Array
    rotation_jitter_deg: Array
    brow_cm: float
    brow_speed_cm: float
    blinks_per_second: float
    blink_s: float

    def as_figures(self) -> dict[str, float]:
        """All numbers by name; axes are ``pitch`` (about x), ``yaw`` and ``roll``."""
        figures: dict[str, float] = {}
        for name, value in asdict(self).items():
            if isinstance(value, np.ndarray):
                figures |= {f"{name}_{axis}": float(one) for axis, one in zip(AXES, value, strict=True)}
            else:
                figures[name] = float(value)
        return figures


def motion_statistics(rotations: list[Array], brows: list[Array], lids: list[Array]) -> MotionStatistics:
    """Compute the figures, each the mean over stretches.

    Args:
        rotations: (T, 3) rad each.
        brows: (T,) cm each, height of the brows.
        lids: (T,) each, closure of the lids; its median is taken for open.
    """
    degrees = [np.degrees(rotation) for rotation in rotations]
    count, seconds, lengths = 0, 0.0, []
    for lid in lids:
        found = blink_lengths(lid)
        count += len(found)
        lengths += found
        seconds += len(lid) / FPS
    return MotionStatistics(
        rotation_deg=np.mean([value.std(axis=0) for value in degrees], axis=0),
        rotation_speed_deg=np.mean([np.diff(value, axis=0).std(axis=0) * FPS for value in degrees], axis=0),
        rotation_jitter_deg=np.mean([np.diff(value, 2, axis=0).std(axis=0) for value in degrees], axis=0),
        brow_cm=float(np.mean([brow.std() for brow in brows])),
        brow_speed_cm=float(np.mean([np.diff(brow).std() * FPS for brow in brows])),
        blinks_per_second=count / max(seconds, 1e-9),
        blink_s=float(np.median(lengths)) if lengths else float("nan"),
    )


def blink_lengths(lid: Array) -> list[float]:
    """Seconds of each blink: from where the closure leaves `BLINK_EDGE` above its median to where it is back."""
    away = np.asarray(lid) - np.median(lid)
    shut = np.concatenate([[False], away > BLINK_EDGE, [False]]).astype(int)
    starts, ends = np.flatnonzero(np.diff(shut) == 1), np.flatnonzero(np.diff(shut) == -1)
    return [(e - s) / FPS for s, e in zip(starts, ends, strict=True) if away[s:e].max() >= BLINK_FROM]
