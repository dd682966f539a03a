"""What several networks share: the plan of the audio convolutions and the initial weights."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from torch import Tensor, nn

FIRST_KERNEL_S = 0.005
FIRST_STRIDE_S = 0.001


@dataclass(frozen=True)
class Convolution1d:
    """Kernel, stride and padding (on each side) of one 1-D convolution, in samples."""

    kernel: int
    stride: int
    padding: int


def prime_factors(number: int) -> list[int]:
    """Prime factors in rising order: 200 gives [2, 2, 2, 5, 5]."""
    factors = []
    factor = 2
    while factor * factor <= number:
        while number % factor == 0:
            factors.append(factor)
            number //= factor
        factor += 1
    if number > 1:
        factors.append(number)
    return factors


def same_padding(size: float, kernel: float, stride: float) -> int:
    """Padding on both sides together so that a convolution gives ``ceil(size / stride)`` values."""
    return int((ceil(size / stride) - 1) * stride + kernel - size)


def plan_audio_convolutions(rate: int, window_s: float) -> tuple[list[Convolution1d], int]:
    """Plan the strided convolutions that reduce a window of sound to one code (released code, audio encoder).

    The first has a kernel of 5 ms and a stride of 1 ms; the strides of the others are the prime factors, in rising
    order, of the number of values that it leaves, their kernels twice the stride. What remains before the last
    factor is taken by one convolution of its size.

    Args:
        rate: samples a second.
        window_s: seconds of the window.

    Returns:
        The strided convolutions, and the number of values left for the last one.
    """
    size: float = window_s * rate
    kernel, stride = FIRST_KERNEL_S * rate, FIRST_STRIDE_S * rate
    left = int((size + same_padding(size, kernel, stride) - kernel) / stride) + 1
    strides = prime_factors(left)
    shapes = [(int(kernel), int(stride))] + [(2 * factor, factor) for factor in strides[:-1]]
    plan = []
    for kernel_size, step in shapes:
        padding = same_padding(size, kernel_size, step)
        size = int((size + padding - kernel_size) / step) + 1
        plan.append(Convolution1d(kernel_size, step, ceil(padding / 2)))
    return plan, int(size)


class WindowEncoder(nn.Module):
    """1-D convolutions from a window of sound to one code: (N, window_samples) to (N, code) in (-1, 1)."""

    def __init__(self, rate: int, window_s: float, channels: int, code: int) -> None:
        super().__init__()
        plan, left = plan_audio_convolutions(rate, window_s)
        layers: list[nn.Module] = []
        before, after = 1, channels
        for step in plan:
            layers.append(
                nn.Sequential(
                    nn.Conv1d(before, after, step.kernel, step.stride, step.padding), nn.BatchNorm1d(after), nn.ReLU()
                )
            )
            before, after = after, 2 * after
        self.strided = nn.Sequential(*layers)
        self.code = nn.Conv1d(before, code, left)

    def forward(self, windows: Tensor) -> Tensor:
        """Encode windows (N, window_samples) to codes (N, code)."""
        code: Tensor = self.code(self.strided(windows[:, None]))
        return code.tanh().flatten(1)


def initialise(module: nn.Module) -> None:
    """Draw initial weights: normal with deviation 0.02 for convolutions, around 1 for batch norm (DCGAN)."""
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
