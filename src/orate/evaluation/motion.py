"""A model's motion on tracks of people that it was not trained on: `orate evaluate MODEL --motion FOLDER`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orate.errors import OrateError


@dataclass(frozen=True)
class PersonFigures:
    """One held-out person's figures.

    Attributes:
        person: the name of the tracks' folder.
        clips: how many tracks were measured.
        figures: by name; ``mouth_correlation`` is that of the mouth's opening with the measured one.
    """

    person: str
    clips: int
    figures: dict[str, float]


def evaluate_motion(model: str, folder: Path) -> list[PersonFigures]:
    """Measure the motion part of a model on tracks with speech features, without pictures.

    Args:
        model: a bundled model's name, a folder, or a Hub id.
        folder: one folder of tracks for each person.

    Raises:
        OrateError: the model has no part that makes motion.
    """
    raise OrateError(f"The model {model} draws pictures without motion in between: --motion cannot measure it.")
