"""Which clips are held out: a rule per speaker, so that what is dropped or prepared first does not matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orate.corpora.clip import TRAIN, VALIDATION

DEFAULT_VALIDATION_EVERY = 20
GRID_VALIDATION_EVERY: Mapping[str, int] = {"s4": 8}  # few clips of this speaker are at hand: hold out more of them
GRID_VALIDATION_SPEAKERS = frozenset({"unseen"})


@dataclass(frozen=True)
class SplitRule:
    """Every n-th name of a speaker in sorted order, counted from the first, is validation.

    Speakers in ``validation_speakers`` are validation whole: they measure the model on people it never saw.
    """

    every: int = DEFAULT_VALIDATION_EVERY
    every_of: Mapping[str, int] = field(default_factory=dict)
    validation_speakers: frozenset[str] = frozenset()

    def split(self, speaker: str, names: Sequence[str]) -> dict[str, str]:
        """The split of each of a speaker's names; ``names`` must be all of them, whatever is prepared now."""
        if self.is_unseen(speaker):
            return dict.fromkeys(names, VALIDATION)
        every = self.every_of.get(speaker, self.every)
        if every <= 0:
            return dict.fromkeys(names, TRAIN)
        return {name: TRAIN if i % every else VALIDATION for i, name in enumerate(sorted(names))}

    def is_unseen(self, speaker: str) -> bool:
        """Whether no clip of this speaker may be trained on."""
        return speaker in self.validation_speakers
