"""The state of a run in one safetensors file, so that it resumes to the numbers it would have reached."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from orate.errors import OrateError

TENSOR_MARK = "@tensor"


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Write nested dictionaries and lists of tensors, numbers and strings; the file appears whole or not at all.

    Args:
        path: the file, whose folder exists.
        state: keys are strings or integers.
    """
    tensors: dict[str, Tensor] = {}
    skeleton = _detach(state, "", tensors)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        save_file(tensors, partial, metadata={"skeleton": json.dumps(skeleton)})
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def load_state(path: Path) -> dict[str, Any]:
    """Read what `save_state` wrote, tensors on the CPU.

    Raises:
        OrateError: the file is no such state or is damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            skeleton = json.loads((file.metadata() or {})["skeleton"])
            state = _attach(skeleton, {name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise OrateError(
            f"The training state {path} cannot be read ({error}): delete it to start anew, or take another run folder."
        ) from error
    return dict(state)


def _detach(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """Move the tensors of a nested value to `tensors`; the rest remains as what JSON can hold."""
    if isinstance(value, Tensor):
        name = f"{name}#{len(tensors)}"  # "a/b" in "c" and "b" in "c/a" would share a name
        tensors[name] = value.detach().cpu().contiguous().clone()
        return {TENSOR_MARK: name}
    if isinstance(value, dict):
        # JSON knows only string keys; pairs keep the integers of optimiser states.
        return {"@pairs": [[key, _detach(item, f"{name}/{key}", tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return [_detach(item, f"{name}/{index}", tensors) for index, item in enumerate(value)]
    return value


def _attach(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, dict):
        if TENSOR_MARK in value:
            return tensors[value[TENSOR_MARK]]
        return {key: _attach(item, tensors) for key, item in value["@pairs"]}
    if isinstance(value, list):
        return [_attach(item, tensors) for item in value]
    return value


def seeded(*numbers: int) -> torch.Generator:
    """A random source on the CPU, the same for the same numbers: draws of a step do not depend on those before it."""
    mixed = 0
    for number in numbers:
        mixed = (mixed * 1_000_003 + number + 1) % (2**63 - 1)
    return torch.Generator().manual_seed(mixed)
