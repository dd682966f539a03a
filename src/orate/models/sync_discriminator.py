"""Synchronisation discriminator: do this sound and these lips belong together? Paper, section 3.2."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from orate.models.config import ModelConfig
from orate.models.layers import WindowEncoder, initialise

SYNC_FRAMES = 5
LEAK = 0.2


class SyncDiscriminator(nn.Module):
    """Two streams, 0.2 s of sound and the lower half of five frames, one embedding each.

    Their Euclidean distance goes through a single-layer perceptron. The frames are stacked along the channels. Pairs
    that do not belong together are the generated ones and real ones that are shifted in time.
    """

    def __init__(self, config: ModelConfig, base_channels: int = 64, code: int = 256) -> None:
        super().__init__()
        self.audio_stream = WindowEncoder(config.audio_rate, config.window_s, config.audio_channels, code)
        height, width = config.coarse_size
        halvings = len(config.encoder_channels)
        channels = [3 * SYNC_FRAMES] + [base_channels * 2**level for level in range(halvings)]
        layers: list[nn.Module] = []
        for before, after in pairwise(channels):
            layers += [
                nn.Conv2d(before, after, 4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.LeakyReLU(LEAK),
            ]
        layers += [nn.Conv2d(channels[-1], code, (height // 2, width)), nn.Tanh()]
        self.video_stream = nn.Sequential(*layers)
        self.apply(initialise)
        # Distance zero means "together": the perceptron starts with the right sign.
        self.decision = nn.Linear(1, 1)
        nn.init.constant_(self.decision.weight, -1.0)
        nn.init.constant_(self.decision.bias, code**0.5 / 4)

    def embed(self, frames: Tensor, window: Tensor) -> tuple[Tensor, Tensor]:
        """Embed both streams.

        Args:
            frames: (batch, 5, 3, height, width) in [-1, 1], whole canonical crops; the lower half is used.
            window: (batch, window_samples), the window of the middle frame.

        Returns:
            Video and audio embeddings, (batch, code) each, in (-1, 1).
        """
        lower = frames[..., frames.shape[-2] // 2 :, :].flatten(1, 2)
        return self.video_stream(lower).flatten(1), self.audio_stream(window)

    def forward(self, frames: Tensor, window: Tensor) -> Tensor:
        """Judge pairs; arguments as in `embed`.

        Returns:
            Logits (batch,); positive means that they belong together.
        """
        video, audio = self.embed(frames, window)
        distance = torch.linalg.vector_norm(video - audio, dim=1, keepdim=True)
        logits: Tensor = self.decision(distance)
        return logits.squeeze(1)
