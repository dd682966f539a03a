"""Lips come to rest when a voice has ended: how much of the generated movement of the mouth is shown, frame by frame.

The motion generator learns to close the mouth from sentences with pauses, but it may leave it open where a recording
goes on with faint noise. Loudness tells the end of speech more surely than it does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from orate.models.speech_encoder import FRAME_SAMPLES
from orate.models.speech_features import RATE_HZ

BAND_HZ = (200.0, 4000.0)
"""Rumble below it, and hiss above it, are no voice."""
BELOW_PEAK_DB = 35.0
SOFTEST_DB = -65.0
"""Of full scale: what is softer is no voice, however soft the rest."""
PEAK_FALLS_DB = 0.04
"""A frame, 1 dB a second: somebody may go on more softly."""
AHEAD_FRAMES = 4
"""Lips open before the voice is heard; streams know as much."""
HOLD_FRAMES = 4
"""Stops and breaths between words are no end of speech."""
CLOSING_FRAMES = 6
OPENING_FRAMES = 4


class VoiceGate:
    """Follows the loudness of a sound that comes in blocks; the result does not depend on how it was cut.

    Before the first voice the gate is open: lips may part for the first word as early as the generator says.
    """

    def __init__(self) -> None:
        self._waiting = np.zeros(0, np.float32)
        self._voiced: list[bool] = []
        self._peak = -200.0
        self._next = 0
        self._last_voice: int | None = None
        self._share = 1.0

    def push(self, block: NDArray[np.float32]) -> None:
        """Hear the next samples, (n,) mono in [-1, 1] at 16 kHz."""
        joined = np.concatenate([self._waiting, block.astype(np.float32, copy=False)])
        count = len(joined) // FRAME_SAMPLES
        for level in voice_levels(joined[: count * FRAME_SAMPLES].reshape(count, FRAME_SAMPLES)):
            self._peak = max(self._peak - PEAK_FALLS_DB, float(level))
            self._voiced.append(bool(level > max(self._peak - BELOW_PEAK_DB, SOFTEST_DB)))
        self._waiting = joined[count * FRAME_SAMPLES :]

    def take(self, frames: int) -> NDArray[np.float32]:
        """Shares in [0, 1] of the mouth's movement in the next frames; sound that is not there yet counts as silent."""
        return np.array([self._step() for _ in range(frames)], np.float32)

    def _step(self) -> float:
        ahead = self._voiced[: AHEAD_FRAMES + 1]  # the list begins at the next frame
        if self._voiced and self._voiced.pop(0):
            self._last_voice = self._next
        spoken = self._last_voice is None or any(ahead) or self._next - self._last_voice <= HOLD_FRAMES
        step = 1 / OPENING_FRAMES if spoken else -1 / CLOSING_FRAMES
        self._share = float(np.clip(self._share + step, 0.0, 1.0))
        self._next += 1
        return self._share * self._share * (3 - 2 * self._share)


def voice_levels(frames: NDArray[np.floating], rate: int = RATE_HZ) -> NDArray[np.float64]:
    """Level of the voice's band, `BAND_HZ`, in stretches of sound.

    Args:
        frames: (n, samples) in [-1, 1].
        rate: samples a second.

    Returns:
        (n,) dB of full scale, at least -120.
    """
    samples = frames.shape[1]
    window = np.hanning(samples)
    hz = np.fft.rfftfreq(samples, 1 / rate)
    band = (hz >= BAND_HZ[0]) & (hz <= BAND_HZ[1])
    power = np.abs(np.fft.rfft(frames * window, axis=1)[:, band]) ** 2
    levels: NDArray[np.float64] = 10 * np.log10(2 * power.sum(axis=1) / (samples * np.sum(window**2)) + 1e-12)
    return levels
