"""The generator run by OpenVINO: the fastest way on CPUs, see docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock
from typing import Any

import numpy as np
import openvino as ov
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from orate import openvino_core
from orate.errors import OrateError
from orate.models.engines.conversion import to_openvino
from orate.models.engines.cores import usable_cores
from orate.models.engines.folded import FoldedDecoder, FrameCoder, SourceEncoder, State
from orate.models.generator import Generator

MAX_STREAMS = 8
BLOCK = 1


class OpenVinoEngine:
    """Runs frames one by one, one thread each, as many at a time as there are cores.

    Blocks of four cost a tenth less than single frames, but only to callers that always fill them.

    Args:
        generator: the model, on the CPU.
        block: frames of a block.
        precision: ``f32``, ``bf16``, or ``auto``: bf16 where the processor has instructions for it. The sound is always
            encoded in fp32, and the source image too.

    Raises:
        OrateError: the processor cannot do that precision.
    """

    def __init__(self, generator: Generator, precision: str = "auto", block: int | None = None) -> None:
        core = openvino_core()
        fast = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        if precision == "bf16" and not fast:
            raise OrateError("This processor has no bf16 instructions; take the precision f32.")
        self.name = "openvino"
        self.block = block or BLOCK
        self.precision = ("bf16" if fast else "f32") if precision == "auto" else precision
        config = generator.config
        self._source_encoder = SourceEncoder(generator).eval()
        coder = FrameCoder(generator).eval()
        self._initial_state = coder.initial_state()
        rest = (torch.zeros(self.block, config.noise_code), *self._initial_state[1:]) if config.noise_code else ()
        inputs = (torch.zeros(self.block, config.window_samples), self._initial_state[0], *rest)
        with torch.inference_mode():
            shares = self._source_encoder(torch.zeros(1, 3, *config.image_size))
            codes = coder(*inputs)[0]
        self._coder = _compile(core, coder, inputs, "f32", 1).create_infer_request()
        streams = min(usable_cores(), MAX_STREAMS)
        decoder = _compile(core, FoldedDecoder(generator).eval(), (codes, *shares), self.precision, streams)
        self._decoders = ov.AsyncInferQueue(decoder, streams)
        self._encoding, self._decoding = Lock(), Lock()

    def initial_state(self) -> State:
        """States of the recurrent nets before the first frame."""
        return self._initial_state

    @torch.inference_mode()
    def source_shares(self, source: Tensor) -> tuple[Tensor, ...]:
        """What `decode` needs of a source image (1, 3, height, width) in [-1, 1]."""
        shares: tuple[Tensor, ...] = self._source_encoder(source)
        return shares

    def encode(self, windows: Tensor, noise: Tensor | None, state: State) -> tuple[Tensor, State]:
        """Encode one block: (block, window_samples) and (block, noise_code) to codes and the state after it."""
        rest = () if noise is None else (noise, *state[1:])
        with self._encoding:
            outputs = self._coder.infer([tensor.numpy() for tensor in (windows, state[0], *rest)])
            codes, *after = (torch.from_numpy(value.copy()) for value in outputs.values())
        return codes, tuple(after)

    def decode(self, codes: Iterable[Tensor], shares: tuple[Tensor, ...]) -> NDArray[np.uint8]:
        """Draw blocks of frames, (blocks * block, height, width, 3), while the next codes are being made."""
        source = [share.numpy() for share in shares]
        given: list[Tensor] = []  # requests read these in place, so they have to live until the end
        drawn: dict[int, NDArray[np.uint8]] = {}

        def keep(request: Any, index: int) -> None:
            drawn[index] = request.get_output_tensor(0).data.copy()

        with self._decoding:
            self._decoders.set_callback(keep)
            try:
                for index, block in enumerate(codes):
                    given.append(block)
                    self._decoders.start_async([block.numpy(), *source], index, share_inputs=True)
            finally:
                self._decoders.wait_all()
        return np.concatenate([drawn[index] for index in sorted(drawn)])


def _compile(core: ov.Core, module: nn.Module, inputs: tuple[Tensor, ...], precision: str, streams: int) -> Any:
    model = to_openvino(module, inputs)
    model.reshape({place: ov.PartialShape(list(tensor.shape)) for place, tensor in enumerate(inputs)})
    options = {
        "INFERENCE_PRECISION_HINT": precision,
        "NUM_STREAMS": str(streams),
        "INFERENCE_NUM_THREADS": str(streams),
        "ENABLE_CPU_PINNING": "NO",  # other programs are at work on the same cores
    }
    return core.compile_model(model, "CPU", options)
