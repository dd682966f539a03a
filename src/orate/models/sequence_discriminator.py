"""Sequence discriminator: is this whole clip a natural movement? Paper, section 3.2."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from orate.models.config import ModelConfig
from orate.models.layers import initialise

LEAK = 0.2
TEMPORAL_KERNEL = 3


class SequenceDiscriminator(nn.Module):
    """Spatio-temporal convolutions at every time step, a one-layer GRU over them, one decision at its end.

    Only the first layers look across time; each sees one frame before and one after, so that a step's features
    describe what moves within 0.2 s, and the GRU what happens over the clip.
    """

    def __init__(self, config: ModelConfig, base_channels: int = 64, code: int = 256) -> None:
        super().__init__()
        halvings = len(config.encoder_channels)
        channels = [3] + [base_channels * 2**level for level in range(halvings)]
        layers: list[nn.Module] = []
        for level, (before, after) in enumerate(pairwise(channels)):
            depth = TEMPORAL_KERNEL if level < 2 else 1
            layers.append(nn.Conv3d(before, after, (depth, 4, 4), (1, 2, 2), (depth // 2, 1, 1), bias=level == 0))
            if level:
                layers.append(nn.BatchNorm3d(after))
            layers.append(nn.LeakyReLU(LEAK))
        layers.append(nn.Conv3d(channels[-1], code, (1, *config.coarse_size)))
        self.convolutions = nn.Sequential(*layers)
        self.recurrent = nn.GRU(code, code, batch_first=True)
        self.decision = nn.Linear(code, 1)
        self.apply(initialise)

    def forward(self, video: Tensor) -> Tensor:
        """Judge clips.

        Args:
            video: (batch, time, 3, height, width) in [-1, 1].

        Returns:
            Logits (batch,); positive means real.
        """
        features = self.convolutions(video.transpose(1, 2)).flatten(2).transpose(1, 2)
        _, last = self.recurrent(features)
        logits: Tensor = self.decision(last[-1])
        return logits.squeeze(1)
