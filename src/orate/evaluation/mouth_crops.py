"""What the sync network and the lip reader see of a canonical crop: the mouth, grey, at the crop's own resolution."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from orate.errors import OrateError

CROP_SIZE = (128, 96)  # height, width of the canonical crop, px
REGION_TOP, REGION_LEFT = 68, 16  # of the region around the mouth that is kept, px of the canonical crop
REGION = (48, 64)  # its height and width
SEEN = (40, 56)  # what a network sees of it: its centre, or in training a part moved about
LEAST_SPREAD = 4.0  # grey levels: a picture of one colour is not divided by its noise


def mouth_region(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The region around the mouth of canonical crops.

    Args:
        frames: (time, 128, 96, 3) uint8 RGB.

    Returns:
        (time, 48, 64) uint8 grey.

    Raises:
        OrateError: crops of another size.
    """
    if frames.ndim != 4 or frames.shape[1:3] != CROP_SIZE:
        raise OrateError(
            f"The mouth is looked for in canonical crops of {CROP_SIZE[0]} x {CROP_SIZE[1]} (height x width), "
            f"not in frames of the form {frames.shape}: prepare the clips with 'orate prepare'."
        )
    rows = slice(REGION_TOP, REGION_TOP + REGION[0])
    region = frames[:, rows, REGION_LEFT : REGION_LEFT + REGION[1]]
    grey = np.empty(region.shape[:3], np.uint8)
    for place, picture in zip(grey, region, strict=True):
        place[:] = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY)
    return grey


def network_input(regions: Tensor) -> Tensor:
    """Regions as the networks see them: the centre, each clip brought to mean 0 and deviation 1.

    Args:
        regions: (batch, time, 48, 64), grey levels from 0 to 255.

    Returns:
        (batch, 1, time, 40, 56) float32.
    """
    top, left = ((whole - seen) // 2 for whole, seen in zip(REGION, SEEN, strict=True))
    return standardised(regions[..., top : top + SEEN[0], left : left + SEEN[1]].float())


def varied_input(regions: Tensor, strength: float, random: torch.Generator) -> Tensor:
    """As `network_input`, each clip mirrored at random, moved, turned, stretched and its contrast bent, for training.

    Args:
        regions: (batch, time, 48, 64), grey levels from 0 to 255.
        strength: of all but the mirroring; at 1 the deviations are 2 px of shift, 3 degrees, 6% of size, and 0.2 of
            the logarithm of gamma.
        random: source of the draws, on the CPU.

    Returns:
        (batch, 1, time, 40, 56) float32.
    """
    batch = len(regions)
    normal = torch.randn(batch, 6, generator=random).clamp(-2, 2) * strength
    mirror = 1 - 2 * torch.randint(2, (batch,), generator=random)
    angle, size = normal[:, 0] * 0.05, (normal[:, 1:3] * 0.06).exp()
    # From the seen picture's coordinates (-1 to 1) to pixels, turned there, and on to the region's coordinates.
    seen, whole = (torch.tensor([side[1] / 2, side[0] / 2]) for side in (SEEN, REGION))
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1).view(batch, 2, 2)
    linear = turn * (size * seen)[:, None, :] / whole[None, :, None]
    linear[:, :, 0] *= mirror[:, None]
    shift = normal[:, 3:5] * 2 / whole
    grid = F.affine_grid(torch.cat([linear, shift[..., None]], 2), [batch, 1, *SEEN], align_corners=False)
    moved = F.grid_sample(regions.float(), grid.to(regions.device), padding_mode="border", align_corners=False)
    gamma = (normal[:, 5] * 0.2).exp().to(regions.device).view(batch, 1, 1, 1)
    return standardised(255 * (moved / 255).clamp(1e-3, 1) ** gamma)


def standardised(pictures: Tensor) -> Tensor:
    """Clips (batch, time, height, width) brought to mean 0 and deviation 1: (batch, 1, time, height, width)."""
    flat = pictures.flatten(1)
    mean, spread = flat.mean(1), flat.std(1).clamp_min(LEAST_SPREAD)
    return ((pictures - mean.view(-1, 1, 1, 1)) / spread.view(-1, 1, 1, 1))[:, None]
