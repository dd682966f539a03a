"""A sound with something of speech in it, the same on every machine."""

import numpy as np

RATE_HZ = 16_000


def made_sound(seconds: float) -> np.ndarray:
    """(n,) float32 at 16 kHz: a gliding voice of 20 harmonics in syllables, some hiss; half a second of quiet first."""
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    pitch = 2 * np.pi * (140 * time - 12 * np.cos(2 * np.pi * 0.7 * time))
    vowel = 4 + 3 * np.sin(2 * np.pi * 1.3 * time)  # the harmonic that is loudest
    voice = sum(np.exp(-((k - vowel) ** 2) / 8) * np.sin(k * pitch) for k in range(1, 21))
    syllables = np.clip(np.sin(2 * np.pi * 3.5 * time), 0, 1) * (time > 0.5)
    hiss = np.sin(1e5 * np.sin(np.arange(len(time)) * 12.9898))  # numbers without a generator
    return (0.12 * voice * syllables + 0.002 * hiss).astype(np.float32)
