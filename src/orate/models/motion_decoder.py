"""Decoder of the `default` model's motion: content, noise and identity codes to the motion of each frame."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from orate.models.motion_config import MotionConfig
from orate.models.motion_encoder import LEAK, CausalConvolution

POSE = 6
LIDS = 2
UPPER_COMPONENTS = 8
"""The last components are those of brows and forehead; speech tells little of them, noise moves them."""

SWAY = 5 + UPPER_COMPONENTS
"""What noise moves: rotation about three axes, translation along two, brows and forehead."""


class MotionDecoder(nn.Module):
    """Two paths: the expression, which the sound tells most of, and head and brows, which it does not.

    The paths share no weights, so that what the reconstruction asks of the mouth does not still the head.
    """

    def __init__(self, config: MotionConfig) -> None:
        super().__init__()
        width = config.decoder_channels
        codes = config.content_code + config.identity_code
        self.speech_hidden = CausalConvolution(codes, width, 3)
        self.speech_out = nn.Conv1d(width, config.components, 1)
        self.sway_hidden = CausalConvolution(codes + config.noise_code + SWAY, width, 3)
        self.sway_out = nn.Conv1d(width, SWAY, 1)
        nn.init.normal_(self.sway_out.weight, 0.0, 0.01)

    def forward(
        self, content: Tensor, identity: Tensor, state: list[Tensor] | None = None
    ) -> tuple[Tensor, list[Tensor]]:
        """What the sound tells of the expression.

        Args:
            content: (batch, time, content_code).
            identity: (batch, identity_code).
            state: what an earlier call on the preceding frames returned.

        Returns:
            (batch, time, components) in units of the generator's scales, and the state.
        """
        spoken, after = self.speech_hidden(_shared(content, identity).transpose(1, 2), state[0] if state else None)
        return self.speech_out(F.leaky_relu(spoken, LEAK)).transpose(1, 2), [after]

    def sway(
        self, content: Tensor, identity: Tensor, noise: Tensor, sway: Tensor, state: list[Tensor] | None = None
    ) -> tuple[Tensor, list[Tensor]]:
        """Movement of head and brows: a slow random process, changed by what is said and by the noise code.

        Args:
            content: (batch, time, content_code).
            identity: (batch, identity_code).
            noise: (batch, time, noise_code).
            sway: (batch, time, 13) of `orate.models.sway.SwayProcess`, in units of the generator's scales.
            state: what an earlier call on the preceding frames returned.

        Returns:
            (batch, time, 13) in the same units: rotation, translation, upper components; and the state.
        """
        wide = torch.cat([_shared(content, identity), noise, sway], dim=2).transpose(1, 2)
        hidden, after = self.sway_hidden(wide, state[0] if state else None)
        return sway + self.sway_out(F.leaky_relu(hidden, LEAK)).transpose(1, 2), [after]


def _shared(content: Tensor, identity: Tensor) -> Tensor:
    return torch.cat([content, identity[:, None].expand(-1, content.shape[1], -1)], dim=2)
