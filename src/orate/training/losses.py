"""The losses of the paper, section 3.3, and what a short training adds to them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from orate.training.config import LossConfig

# Outline of the lips among the 478 landmarks, outer then inner.
LIPS_478 = (
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185,
    78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191,
)  # fmt: skip
MOUTH_MARGIN_PX = 4.0
LIPS_DEVIATION = 0.026  # of a lip's landmark in speech, in mouth widths (GRID)


def adversarial_loss(logits: Tensor, real: bool) -> Tensor:
    """Binary cross-entropy of a discriminator's logits against one answer (non-saturating for the generator)."""
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, float(real)))


class ReconstructionLoss:
    """Mean absolute difference on the lower half of the face (paper, equation 5), optionally also elsewhere.

    With `l1_upper` and `l1_mouth` at 0 it is the paper's; the mouth's extra weight lies in an upright ellipse around
    the real lips of each frame.
    """

    def __init__(self, config: LossConfig) -> None:
        self._config = config

    def __call__(self, generated: Tensor, real: Tensor, landmarks: Tensor) -> Tensor:
        """Compare videos.

        Args:
            generated: (batch, time, 3, height, width) in [-1, 1].
            real: the same shape.
            landmarks: (batch, time, 478, 2), pixels of the real frames.

        Returns:
            The loss, a scalar; before the weight `l1`.
        """
        half = real.shape[-2] // 2
        difference = (generated - real).abs()
        loss = difference[..., half:, :].mean()
        if self._config.l1_upper:
            loss = loss + self._config.l1_upper * difference[..., :half, :].mean()
        if self._config.l1_mouth:
            mask = mouth_mask(landmarks, real.shape[-2], real.shape[-1])
            share = (difference.mean(2) * mask).sum() / mask.sum().clamp_min(1.0)
            loss = loss + self._config.l1_mouth * share
        return loss


def mouth_mask(landmarks: Tensor, height: int, width: int) -> Tensor:
    """Ellipses around the lips: landmarks (..., 478, 2) in pixels to masks (..., height, width) of 0 and 1."""
    lips = landmarks[..., list(LIPS_478), :]
    low, high = lips.amin(-2), lips.amax(-2)
    centre, radius = (low + high) / 2, (high - low) / 2 + MOUTH_MARGIN_PX
    y = torch.arange(height, device=lips.device)[:, None] + 0.5
    x = torch.arange(width, device=lips.device)[None, :] + 0.5
    dx = (x - centre[..., 0, None, None]) / radius[..., 0, None, None]
    dy = (y - centre[..., 1, None, None]) / radius[..., 1, None, None]
    return (dx * dx + dy * dy <= 1.0).float()


class LipsHead(nn.Module):
    """Auxiliary linear map from the content code to the lips' landmarks; trained along, not part of the generator."""

    def __init__(self, content_code: int) -> None:
        super().__init__()
        self.linear = nn.Linear(content_code, 2 * len(LIPS_478))

    def forward(self, content: Tensor, landmarks: Tensor) -> Tensor:
        """Squared error of the lips' displacement from their mean over the clip, 1 for a guess of no displacement.

        Displacements are in units of `LIPS_DEVIATION`: a target of unit size makes a content code of unit size, which
        the frame decoder cannot overlook beside the identity code.

        Args:
            content: (batch, time, content_code).
            landmarks: (batch, time, 478, 2), pixels of the real frames.

        Returns:
            The loss, a scalar.
        """
        lips = landmarks[:, :, list(LIPS_478)]
        corners = lips[:, :, LIPS_478.index(61)] - lips[:, :, LIPS_478.index(291)]
        mouth_width = corners.norm(dim=-1).mean(1).clamp_min(1.0)
        target = (lips - lips.mean(1, keepdim=True)) / (LIPS_DEVIATION * mouth_width[:, None, None, None])
        predicted = self.linear(content).unflatten(-1, (len(LIPS_478), 2))
        return F.mse_loss(predicted - predicted.mean(1, keepdim=True), target)
