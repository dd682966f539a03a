"""Noise generator: what the sound does not tell, such as blinks and brows (paper, section 3.1)."""

from __future__ import annotations

from torch import Tensor, nn

from orate.models.config import ModelConfig


class NoiseGenerator(nn.Module):
    """Gaussian noise of each frame through a one-layer GRU, so that it is coherent in time."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.recurrent = (
            nn.GRU(config.noise_code, config.noise_code, batch_first=True) if config.sequential_noise else None
        )

    def forward(self, noise: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Make the noise coherent.

        Args:
            noise: (batch, time, noise_code), independent Gaussian values.
            state: (1, batch, noise_code), what an earlier call on the preceding frames returned.

        Returns:
            Noise codes (batch, time, noise_code) in (-1, 1), and the state after the last frame; a generator without
            `sequential_noise` returns the noise as it is.
        """
        if self.recurrent is None:
            return noise, None
        codes, state = self.recurrent(noise, state)
        return codes.tanh(), state
