"""A `MotionGenerator` frame by frame in NumPy: a few products of matrices and vectors.

Same result as the network's, to rounding; one frame at a time, so that it does not depend on how speech was cut, and
without the overhead of sixty small calls of a tensor library.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from orate.models.motion_encoder import LEAK, CausalConvolution
from orate.models.motion_generator import MotionGenerator

Floats = NDArray[np.float32]


class MotionStep:
    """Content encoder and the decoder's path of speech, with their memory.

    Args:
        generator: its weights are copied.
        coefficients: (identity_axes,), from `FaceEncoder.coefficients`.
    """

    def __init__(self, generator: MotionGenerator, coefficients: torch.Tensor) -> None:
        encoder, decoder = generator.motion_encoder, generator.motion_decoder
        deviation = encoder.deviation.numpy()
        entry = encoder.entry.weight.detach().numpy() / deviation
        self._entry = np.ascontiguousarray(entry.T)
        self._entry_bias = encoder.entry.bias.detach().numpy() - entry @ encoder.mean.numpy()
        self._blocks = [(_Taps(block.dilated), *_pointwise(block.mix)) for block in encoder.blocks]  # type: ignore[arg-type]
        self._code = np.ascontiguousarray(encoder.code.weight.detach().numpy().T), encoder.code.bias.detach().numpy()
        self._hidden = _Taps(decoder.speech_hidden)
        self._out = _pointwise(decoder.speech_out)
        self._gain = generator.gain.numpy()
        with torch.inference_mode():
            self._identity = generator.face_encoder(coefficients[None])[0].numpy().copy()
        self._noise = _Gru(generator.noise_generator)
        self._sway_hidden = _Taps(decoder.sway_hidden)
        self._sway_out = _pointwise(decoder.sway_out)

    def __call__(self, speech: NDArray[np.floating]) -> tuple[Floats, Floats]:
        """The next frame's rows of speech features, (2, 384), to its coefficients (components,) and content code."""
        frame = _leaky(np.asarray(speech, np.float32).ravel() @ self._entry + self._entry_bias)
        for taps, mix, bias in self._blocks:
            frame = frame + _leaky(taps(frame)) @ mix + bias
        content = frame @ self._code[0] + self._code[1]
        hidden = _leaky(self._hidden(np.concatenate([content, self._identity])))
        coefficients: Floats = (hidden @ self._out[0] + self._out[1]) * self._gain
        return coefficients, content

    def sway(self, content: Floats, noise: Floats, slow: Floats) -> Floats:
        """Movement of head and brows in the next frame, (13,) in units of the generator's ``sway_scale``.

        Args:
            content: the frame's content code.
            noise: (noise_code,), Gaussian.
            slow: (13,) of `orate.models.sway.SwayProcess`, in those units too.
        """
        wide = np.concatenate([content, self._identity, np.tanh(self._noise(noise)), slow])
        hidden = _leaky(self._sway_hidden(wide))
        moved: Floats = slow + hidden @ self._sway_out[0] + self._sway_out[1]
        return moved


class _Gru:
    """A gated recurrent unit (Cho et al. 2014) with PyTorch's order of gates: reset, update, new."""

    def __init__(self, layer: torch.nn.GRU) -> None:
        named = {name: value.detach().numpy() for name, value in layer.named_parameters()}
        self._inward, self._inward_bias = named["weight_ih_l0"].T.copy(), named["bias_ih_l0"]
        self._around, self._around_bias = named["weight_hh_l0"].T.copy(), named["bias_hh_l0"]
        self._code = np.zeros(layer.hidden_size, np.float32)

    def __call__(self, values: Floats) -> Floats:
        size = len(self._code)
        given = values @ self._inward + self._inward_bias
        kept = self._code @ self._around + self._around_bias
        gates = 1 / (1 + np.exp(-(given[: 2 * size] + kept[: 2 * size])))
        fresh = np.tanh(given[2 * size :] + gates[:size] * kept[2 * size :])
        self._code = (1 - gates[size:]) * fresh + gates[size:] * self._code
        return self._code


class _Taps:
    """A causal convolution at its newest frame, with a ring of those before."""

    def __init__(self, layer: CausalConvolution) -> None:
        weight = layer.convolution.weight.detach().numpy()  # (after, before, kernel)
        self._weight = np.ascontiguousarray(weight.transpose(2, 1, 0).reshape(-1, weight.shape[0]))
        self._bias = layer.convolution.bias.detach().numpy() if layer.convolution.bias is not None else np.float32(0)
        dilation = int(layer.convolution.dilation[0])
        self._offsets = [k * dilation for k in range(weight.shape[2])]
        self._ring = np.zeros((layer.past + 1, weight.shape[1]), np.float32)
        self._at = 0

    def __call__(self, frame: Floats) -> Floats:
        size = len(self._ring)
        self._ring[self._at] = frame
        first = self._at + 1  # the oldest frame
        seen = np.concatenate([self._ring[(first + offset) % size] for offset in self._offsets])
        self._at = first % size
        made: Floats = seen @ self._weight + self._bias
        return made


def _pointwise(layer: torch.nn.Conv1d) -> tuple[Floats, Floats]:
    weight = layer.weight.detach().numpy()[:, :, 0]
    bias = layer.bias.detach().numpy() if layer.bias is not None else np.zeros(len(weight), np.float32)
    return np.ascontiguousarray(weight.T), bias


def _leaky(values: Floats) -> Floats:
    bent: Floats = np.maximum(values, np.float32(LEAK) * values)
    return bent
