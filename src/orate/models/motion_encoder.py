"""Content encoder of the `default` model: speech features to one content code a frame, causal."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from orate.models.motion_config import MotionConfig

LEAK = 0.1


class CausalConvolution(nn.Module):
    """A convolution in time that sees a frame and those before it, and carries what it has to remember."""

    def __init__(self, before: int, after: int, kernel: int, dilation: int = 1) -> None:
        super().__init__()
        self.past = (kernel - 1) * dilation
        self.convolution = nn.Conv1d(before, after, kernel, dilation=dilation)

    def forward(self, frames: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(batch, before, time) to (batch, after, time), and the last frames as the state of the next call.

        Without a state the past is zero.
        """
        if state is None:
            state = frames.new_zeros(frames.shape[0], frames.shape[1], self.past)
        joined = torch.cat([state, frames], dim=2)
        return self.convolution(joined), joined[:, :, joined.shape[2] - self.past :]


class MotionEncoder(nn.Module):
    """Residual blocks of dilated causal convolutions over the speech features of each frame."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, config: MotionConfig) -> None:
        super().__init__()
        rows = config.speech_rows * config.speech_width
        self.register_buffer("mean", torch.zeros(rows))
        self.register_buffer("deviation", torch.ones(rows))
        self.entry = nn.Linear(rows, config.channels)
        self.blocks = nn.ModuleList(_Block(config.channels, dilation) for dilation in config.dilations)
        self.code = nn.Linear(config.channels, config.content_code)

    def forward(self, speech: Tensor, state: list[Tensor] | None = None) -> tuple[Tensor, list[Tensor]]:
        """Encode speech.

        Args:
            speech: (batch, time, rows, width), the encoder's rows of each frame.
            state: what an earlier call on the preceding frames returned.

        Returns:
            Content codes (batch, time, content_code) and the state after the last frame.
        """
        normal = (speech.flatten(2) - self.mean) / self.deviation
        frames = F.leaky_relu(self.entry(F.dropout(normal, 0.1, self.training)), LEAK).transpose(1, 2)
        after = []
        for index, block in enumerate(self.blocks):
            frames, remembered = block(frames, state[index] if state else None)
            after.append(remembered)
        return self.code(frames.transpose(1, 2)), after


class _Block(nn.Module):
    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.dilated = CausalConvolution(channels, channels, 3, dilation)
        self.mix = nn.Conv1d(channels, channels, 1)

    def forward(self, frames: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        moved, remembered = self.dilated(frames, state)
        moved = self.mix(F.dropout(F.leaky_relu(moved, LEAK), 0.1, self.training))
        return frames + moved, remembered
