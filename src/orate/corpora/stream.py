"""Prepared clips as a stream: shards read from front to end, shuffled, mixed, shared out, and taken up at any place."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import IterableDataset, get_worker_info

from orate.corpora.dataset import ClipDataset, ClipItem
from orate.corpora.stream_ahead import ReadAhead
from orate.corpora.stream_order import Numbers, StreamOrder
from orate.errors import OrateError

SHUFFLE = 4096
Weights = Sequence[float] | Mapping[str, float]


class ClipStream(IterableDataset[ClipItem]):
    """The items of a `ClipDataset` as an endless stream, or as so many epochs of it.

    Position p of the stream belongs to batch p // batch_size. Of each batch, process r of the training has the slots
    r, r + world, ...; loader process w of its W prepares every W-th of these shares. Over all processes every clip
    comes exactly once in an epoch, without remainder: an epoch may end inside a batch, and the next one goes on there.
    Batches depend neither on the number of loader processes nor on the number of training processes.

    With `torch.utils.data.DataLoader`, give it ``batch_size // world`` as its batch size. `seek` says where the next
    iteration begins. `state_dict` and `load_state_dict` are those of a reader, as torchdata's StatefulDataLoader calls
    them in its loader processes.

    Args:
        clips: which clips, and the form and draws of the items; its cache is used if it has one.
        batch_size: clips in a batch over all processes.
        seed: seed of the order.
        weights: share of each corpus in what is given out: by folder, in their order, or by the corpus' name. A small
            corpus is repeated, and an epoch is as many clips as there are, not each once. None: each once.
        shuffle: clips among which is shuffled; they wait in the page cache as they are stored.
        rank, world: this process of the training, and how many there are.
        epochs: after how many the stream ends, its last batch being smaller; None for an endless one. The processes of
            a training then may have unequal numbers of batches.

    Raises:
        OrateError: no clips, a batch that the processes cannot share, weights that do not fit the corpora; while
            reading, a damaged shard.
    """

    def __init__(
        self,
        clips: ClipDataset,
        batch_size: int = 1,
        *,
        seed: int = 0,
        weights: Weights | None = None,
        shuffle: int = SHUFFLE,
        rank: int = 0,
        world: int = 1,
        epochs: int | None = None,
    ) -> None:
        if batch_size % world:
            raise OrateError(f"A batch of {batch_size} clips cannot be shared by {world} devices.")
        if not len(clips):
            raise OrateError(f"There are no clips to stream in {', '.join(map(str, clips.folders))}: prepare some.")
        self._clips, self._batch_size, self._rank, self._world, self._epochs = clips, batch_size, rank, world, epochs
        self.ahead = ReadAhead((clips.folders[clips.folder(i)], clips.sample(i)) for i in range(len(clips)))
        corpora, values = _corpora(clips, weights)
        shards = [_by_shard(corpus, self.ahead.extents) for corpus in corpora]
        self.order = StreamOrder(shards, batch_size, seed, values, shuffle)
        told = [
            self.ahead.extents.tolist(),
            [corpus.tolist() for corpus in corpora],
            values,
            batch_size,
            seed,
            shuffle,
        ]
        self._fingerprint = zlib.crc32(repr(told).encode())
        # shared, so that loader processes that outlive an iteration see where the next one begins
        self._start = torch.zeros((), dtype=torch.int64).share_memory_()  # type: ignore[no-untyped-call]
        self._begun = self._given = self._skipped = 0

    def seek(self, position: int) -> None:
        """Begin the next iteration at a position: `batch * batch_size` for a batch."""
        self._start.fill_(position)

    def set_epoch(self, epoch: int) -> None:
        """Begin the next iteration with an epoch."""
        self.seek(epoch * self.order.clips)

    def __iter__(self) -> Iterator[ClipItem]:
        self._begun = start = int(self._start)
        end = None if self._epochs is None else start + self._epochs * self.order.clips
        self._given, self._skipped = self._skipped, 0
        while True:
            position = start + self._position(self._given)
            if end is not None and position >= end:
                return
            use = self.order.at(position)
            self.ahead.reach(self.order, use)
            item = self._clips.item(use.clip, use.epoch)
            self._given += 1
            yield item

    def _position(self, given: int) -> int:
        """The position, from the start of the iteration, of what this reader gives out after `given` clips."""
        number, workers = self._reader()
        share = self._batch_size // self._world
        batch = number + workers * (given // share)
        return batch * self._batch_size + self._rank + self._world * (given % share)

    def _reader(self) -> tuple[int, int]:
        worker = get_worker_info()
        return (worker.id, worker.num_workers) if worker else (0, 1)

    def state_dict(self) -> dict[str, Any]:
        """Where this reader is: in the process that reads, after the last clip it gave out."""
        return {**self._told(), "start": self._begun, "given": self._given}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on, in the next iteration, after the last clip before `state_dict` was asked.

        Raises:
            OrateError: it is the state of another stream, or of another number of processes.
        """
        other = [name for name, value in self._told().items() if state[name] != value]
        if other:
            raise OrateError(f"The state of the stream was saved with another {' and another '.join(other)}.")
        self._begun, self._given = int(state["start"]), int(state["given"])
        self.seek(self._begun)
        self._skipped = self._given

    def _told(self) -> dict[str, Any]:
        number, workers = self._reader()
        return {
            "order of clips": self._fingerprint,
            "number of devices": self._world,
            "device": self._rank,
            "number of loader processes": workers,
            "loader process": number,
        }


def _corpora(clips: ClipDataset, weights: Weights | None) -> tuple[list[Numbers], list[float] | None]:
    """Numbers of the clips of each corpus, and their weights."""
    if weights is None:
        return [np.arange(len(clips))], None
    folders = np.array([clips.folder(i) for i in range(len(clips))])
    if isinstance(weights, Mapping):
        of_clip = np.array([clips.sample(i).corpus or clips.folders[folders[i]].name for i in range(len(clips))])
        names, values = list(weights), list(weights.values())
        there = sorted(set(of_clip.tolist()))
        if set(there) - set(names):
            raise OrateError(
                f"The clips are of {', '.join(there)}, data.weights names {', '.join(names)}: give each one a weight."
            )
        corpora = [np.flatnonzero(of_clip == name) for name in names]
    else:
        names, values = [str(folder) for folder in clips.folders], list(weights)
        if len(values) != len(names):
            raise OrateError(f"There are {len(values)} data.weights for {len(names)} folders: give one for each.")
        corpora = [np.flatnonzero(folders == number) for number in range(len(names))]
    empty = [name for name, corpus, value in zip(names, corpora, values, strict=True) if value and not len(corpus)]
    if empty:
        raise OrateError(
            f"There are no clips of {', '.join(empty)}: prepare some, or make the weight in data.weights 0."
        )
    return corpora, values


def _by_shard(clips: Numbers, extents: Numbers) -> list[Numbers]:
    """A corpus' clips by shard, each in the order of the file."""
    ordered = clips[np.lexsort((extents[clips, 1], extents[clips, 0]))]
    cuts = np.flatnonzero(np.diff(extents[ordered, 0])) + 1
    return list(np.split(ordered, cuts))
