"""Differences of patches and their slopes at three scales, more on the lips than on skin; the slopes keep edges."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from orate.render.mouth_patch import feather
from orate.training.refine_config import RefineLosses

SCALES = 3


def picture_loss(made: Tensor, truth: Tensor, lips: Tensor, counted: Tensor, losses: RefineLosses) -> Tensor:
    """Compare patches.

    Args:
        made: (batch, 3, HEIGHT, WIDTH) in the tone's space.
        truth: the same.
        lips: (batch, 1, HEIGHT, WIDTH) in [0, 1].
        counted: the same, 0 where nothing counts.
        losses: the weights.

    Returns:
        A scalar.
    """
    weight = torch.from_numpy(feather()).to(made) * (1 + losses.lips * lips) * counted
    difference = made - truth
    loss = made.new_zeros(())
    for scale in range(SCALES):
        if scale:
            difference, weight = F.avg_pool2d(difference, 2), F.avg_pool2d(weight, 2)
        loss = loss + losses.l1 * _mean(difference.abs(), weight)
        for axis in (2, 3):
            slope = difference.diff(dim=axis).abs()
            loss = loss + losses.gradient * _mean(slope, weight.narrow(axis, 1, slope.shape[axis])) / 2
    return loss / SCALES


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum() / (weight.sum() * values.shape[1]).clamp_min(1e-6)
