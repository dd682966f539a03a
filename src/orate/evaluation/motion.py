"""A model's motion on tracks of people that it was not trained on: `orate evaluate MODEL --motion FOLDER`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orate.corpora.motion_tracks import MotionTrack, lip_gap, person_neutrals, read_tracks
from orate.errors import OrateError
from orate.evaluation.motion_statistics import FPS, MotionStatistics, motion_statistics
from orate.evaluation.mouth_opening import correlation
from orate.face.regions import OUTER_EYE_CORNERS
from orate.models.blinks import NATURAL_RATE_PER_MINUTE
from orate.models.checkpoint import find_model
from orate.models.layered import LayeredModel, is_layered, load_layered
from orate.models.motion_session import Motion, MotionSession
from orate.models.speech_encoder import whole_means

Floats = NDArray[np.float32]


LONG_FRAMES = 75
"""Stretches of three seconds and more say something of how a head moves."""
BROWS = [105, 334, 66, 296]
LARGEST_OFFSET_FRAMES = 3


@dataclass(frozen=True)
class PersonFigures:
    """One held-out person's figures.

    Attributes:
        person: the name of the tracks' folder.
        clips: how many tracks were measured.
        figures: by name. ``mouth_correlation``: of the mouth's opening with the measured one; ``mouth_range``: the
            ratio of their deviations; ``sound_offset``: the delay of the generated opening, up to 3 frames, at which
            they agree best, and ``mouth_correlation_in_sync``: the correlation there (the sound of published clips is
            often some frames from their picture).
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
    loaded = load_layered(_layered(model))
    tracks = [track for track in read_tracks(folder) if track.validation]
    people = []
    for person, neutral in person_neutrals(tracks).items():
        curves = [_openings(loaded, track, neutral) for track in tracks if track.person == person]
        made, true = (np.concatenate(parts).astype(np.float64) for parts in zip(*curves, strict=True))
        offset, in_sync = _best_offset(curves)
        figures = {
            "mouth_correlation": correlation(made, true),
            "mouth_correlation_in_sync": in_sync,
            "sound_offset": float(offset),
            "mouth_range": float(made.std() / max(true.std(), 1e-9)),
        }
        people.append(PersonFigures(person, len(curves), figures))
    return people


def compare_movement(model: str, folder: Path, seed: int = 0) -> tuple[float, dict[str, MotionStatistics]]:
    """How heads, brows and lids move that a model makes for held-out people's speech, beside how theirs did.

    Args:
        model: a bundled model's name, a folder, or a Hub id.
        folder: one folder of tracks for each person.
        seed: of what the sound does not tell.

    Returns:
        Seconds of stretches of three seconds and more that were compared, and the statistics by what they are of:
        ``generated``, ``real``.

    Raises:
        OrateError: the model has no part that makes motion, or there is no stretch long enough.
    """
    loaded = load_layered(_layered(model))
    tracks = [track for track in read_tracks(folder) if track.validation and len(track.shape) >= LONG_FRAMES]
    if not tracks:
        raise OrateError(f"The held-out people in {folder} have no stretch of three seconds or more.")
    neutrals = person_neutrals(tracks)
    rotations, brows, lids = [], [], []
    for number, track in enumerate(tracks):
        neutral = neutrals[track.person]
        made, expression = _moved(loaded, track, neutral, seed + number, NATURAL_RATE_PER_MINUTE)
        rotations.append((made.rotation, track.rotation))
        brows.append((expression[:, BROWS, 1].mean(axis=1), track.shape[:, BROWS, 1].mean(axis=1)))
        lids.append((made.lids.mean(axis=1), track.lids.mean(axis=1)))
    statistics = {
        name: motion_statistics(*([pair[side] for pair in pairs] for pairs in (rotations, brows, lids)))
        for side, name in enumerate(("generated", "real"))
    }
    return sum(len(track.shape) for track in tracks) / FPS, statistics


def _layered(model: str) -> Path:
    place = find_model(model)
    if not is_layered(place):
        raise OrateError(f"The model {model} draws pictures without motion in between: --motion cannot measure it.")
    return place


def _best_offset(curves: list[tuple[Floats, Floats]]) -> tuple[int, float]:
    """The delay of the first curves, in frames, at which they agree best with the second, and how well."""
    best = (0, -1.0)
    for delay in sorted(range(-LARGEST_OFFSET_FRAMES, LARGEST_OFFSET_FRAMES + 1), key=abs):
        pairs = [
            (a[max(0, -delay) : len(a) - max(0, delay)], b[max(0, delay) :][: len(b) - abs(delay)]) for a, b in curves
        ]
        made, true = (np.concatenate(parts).astype(np.float64) for parts in zip(*pairs, strict=True))
        agreement = correlation(made, true)
        if agreement > best[1]:
            best = (delay, agreement)
    return best


def _openings(model: LayeredModel, track: MotionTrack, neutral: Floats) -> tuple[Floats, Floats]:
    """Opening of the mouth, generated and measured, (T,) each, in eye distances."""
    _, expression = _moved(model, track, neutral, 0, 0.0)
    made = neutral + expression
    eyes = float(np.linalg.norm(neutral[OUTER_EYE_CORNERS[0]] - neutral[OUTER_EYE_CORNERS[1]]))
    return lip_gap(made) / eyes, lip_gap(track.shape) / eyes


def _moved(model: LayeredModel, track: MotionTrack, neutral: Floats, seed: int, blinks: float) -> tuple[Motion, Floats]:
    """Motion for a track's speech, and its displacement of the landmarks (T, 478, 3) cm."""
    speech = track.speech[0]
    if model.config.centred_speech:
        speech = speech - whole_means(2 * len(speech)).numpy().reshape(speech.shape)
    session = MotionSession(model.motion, neutral, seed, blinks)
    parts = [session.push(speech), session.finish()]
    motion = Motion(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Motion)))
    return motion, session.expression(motion.coefficients)
