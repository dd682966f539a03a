"""Whether, and when, somebody speaks in a clip's sound.

WebRTC's detector finds voices, but takes loud noise and music for voices too. A second look settles that: in speech
neighbouring bands of frequency rise and fall together, by many decibels, a few times a second; bands of noise each
waver on their own, breath and wind swell slowly, held tones stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from orate.corpora.cleaning.reasons import Dropped, DropReason
from orate.errors import OrateError

RATE_HZ = 16_000
AGGRESSIVENESS = 2  # of WebRTC's detector, 0 to 3
STEP = 320  # samples: 20 ms, what the detector judges
LOUD_QUANTILE, BELOW_LOUD_DB = 0.95, 25.0  # voices stay above this; the detector lingers in the noise that follows
LEAST_VOICED_S = 0.2

SPECTRUM_SAMPLES, HOP = 400, 160  # 25 ms every 10 ms
BANDS_HZ = np.geomspace(200, 4000, 15)
RANGE_DB = 50.0  # below the loudest band; what is softer does not count
WINDOW, WINDOW_HOP = 150, 75  # spectra: judged 1.5 s at a time
LEAST_DEPTH_DB = 3.0
LEAST_TOGETHER = 0.5
SYLLABLES_HZ, LEAST_SYLLABIC = (1.5, 10.0), 0.15

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Voice:
    """Where a voice is heard.

    Attributes:
        steps: (n,) bool, of 20 ms each.
    """

    steps: NDArray[np.bool_]

    @property
    def share(self) -> float:
        """Of the time, in [0, 1]."""
        return float(self.steps.mean()) if len(self.steps) else 0.0

    @property
    def seconds(self) -> float:
        """How long, in all."""
        return float(self.steps.sum()) * STEP / RATE_HZ

    def frames(self, count: int, fps: float) -> NDArray[np.bool_]:
        """In which of ``count`` frames of video a voice is heard for at least half of the time: (count,) bool."""
        edges = np.arange(count + 1) / fps * RATE_HZ / STEP
        heard = np.interp(edges, np.arange(len(self.steps) + 1), np.concatenate([[0], np.cumsum(self.steps)]))
        voiced: NDArray[np.bool_] = np.diff(heard) >= 0.5 * np.diff(edges)
        return voiced


def find_voice(audio: NDArray[np.float32], rate: int) -> Voice:
    """Look for a voice in sound (n,) in [-1, 1] at ``rate`` Hz.

    Raises:
        OrateError: the package webrtcvad is not installed.
    """
    sound = audio if rate == RATE_HZ else soxr.resample(audio, rate, RATE_HZ)
    found = _detected(sound) & _loud(sound)
    speechlike = _speechlike(np.asarray(sound, np.float64))
    return Voice(found & speechlike[np.minimum(np.arange(len(found)) * STEP // HOP, len(speechlike) - 1)])


def check_voice(voice: Voice, least_share: float) -> None:
    """Raise Dropped where next to nothing is said."""
    if voice.seconds < LEAST_VOICED_S or voice.share < least_share:
        raise Dropped(DropReason.SILENCE, f"a voice for {voice.seconds:.1f} s, {voice.share:.0%} of the time")


def _detected(sound: NDArray[np.floating]) -> NDArray[np.bool_]:
    """WebRTC's verdict on every 20 ms."""
    detector = _module().Vad(AGGRESSIVENESS)
    samples = np.round(np.clip(sound, -1, 1) * 32767).astype("<i2")
    ends = range(STEP, len(samples) + 1, STEP)
    return np.array([detector.is_speech(samples[end - STEP : end].tobytes(), RATE_HZ) for end in ends], bool)


def _loud(sound: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which of the steps of 20 ms are not far softer than the loud ones."""
    steps = np.asarray(sound[: len(sound) // STEP * STEP], np.float64).reshape(-1, STEP)
    levels = 10 * np.log10((steps**2).mean(1) + 1e-12)
    loud: NDArray[np.bool_] = levels > (np.quantile(levels, LOUD_QUANTILE) if len(levels) else 0) - BELOW_LOUD_DB
    return loud


def _module() -> Any:
    try:
        import webrtcvad
    except ImportError:
        raise OrateError(
            "To look for voices the package webrtcvad is needed: pip install 'orate[train]', or switch the check off."
        ) from None
    return webrtcvad


def _speechlike(sound: Floats) -> NDArray[np.bool_]:
    """For every 10 ms whether a second and a half around it sounds like speech rather than noise or music."""
    levels = _levels(sound)
    verdict = np.zeros(levels.shape[1], bool)
    for first in range(0, max(1, levels.shape[1] - WINDOW + WINDOW_HOP), WINDOW_HOP):
        part = levels[:, max(0, min(first, levels.shape[1] - WINDOW)) :][:, :WINDOW]
        if _is_speech(part):
            verdict[max(0, min(first, levels.shape[1] - WINDOW)) :][:WINDOW] = True
    return verdict


def _is_speech(levels: Floats) -> bool:
    """Of levels (bands, n) in dB."""
    waves = levels - levels.mean(1, keepdims=True)
    depths = waves.std(1)
    if float(depths.mean()) < LEAST_DEPTH_DB:
        return False
    unit = waves / np.maximum(depths, 1e-6)[:, None]
    together = (unit[1:] * unit[:-1]).mean()
    power = np.abs(np.fft.rfft(waves * np.hanning(waves.shape[1]), axis=1)) ** 2
    hz = np.fft.rfftfreq(waves.shape[1], HOP / RATE_HZ)
    syllables = (hz >= SYLLABLES_HZ[0]) & (hz <= SYLLABLES_HZ[1])
    syllabic = power[:, syllables].sum() / max(power[:, 1:].sum(), 1e-9)
    return bool(together >= LEAST_TOGETHER and syllabic >= LEAST_SYLLABIC)


def _levels(sound: Floats) -> Floats:
    """Level of each band every 10 ms, (14, n) dB, not more than `RANGE_DB` below the loudest."""
    padded = np.pad(sound, (0, max(0, SPECTRUM_SAMPLES - len(sound))))
    pieces = np.lib.stride_tricks.sliding_window_view(padded, SPECTRUM_SAMPLES)[::HOP]
    hz = np.fft.rfftfreq(SPECTRUM_SAMPLES, 1 / RATE_HZ)
    lines = np.searchsorted(BANDS_HZ, hz)
    levels = np.empty((len(BANDS_HZ) - 1, len(pieces)))
    for first in range(0, len(pieces), 6000):  # a minute at a time: memory stays flat
        power = np.abs(np.fft.rfft(pieces[first : first + 6000] * np.hanning(SPECTRUM_SAMPLES), axis=1)) ** 2
        for band in range(len(levels)):
            levels[band, first : first + 6000] = power[:, lines == band + 1].mean(1)
    decibels: Floats = 10 * np.log10(levels + 1e-10)
    decibels.clip(min=decibels.max() - RANGE_DB, out=decibels)
    return decibels
