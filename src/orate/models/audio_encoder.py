"""Audio (content) encoder: what is being said (paper, section 3.1)."""

from __future__ import annotations

from torch import Tensor, nn

from orate.models.config import ModelConfig
from orate.models.layers import WindowEncoder

RECURRENT_LAYERS = 2


class AudioEncoder(nn.Module):
    """The waveform around each frame through 1-D convolutions, then a two-layer GRU over the frames."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.window_encoder = WindowEncoder(
            config.audio_rate, config.window_s, config.audio_channels, config.audio_code
        )
        self.recurrent = nn.GRU(config.audio_code, config.content_code, RECURRENT_LAYERS, batch_first=True)

    def forward(self, windows: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Encode the sound of successive frames.

        Args:
            windows: (batch, time, window_samples) in [-1, 1], one window for each frame.
            state: (2, batch, content_code), what an earlier call on the preceding frames returned.

        Returns:
            Content codes (batch, time, content_code) and the state after the last frame.
        """
        batch, time, _ = windows.shape
        codes = self.window_encoder(windows.flatten(0, 1)).unflatten(0, (batch, time))
        content, state = self.recurrent(codes, state)
        return content, state
