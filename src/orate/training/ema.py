"""Moving average of the generator's weights: steadier pictures than those of any one step."""

from __future__ import annotations

from copy import deepcopy

import torch

from orate.models.generator import Generator


class MovingAverage:
    """Exponential moving average of parameters; buffers (batch-norm statistics) are copied as they are.

    Attributes:
        generator: the averaged network, in evaluation mode.
    """

    def __init__(self, generator: Generator, decay: float) -> None:
        self.generator = deepcopy(generator).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, generator: Generator, step: int) -> None:
        """Move towards `generator`; faster in the first steps, whose weights are not worth keeping."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for mine, theirs in zip(self.generator.parameters(), generator.parameters(), strict=True):
            mine.lerp_(theirs, 1 - decay)
        for buffer, other in zip(self.generator.buffers(), generator.buffers(), strict=True):
            buffer.copy_(other)
