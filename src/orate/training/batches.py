"""The batches of a run: from clips at random, or from shards as a stream; from any step on, shared by the processes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from torch.utils.data import DataLoader

from orate.corpora.dataset import ClipDataset
from orate.corpora.stream import ClipStream
from orate.errors import OrateError
from orate.training.config import DataConfig
from orate.training.sampler import BatchOrder

STREAM_BYTES = 32_000_000_000  # of decoded pictures: more than a cache keeps in the memory of most machines
ERROR_MARK = f"{OrateError.__module__}.{OrateError.__qualname__}: "

Batch = dict[str, Any]


class Batches:
    """What a run learns from, step by step.

    Args:
        data: the recipe's section.
        clips: the training clips.
        seed: the run's.
        rank, world: this process of the training, and how many there are.
        pin_memory: whether batches go to a GPU.

    Raises:
        OrateError: fewer clips than a batch, or a batch that the processes cannot share; weights that do not fit.
    """

    def __init__(
        self, data: DataConfig, clips: ClipDataset, seed: int, rank: int = 0, world: int = 1, pin_memory: bool = False
    ) -> None:
        self._data, self._clips, self._pin_memory = data, clips, pin_memory
        self._share = data.batch_size // world
        self.stream: ClipStream | None = None
        if wants_stream(data, clips):
            self.stream = ClipStream(
                clips,
                data.batch_size,
                seed=seed,
                weights=data.weights,
                shuffle=data.shuffle,
                rank=rank,
                world=world,
            )
        count = self.stream.order.clips if self.stream else len(clips)
        self._order = BatchOrder(count, data.batch_size, seed, rank, world)
        self.steps_per_epoch = self._order.steps_per_epoch

    def from_step(self, step: int) -> Iterator[Batch]:
        """This process' share of each batch, endless, from a step on.

        Raises:
            OrateError: a damaged shard; a loader process was killed.
        """
        if self.stream:
            self.stream.seek(step * self._data.batch_size)
            yield from self._loaded(self.stream, batch_size=self._share)
        while True:
            epoch, first = divmod(step, self.steps_per_epoch)
            self._clips.set_epoch(epoch)
            yield from self._loaded(self._clips, batch_sampler=list(self._order.batches(epoch, first)))
            step = (epoch + 1) * self.steps_per_epoch

    def _loaded(self, clips: Any, **batches: Any) -> Iterator[Batch]:
        loader: Iterable[Batch] = DataLoader(
            clips, num_workers=self._data.workers, pin_memory=self._pin_memory, **batches
        )
        try:
            yield from loader
        except OrateError as error:
            # What a loader process raises comes with its whole traceback.
            raise OrateError(str(error).rpartition(ERROR_MARK)[2].strip()) from error
        except RuntimeError as error:
            if "DataLoader worker" not in str(error):
                raise
            raise OrateError(
                "A loader process was killed, most likely for lack of memory: run the same command again with fewer "
                "data.workers."
            ) from error


def wants_stream(data: DataConfig, clips: ClipDataset) -> bool:
    """Whether clips are streamed. `auto` looks at the data alone, so that a run has one order on all machines."""
    if data.stream == "auto":
        return data.weights is not None or clips.decoded_bytes > STREAM_BYTES
    return data.stream
