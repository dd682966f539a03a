"""Blinks as events: when they come is drawn, how the lids go is measured."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FPS = 25.0
NATURAL_RATE_PER_MINUTE = 20.0
REFRACTORY_S = 0.6
PAUSE_FACTOR = 1.6
"""A blink is this many times as likely while nothing is said."""
# Closure around the moment of most closure, at 0.04 s: smoothed by hand from the motion tracks' blinks, made 0 to 1.
PROFILE_S = np.array([-0.14, -0.10, -0.06, -0.02, 0.02, 0.06, 0.10, 0.14, 0.18, 0.22])
PROFILE = np.array([0.0, 0.10, 0.55, 0.97, 1.0, 0.74, 0.42, 0.20, 0.07, 0.0])
LENGTH_DEVIATION = 0.12
LONGEST = 1.3
LEAD_FRAMES = 4
AFTER_FRAMES = 8


class BlinkProcess:
    """A stream of lid closures; the same for the same seed, however it is cut into calls.

    After a blink no other comes for `REFRACTORY_S`; then the chance of one is constant in time, so that the rate as a
    whole is the one asked for.

    Args:
        rate_per_minute: blinks a minute, 0 for none; at most 60.
        seed: of the moments, lengths and depths.

    Raises:
        ValueError: a rate outside 0 to 60.
    """

    def __init__(self, rate_per_minute: float = NATURAL_RATE_PER_MINUTE, seed: int = 0) -> None:
        if not 0 <= rate_per_minute <= 60:
            raise ValueError(f"the blink rate must be from 0 to 60 a minute, not {rate_per_minute}")
        self._random = np.random.default_rng([seed, 0xB121])
        period = 60.0 / rate_per_minute if rate_per_minute else np.inf
        self._chance = 1.0 / (FPS * max(period - REFRACTORY_S, 1e-3)) if rate_per_minute else 0.0
        self._frame = 0
        self._free_from = 0
        self._events: list[tuple[float, float, float]] = []

    def push(self, speaking: NDArray[np.floating]) -> NDArray[np.float32]:
        """Closures of the next frames.

        Args:
            speaking: (n,) in [0, 1], how sure it is that something is said in each frame.

        Returns:
            (n,) in [0, 1].
        """
        return np.array([self._next(float(value)) for value in speaking], np.float32)

    def _next(self, speaking: float) -> float:
        drawn, moment, length, depth = self._random.random(4)  # as many for every frame, blink or not
        # Half the time is taken for pauses' share in speech; the mean of the factor is near 1.
        factor = 0.9 + (PAUSE_FACTOR - 0.9) * (1 - min(max(speaking, 0.0), 1.0))
        if self._frame >= self._free_from and drawn < self._chance * factor:
            stretch = float(np.clip(np.exp(LENGTH_DEVIATION * 2 * (2 * length - 1)), 1 / LONGEST, LONGEST))
            self._events.append((self._frame + LEAD_FRAMES + float(moment), stretch, 0.9 + 0.1 * float(depth)))
            self._free_from = self._frame + round(REFRACTORY_S * FPS)
        closure = 0.0
        for peak, stretch, most in self._events:
            at = (self._frame - peak) / FPS / stretch
            closure = max(closure, most * float(np.interp(at, PROFILE_S, PROFILE, left=0.0, right=0.0)))
        self._events = [event for event in self._events if self._frame - event[0] < AFTER_FRAMES]
        self._frame += 1
        return closure
