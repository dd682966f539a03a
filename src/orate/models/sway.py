"""Movement of head and brows that the sound does not tell: a linear recurrent process driven by seeded noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
WARM_UP_FRAMES = 500
QUIET = 0.6
"""Strength of the noise in silence, beside `LOUD` in speech; near 1 on the mean for speech with pauses."""
LOUD = 1.08


class SwayProcess:
    """A stationary vector autoregression, ``x_t = sum_k x_(t-k) A_k + activity_t * noise_t L``; it cannot drift.

    Args:
        matrices: (order, values, values), A_1 first; stable.
        innovation: (values, values), the factor L.
        seed: of the noise; one draw of `values` numbers for each frame.
    """

    def __init__(self, matrices: NDArray[np.floating], innovation: NDArray[np.floating], seed: int = 0) -> None:
        stacked = np.asarray(matrices, np.float64)
        order, values, _ = stacked.shape
        self._stacked = stacked.reshape(order * values, values)
        self._innovation = np.asarray(innovation, np.float64)
        self._random = np.random.default_rng([seed, 0x5EA])
        self._past = np.zeros((order, values))
        for _ in range(WARM_UP_FRAMES):
            self._step(1.0)

    def push(self, activity: NDArray[np.floating]) -> Floats:
        """The next frames.

        Args:
            activity: (n,) in [0, 1], how much is being said; in silence the head moves less.

        Returns:
            (n, values).
        """
        strength = QUIET + (LOUD - QUIET) * np.clip(np.asarray(activity, np.float64), 0.0, 1.0)
        return np.array([self._step(float(value)) for value in strength]).reshape(len(strength), self._past.shape[1])

    def _step(self, strength: float) -> Floats:
        noise = self._random.standard_normal(self._past.shape[1])
        now: Floats = self._past.ravel() @ self._stacked + strength * noise @ self._innovation
        self._past = np.concatenate([now[None], self._past[:-1]])
        return now
