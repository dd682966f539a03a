"""Decoder of the `default` model's motion: content, noise and identity codes to the motion of each frame."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from orate.models.motion_config import MotionConfig
from orate.models.motion_encoder import LEAK, CausalConvolution

POSE = 6
LIDS = 2


class MotionDecoder(nn.Module):
    """Two paths: the expression, which the sound tells most of, and the head's pose and slow lids, which it does not.

    The paths share no weights, so that what the reconstruction asks of the mouth does not still the head.
    """

    def __init__(self, config: MotionConfig) -> None:
        super().__init__()
        width = config.decoder_channels
        codes = config.content_code + config.identity_code
        self.speech_hidden = CausalConvolution(codes, width, 3)
        self.speech_out = nn.Conv1d(width, config.components, 1)
        self.free_hidden = CausalConvolution(codes + config.noise_code, width, 3)
        self.free_out = nn.Conv1d(width, config.components + LIDS + POSE, 1)
        nn.init.normal_(self.free_out.weight, 0.0, 0.01)

    def forward(
        self, content: Tensor, noise: Tensor, identity: Tensor, state: list[Tensor] | None = None
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Decode.

        Args:
            content: (batch, time, content_code).
            noise: (batch, time, noise_code).
            identity: (batch, identity_code).
            state: what an earlier call on the preceding frames returned.

        Returns:
            What the sound tells of the expression (batch, time, components); what is free: expression to be added,
            lids, rotation and translation (batch, time, components + 8); the state. Values are in units of the
            generator's scales.
        """
        shared = torch.cat([content, identity[:, None].expand(-1, content.shape[1], -1)], dim=2)
        spoken, first = self.speech_hidden(shared.transpose(1, 2), state[0] if state else None)
        wide = torch.cat([shared, noise], dim=2).transpose(1, 2)
        free, second = self.free_hidden(wide, state[1] if state else None)
        spoken = self.speech_out(F.leaky_relu(spoken, LEAK)).transpose(1, 2)
        free = self.free_out(F.leaky_relu(free, LEAK)).transpose(1, 2)
        return spoken, free, [first, second]
