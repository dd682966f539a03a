"""Speech as other rooms, microphones and voices would have it, and sound that nobody speaks in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from orate.models.speech_features import RATE_HZ

Floats = NDArray[np.float32]
Samples = NDArray[np.floating]

EQUALISER_DB = 4.0
LOW_PASS_HZ = (2500.0, 6000.0)
HIGH_PASS_HZ = (80.0, 300.0)
REVERBERATION_S = (0.05, 0.35)
SIGNAL_TO_NOISE_DB = (8.0, 40.0)
PEAK_DB = (-25.0, -1.0)
VOICE_RATES = (0.82, 1.3)
"""Speech played this many times as fast: other vocal tracts, pitches and tempos."""


def varied(sound: NDArray[np.floating], random: np.random.Generator) -> Floats:
    """The same speech through another equaliser, room, noise and level; as long, and in time with it.

    Args:
        sound: (n,) in [-1, 1] at 16 kHz.
        random: what is drawn comes from it.
    """
    made = _filtered(np.asarray(sound, np.float64), random)
    if random.random() < 0.5:
        made = _in_a_room(made, random)
    power = np.sqrt(np.mean(made**2)) + 1e-9
    tilt = random.uniform(0.3, 1.0) if random.random() < 0.7 else 0.0
    level = power * 10 ** (-random.uniform(*SIGNAL_TO_NOISE_DB) / 20)
    made = made + level * _noise(len(made), random, lambda hz: (hz + 20.0) ** -tilt)
    return _at_peak(made, random.uniform(*PEAK_DB))


def at_another_rate(sound: NDArray[np.floating], rate: float) -> Floats:
    """Speech played `rate` times as fast, pitch and formants with it: (n,) to (n / rate,)."""
    places = np.arange(int(len(sound) / rate)) * rate
    made: Floats = np.interp(places, np.arange(len(sound)), sound).astype(np.float32)
    return made


def unspoken(length: int, random: np.random.Generator) -> Floats:
    """Sound in which no mouth speaks: digital silence, room and traffic noise, breath, music.

    Args:
        length: samples at 16 kHz.
        random: kind, level and form come from it.
    """
    kinds = (_silence, _room, _room, _breath, _music)
    return kinds[int(random.integers(len(kinds)))](length, random).astype(np.float32)


def _filtered(sound: Samples, random: np.random.Generator) -> Samples:
    count = len(sound)
    hz = np.fft.rfftfreq(2 * count, 1 / RATE_HZ)
    bands = np.linspace(np.log(50), np.log(8050), 8)
    gain = 10 ** (np.interp(np.log(hz + 50), bands, random.normal(0, EQUALISER_DB, 8)) / 20)
    if random.random() < 0.4:
        gain = gain / (1 + (hz / random.uniform(*LOW_PASS_HZ)) ** 8)
    if random.random() < 0.3:
        gain = gain / (1 + (random.uniform(*HIGH_PASS_HZ) / (hz + 1)) ** 6)
    return np.fft.irfft(np.fft.rfft(sound, 2 * count) * gain)[:count]


def _in_a_room(sound: Samples, random: np.random.Generator) -> Samples:
    """With a tail of noise that has lost 60 dB after the reverberation time."""
    time = random.uniform(*REVERBERATION_S)
    samples = np.arange(int(1.5 * time * RATE_HZ))
    tail = random.normal(size=len(samples)) * np.exp(-6.9 * samples / (time * RATE_HZ))
    tail /= np.sqrt(np.sum(tail**2))
    size = 2 * max(len(sound), len(tail))
    wet = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(tail, size))[: len(sound)]
    return sound + random.uniform(0.1, 0.6) * wet


def _noise(length: int, random: np.random.Generator, gain: Callable[[Samples], Samples]) -> Samples:
    """(length,) of unit deviation; `gain` by frequency in Hz."""
    hz = np.fft.rfftfreq(length, 1 / RATE_HZ)
    made = np.fft.irfft(np.fft.rfft(random.normal(size=length)) * gain(hz), length)
    result: Samples = made / (made.std() + 1e-12)
    return result


def _at_peak(sound: Samples, decibels: float) -> Floats:
    made: Floats = (sound / (np.abs(sound).max() + 1e-9) * 10 ** (decibels / 20)).astype(np.float32)
    return made


def _silence(length: int, random: np.random.Generator) -> Samples:
    result: Samples = random.choice([0.0, 1e-5]) * random.normal(size=length)
    return result


def _room(length: int, random: np.random.Generator) -> Samples:
    tilt = random.uniform(0.0, 1.2)
    return 10 ** random.uniform(-4.5, -1.2) * _noise(length, random, lambda hz: (hz + 60.0) ** -tilt)


def _breath(length: int, random: np.random.Generator) -> Samples:
    """Noise around a broad resonance that comes and goes every few seconds."""
    centre, width = np.log(random.uniform(600, 3000)), random.uniform(0.3, 1.5)
    made = _noise(length, random, lambda hz: np.exp(-((np.log(hz + 1) - centre) ** 2) / width))
    phase = 2 * np.pi * np.arange(length) / RATE_HZ * random.uniform(0.2, 0.7) + random.uniform(0, 6.3)
    result: Samples = 10 ** random.uniform(-4.0, -1.2) * made * np.clip(np.sin(phase), 0, 1) ** 2
    return result


def _music(length: int, random: np.random.Generator) -> Samples:
    """Chords of one to three plucked or held tones of a tempered scale, with harmonics."""
    made = np.zeros(length)
    beat = int(RATE_HZ * random.uniform(0.15, 0.6))
    scale = 110 * 2 ** (np.arange(36) / 12)
    for start in range(0, length, beat):
        time = np.arange(min(beat, length - start)) / RATE_HZ
        for tone in random.choice(scale, int(random.integers(1, 4))):
            fading = np.exp(-time * random.uniform(0, 6))
            for harmonic in range(1, 6):
                loudness = harmonic ** -random.uniform(1, 2)
                made[start : start + beat] += loudness * fading * np.sin(2 * np.pi * tone * harmonic * time)
    result: Samples = made / (np.abs(made).max() + 1e-9) * 10 ** random.uniform(-2.5, -0.3)
    return result
