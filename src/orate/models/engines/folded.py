"""The generator rearranged for inference: batch norms folded into the convolutions, the source image's share apart."""

from __future__ import annotations

from copy import deepcopy
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from orate.models.audio_encoder import RECURRENT_LAYERS
from orate.models.frame_decoder import UNetBlock
from orate.models.generator import Generator
from orate.models.layers import WindowEncoder

HALF_RANGE = 127.5  # uint8 is round((x + 1) * 127.5): the full range (the released code capped white at 250)

State = tuple[Tensor, ...]
"""States of the recurrent nets: (2, 1, content_code), then (1, 1, noise_code) where there is sequential noise."""


class FrameCoder(nn.Module):
    """Windows of sound and noise of successive frames to their codes, with the states of the recurrent nets."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        config = generator.config
        self.window_encoder = _folded_window_encoder(generator.audio_encoder.window_encoder)
        self.content = deepcopy(generator.audio_encoder.recurrent)
        noise = generator.noise_generator
        self.noise = deepcopy(noise.recurrent) if noise is not None else None
        self.content_shape = (RECURRENT_LAYERS, 1, config.content_code)
        self.noise_shape = (1, 1, config.noise_code)

    def initial_state(self) -> State:
        """The state before the first frame."""
        shapes = [self.content_shape] if self.noise is None else [self.content_shape, self.noise_shape]
        return tuple(torch.zeros(shape) for shape in shapes)

    def forward(
        self,
        windows: Tensor,
        content_state: Tensor,
        noise: Tensor | None = None,
        noise_state: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        """Encode successive frames.

        Args:
            windows: (frames, window_samples).
            content_state: (2, 1, content_code).
            noise: (frames, noise_code), for a model with noise.
            noise_state: (1, 1, noise_code), for a model with sequential noise.

        Returns:
            Content and noise codes joined, (frames, content_code + noise_code), then the states after the last frame.
        """
        content, content_state = self.content(self.window_encoder(windows[:, None])[None], content_state)
        if noise is None:
            return content[0], content_state
        if self.noise is None:
            return torch.cat([content[0], noise], dim=1), content_state
        codes, noise_state = self.noise(noise[None], noise_state)
        return torch.cat([content[0], codes[0].tanh()], dim=1), content_state, cast(Tensor, noise_state)


class SourceEncoder(nn.Module):
    """What the decoder needs of a source image, once for all frames.

    The first layer and the joined convolutions are linear, so the shares of the identity code and of the skips are
    added to what each frame brings.
    """

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.identity_encoder = deepcopy(generator.identity_encoder)
        decoder = generator.frame_decoder
        identity = generator.config.identity_code
        weight, bias = _folded(decoder.start.weight, decoder.start_norm, 1)
        self.start = _linear(weight[-identity:], bias)
        self.joins = nn.ModuleList(_joining(block)[1] for block in _blocks(generator))

    def forward(self, source: Tensor) -> tuple[Tensor, ...]:
        """Encode a source image.

        Args:
            source: (1, 3, height, width) in [-1, 1].

        Returns:
            The shares: of the first layer (1, channels * h * w), then of each block (1, channels, h, w).
        """
        identity, skips = self.identity_encoder(source)
        shares = [join(skip) for join, skip in zip(self.joins, skips, strict=False)]
        return self.start(identity), *shares


class FoldedDecoder(nn.Module):
    """Codes of frames and the source image's shares to pictures in uint8."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        decoder = generator.frame_decoder
        self.coarse_size = generator.config.coarse_size
        weight, _ = _folded(decoder.start.weight, decoder.start_norm, 1)
        self.start = _linear(weight[: -generator.config.identity_code], None)
        self.joins = nn.ModuleList(_joining(block)[0] for block in _blocks(generator))
        self.enlarges = nn.ModuleList(_enlarging(block) for block in _blocks(generator))
        self.to_rgb = _as_shuffled(decoder.to_rgb.weight)

    def forward(self, codes: Tensor, start_share: Tensor, *shares: Tensor) -> Tensor:
        """Draw frames.

        Args:
            codes: (frames, content_code + noise_code).
            start_share: (1, channels * h * w).
            shares: one (1, channels, h, w) for each block, from coarse to fine.

        Returns:
            (frames, height, width, 3) uint8.
        """
        features = (self.start(codes) + start_share).relu().view(codes.shape[0], -1, *self.coarse_size)
        for join, enlarge, share in zip(self.joins, self.enlarges, shares, strict=True):
            features = enlarge((join(features) + share).relu()).relu()
        # To uint8 in fp32: bf16 has steps of half a grey level near black and white.
        frames = F.pixel_shuffle(self.to_rgb(features).float(), 2).tanh()
        return ((frames + 1) * HALF_RANGE).round().to(torch.uint8).permute(0, 2, 3, 1)


def _blocks(generator: Generator) -> list[UNetBlock]:
    return [block for block in generator.frame_decoder.blocks if isinstance(block, UNetBlock)]


def _folded(
    weight: Tensor, norm: nn.BatchNorm1d | nn.BatchNorm2d, dim: int, bias: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution followed by a batch norm; `dim` is the weight's axis of the outputs."""
    mean, variance = cast(Tensor, norm.running_mean), cast(Tensor, norm.running_var)
    scale = norm.weight / torch.sqrt(variance + norm.eps)
    shape = [-1 if axis == dim else 1 for axis in range(weight.dim())]
    offset = mean if bias is None else mean - bias
    return (weight * scale.view(shape)).detach(), (norm.bias - offset * scale).detach()


def _folded_window_encoder(encoder: WindowEncoder) -> nn.Sequential:
    """The window encoder as a plain chain: (N, 1, window_samples) to (N, code)."""
    layers: list[nn.Module] = []
    for layer in encoder.strided:
        convolution, norm, _ = cast(nn.Sequential, layer)
        convolution = deepcopy(cast(nn.Conv1d, convolution))
        weight, bias = _folded(convolution.weight, cast(nn.BatchNorm1d, norm), 0, convolution.bias)
        convolution.weight, convolution.bias = nn.Parameter(weight), nn.Parameter(bias)
        layers += [convolution, nn.ReLU()]
    return nn.Sequential(*layers, deepcopy(encoder.code), nn.Tanh(), nn.Flatten())


def _linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    """A transposed convolution (in, out, h, w) of a 1x1 map, as a matrix; one bias for each of the `out` maps."""
    linear = nn.Linear(weight.shape[0], weight[0].numel(), bias=bias is not None)
    linear.weight = nn.Parameter(weight.flatten(1).t().contiguous())
    if bias is not None:
        linear.bias = nn.Parameter(bias.repeat_interleave(weight[0, 0].numel()))
    return linear


def _joining(block: UNetBlock) -> tuple[nn.Conv2d, nn.Conv2d]:
    """The joined transposed 3x3 convolution as two plain ones, for the features and (with the bias) for the skip."""
    weight, bias = _folded(block.join.weight, block.join_norm, 1)
    kernel = weight.transpose(0, 1).flip(2, 3)
    return _convolution(kernel[:, : block.channels], None), _convolution(kernel[:, block.channels :], bias)


def _enlarging(block: UNetBlock) -> nn.ConvTranspose2d:
    weight, bias = _folded(block.enlarge.weight, block.enlarge_norm, 1)
    layer = nn.ConvTranspose2d(weight.shape[0], weight.shape[1], 4, stride=2, padding=1)
    layer.weight, layer.bias = nn.Parameter(weight), nn.Parameter(bias)
    return layer


def _as_shuffled(weight: Tensor) -> nn.Conv2d:
    """A 4x4 transposed convolution of stride 2 as a 3x3 one to four times the maps, to be shuffled into pixels.

    More multiplications, but engines are slow at transposed convolutions to only three maps. Even output rows see
    the input rows above and here by the taps 3 and 1, odd ones here and below by the taps 2 and 0.
    """
    inputs, outputs = weight.shape[:2]
    kernel = weight.new_zeros(outputs, 2, 2, inputs, 3, 3)
    taps = (((0, 3), (1, 1)), ((1, 2), (2, 0)))
    for parity_y, rows in enumerate(taps):
        for parity_x, columns in enumerate(taps):
            for row, tap_y in rows:
                for column, tap_x in columns:
                    kernel[:, parity_y, parity_x, :, row, column] = weight[:, :, tap_y, tap_x].detach().t()
    return _convolution(kernel.flatten(0, 2), None)


def _convolution(weight: Tensor, bias: Tensor | None) -> nn.Conv2d:
    layer = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1, bias=bias is not None)
    layer.weight = nn.Parameter(weight.contiguous())
    if bias is not None:
        layer.bias = nn.Parameter(bias)
    return layer
