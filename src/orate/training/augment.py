"""Augmentation of whole clips: one draw for all frames of a clip and its source image, so that movement stays true."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from orate.training.config import AugmentConfig

LOWEST_CUTOFF_HZ = 2500.0
SHIFT_PX_PER_WARP = 50.0
ELASTIC_KNOTS = (5, 4)
ELASTIC_ROUNDS = 3


def augment_video(
    video: Tensor, landmarks: Tensor, config: AugmentConfig, random: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Change colours and shape of clips.

    Args:
        video: (batch, time, 3, height, width) in [-1, 1].
        landmarks: (batch, time, 478, 2) in pixels.
        config: strengths.
        random: source of the draws, on the CPU.

    Returns:
        Video and landmarks of the same shapes and ranges.
    """
    batch = video.shape[0]
    if config.colour:
        unit = (video + 1) / 2
        draws = torch.randn(batch, 1, 3, 1, 1, generator=random), torch.randn(batch, 1, 1, 1, 1, generator=random)
        gain, gamma = ((config.colour * draw).exp().to(video.device) for draw in draws)
        video = (unit.clamp(1e-4, 1) ** gamma * gain).clamp(0, 1) * 2 - 1
    if config.permute:
        orders = torch.stack([_channel_order(config.permute, random) for _ in range(batch)]).to(video.device)
        video = video.gather(2, orders[:, None, :, None, None].expand_as(video))
    if config.warp or config.elastic:
        video, landmarks = _warp(video, landmarks, config, random)
    return video, landmarks


def _channel_order(probability: float, random: torch.Generator) -> Tensor:
    if torch.rand((), generator=random) < probability:
        return torch.randperm(3, generator=random)
    return torch.arange(3)


def _warp(video: Tensor, landmarks: Tensor, config: AugmentConfig, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """One map a clip: stretch, shear, turn and shift, and a smooth random bending that makes another face of it."""
    batch, _, _, height, width = video.shape
    strength, device = config.warp, video.device
    # The map leads from the warped picture back to the given one, both in units of half a picture around its centre.
    linear = torch.eye(2) + strength * (2 * torch.rand(batch, 2, 2, generator=random) - 1)
    half = torch.tensor([width / 2, height / 2])
    shift = strength * SHIFT_PX_PER_WARP * (2 * torch.rand(batch, 2, generator=random) - 1) / half
    knots = config.elastic * torch.randn(batch, 2, *ELASTIC_KNOTS, generator=random)
    linear, half, shift, knots = (values.to(device) for values in (linear, half, shift, knots))
    bend = F.interpolate(knots, (height, width), mode="bicubic", align_corners=True)
    grid = F.affine_grid(torch.cat([linear, shift[:, :, None]], dim=2), [batch, 1, height, width], align_corners=False)
    grid = grid + bend.permute(0, 2, 3, 1)
    warped = F.grid_sample(video.flatten(1, 2), grid, padding_mode="border", align_corners=False)
    # The way back: undo the affine map, then (to first order) the bending at the place where that leads.
    inverse = torch.linalg.inv(linear).transpose(-1, -2)[:, None]
    centred = landmarks / half - 1 - shift[:, None, None]
    for _ in range(ELASTIC_ROUNDS if config.elastic else 0):
        there = F.grid_sample(bend, centred @ inverse, padding_mode="border", align_corners=False)
        centred = landmarks / half - 1 - shift[:, None, None] - there.permute(0, 2, 3, 1)
    return warped.reshape(video.shape), (centred @ inverse + 1) * half


def augment_audio(audio: Tensor, rate: int, config: AugmentConfig, random: torch.Generator) -> Tensor:
    """Change loudness, band and noise of the sound.

    Args:
        audio: (batch, samples) in [-1, 1].
        rate: samples a second.
        config: strengths.
        random: source of the draws, on the CPU.

    Returns:
        The same shape.
    """
    batch = audio.shape[0]
    if config.bandlimit:
        chosen = torch.rand(batch, generator=random) < config.bandlimit
        cutoff = LOWEST_CUTOFF_HZ + (rate / 2 - LOWEST_CUTOFF_HZ) * torch.rand(batch, generator=random)
        spectrum = torch.fft.rfft(audio)
        frequency = torch.fft.rfftfreq(audio.shape[1], 1 / rate)
        keep = (frequency[None] <= cutoff[:, None]) | ~chosen[:, None]
        audio = torch.fft.irfft(spectrum * keep.to(audio.device), n=audio.shape[1])
    if config.noise_db:
        peak = audio.abs().amax(1, keepdim=True).clamp_min(1e-3)
        level_db = -config.noise_db - 30 * torch.rand(batch, 1, generator=random)
        noise = torch.randn(audio.shape, generator=random) * 10 ** (level_db / 20)
        audio = audio + peak * noise.to(audio.device)
    if config.gain_db:
        gain_db = config.gain_db * (2 * torch.rand(batch, 1, generator=random) - 1)
        audio = audio * (10 ** (gain_db / 20)).to(audio.device)
    return audio.clamp(-1, 1)
