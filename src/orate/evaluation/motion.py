"""A model's motion on tracks of people that it was not trained on: `orate evaluate MODEL --motion FOLDER`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orate.corpora.motion_tracks import MotionTrack, lip_gap, person_neutrals, read_tracks
from orate.errors import OrateError
from orate.evaluation.mouth_opening import correlation
from orate.face.regions import OUTER_EYE_CORNERS
from orate.models.checkpoint import find_model
from orate.models.layered import LayeredModel, is_layered, load_layered
from orate.models.motion_session import MotionSession
from orate.models.speech_encoder import whole_means

Floats = NDArray[np.float32]


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
    place = find_model(model)
    if not is_layered(place):
        raise OrateError(f"The model {model} draws pictures without motion in between: --motion cannot measure it.")
    loaded = load_layered(place)
    tracks = [track for track in read_tracks(folder) if track.validation]
    people = []
    for person, neutral in person_neutrals(tracks).items():
        curves = [_openings(loaded, track, neutral) for track in tracks if track.person == person]
        made, true = (np.concatenate(parts).astype(np.float64) for parts in zip(*curves, strict=True))
        figures = {
            "mouth_correlation": correlation(made, true),
            "mouth_range": float(made.std() / max(true.std(), 1e-9)),
        }
        people.append(PersonFigures(person, len(curves), figures))
    return people


def _openings(model: LayeredModel, track: MotionTrack, neutral: Floats) -> tuple[Floats, Floats]:
    """Opening of the mouth, generated and measured, (T,) each, in eye distances."""
    speech = track.speech[0]
    if model.config.centred_speech:
        speech = speech - whole_means(2 * len(speech)).numpy().reshape(speech.shape)
    session = MotionSession(model.motion, neutral, blinks_per_minute=0.0)
    made = neutral + session.expression(session.push(speech).coefficients)
    eyes = float(np.linalg.norm(neutral[OUTER_EYE_CORNERS[0]] - neutral[OUTER_EYE_CORNERS[1]]))
    return lip_gap(made) / eyes, lip_gap(track.shape) / eyes
