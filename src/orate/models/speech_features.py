"""Log-mel spectra as Whisper's encoder hears them (Radford et al. 2022, section 2.2): 80 bands, 100 frames a second."""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

RATE_HZ = 16_000
FFT_SAMPLES = 400
HOP_SAMPLES = 160
BANDS = 80
SMALLEST_POWER = 1e-10
DYNAMIC_RANGE = 8.0
"""Decades of power below the loudest band that are still told apart: 80 dB."""

# Slaney's mel scale (Auditory Toolbox, 1998): linear below 1 kHz, logarithmic above, 27 mels for a factor of 6.4.
_LINEAR_HZ_PER_MEL = 200 / 3
_LOG_FROM_HZ = 1000.0
_LOG_STEP = math.log(6.4) / 27


def log_mel(samples: Tensor) -> Tensor:
    """Log-mel spectra of sound as Whisper defines them.

    Args:
        samples: (..., n) mono in [-1, 1] at 16 kHz, n at least 400.

    Returns:
        (..., 80, n // 160) float32, about -1 to 1.5. Frame m is centred on sample 160 m. What is more than 80 dB below
        the loudest value of a sound is raised to there, so the frames depend on all of the sound.

    Raises:
        ValueError: fewer than 400 samples.
    """
    return normalised(log_power(samples))


def log_power(samples: Tensor) -> Tensor:
    """Decimal logarithm of the power in the bands, (..., 80, n // 160): `log_mel` before it looks at the loudest."""
    count = samples.shape[-1]
    if count < FFT_SAMPLES:
        raise ValueError(f"{count} samples are too few for a spectrum: give {FFT_SAMPLES} or more")
    flat = samples.float().reshape(-1, count)
    padded = F.pad(flat, (FFT_SAMPLES // 2, FFT_SAMPLES // 2), mode="reflect")
    whole = HOP_SAMPLES * (count // HOP_SAMPLES - 1) + FFT_SAMPLES
    return spectra(padded[:, :whole]).reshape(*samples.shape[:-1], BANDS, -1)


def spectra(samples: Tensor) -> Tensor:
    """As `log_power`, of (..., n) samples as they are: the first frame covers the first 400, (..., 80, frames)."""
    frames = samples.unfold(-1, FFT_SAMPLES, HOP_SAMPLES)
    window = torch.hann_window(FFT_SAMPLES, device=samples.device)
    power = torch.fft.rfft(frames * window).abs().square()
    bands: Tensor = mel_filters().to(samples.device) @ power.transpose(-2, -1)
    return bands.clamp(min=SMALLEST_POWER).log10()


def normalised(logarithms: Tensor, loudest: Tensor | None = None) -> Tensor:
    """Whisper's scaling of `log_power`'s result.

    Args:
        logarithms: (..., 80, frames).
        loudest: (...), what to take for the loudest value; by default that of each sound.
    """
    if loudest is None:
        loudest = logarithms.amax(dim=(-2, -1))
    floor = (loudest - DYNAMIC_RANGE)[..., None, None]
    scaled: Tensor = (torch.maximum(logarithms, floor) + 4) / 4
    return scaled


@cache
def mel_filters() -> Tensor:
    """(80, 201) weights of the bands over the FFT's lines: triangles on Slaney's mel scale, each of area 1 (per Hz)."""
    lines = torch.linspace(0, RATE_HZ / 2, FFT_SAMPLES // 2 + 1, dtype=torch.float64)
    corners = _mel_to_hz(torch.linspace(0, _hz_to_mel(RATE_HZ / 2), BANDS + 2, dtype=torch.float64))
    lower, centre, upper = (corners[k : k + BANDS, None] for k in range(3))
    rising = (lines - lower) / (centre - lower)
    falling = (upper - lines) / (upper - centre)
    return (torch.minimum(rising, falling).clamp(min=0) * 2 / (upper - lower)).float()


def _hz_to_mel(frequency: float) -> float:
    if frequency < _LOG_FROM_HZ:
        return frequency / _LINEAR_HZ_PER_MEL
    return _LOG_FROM_HZ / _LINEAR_HZ_PER_MEL + math.log(frequency / _LOG_FROM_HZ) / _LOG_STEP


def _mel_to_hz(mels: Tensor) -> Tensor:
    bend = _LOG_FROM_HZ / _LINEAR_HZ_PER_MEL
    return torch.where(
        mels < bend, mels * _LINEAR_HZ_PER_MEL, _LOG_FROM_HZ * torch.exp((mels - bend).clamp(min=0) * _LOG_STEP)
    )
