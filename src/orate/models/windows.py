"""Cutting the driving audio into one window for each video frame."""

from __future__ import annotations

from math import ceil

import torch
from torch import Tensor

from orate.models.config import ModelConfig


def frame_count(samples: int, config: ModelConfig, fps: float | None = None) -> int:
    """Number of video frames that cover `samples` of sound: the last one may be partly silent; at least one."""
    return max(1, ceil(samples * (fps or config.fps) / config.audio_rate - 1e-6))


def window_starts(first: int, count: int, config: ModelConfig, fps: float | None = None) -> list[int]:
    """First sample of the windows of the frames `first` to ``first + count - 1``; negative before the sound.

    The window of frame k is centred on the middle of the time that the frame is shown, as in the authors' code:
    with hop S and window W it covers the samples ``[k S - (W - S) / 2, k S + (W + S) / 2)``.

    Args:
        first: index of the first frame.
        count: number of frames.
        config: the model's dimensions.
        fps: frames a second, when another rate than the model's own is wanted.
    """
    lead = (config.window_samples - config.hop_samples) // 2
    step = config.audio_rate / fps if fps else config.hop_samples
    return [round(frame * step) - lead for frame in range(first, first + count)]


def cut_windows(
    audio: Tensor, config: ModelConfig, first: int = 0, count: int | None = None, fps: float | None = None
) -> Tensor:
    """Cut the sound into overlapping windows, silence before its beginning and after its end.

    Args:
        audio: (batch, samples) or (samples,), mono in [-1, 1] at ``config.audio_rate``.
        config: the model's dimensions.
        first: index of the first frame.
        count: number of frames; by default all that the sound covers.
        fps: frames a second, when another rate than the model's own is wanted.

    Returns:
        (batch, count, window_samples), or (count, window_samples) for sound without a batch axis.
    """
    total = audio.shape[-1]
    if count is None:
        count = frame_count(total, config, fps) - first
    starts = window_starts(first, count, config, fps)
    before = max(0, -starts[0])
    after = max(0, starts[-1] + config.window_samples - total)
    padded = torch.nn.functional.pad(audio, (before, after))
    index = torch.tensor(starts, device=audio.device)[:, None] + before
    return padded[..., index + torch.arange(config.window_samples, device=audio.device)]
