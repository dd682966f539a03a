"""The order of clips: an epoch's shuffle depends on seed and epoch alone, so that any batch can be found again."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from orate.errors import OrateError
from orate.training.state import seeded


class BatchOrder:
    """Indices of the clips of each batch, endless, from any step on, split between processes.

    Args:
        clips: number of clips in the corpus.
        batch_size: clips in a batch over all processes.
        seed: the run's seed.
        rank, world: this process and the number of processes.

    Raises:
        OrateError: fewer clips than a batch needs, or a batch that the processes cannot share evenly.
    """

    def __init__(self, clips: int, batch_size: int, seed: int, rank: int = 0, world: int = 1) -> None:
        if clips < batch_size:
            raise OrateError(
                f"The corpus has {clips} training clips, a batch needs {batch_size}: "
                "prepare more clips or lower data.batch_size."
            )
        if batch_size % world:
            raise OrateError(f"A batch of {batch_size} clips cannot be shared by {world} devices.")
        self._clips, self._batch_size, self._seed = clips, batch_size, seed
        self._rank, self._world = rank, world
        self.steps_per_epoch = clips // batch_size

    def epoch(self, step: int) -> int:
        """Epoch in which a step lies."""
        return step // self.steps_per_epoch

    def batches(self, epoch: int, first: int = 0) -> Iterator[list[int]]:
        """This process' share of the batches of an epoch, from batch `first` on."""
        order = torch.randperm(self._clips, generator=seeded(self._seed, epoch, 1)).tolist()
        for batch in range(first, self.steps_per_epoch):
            yield order[batch * self._batch_size : (batch + 1) * self._batch_size][self._rank :: self._world]
