"""The generator: three encoders and one decoder (paper, section 3.1, figure 2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from orate.models.audio_encoder import AudioEncoder
from orate.models.config import ModelConfig
from orate.models.frame_decoder import FrameDecoder
from orate.models.identity_encoder import IdentityEncoder
from orate.models.layers import initialise
from orate.models.noise_generator import NoiseGenerator


class Generator(nn.Module):
    """One source image and the windows of the driving audio to the frames of a video."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.identity_encoder = IdentityEncoder(config)
        self.audio_encoder = AudioEncoder(config)
        self.noise_generator = NoiseGenerator(config) if config.noise_code else None
        self.frame_decoder = FrameDecoder(config)
        self.apply(initialise)

    def forward(
        self, source: Tensor, windows: Tensor, noise: Tensor | None = None, frames: slice | None = None
    ) -> Tensor:
        """Generate video.

        Args:
            source: (batch, 3, height, width) in [-1, 1], the source image's canonical crop.
            windows: (batch, time, window_samples) in [-1, 1], from `orate.models.windows.cut_windows`.
            noise: (batch, time, noise_code), Gaussian; drawn with the config's deviation when not given.
            frames: draw only these frames; the recurrent nets still see all. Training on a part of a long clip costs
                little more than the part.

        Returns:
            (batch, time, 3, height, width) in (-1, 1).
        """
        content, _ = self.audio_encoder(windows)
        if self.noise_generator is not None and noise is None:
            noise = self.draw_noise(windows.shape[0], windows.shape[1], device=windows.device)
        return self.draw(source, content, noise, frames or slice(None))

    def draw(self, source: Tensor, content: Tensor, noise: Tensor | None, frames: slice) -> Tensor:
        """Draw frames from content codes that are there already.

        Args:
            source: (batch, 3, height, width) in [-1, 1].
            content: content codes of all frames, (batch, time, content_code).
            noise: (batch, time, noise_code), Gaussian; ignored by a model without noise.
            frames: which of the frames to draw.

        Returns:
            (batch, frames, 3, height, width) in (-1, 1).
        """
        identity, skips = self.identity_encoder(source)
        codes = None
        if self.noise_generator is not None and noise is not None:
            codes = self.noise_generator(noise)[0][:, frames]
        video: Tensor = self.frame_decoder(content[:, frames], codes, identity, skips)
        return video

    def draw_noise(
        self,
        batch: int,
        time: int,
        *,
        std: float | None = None,
        generator: torch.Generator | None = None,
        device: torch.device | str = "cpu",
    ) -> Tensor:
        """Draw Gaussian noise (batch, time, noise_code) of deviation `std` (the config's by default).

        A `generator` on the CPU gives the same values on every device.
        """
        drawn = torch.randn(batch, time, self.config.noise_code, generator=generator)
        return drawn.mul_(self.config.noise_std if std is None else std).to(device)
