"""What the motion generator is taught of the mouth: L1 of the lips and of their speed, and of the lips' gap."""

from __future__ import annotations

import torch
from torch import Tensor

from orate.corpora.motion_tracks import INNER_LIP_PAIRS
from orate.models.motion_decoder import UPPER_COMPONENTS
from orate.models.motion_generator import MotionGenerator
from orate.training.motion_basis import LIPS

SPEED_WEIGHT = 1.0
GAP_WEIGHT = 2.0
CODE_WEIGHT = 0.05
STILL_CM2 = 1e-3


class MouthLoss:
    """Compares generated and real expression at the lips, in cm, and (weakly) all coefficients of the lower face.

    Brows, lids and pose are left to the critics: an L1 would still them.
    """

    def __init__(self, generator: MotionGenerator, correlation: float = 0.0) -> None:
        self._correlation = correlation
        self._lower = generator.config.components - UPPER_COMPONENTS
        axes = generator.basis * generator.scale[: generator.config.components, None, None]
        lips = axes[: self._lower, list(LIPS)]
        self._lips = lips.flatten(1)
        above, below = (list(side) for side in zip(*INNER_LIP_PAIRS, strict=True))
        # Displacement of the gap along its direction on most faces, which is upright.
        self._gap = (axes[: self._lower, above] - axes[: self._lower, below])[..., 1].mean(1)

    def __call__(self, generated: Tensor, real: Tensor, weight: Tensor) -> tuple[Tensor, dict[str, float]]:
        """Values of frames twice, (batch, time, 24 or more), and the weight of each (batch, time), to the loss."""
        away = generated[..., : self._lower] - real[..., : self._lower]
        lips = away @ self._lips
        scale = weight[..., None] / weight.mean().clamp_min(1e-6)
        place = (lips.abs() * scale).mean()
        speed = ((lips[:, 1:] - lips[:, :-1]).abs() * scale[:, 1:]).mean()
        gap = ((away @ self._gap).abs() * scale[..., 0]).mean()
        code = (away.abs() * scale).mean()
        loss = 10 * (place + SPEED_WEIGHT * speed + GAP_WEIGHT * gap) + CODE_WEIGHT * code
        if self._correlation:
            made, true = ((values[..., : self._lower] @ self._gap) for values in (generated, real))
            loss = loss + self._correlation * (1 - concordance(made, true)).mean()
        return loss, {"lips_cm": float(place.detach()), "gap_cm": float(gap.detach())}


def concordance(first: Tensor, second: Tensor) -> Tensor:
    """Concordance correlation coefficient (Lin, 1989) over time: (batch, time) twice to (batch,), 1 where equal.

    Curves that hardly move count as equal.
    """
    a, b = first - first.mean(1, keepdim=True), second - second.mean(1, keepdim=True)
    apart = (first.mean(1) - second.mean(1)).square()
    both = a.square().mean(1) + b.square().mean(1) + apart
    agreement: Tensor = (2 * (a * b).mean(1) + STILL_CM2) / (both + STILL_CM2)
    return agreement


def moment_loss(generated: Tensor, real: Tensor) -> Tensor:
    """Difference of the logarithms of deviations, and of speeds, over a batch: (batch, time, values) twice."""
    loss = generated.new_zeros(())
    for made, true in ((generated, real), (generated[:, 1:] - generated[:, :-1], real[:, 1:] - real[:, :-1])):
        a, b = made.flatten(0, 1).std(0), true.flatten(0, 1).std(0)
        loss = loss + (torch.log(a + 1e-3) - torch.log(b + 1e-3)).abs().mean()
    return loss
