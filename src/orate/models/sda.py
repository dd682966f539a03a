"""Importer of the checkpoints that the paper's authors released (``sda``), the only place where a pickle is read."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy._core import multiarray
from pydantic import ValidationError
from torch import Tensor

from orate.errors import OrateError
from orate.models.config import ModelConfig
from orate.models.generator import Generator
from orate.models.layers import plan_audio_convolutions

# Base of the nose, then the eye corners from left to right in the picture, of the 68-point scheme.
STABLE_68 = (33, 36, 39, 42, 45)

_STATES = ("encoder", "encoder_id", "generator")
_FIELDS = (
    "mean_face",
    "img_size",
    "audio_rate",
    "video_rate",
    "audio_feat_len",
    "audio_feat_samples",
    "id_enc_dim",
    "rnn_gen_dim",
    "aud_enc_dim",
    "aux_latent",
    "sequential_noise",
)
_COUNTER = "num_batches_tracked"
_FIRST_SOUND_LAYER = "encoder.cl.0.weight"
_FIRST_IMAGE_LAYER = "cl.0.0.weight"

# NumPy arrays and scalars of plain numbers, by the module names of NumPy 2 and of NumPy 1; nothing else is let in
# beside the tensors and containers that torch.load(weights_only=True) knows.
_ALLOWED: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    np.ndarray,
    np.dtype,
    *(type(np.dtype(name)) for name in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")),
    *(
        (getattr(multiarray, name), f"numpy.{core}.multiarray.{name}")
        for name in ("_reconstruct", "scalar")
        for core in ("core", "_core")
    ),
]

# Our names, and where the same entry stands in which of their state dicts.
_RENAMES: tuple[tuple[str, str, Callable[[re.Match[str]], str]], ...] = (
    (r"identity_encoder\.halvings\.(.+)", "encoder_id", lambda m: f"cl.{m[1]}"),
    (r"audio_encoder\.window_encoder\.strided\.(\d+)\.0\.(.+)", "encoder", lambda m: f"encoder.cl.{m[1]}.{m[2]}"),
    (
        r"audio_encoder\.window_encoder\.strided\.(\d+)\.1\.(.+)",
        "encoder",
        lambda m: f"encoder.activations.{m[1]}.0.{m[2]}",
    ),
    (r"audio_encoder\.recurrent\.(.+)", "encoder", lambda m: f"rnn.{m[1]}"),
    (r"noise_generator\.recurrent\.(.+)", "generator", lambda m: f"rnn_noise.{m[1]}"),
    (r"frame_decoder\.start\.(.+)", "generator", lambda m: f"dcl.0.0.{m[1]}"),
    (r"frame_decoder\.start_norm\.(.+)", "generator", lambda m: f"dcl.0.1.{m[1]}"),
    (r"frame_decoder\.blocks\.(\d+)\.join\.(.+)", "generator", lambda m: f"dcl.{int(m[1]) + 1}.dcl1.{m[2]}"),
    (
        r"frame_decoder\.blocks\.(\d+)\.join_norm\.(.+)",
        "generator",
        lambda m: f"dcl.{int(m[1]) + 1}.activation1.0.{m[2]}",
    ),
    (r"frame_decoder\.blocks\.(\d+)\.enlarge\.(.+)", "generator", lambda m: f"dcl.{int(m[1]) + 1}.dcl2.{m[2]}"),
    (
        r"frame_decoder\.blocks\.(\d+)\.enlarge_norm\.(.+)",
        "generator",
        lambda m: f"dcl.{int(m[1]) + 1}.activation2.0.{m[2]}",
    ),
)


def load_sda(file: str | Path) -> Generator:
    """Read a checkpoint of the authors' as a generator in eval mode, fp32.

    Args:
        file: what their code loads, such as ``grid.dat``: a dict written by ``torch.save``.

    Raises:
        OrateError: the file is missing, damaged, holds anything but numbers, or is not such a checkpoint.
    """
    path = Path(file)
    content = _read(path)
    try:
        config = _read_config(content)
        states = {name: _read_state(content, name) for name in _STATES}
        weights = _rename(states, config)
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"]))
        raise OrateError(f"{path} is not a checkpoint that orate can use: {place} {problem['msg']}.".strip()) from None
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        reason = error.args[0] if error.args else type(error).__name__
        raise OrateError(f"{path} is not a checkpoint of the authors' sda: {reason}.") from None
    with torch.device("meta"):
        generator = Generator(config)
    generator.load_state_dict(weights, assign=True)
    return generator.eval()


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise OrateError(f"There is no file {path}.")
    try:
        with torch.serialization.safe_globals(_ALLOWED), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickle protocols: the outcome alone matters
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        foreign = re.search(r"GLOBAL ([\w.]+)", str(error))
        if foreign:
            raise OrateError(
                f"{path} was refused unread: beside numbers it wants to load {foreign[1]}, which may run code."
            ) from None
        raise OrateError(f"{path} was refused: it is damaged, or holds more than numbers.") from None
    except Exception as error:  # noqa: BLE001 - a damaged pickle fails wherever the damage is
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise OrateError(f"{path} is truncated or not a file of torch.save ({reason[0].rstrip('.')}).") from None
    if not isinstance(content, dict):
        raise OrateError(f"{path} is not a checkpoint of the authors' sda: it holds no dict.")
    missing = [name for name in (*_STATES, *_FIELDS) if name not in content]
    if missing:
        raise OrateError(f"{path} is not a checkpoint of the authors' sda: {', '.join(missing)} missing.")
    return content


def _read_config(content: Mapping[str, Any]) -> ModelConfig:
    height, width = (int(side) for side in _numbers(content, "img_size"))
    config = ModelConfig(
        image_height=height,
        image_width=width,
        base_channels=_read_state(content, "encoder_id")[_FIRST_IMAGE_LAYER].shape[0],
        identity_code=int(_number(content, "id_enc_dim")),
        audio_rate=int(_number(content, "audio_rate")),
        fps=_number(content, "video_rate"),
        window_s=_number(content, "audio_feat_len"),
        audio_channels=_read_state(content, "encoder")[_FIRST_SOUND_LAYER].shape[0],
        audio_code=int(_number(content, "aud_enc_dim")),
        content_code=int(_number(content, "rnn_gen_dim")),
        noise_code=int(_number(content, "aux_latent")),
        sequential_noise=bool(_number(content, "sequential_noise")) and _number(content, "aux_latent") > 0,
        mean_points=_mean_points(content),
    )
    samples = int(_number(content, "audio_feat_samples"))
    if samples != config.window_samples:
        raise ValueError(
            f"audio_feat_samples is {samples}, but audio_feat_len and audio_rate make {config.window_samples}"
        )
    return config


def _mean_points(content: Mapping[str, Any]) -> tuple[tuple[float, float], ...]:
    values = _numbers(content, "mean_face")
    if values.size != 68 * 2 or not np.isfinite(values).all():
        raise ValueError(f"mean_face holds {values.size} values instead of 68 points")
    points = values.reshape(68, 2)
    return tuple((float(points[index, 0]), float(points[index, 1])) for index in STABLE_68)


def _numbers(content: Mapping[str, Any], name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Numbers in whatever they are kept: a number, a tuple, a NumPy array or a tensor."""
    value = content[name]
    array = value.numpy() if isinstance(value, Tensor) else np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} is not a number")
    return array.astype(np.float64)


def _number(content: Mapping[str, Any], name: str) -> float:
    values = _numbers(content, name)
    if values.size != 1:
        raise ValueError(f"{name} is not one number")
    return float(values.reshape(()))


def _read_state(content: Mapping[str, Any], name: str) -> Mapping[str, Tensor]:
    state = content[name]
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise TypeError(f"{name} is not a state dict")
    for first in (_FIRST_SOUND_LAYER if name == "encoder" else "", _FIRST_IMAGE_LAYER if name == "encoder_id" else ""):
        if first and (first not in state or not state[first].dim()):
            raise ValueError(f"{name} has no {first}")
    return state


def _rename(states: Mapping[str, Mapping[str, Tensor]], config: ModelConfig) -> dict[str, Tensor]:
    """Their entries under our names; every entry has to be there, of our shape, and none may be left."""
    with torch.device("meta"):
        expected = Generator(config).state_dict()
    layers = len(config.encoder_channels)
    weights: dict[str, Tensor] = {}
    used = set()
    for name, value in expected.items():
        if name.endswith(_COUNTER):
            weights[name] = torch.tensor(0)
            continue
        where, theirs = _their_name(name, layers, config)
        if theirs not in states[where]:
            raise ValueError(f"{where} has no {theirs}")
        given = states[where][theirs]
        if given.shape != value.shape:
            raise ValueError(f"{theirs} of {where} is {tuple(given.shape)} instead of {tuple(value.shape)}")
        used.add((where, theirs))
        weights[name] = given.detach().float().contiguous()
    extra = [
        f"{where} {name}"
        for where, state in states.items()
        for name in state
        if (where, name) not in used and not name.endswith(_COUNTER)
    ]
    if extra:
        raise ValueError(f"{extra[0]} is unknown, {len(extra)} such entries in all")
    return weights


def _their_name(name: str, layers: int, config: ModelConfig) -> tuple[str, str]:
    if name == "identity_encoder.code.weight":
        return "encoder_id", f"cl.{layers}.0.weight"
    if name == "frame_decoder.to_rgb.weight":
        return "generator", f"dcl.{layers}.weight"
    if name.startswith("audio_encoder.window_encoder.code."):
        sound_layers = len(plan_audio_convolutions(config.audio_rate, config.window_s)[0])
        return "encoder", f"encoder.cl.{sound_layers}.{name.rpartition('.')[2]}"
    for pattern, where, rename in _RENAMES:
        match = re.fullmatch(pattern, name)
        if match:
            return where, rename(match)
    raise KeyError(f"orate's {name} has no counterpart")
