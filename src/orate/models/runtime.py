"""Running a generator for inference: fast, in blocks, with the same frames however the sound was cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from orate.errors import OrateError
from orate.models.engines.folded import State
from orate.models.generator import Generator

Precision = Literal["auto", "f32", "bf16"]


class Engine(Protocol):
    """What carries out a generator's computation, `block` frames at a time."""

    name: str
    precision: str
    block: int

    def initial_state(self) -> State:
        """States of the recurrent nets before the first frame."""

    def source_shares(self, source: Tensor) -> tuple[Tensor, ...]:
        """What `decode` needs of a source image (1, 3, height, width) in [-1, 1]."""

    def encode(self, windows: Tensor, noise: Tensor | None, state: State) -> tuple[Tensor, State]:
        """Encode one block: (block, window_samples) and (block, noise_code) to codes and the state after it."""

    def decode(self, codes: Iterable[Tensor], shares: tuple[Tensor, ...]) -> NDArray[np.uint8]:
        """Draw blocks: (blocks * block, height, width, 3)."""


class Runtime:
    """A generator made ready for inference; serves any number of sessions, from several threads too.

    Against eager fp32 PyTorch, in grey levels of 0 to 255 on the full-size network: every engine in fp32 differs by at
    most 1 (the rounding of a value between two levels), OpenVINO in bf16 and CUDA in fp16 by less than 0.5 in the mean.

    Args:
        generator: the model in eval mode; it is copied.
        engine: ``torch``, ``openvino``, or ``auto`` for the fastest by measurement (docs/benchmarks.md),
            OpenVINO on CPUs and PyTorch on GPUs.
        device: ``cpu``, ``cuda``, ``mps``, or ``auto`` for a GPU where there is one.
        precision: of OpenVINO: ``auto`` takes bf16 where the processor has instructions for it, else f32.
        block: frames computed at once, by default 1 with OpenVINO, 8 with PyTorch on a CPU, 16 on a GPU. Frames of
            different block sizes differ by rounding.

    Raises:
        OrateError: no such engine or device here.
    """

    def __init__(
        self,
        generator: Generator,
        engine: str = "auto",
        device: str = "cpu",
        *,
        precision: Precision = "auto",
        block: int | None = None,
    ) -> None:
        self.config = generator.config
        self.device = choose_device(device)
        self.engine = _make_engine(generator, engine, self.device, precision, block)

    def session(self, source: NDArray[np.uint8], seed: int = 0) -> Session:
        """Begin a video.

        Args:
            source: (height, width, 3) uint8 RGB, the canonical crop of the source image.
            seed: chooses the noise: blinks and other small movement.

        Raises:
            OrateError: the crop is not of the model's size.
        """
        expected = (*self.config.image_size, 3)
        if source.shape != expected or source.dtype != np.uint8:
            raise OrateError(
                f"The source crop must be {expected} uint8 for this model, not {source.shape} {source.dtype}."
            )
        pixels = torch.from_numpy(np.ascontiguousarray(source)).float() / 127.5 - 1
        return Session(self, self.engine.source_shares(pixels.permute(2, 0, 1)[None].contiguous()), seed)


class Session:
    """One video being made: the states of the recurrent nets and of the noise, from call to call.

    Engines round differently for different batch sizes, so frame k is always computed at place ``k % block`` of a
    whole block: a block that is not full yet is computed with silence in the rest, and again when more sound comes.
    """

    def __init__(self, runtime: Runtime, shares: tuple[Tensor, ...], seed: int) -> None:
        self._engine = runtime.engine
        self._config = runtime.config
        self._shares = shares
        self._random = torch.Generator().manual_seed(seed)
        self._state = self._engine.initial_state()  # before the current block
        self._filled = 0  # frames of the current block that were drawn already
        self._clear()

    def frames(self, windows: NDArray[np.float32] | Tensor) -> NDArray[np.uint8]:
        """Draw the next frames; any partition of the windows into calls gives the same frames, bit for bit.

        Memory is that of one call, windows and frames, about 80 kB a frame: give long sound in parts. Calls that fill
        whole blocks (`Runtime.engine`'s ``block``) waste nothing.

        Args:
            windows: (frames, window_samples) in [-1, 1], from `orate.models.windows.cut_windows`.

        Returns:
            (frames, height, width, 3) uint8 RGB.
        """
        given = torch.as_tensor(windows, dtype=torch.float32)
        if given.dim() != 2 or given.shape[1] != self._config.window_samples:
            raise ValueError(f"windows must be (frames, {self._config.window_samples}), not {tuple(given.shape)}")
        if not len(given):
            return np.empty((0, *self._config.image_size, 3), np.uint8)
        skip = self._filled
        drawn = self._engine.decode(self._blocks(given), self._shares)
        return drawn[skip : skip + len(given)]

    def _blocks(self, windows: Tensor) -> Iterator[Tensor]:
        """Codes of the blocks that the windows fall into."""
        while len(windows):
            part = windows[: self._engine.block - self._filled]
            windows = windows[len(part) :]
            yield self._encode(part)

    def _encode(self, windows: Tensor) -> Tensor:
        """Put windows in the current block, and encode the block."""
        end = self._filled + len(windows)
        self._windows.numpy()[self._filled : end] = windows.numpy()  # PyTorch would wake threads for the copy
        if self._noise is not None:
            for place in range(self._filled, end):  # one by one: a larger draw gives other numbers
                self._noise[place] = torch.randn(self._config.noise_code, generator=self._random)
                self._noise[place] *= self._config.noise_std
        codes, after = self._engine.encode(self._windows, self._noise, self._state)
        self._filled = end
        if end == self._engine.block:
            self._state, self._filled = after, 0
            self._clear()
        return codes

    def _clear(self) -> None:
        block, config = self._engine.block, self._config
        self._windows = torch.from_numpy(np.zeros((block, config.window_samples), np.float32))
        self._noise = torch.zeros(block, config.noise_code) if config.noise_code else None


def choose_device(device: str) -> str:
    """The device to compute on: itself, or for ``auto`` a GPU where there is one, else ``cpu``.

    Raises:
        OrateError: there is no such device here.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    kind = device.partition(":")[0]
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if kind not in available:
        raise OrateError(f"There is no device {device!r}: take auto, cpu, cuda or mps.")
    if not available[kind]:
        raise OrateError(f"The device {device} was asked for, but PyTorch finds none here: take auto or cpu.")
    return device


def _make_engine(generator: Generator, name: str, device: str, precision: Precision, block: int | None) -> Engine:
    if name == "auto":
        name = "openvino" if device == "cpu" else "torch"
    if name == "torch":
        from orate.models.engines.torch_engine import TorchEngine

        return TorchEngine(generator, device, block)
    if name != "openvino":
        raise OrateError(f"There is no engine {name!r}: take auto, torch or openvino.")
    if device != "cpu":
        raise OrateError(f"The engine openvino runs on the CPU, not on {device}: take the engine torch.")
    from orate.models.engines.openvino_engine import OpenVinoEngine

    return OpenVinoEngine(generator, precision, block)
