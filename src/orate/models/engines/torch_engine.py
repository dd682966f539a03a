"""The generator run by PyTorch: on GPUs, and on CPUs as the exact reference."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from orate.models.engines.folded import FoldedDecoder, FrameCoder, SourceEncoder, State
from orate.models.generator import Generator

CPU_BLOCK = 8
GPU_BLOCK = 16  # a GPU takes as long for one frame as for several


class TorchEngine:
    """Runs blocks of frames; fp32 on the CPU and on Apple's GPUs, fp16 for the decoder on CUDA.

    Args:
        generator: the model, on the CPU.
        device: where it runs.
        block: frames of a block.
    """

    def __init__(self, generator: Generator, device: str, block: int | None = None) -> None:
        self._device = torch.device(device)
        self.name = "torch"
        self.precision = "f16" if self._device.type == "cuda" else "f32"
        self.block = block or (CPU_BLOCK if self._device.type == "cpu" else GPU_BLOCK)
        self._type = torch.float16 if self.precision == "f16" else torch.float32
        self._source_encoder = SourceEncoder(generator).eval().to(self._device)
        self._coder = FrameCoder(generator).eval().to(self._device)
        self._decoder = FoldedDecoder(generator).eval().to(self._device, self._type)

    def initial_state(self) -> State:
        """States of the recurrent nets before the first frame."""
        return tuple(state.to(self._device) for state in self._coder.initial_state())

    @torch.inference_mode()
    def source_shares(self, source: Tensor) -> tuple[Tensor, ...]:
        """What `decode` needs of a source image (1, 3, height, width) in [-1, 1]."""
        return tuple(share.to(self._type) for share in self._source_encoder(source.to(self._device)))

    @torch.inference_mode()
    def encode(self, windows: Tensor, noise: Tensor | None, state: State) -> tuple[Tensor, State]:
        """Encode one block: (block, window_samples) and (block, noise_code) to codes and the state after it."""
        rest = () if noise is None else (noise.to(self._device), *state[1:])
        codes, *after = self._coder(windows.to(self._device), state[0], *rest)
        return codes, tuple(after)

    @torch.inference_mode()
    def decode(self, codes: Iterable[Tensor], shares: tuple[Tensor, ...]) -> NDArray[np.uint8]:
        """Draw blocks of frames: (blocks * block, height, width, 3)."""
        frames = [self._decoder(block.to(self._type), *shares) for block in codes]
        video: NDArray[np.uint8] = torch.cat(frames).cpu().numpy()
        return video
