"""The three discriminators of the paper on the mouth's patch: what they see, and what keeps them general.

They see clips at half the patch's resolution, the finest that the residual has: the noise of a camera, which changes
from frame to frame and which no residual can draw, would tell them everything. What the refinement may not change
(inside the mouth, beyond the feather) is the truth's in both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from orate.corpora.mouth_pairs import RATE_HZ
from orate.models.config import ModelConfig
from orate.models.frame_discriminator import FrameDiscriminator
from orate.models.sequence_discriminator import SequenceDiscriminator
from orate.models.sync_discriminator import SyncDiscriminator
from orate.render.mouth_patch import HEIGHT, WIDTH
from orate.training.critics import Views
from orate.training.refine_config import RefineCritics, RefineLosses

PATCH = ModelConfig(image_height=HEIGHT // 2, image_width=WIDTH // 2)
# The sync discriminator looks at the lower half of a canonical crop: the patch is laid there, its upper half is empty.
CROP = ModelConfig(image_height=64, image_width=48, audio_rate=RATE_HZ, audio_channels=8)
CROP_ROWS, CROP_COLUMNS = slice(4, 44), slice(2, 62)  # of the patch as it is seen, 2 : 3 like half a crop


def build_refine_critics(losses: RefineLosses, sizes: RefineCritics) -> nn.ModuleDict:
    """The discriminators that have a weight, by name."""
    critics = nn.ModuleDict()
    if losses.frame:
        critics["frame"] = FrameDiscriminator(PATCH, sizes.channels)
    if losses.sequence:
        critics["sequence"] = SequenceDiscriminator(PATCH, sizes.channels, sizes.code)
    if losses.sync:
        critics["sync"] = SyncDiscriminator(CROP, sizes.channels, sizes.code)
    return critics


def halved(patches: Tensor, frames: int) -> Tensor:
    """(clips * frames, c, HEIGHT, WIDTH) to (clips, frames, c, HEIGHT / 2, WIDTH / 2)."""
    small = F.avg_pool2d(patches, 2)
    return small.reshape(-1, frames, *small.shape[1:])


class Disturbance:
    """One draw for each of a number of clips, for all its frames: offset and factor of brightness, displacement.

    Critics that judge only what was changed so cannot hold on to a picture's details.
    """

    def __init__(self, clips: int, sizes: RefineCritics, random: torch.Generator, device: torch.device) -> None:
        draws = (2 * torch.rand(clips, 4, generator=random) - 1).to(device)
        self._offset, self._factor = sizes.brightness * draws[:, 0], 1 + sizes.contrast * draws[:, 1]
        self._shift = sizes.shift * draws[:, 2:]

    def __call__(self, video: Tensor) -> Tensor:
        """(clips, time, 3, height, width), changed."""
        clips, time, _, height, width = video.shape
        matrix = torch.eye(2, 3, device=video.device).repeat(clips, 1, 1)
        matrix[:, :, 2] = self._shift * torch.tensor([2 / width, 2 / height], device=video.device)
        grid = F.affine_grid(matrix, [clips, 1, height, width], align_corners=False)
        grid = grid.repeat_interleave(time, 0)
        moved = F.grid_sample(video.flatten(0, 1), grid, padding_mode="reflection", align_corners=False)
        changed: Tensor = moved.reshape(video.shape) * self._factor[:, None, None, None, None]
        light = torch.tensor([1.0, 0.0, 0.0], device=video.device)
        return changed + self._offset[:, None, None, None, None] * light[:, None, None]


def lower_half(video: Tensor) -> Tensor:
    """(clips, time, 3, HEIGHT / 2, WIDTH / 2) as the lower half of crops (clips, time, 3, 64, 48)."""
    height, width = CROP.image_size
    part = video[..., CROP_ROWS, CROP_COLUMNS].flatten(0, 1)
    part = F.interpolate(part, size=(height // 2, width), mode="bilinear", antialias=True, align_corners=False)
    return F.pad(part, (0, 0, height // 2, 0)).reshape(*video.shape[:3], height, width)


def seen_by(name: str, views: Views, generated: Tensor) -> tuple[Views, Tensor]:
    """What a discriminator sees of real and generated clips."""
    if name != "sync":
        return views, generated
    return replace(views, real=lower_half(views.real)), lower_half(generated)


def slope_penalty(name: str, critic: nn.Module, views: Views) -> Tensor:
    """R1: the mean squared slope of the judgement at real clips (Mescheder et al., 2018, equation 9)."""
    real = views.real.detach().requires_grad_()
    with torch.backends.cudnn.flags(enabled=False):  # cuDNN's recurrent nets have no second derivative
        logits = _judge_real(name, critic, replace(views, real=real))
        (slope,) = torch.autograd.grad(logits.sum(), real, create_graph=True)
        return slope.square().flatten(1).sum(1).mean() / 2


def _judge_real(name: str, critic: nn.Module, views: Views) -> Tensor:
    judge = cast(Callable[..., Tensor], critic)
    if name == "frame":
        return judge(views.real, views.source)
    if name == "sequence":
        return judge(views.real)
    return judge(views.sync_frames(views.real), views.sync_window())
