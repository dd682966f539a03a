"""Frame discriminator: is this frame a real picture of that person? Paper, section 3.2."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from orate.models.config import ModelConfig
from orate.models.layers import initialise

LEAK = 0.2


class FrameDiscriminator(nn.Module):
    """A six-layer CNN on the frame joined channel-wise with the source image, so that identity is judged too."""

    def __init__(self, config: ModelConfig, base_channels: int = 64) -> None:
        super().__init__()
        halvings = len(config.encoder_channels)
        channels = [6] + [base_channels * 2**level for level in range(halvings)]
        layers: list[nn.Module] = []
        for level, (before, after) in enumerate(pairwise(channels)):
            layers.append(nn.Conv2d(before, after, 4, stride=2, padding=1, bias=level == 0))
            if level:
                layers.append(nn.BatchNorm2d(after))
            layers.append(nn.LeakyReLU(LEAK))
        layers.append(nn.Conv2d(channels[-1], 1, config.coarse_size))
        self.layers = nn.Sequential(*layers)
        self.apply(initialise)

    def forward(self, frames: Tensor, source: Tensor) -> Tensor:
        """Judge frames.

        Args:
            frames: (batch, time, 3, height, width) in [-1, 1].
            source: (batch, 3, height, width) in [-1, 1].

        Returns:
            Logits (batch, time); positive means real.
        """
        condition = source[:, None].expand_as(frames)
        joined = torch.cat([frames, condition], dim=2).flatten(0, 1)
        logits: Tensor = self.layers(joined)
        return logits.reshape(frames.shape[:2])
