"""How far the sound of published clips is from their picture, measured by a linear reader of the lips' gap.

Cameras, microphones and video sites leave a constant offset of some frames; a network that is trained across it learns
a mouth that moves at no time in particular.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from orate.corpora.motion_tracks import MotionTrack, lip_gap

Floats = NDArray[np.float64]

LARGEST_FRAMES = 3
AXES = 96
BEFORE, AFTER = 6, 3
RIDGE = 300.0
SAMPLE_FRAMES = 20_000
ALONE_FRAMES = 250
"""A track of so many frames tells its own offset; of shorter ones a person's together."""
LEAST_FRAMES = 100
ROUNDS = 2
ROWS_A_FRAME = 2


def without_offsets(tracks: list[MotionTrack], trusted: str = "grid/") -> tuple[list[MotionTrack], dict[str, float]]:
    """Tracks whose speech is where the lips are, as far as it can be told.

    The reader is fitted on training tracks; where it agrees best with a track's lips, the track is moved to, in steps
    of half a frame, and the reader is fitted again. Held-out tracks and those of a trusted corpus stay as they are, and
    what most people have in common stays too: between corpora it cannot be told from how they were measured.

    Args:
        tracks: with centred speech.
        trusted: how the names of people begin whose sound and picture belong together.

    Returns:
        The tracks, and by person the mean offset that was taken away, in frames; positive where the sound was early.
    """
    moved = [0] * len(tracks)  # half frames
    for _ in range(ROUNDS):
        shifted = [_shifted(track, rows) for track, rows in zip(tracks, moved, strict=True)]
        curves = _curves(shifted)
        people: dict[str, list[int]] = {}
        for k, track in enumerate(tracks):
            if not (track.validation or track.person.startswith(trusted)):
                people.setdefault(track.person, []).append(k)
        lengths = {person: sum(len(tracks[k].shape) for k in indices) for person, indices in people.items()}
        common = {person: _peak(_mean(indices, curves, tracks)) for person, indices in people.items()}
        told = [offset for person, offset in common.items() if lengths[person] >= LEAST_FRAMES]
        zero = float(np.median(told)) if told else 0.0
        for person, indices in people.items():
            together = common[person] if lengths[person] >= LEAST_FRAMES else zero
            for k in indices:
                found = _peak(curves[k]) if len(tracks[k].shape) >= ALONE_FRAMES else together
                rows = moved[k] + round(ROWS_A_FRAME * (found - zero))
                moved[k] = int(np.clip(rows, -ROWS_A_FRAME * LARGEST_FRAMES, ROWS_A_FRAME * LARGEST_FRAMES))
    made = [_shifted(track, rows) for track, rows in zip(tracks, moved, strict=True)]
    report = {
        person: float(np.mean([moved[k] for k in indices])) / ROWS_A_FRAME for person, indices in sorted(people.items())
    }
    return made, report


def _curves(tracks: list[MotionTrack]) -> list[Floats]:
    """Of each track, the correlation of what the reader says with the lips' gap, by delay from -4 to 4 frames."""
    train = [track for track in tracks if not track.validation]
    rows = np.concatenate([_rows(track)[::5] for track in train])
    _, sizes, axes = np.linalg.svd(rows, full_matrices=False)
    project = axes[:AXES].T / (sizes[:AXES] / np.sqrt(len(rows)) + 1e-6)
    stride = max(1, sum(len(track.shape) for track in train) // SAMPLE_FRAMES)
    designs = [_design(_rows(track) @ project)[::stride] for track in train]
    gaps = [_gap(track)[::stride] for track in train]
    design, gap = np.concatenate(designs), np.concatenate(gaps)
    weights = np.linalg.solve(design.T @ design + RIDGE * np.eye(design.shape[1]), design.T @ gap)
    return [_agreement(_design(_rows(track) @ project) @ weights, _gap(track)) for track in tracks]


def _rows(track: MotionTrack) -> Floats:
    return track.speech[0].reshape(len(track.shape), -1).astype(np.float32)


def _gap(track: MotionTrack) -> Floats:
    gap = lip_gap(track.shape).astype(np.float64)
    centred: Floats = (gap - gap.mean()) / (gap.std() + 0.02)
    return centred


def _design(rows: Floats) -> Floats:
    padded = np.pad(rows, ((BEFORE, AFTER), (0, 0)), mode="edge")
    return np.concatenate([padded[k : k + len(rows)] for k in range(BEFORE + AFTER + 1)], axis=1)


def _agreement(said: Floats, seen: Floats) -> Floats:
    reach = LARGEST_FRAMES + 1
    curve = np.zeros(2 * reach + 1)
    for k, delay in enumerate(range(-reach, reach + 1)):
        a = said[max(0, -delay) : len(said) - max(0, delay)]
        b = seen[max(0, delay) : len(seen) - max(0, -delay)]
        if len(a) > 5 and a.std() > 1e-6 and b.std() > 1e-6:
            curve[k] = np.corrcoef(a, b)[0, 1]
    return curve


def _mean(indices: list[int], curves: list[Floats], tracks: list[MotionTrack]) -> Floats:
    weights = np.array([len(tracks[k].shape) for k in indices], np.float64)
    mean: Floats = (weights[:, None] * np.stack([curves[k] for k in indices])).sum(axis=0) / weights.sum()
    return mean


def _peak(curve: Floats) -> float:
    """The delay of the highest agreement, between frames by a parabola."""
    top = int(np.clip(curve[1:-1].argmax() + 1, 1, len(curve) - 2))
    before, at, after = curve[top - 1 : top + 2]
    bend = before - 2 * at + after
    part = 0.5 * (before - after) / bend if bend < -1e-6 else 0.0
    return float(top - (len(curve) - 1) / 2 + np.clip(part, -0.5, 0.5))


def _shifted(track: MotionTrack, rows: int) -> MotionTrack:
    """With the speech later by so many of its rows; the ends are held."""
    if not rows:
        return track
    speech = []
    for one in track.speech:
        flat = one.reshape(-1, one.shape[-1])
        places = np.clip(np.arange(len(flat)) - rows, 0, len(flat) - 1)
        speech.append(flat[places].reshape(one.shape))
    return replace(track, speech=tuple(speech))
