"""Where a speaker's eyes look: fixations with small saccades about the viewer, frame by frame.

The figures follow what is known of eye movements in conversation: fixations last about 0.3 to 1.5 s with a long tail
(log-normal), amplitudes are mostly small (exponential), a saccade of a degree takes some 25 ms and two degrees some
30 (the main sequence of Bahill, Clark and Stark 1975), and horizontal movements
outnumber vertical ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FIXATION_MEDIAN_S = 0.75
FIXATION_SPREAD = 0.55  # of the logarithm
FIXATION_RANGE_S = (0.2, 4.0)
AMPLITUDE_MEAN_DEG = 0.8
AMPLITUDE_RANGE_DEG = (0.3, 2.5)
RETURN_CHANCE = 0.7  # that eyes away from the viewer go back to the viewer
VERTICAL = 0.5  # of the horizontal extent
LIMIT_DEG = (3.0, 1.6)  # to the sides, up and down
DRIFT_DEG = 0.06  # spread of the slow wander within a fixation
DRIFT_HOLD_S = 0.3
SACCADE_S = 0.03  # a saccade that ends between two frames shows on the way in one of them


class GazeProcess:
    """A speaker's gaze about the camera, at `fps` frames a second; the same for the same seed.

    The sequence does not depend on how it is cut: ``next(3)`` and ``next(4)`` are ``next(7)``.
    """

    def __init__(self, seed: int, fps: float = 25.0):
        """Start at the viewer; ValueError when `fps` is not positive."""
        if not fps > 0:
            raise ValueError(f"fps must be positive, not {fps}")
        self._random = np.random.default_rng(np.random.SeedSequence([seed, 0x67617A65]))
        self._fps = float(fps)
        self._frame = 0
        self._from = np.zeros(2)
        self._to = np.zeros(2)
        self._start_s = -1.0  # of the saccade to where the eyes are now
        self._end_s = self._duration()  # of the fixation
        self._drift = np.zeros(2)

    def next(self, count: int) -> NDArray[np.float32]:
        """The next `count` frames: (count, 2) degrees, to the image's right and down; ValueError below 0."""
        if count < 0:
            raise ValueError(f"count must not be negative, not {count}")
        gaze = np.zeros((count, 2), np.float32)
        for index in range(count):
            now = self._frame / self._fps
            while now >= self._end_s:
                self._saccade()
            done = min((now - self._start_s) / SACCADE_S, 1.0)
            gaze[index] = self._from + (self._to - self._from) * done + self._wander()
            self._frame += 1
        return gaze

    def _duration(self) -> float:
        drawn = FIXATION_MEDIAN_S * float(np.exp(FIXATION_SPREAD * self._random.standard_normal()))
        return float(np.clip(drawn, *FIXATION_RANGE_S))

    def _saccade(self) -> None:
        """Choose where to look next, at the end of the fixation."""
        self._from = self._to
        if np.hypot(*self._to) > AMPLITUDE_RANGE_DEG[0] and self._random.random() < RETURN_CHANCE:
            # Back to the viewer, never to quite the same spot.
            self._to = 0.1 * self._random.standard_normal(2)
        else:
            low, high = AMPLITUDE_RANGE_DEG
            size = min(low + (AMPLITUDE_MEAN_DEG - low) * self._random.standard_exponential(), high)
            angle = self._random.uniform(0, 2 * np.pi)
            way = np.array([np.cos(angle), VERTICAL * np.sin(angle)])
            self._to = np.clip(self._from + size * way / np.hypot(*way), np.negative(LIMIT_DEG), LIMIT_DEG)
        self._start_s = self._end_s
        self._end_s = self._start_s + self._duration()

    def _wander(self) -> NDArray[np.float64]:
        """Slow drift with micro-saccades' size, an autoregressive walk that stays near 0."""
        keep = float(np.exp(-1.0 / (DRIFT_HOLD_S * self._fps)))
        self._drift = keep * self._drift + DRIFT_DEG * np.sqrt(1 - keep**2) * self._random.standard_normal(2)
        return self._drift
