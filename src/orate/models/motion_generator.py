"""The generator of the `default` model's motion: the same frame of encoders, noise and decoder, on a few numbers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from orate.errors import OrateError
from orate.models.face_encoder import POINTS, FaceEncoder
from orate.models.motion_config import MotionConfig
from orate.models.motion_decoder import LIDS, POSE, SWAY, UPPER_COMPONENTS, MotionDecoder
from orate.models.motion_encoder import MotionEncoder

MOTION_WEIGHTS = "motion.safetensors"
MOTION_CONFIG = "motion.json"
SWAY_ORDER = 4
KEPT = ("sway", "face_encoder.shape_axes", "face_encoder.mean_shape")
"""Stored in fp32: roots near 1, and small numbers."""

Floats = NDArray[np.float32]


@dataclass
class MotionState:
    """What a step-wise call carries from the frames before."""

    encoder: list[Tensor]
    decoder: list[Tensor]


class MotionGenerator(nn.Module):
    """Speech features, noise and a face to expression, lids and head pose.

    Attributes:
        basis: (components, 478, 3) cm, displacement at one unit of each coefficient; eyelids and irises are zero.
        scale: (components + 8,), deviation of coefficients, lids, rotation (rad) and translation (cm) in real tracks.
        gain: (components,), what regression leaves too timid is enlarged by.
        sway, sway_innovation: (order, values, values) and (values, values) of `orate.models.sway`: rotation (3, rad),
            translation (2, cm) and the upper face's coefficients (in cm of the basis).
    """

    basis: Tensor
    scale: Tensor
    gain: Tensor
    sway: Tensor
    sway_innovation: Tensor

    def __init__(self, config: MotionConfig) -> None:
        super().__init__()
        self.config = config
        self.face_encoder = FaceEncoder(config)
        self.motion_encoder = MotionEncoder(config)
        self.noise_generator = nn.GRU(config.noise_code, config.noise_code, batch_first=True)
        self.motion_decoder = MotionDecoder(config)
        self.register_buffer("basis", torch.zeros(config.components, POINTS, 3))
        self.register_buffer("scale", torch.ones(config.components + LIDS + POSE))
        self.register_buffer("gain", torch.ones(config.components))
        self.register_buffer("sway", torch.zeros(SWAY_ORDER, SWAY, SWAY))
        self.register_buffer("sway_innovation", torch.zeros(SWAY, SWAY))

    def forward(self, speech: Tensor, identity: Tensor, state: MotionState | None = None) -> tuple[Tensor, MotionState]:
        """What the sound tells of the expression.

        Args:
            speech: (batch, time, 2, 384), rows of the speech encoder of each frame.
            identity: (batch, identity_axes), from `FaceEncoder.coefficients`.
            state: what an earlier call on the preceding frames returned.

        Returns:
            (batch, time, components) coefficients in units of `scale`; the last `UPPER_COMPONENTS` are what speech
            tells of the brows, and `sway` gives those that are shown. And the state.
        """
        content, encoder = self.motion_encoder(speech, state.encoder if state else None)
        spoken, decoder = self.motion_decoder(content, self.face_encoder(identity), state.decoder if state else None)
        return spoken * self.gain, MotionState(encoder, decoder)

    def move(self, speech: Tensor, identity: Tensor, noise: Tensor, slow: Tensor) -> Tensor:
        """Movement of head and brows for a whole stretch; what is learned here does not change the content encoder.

        Args:
            speech: (batch, time, 2, 384).
            identity: (batch, identity_axes).
            noise: (batch, time, noise_code), Gaussian.
            slow: (batch, time, 13) of `orate.models.sway.SwayProcess`, in its own units.

        Returns:
            (batch, time, 13) in units of `sway_scale`: rotation (3), translation (2), upper components.
        """
        with torch.no_grad():
            content, _ = self.motion_encoder(speech)
        codes, _ = self.noise_generator(noise)
        identity = self.face_encoder(identity).detach()
        moved, _ = self.motion_decoder.sway(content, identity, codes.tanh(), slow / self.sway_scale)
        return moved

    @property
    def sway_scale(self) -> Tensor:
        """(13,) of `scale`: of what `move` gives."""
        count = self.config.components
        return self.scale[sway_indices(count)]

    def expression(self, coefficients: Tensor) -> Tensor:
        """(..., components), in units of `scale`, to displacement (..., 478, 3) cm."""
        scaled = coefficients * self.scale[: self.config.components]
        return torch.einsum("...k,kpc->...pc", scaled, self.basis)


def sway_indices(components: int) -> list[int]:
    """Where in the values of a frame (coefficients, lids, rotation, translation) that stands which noise moves."""
    pose = components + LIDS
    return [*range(pose, pose + SWAY - UPPER_COMPONENTS), *range(components - UPPER_COMPONENTS, components)]


def save_motion(generator: MotionGenerator, folder: Path, metadata: dict[str, Any] | None = None) -> None:
    """Write ``motion.safetensors`` (fp16) and ``motion.json`` into a folder, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        name: (value if name.startswith(KEPT) else value.half()).contiguous()
        for name, value in generator.state_dict().items()
    }
    partial = folder / f".{MOTION_WEIGHTS}.partial"
    header = {name: str(value) for name, value in (metadata or {}).items()}
    save_file(weights, partial, metadata=header)
    partial.replace(folder / MOTION_WEIGHTS)
    text = json.dumps(generator.config.model_dump(mode="json"), indent=2) + "\n"
    partial = folder / f".{MOTION_CONFIG}.partial"
    partial.write_text(text, encoding="utf-8")
    partial.replace(folder / MOTION_CONFIG)


def load_motion(folder: Path | None = None) -> MotionGenerator:
    """The bundled motion model, or that of a folder; eval mode, fp32, on the CPU.

    Raises:
        OrateError: files are missing, damaged, or do not fit together.
    """
    folder = folder or Path(str(resources.files("orate"))) / "weights" / "default"
    try:
        config = MotionConfig.model_validate_json((folder / MOTION_CONFIG).read_bytes())
        weights = load_file(folder / MOTION_WEIGHTS)
        generator = MotionGenerator(config)
        generator.load_state_dict({name: value.float() for name, value in weights.items()})
    except FileNotFoundError as error:
        raise OrateError(
            f"{error.filename or folder} is missing: install orate again, or name another model."
        ) from error
    except (SafetensorError, ValidationError, RuntimeError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise OrateError(f"The motion model in {folder} is damaged or another release's ({reason}).") from error
    return generator.eval().requires_grad_(False)
