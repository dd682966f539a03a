"""Identity encoder of the `default` model: whose face it is, and what expression the photo shows it in."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from orate.models.motion_config import MotionConfig

SCORES = 52
POINTS = 478


class FaceEncoder(nn.Module):
    """Shape of a face, in head space, and its blendshapes to an expression and an identity code.

    The expression is a ridge regression learned over people: the displacement from a person's own face with closed
    lips, in the components of the motion's basis, from the scores of the blendshapes and from the face's shape. The
    identity code is a small net of a few coefficients of the shape that remains, clamped so that a face unlike all
    those seen gives no code unlike all those seen.
    """

    mean_shape: Tensor
    shape_axes: Tensor
    ridge: Tensor
    ridge_bias: Tensor
    identity_axes: Tensor
    basis: Tensor

    def __init__(self, config: MotionConfig, shape_axes: int = 40) -> None:
        super().__init__()
        features = SCORES + shape_axes + len(GAP_PAIRS)
        self.register_buffer("mean_shape", torch.zeros(POINTS, 3))
        self.register_buffer("shape_axes", torch.zeros(shape_axes, POINTS * 3))
        self.register_buffer("ridge", torch.zeros(features, config.components))
        self.register_buffer("ridge_bias", torch.zeros(config.components))
        self.register_buffer("identity_axes", torch.zeros(config.identity_axes, POINTS * 3))
        self.register_buffer("basis", torch.zeros(config.components, POINTS, 3))
        self.net = nn.Sequential(nn.Linear(config.identity_axes, 32), nn.LeakyReLU(0.1), nn.Dropout(0.2))
        self.code = nn.Linear(32, config.identity_code)

    def features(self, shape: Tensor, blendshapes: Tensor) -> Tensor:
        """What the regression sees: (..., 478, 3) cm and (..., 52) to (..., 52 + shape axes + lip gaps)."""
        coefficients = (shape - self.mean_shape).flatten(-2) @ self.shape_axes.T
        gaps = torch.stack([(shape[..., upper, :] - shape[..., lower, :]).norm(dim=-1) for upper, lower in GAP_PAIRS])
        return torch.cat([blendshapes, coefficients, gaps.movedim(0, -1)], dim=-1)

    def expression(self, shape: Tensor, blendshapes: Tensor) -> Tensor:
        """The displacement, (..., 478, 3) cm, from the face with closed lips that is in the photo.

        Args:
            shape: (..., 478, 3) cm, the photo's landmarks in head space (`orate.render.source.FaceSource.shape`).
            blendshapes: (..., 52) in [0, 1].
        """
        coefficients = self.features(shape, blendshapes) @ self.ridge + self.ridge_bias
        return torch.einsum("...k,kpc->...pc", coefficients, self.basis)

    def coefficients(self, neutral: Tensor) -> Tensor:
        """A face at rest, (..., 478, 3) cm, to the coefficients of its shape: (..., identity_axes), at most 2."""
        return ((neutral - self.mean_shape).flatten(-2) @ self.identity_axes.T).clamp(-2.0, 2.0)

    def forward(self, coefficients: Tensor) -> Tensor:
        """(batch, identity_axes) to identity codes (batch, identity_code)."""
        code: Tensor = self.code(F.dropout(self.net(coefficients), 0.2, self.training))
        return code.tanh()


GAP_PAIRS = ((13, 14), (82, 87), (312, 317), (61, 291))
"""Points whose distances say what a mouth does: the inner lips' edges, and the corners."""
