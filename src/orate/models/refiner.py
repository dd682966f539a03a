"""The refinement's network: a small U-Net that adds to the drawn mouth what geometry leaves artificial."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from orate.errors import OrateError
from orate.render.mouth_patch import OPENING, PLANES, feather

REFINER_FILE = "refiner.safetensors"
LEAK = 0.1


class RefinerConfig(BaseModel):
    """Dimensions of the network, saved with its weights.

    Attributes:
        format_version: of the meaning of inputs and outputs.
        channels: of each level, finest first; the finest sees the patch at half its resolution.
        limit: the residual's largest value, in parts of the skin's brightness.
        inside: the residual's share between the lips. 0 leaves teeth, gums and tongue to the mouth's layer: with 1 the
            error on people never seen falls more, but mouths that open wider than those of the corpus fill with one
            greenish grey, the mean of all its teeth.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1] = 1
    channels: tuple[int, ...] = Field((24, 48, 72), min_length=1)
    limit: float = Field(0.7, gt=0)
    inside: float = Field(0.0, ge=0, le=1)


class RefinerNet(nn.Module):
    """From what the layers drew to a residual.

    No normalisation layers: inputs are in parts of the skin's brightness already, and how far the mouth is open must
    not be divided out. Input and output are at half the patch's resolution inside: a residual that cannot hold fine
    texture cannot blur the photo's.
    """

    def __init__(self, config: RefinerConfig) -> None:
        super().__init__()
        self.config = config
        first, *deeper = config.channels
        self.enter = _Block(4 * PLANES, first)
        pairs = list(zip(config.channels, deeper, strict=False))
        self.down = nn.ModuleList(_Block(before, after) for before, after in pairs)
        self.up = nn.ModuleList(_Block(before + after, before) for before, after in reversed(pairs))
        self.leave = nn.Conv2d(first, 3, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        if self.leave.bias is not None:
            nn.init.zeros_(self.leave.bias)

    def forward(self, planes: Tensor) -> Tensor:
        """See `orate.render.mouth_patch.network_planes`.

        Args:
            planes: (batch, PLANES, height, width); height and width divide by 2 to the power of the number of levels.

        Returns:
            (batch, 3, height, width) in the tone's space, before the feather; zero from an untrained network.
        """
        state = self.enter(F.pixel_unshuffle(planes, 2))
        passed = []
        for block in self.down:
            passed.append(state)
            state = block(F.avg_pool2d(state, 2))
        for block, fine in zip(self.up, reversed(passed), strict=True):
            large = F.interpolate(state, scale_factor=2.0, mode="bilinear", align_corners=False)
            state = block(torch.cat([fine, large], 1))
        limit = self.config.limit
        residual = limit * torch.tanh(self.leave(state) / limit)
        large = F.interpolate(residual, scale_factor=2.0, mode="bilinear", align_corners=False)
        return large * outside(planes, self.config.inside)


class _Block(nn.Sequential):
    def __init__(self, before: int, after: int) -> None:
        super().__init__(
            nn.Conv2d(before, after, 3, padding=1),
            nn.LeakyReLU(LEAK),
            nn.Conv2d(after, after, 3, padding=1),
            nn.LeakyReLU(LEAK),
        )


def outside(planes: Tensor, inside: float) -> Tensor:
    """(batch, 1, height, width): 1 on skin and lips, falling to `inside` where the target's mouth is open."""
    opening = F.avg_pool2d(planes[:, OPENING : OPENING + 1], 3, stride=1, padding=1)
    return 1 - (1 - inside) * opening


def refined(net: nn.Module, planes: Tensor, chroma: Tensor, stirred: Tensor) -> Tensor:
    """The patch after the refinement, as training sees it; `MouthPatch.add` does the same to a canvas.

    Args:
        net: the network.
        planes: (batch, PLANES, HEIGHT, WIDTH).
        chroma: (batch,) of the tones.
        stirred: (batch,) of the lips.

    Returns:
        (batch, 3, HEIGHT, WIDTH) in the tone's space.
    """
    shares = torch.stack([torch.ones_like(chroma), chroma, chroma], 1) * stirred[:, None]
    edge = torch.from_numpy(feather()).to(planes)
    residual: Tensor = net(planes) * shares[..., None, None] * edge
    return planes[:, :3] + residual


def save_refiner(net: RefinerNet, path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write weights in fp16 and dimensions to one file, which appears whole or not at all."""
    half = {name: value.detach().half().contiguous() for name, value in net.state_dict().items()}
    partial = path.with_name(f".{path.name}.partial")
    try:
        save_file(half, partial, metadata={**(metadata or {}), "config": net.config.model_dump_json()})
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def load_refiner(path: Path) -> RefinerNet:
    """Read what `save_refiner` wrote, in eval mode and fp32.

    Raises:
        OrateError: the file is missing, damaged or of another version.
    """
    try:
        with safe_open(path, framework="pt") as file:
            config = RefinerConfig.model_validate(json.loads((file.metadata() or {})["config"]))
            weights = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        net = RefinerNet(config)
        net.load_state_dict(weights)
    except (SafetensorError, OSError, KeyError, ValueError, ValidationError, RuntimeError) as error:
        raise OrateError(f"The refinement {path} cannot be read ({error}): get the model again.") from error
    return net.eval()
