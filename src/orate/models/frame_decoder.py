"""Frame decoder: from the three codes and the skips to pictures (paper, section 3.1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from orate.models.config import ModelConfig


class UNetBlock(nn.Module):
    """Join the skip, 3x3 transposed convolution, then double the size and halve the channels.

    The joined convolution is linear in both halves of its input, and the skip is the same for all frames of a clip:
    its half is computed once for each source image and added, about a third of the decoder's work saved.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.join = nn.ConvTranspose2d(2 * channels, channels, 3, padding=1, bias=False)
        self.join_norm = nn.BatchNorm2d(channels)
        self.enlarge = nn.ConvTranspose2d(channels, channels // 2, 4, stride=2, padding=1, bias=False)
        self.enlarge_norm = nn.BatchNorm2d(channels // 2)
        self.channels = channels

    def skip_half(self, skip: Tensor) -> Tensor:
        """The skip's share of the joined convolution: (batch, channels, h, w) to the same shape."""
        return _join(skip, self.join.weight[self.channels :])

    def forward(self, features: Tensor, skip_half: Tensor) -> Tensor:
        """Draw one scale finer.

        Args:
            features: (batch * time, channels, h, w).
            skip_half: (batch, channels, h, w), from `skip_half`.

        Returns:
            (batch * time, channels / 2, 2 h, 2 w).
        """
        joined = _join(features, self.join.weight[: self.channels])
        joined = (joined.view(skip_half.shape[0], -1, *joined.shape[1:]) + skip_half[:, None]).flatten(0, 1)
        joined = self.join_norm(joined).relu()
        enlarged: Tensor = self.enlarge_norm(self.enlarge(joined))
        return enlarged.relu()


class FrameDecoder(nn.Module):
    """The codes of each frame to a 4x3 map, U-Net blocks with the identity encoder's skips, then RGB by tanh."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        channels = config.encoder_channels[::-1]
        latent = config.content_code + config.noise_code + config.identity_code
        self.start = nn.ConvTranspose2d(latent, channels[0], config.coarse_size, bias=False)
        self.start_norm = nn.BatchNorm2d(channels[0])
        self.blocks = nn.ModuleList(UNetBlock(count) for count in channels[:-1])
        self.to_rgb = nn.ConvTranspose2d(channels[-1], 3, 4, stride=2, padding=1, bias=False)

    def skip_halves(self, skips: list[Tensor]) -> list[Tensor]:
        """What each block needs of the source image, once for each clip; `skips` from coarse to fine."""
        return [block.skip_half(skip) for block, skip in zip(self._blocks(), skips, strict=False)]

    def decode(self, latent: Tensor, skip_halves: list[Tensor]) -> Tensor:
        """Draw frames from joined codes.

        Args:
            latent: (batch, time, content + noise + identity), in that order.
            skip_halves: one (batch, channels, h, w) for each block, from `skip_halves`.

        Returns:
            (batch, time, 3, height, width) in (-1, 1).
        """
        batch, time, _ = latent.shape
        features = self.start_norm(self.start(latent.flatten(0, 1)[:, :, None, None])).relu()
        for block, half in zip(self._blocks(), skip_halves, strict=True):
            features = block(features, half)
        frames: Tensor = self.to_rgb(features)
        return frames.tanh().reshape(batch, time, *frames.shape[1:])

    def forward(self, content: Tensor, noise: Tensor | None, identity: Tensor, skips: list[Tensor]) -> Tensor:
        """Draw frames.

        Args:
            content: content codes (batch, time, content_code).
            noise: noise codes (batch, time, noise_code), or None for a model without noise.
            identity: identity codes (batch, identity_code).
            skips: activations of the identity encoder, from coarse to fine.

        Returns:
            (batch, time, 3, height, width) in (-1, 1).
        """
        return self.decode(join_codes(content, noise, identity), self.skip_halves(skips))

    def _blocks(self) -> list[UNetBlock]:
        return [block for block in self.blocks if isinstance(block, UNetBlock)]


def join_codes(content: Tensor, noise: Tensor | None, identity: Tensor) -> Tensor:
    """Join the codes of each frame, in the order of the released network: content, noise, identity."""
    repeated = identity[:, None].expand(-1, content.shape[1], -1)
    return torch.cat([content, repeated] if noise is None else [content, noise, repeated], dim=2)


def _join(features: Tensor, weight: Tensor) -> Tensor:
    """Transposed 3x3 convolution of stride 1, as the equal plain convolution (faster on CPUs)."""
    return F.conv2d(features, weight.transpose(0, 1).flip(2, 3), padding=1)
