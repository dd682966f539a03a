"""Identity encoder: who is to be seen (paper, section 3.1)."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from orate.models.config import ModelConfig


class IdentityEncoder(nn.Module):
    """Convolutions from the source image to the identity code; their activations are the decoder's skips.

    Each layer: 4x4 convolution of stride 2 without bias, batch norm, ReLU. The last one has the size of what is
    left (4x3 for 128x96) and ends in tanh.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        channels = (3, *config.encoder_channels)
        self.halvings = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(before, after, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()
            )
            for before, after in pairwise(channels)
        )
        self.code = nn.Conv2d(channels[-1], config.identity_code, config.coarse_size, bias=False)

    def forward(self, source: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Encode source images.

        Args:
            source: (batch, 3, height, width) in [-1, 1], the canonical crop.

        Returns:
            Identity code (batch, identity_code) in (-1, 1), and the skips from coarse (batch, 1024, 4, 3) to fine
            (batch, 64, 64, 48), sizes for the paper's dimensions.
        """
        skips = []
        features = source
        for layer in self.halvings:
            features = layer(features)
            skips.append(features)
        return self.code(features).tanh().flatten(1), skips[::-1]
