"""Which clips are held out: rules per speaker, so that what is dropped or prepared first does not matter.

Speaker-wise splits of published corpora are files in split_data/, which say where they come from.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from orate.corpora.clip import TEST, TRAIN, VALIDATION
from orate.errors import OrateError

DEFAULT_VALIDATION_EVERY = 20
GRID_VALIDATION_EVERY: Mapping[str, int] = {"s4": 8}  # few clips of this speaker are at hand: hold out more of them
GRID_VALIDATION_SPEAKERS = frozenset({"unseen"})
DEFAULT_VALIDATION_SHARE = 0.1
DEFAULT_TEST_SHARE = 0.1
SPLIT_DATA = Path(__file__).parent / "split_data"
SPLIT_NAMES = {
    "train": TRAIN,
    "validation": VALIDATION,
    "valid": VALIDATION,
    "val": VALIDATION,
    "dev": VALIDATION,
    "test": TEST,
}
"""What people call a split, and what we call it."""


class Split(Protocol):
    """Says which of a speaker's clips are trained on."""

    def split(self, speaker: str, names: Sequence[str]) -> dict[str, str]:
        """The split of each of a speaker's names; ``names`` must be all of them, whatever is prepared now."""

    def is_unseen(self, speaker: str) -> bool:
        """Whether no clip of this speaker may be trained on."""


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


@dataclass(frozen=True)
class SpeakerSplit:
    """Speakers are trained on whole or not at all.

    ``table`` gives the split of each speaker; of one that is not in it, ``otherwise`` decides, and without that it is
    an error, which names ``source``.
    """

    table: Mapping[str, str]
    otherwise: Split | None = None
    source: str = "the split"

    def split(self, speaker: str, names: Sequence[str]) -> dict[str, str]:
        """See `Split.split`. Raises OrateError when nothing is said of this speaker."""
        if speaker in self.table:
            return dict.fromkeys(names, self.table[speaker])
        if self.otherwise:
            return self.otherwise.split(speaker, names)
        raise OrateError(f"{self.source} does not say the split of speaker {speaker}: add a line for it.")

    def is_unseen(self, speaker: str) -> bool:
        """See `Split.is_unseen`."""
        if speaker in self.table:
            return self.table[speaker] != TRAIN
        return self.otherwise is not None and self.otherwise.is_unseen(speaker)


@dataclass(frozen=True)
class HashSplit:
    """Speakers are put by a hash of their name: whoever joins later moves nobody. Shares are in [0, 1]."""

    validation: float = DEFAULT_VALIDATION_SHARE
    test: float = DEFAULT_TEST_SHARE

    def split(self, speaker: str, names: Sequence[str]) -> dict[str, str]:
        """See `Split.split`."""
        return dict.fromkeys(names, self._of(speaker))

    def is_unseen(self, speaker: str) -> bool:
        """See `Split.is_unseen`."""
        return self._of(speaker) != TRAIN

    def _of(self, speaker: str) -> str:
        place = int.from_bytes(hashlib.sha256(speaker.encode()).digest()[:8], "big") / 2**64
        if place < self.test:
            return TEST
        return VALIDATION if place < self.test + self.validation else TRAIN


def published_split(corpus: str, otherwise: Split | None = None) -> SpeakerSplit:
    """The speaker-wise split that comes with orate, of "grid", "tcd-timit" or "crema-d"."""
    return read_split(SPLIT_DATA / f"{corpus}.csv", otherwise)


def read_split(path: Path, otherwise: Split | None = None) -> SpeakerSplit:
    """A CSV file with the columns speaker and split; lines that begin with # are remarks.

    Raises OrateError when there is no such file, it is not of that form, or a speaker has two splits.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise OrateError(
            f"Cannot read the split {path}: give a CSV file with the columns speaker and split."
        ) from error
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    rows = csv.DictReader(lines)
    if not {"speaker", "split"} <= set(rows.fieldnames or ()):
        raise OrateError(f"The split {path} needs a first line 'speaker,split', and a line for each speaker.")
    table: dict[str, str] = {}
    for row in rows:
        speaker, split = (row["speaker"] or "").strip(), SPLIT_NAMES.get((row["split"] or "").strip().lower())
        if not speaker or split is None:
            raise OrateError(
                f"The split {path} has the line '{speaker},{row['split']}': use train, validation or test."
            )
        if table.setdefault(speaker, split) != split:
            raise OrateError(f"The split {path} puts speaker {speaker} in two parts: leave one of the lines out.")
    return SpeakerSplit(table, otherwise, source=str(path))
