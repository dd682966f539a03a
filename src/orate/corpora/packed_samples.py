"""What an index says of each clip, packed: hundreds of thousands of clips must not weigh on every loader process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch

from orate.corpora.shards import Sample


class PackedSamples:
    """Samples as JSON in one piece of shared memory, taken out one at a time.

    As Python objects, 180,000 samples take most of a gigabyte, in each loader process anew; packed, all processes share
    one piece of a tenth of that.
    """

    def __init__(self, samples: Iterable[Sample]) -> None:
        parts = [sample.model_dump_json(exclude_defaults=True).encode() for sample in samples]
        self._ends = np.cumsum([0, *map(len, parts)])
        # a tensor: torch hands its memory over to spawned processes instead of copying it
        self._bytes = torch.frombuffer(bytearray(b"".join(parts) or b" "), dtype=torch.uint8).share_memory_()  # type: ignore[no-untyped-call]

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __iter__(self) -> Iterator[Sample]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int) -> Sample:
        return Sample.model_validate_json(self._bytes.numpy()[self._ends[number] : self._ends[number + 1]].tobytes())
