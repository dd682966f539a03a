"""The order of a stream of clips, computed from the index alone: which clip comes at each position of an endless run.

Every corpus is gone through again and again, each of its clips once in a pass. A pass permutes the shards, lays their
clips end to end, cuts that line into lanes of equal length, and shuffles inside each lane by moving clips up to a
window forward or back. Successive positions take from successive lanes. So a batch holds clips from many shards, yet
each lane's shards are read from front to end, and where a reader is needs no memory: all follows from the position.
Lanes end where the line is cut, also within a shard: fewer shards than lanes, or than readers, is no special case.

Corpora with weights are mixed by a drawn sequence that keeps their shares exact in every block of 10,000 positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orate.errors import OrateError

MIX_BLOCK = 10_000  # positions; shares of corpora are exact to one in this many
LEAST_LANES = 16  # places of the shards that batches draw from at the same time, also when a batch is smaller
MIX_SEED, PASS_SEED = 1, 2
KEPT = 2  # passes of each corpus, and blocks of the mix: at a boundary a batch asks for both sides

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Pass:
    """One pass of a corpus: clips as they are used, and as they lie in the shards.

    Attributes:
        used: (N,) the clip of each use.
        read: (N,) the same clips as they are to be read, one lane after another.
        place: (N,) for each use, how far its lane is through; counts as `read` does. A use takes a clip that `read` has
            less than a window before or after this.
        lane_begin, lane_end: (N,) for each use, where its lane begins and ends in `read`.
    """

    used: Numbers
    read: Numbers
    place: Numbers
    lane_begin: Numbers
    lane_end: Numbers


@dataclass(frozen=True)
class Use:
    """What comes at one position: the clip, the pass of its corpus, and where that stands."""

    clip: int
    corpus: int
    epoch: int
    number: int  # of the use in its pass


class StreamOrder:
    """The order of an endless stream.

    Args:
        corpora: for each corpus, for each of its shards, the numbers of its clips in the order of the file.
        batch_size: clips of a batch; slot k of every batch takes from lanes that no other slot reads.
        seed: seed of all draws.
        weights: share of each corpus, in any unit, 0 for one without clips; None for equal ones.
        shuffle: clips among which the stream shuffles, over all lanes together.

    Raises:
        OrateError: weights that are no shares.
    """

    def __init__(
        self,
        corpora: Sequence[Sequence[Numbers]],
        batch_size: int,
        seed: int,
        weights: Sequence[float] | None = None,
        shuffle: int = 4096,
    ) -> None:
        self._corpora = [[np.asarray(shard, np.int64) for shard in shards if len(shard)] for shards in corpora]
        self._sizes = [sum(map(len, shards)) for shards in self._corpora]
        self._counts = shares(weights or [1.0] * len(corpora))
        self._seed = seed
        self.lanes = batch_size * -(-LEAST_LANES // batch_size)
        self.window = max(1, shuffle // self.lanes)
        self._blocks: dict[int, tuple[NDArray[np.int16], Numbers]] = {}
        self._passes: list[dict[int, Pass]] = [{} for _ in self._corpora]

    @property
    def clips(self) -> int:
        """Clips of the corpora that have a share: an epoch is as many positions."""
        return sum(size for size, count in zip(self._sizes, self._counts, strict=True) if count)

    def at(self, position: int) -> Use:
        """What comes at a position, counted from 0."""
        corpus, ordinal = self._mixed(position)
        epoch, number = divmod(ordinal, self._sizes[corpus])
        return Use(int(self.passing(corpus, epoch).used[number]), corpus, epoch, number)

    def passing(self, corpus: int, epoch: int) -> Pass:
        """A pass of a corpus; the last ones made are kept."""
        kept = self._passes[corpus]
        if epoch not in kept:
            if len(kept) == KEPT:
                del kept[next(iter(kept))]
            kept[epoch] = self._make_pass(corpus, epoch)
        return kept[epoch]

    def _mixed(self, position: int) -> tuple[int, int]:
        """Corpus of a position, and how many positions of that corpus come before it."""
        if len(self._corpora) == 1:
            return 0, position
        block, within = divmod(position, MIX_BLOCK)
        corpora, ordinals = self._block(block)
        return int(corpora[within]), int(ordinals[within])

    def _block(self, block: int) -> tuple[NDArray[np.int16], Numbers]:
        """Corpus of each position of a block, and its ordinal in that corpus."""
        if block not in self._blocks:
            corpora = np.repeat(np.arange(len(self._counts), dtype=np.int16), self._counts)
            corpora = np.random.default_rng([self._seed, MIX_SEED, block]).permutation(corpora)
            ordinals = np.empty(MIX_BLOCK, np.int64)
            for corpus, count in enumerate(self._counts):
                ordinals[corpora == corpus] = block * count + np.arange(count)
            if len(self._blocks) == KEPT:
                del self._blocks[next(iter(self._blocks))]
            self._blocks[block] = corpora, ordinals
        return self._blocks[block]

    def _positions(self, corpus: int, first: int, count: int) -> Numbers:
        """The positions of a corpus' ordinals from `first` on."""
        if len(self._corpora) == 1:
            return np.arange(first, first + count)
        per_block = self._counts[corpus]
        blocks = range(first // per_block, -(-(first + count) // per_block))
        places = [block * MIX_BLOCK + np.flatnonzero(self._block(block)[0] == corpus) for block in blocks]
        begin = first - blocks.start * per_block
        return np.concatenate(places)[begin : begin + count]

    def _make_pass(self, corpus: int, epoch: int) -> Pass:
        random = np.random.default_rng([self._seed, PASS_SEED, corpus, epoch])
        shards, size = self._corpora[corpus], self._sizes[corpus]
        line = np.concatenate([shards[number] for number in random.permutation(len(shards))])
        lanes = self._positions(corpus, epoch * size, size) % self.lanes
        uses = np.argsort(lanes, kind="stable")  # lane after lane, in each in the order of time
        lane_of_place = lanes[uses]
        # Lanes are far apart in the keys, so that none mixes with another.
        keys = np.arange(size) + self.window * random.random(size) + lane_of_place * (size + self.window)
        used, place = np.empty(size, np.int64), np.empty(size, np.int64)
        used[uses] = line[np.argsort(keys, kind="stable")]
        place[uses] = np.arange(size)
        begin, end = (np.searchsorted(lane_of_place, lanes, side) for side in ("left", "right"))
        return Pass(used, line, place, begin, end)


def shares(weights: Sequence[float]) -> list[int]:
    """Positions of a block for each weight, by the largest remainders; no positive weight comes away with none.

    Raises:
        OrateError: a weight is negative or no number, or none is positive.
    """
    values = np.asarray(weights, np.float64)
    if not np.isfinite(values).all() or (values < 0).any() or not (values > 0).any():
        told = ", ".join(f"{value:g}" for value in weights)
        raise OrateError(f"Weights of corpora must be numbers from 0 on, one above 0, not {told}: change data.weights.")
    exact = values / values.sum() * MIX_BLOCK
    counts = np.where(values > 0, np.maximum(np.floor(exact), 1), 0).astype(np.int64)
    missing = MIX_BLOCK - int(counts.sum())
    if missing >= 0:
        counts[np.argsort(counts - exact, kind="stable")[:missing]] += 1
    else:  # very small weights were lifted to one: the largest share gives
        counts[np.argmax(counts)] += missing
    return [int(count) for count in counts]
