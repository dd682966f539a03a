"""What became of a row."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How far a row is."""

    DONE = "done"
    FAILED = "failed"
    WAITING = "waiting"


@dataclass(frozen=True)
class Outcome:
    """What became of a row; can be pickled.

    Attributes:
        number: of the row.
        state: done or failed.
        error: a sentence, where it failed.
        seconds: that it took, in the run that made it.
        content_id: of the video, where its marks tell.
    """

    number: int
    state: State
    error: str = ""
    seconds: float = 0.0
    content_id: str = ""


@dataclass(frozen=True)
class Progress:
    """A row is on its way: the share of it that is done, 0 to 1."""

    number: int
    share: float


Event = Outcome | Progress
