"""Networks from PyTorch to OpenVINO."""

from __future__ import annotations

import warnings
from typing import Any

import openvino as ov
import torch
from torch import Tensor, nn


def to_openvino(module: nn.Module, inputs: tuple[Tensor, ...]) -> Any:
    """Trace a network once and convert it.

    Left to itself the converter traces three times, to check what our tests check: most of the time that a model takes
    to load.

    Args:
        module: in eval mode, on the CPU, with no branch that depends on its input.
        inputs: an example; what the network does must not depend on their sizes where they are to differ later.

    Returns:
        An `openvino.Model`; give it shapes with ``reshape``.
    """
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tracing in general; tests compare the results
        traced = torch.jit.trace(module, inputs, check_trace=False)  # type: ignore[no-untyped-call]
        return ov.convert_model(traced, example_input=inputs)
