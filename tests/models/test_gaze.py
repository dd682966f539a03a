"""The process of saccades: deterministic, the same however it is cut, and like a person who talks to a camera."""

from __future__ import annotations

import numpy as np
import pytest

from orate.models.gaze import LIMIT_DEG, GazeProcess

MINUTES = 10
FRAMES = MINUTES * 60 * 25


@pytest.fixture(scope="module")
def gaze() -> np.ndarray:
    return GazeProcess(seed=3).next(FRAMES)


def saccade_frames(gaze: np.ndarray) -> np.ndarray:
    """Frames at which a saccade starts: steps above 0.25 degrees, those of neighbouring frames taken as one."""
    fast = np.flatnonzero(np.linalg.norm(np.diff(gaze, axis=0), axis=1) > 0.25)
    return fast[np.insert(np.diff(fast) > 2, 0, True)]


def test_same_seed_same_gaze_however_cut(gaze: np.ndarray) -> None:
    process = GazeProcess(seed=3)
    parts = []
    for count in (1, 0, 7, 250, 3):
        parts.append(process.next(count))
        assert parts[-1].shape == (count, 2)
        assert parts[-1].dtype == np.float32
    assert np.array_equal(np.concatenate(parts), GazeProcess(seed=3).next(261))
    assert not np.array_equal(GazeProcess(seed=4).next(261), gaze[:261])


def test_most_of_the_time_at_the_viewer(gaze: np.ndarray) -> None:
    assert np.abs(gaze.mean(axis=0)).max() < 0.2
    assert np.mean(np.linalg.norm(gaze, axis=1) < 0.7) > 0.4
    assert np.all(np.abs(gaze).max(axis=0) < np.array(LIMIT_DEG) + 0.5)
    assert gaze[:, 0].std() > gaze[:, 1].std() > 0.2


def test_fixations_last_as_long_as_people_s(gaze: np.ndarray) -> None:
    seconds = np.diff(saccade_frames(gaze)) / 25
    assert 0.5 < np.median(seconds) < 1.2
    assert np.mean((seconds > 0.25) & (seconds < 2.0)) > 0.8


def test_saccades_take_one_or_two_frames(gaze: np.ndarray) -> None:
    starts = saccade_frames(gaze)
    starts = starts[(starts > 2) & (starts < FRAMES - 5)]
    # Two frames after its start the eye has arrived: what it moves after that is drift.
    later = np.linalg.norm(gaze[starts + 3] - gaze[starts + 2], axis=1)
    assert np.percentile(later, 90) < 0.15
    sizes = np.linalg.norm(gaze[starts + 2] - gaze[starts], axis=1)
    assert 0.5 < np.median(sizes) < 1.5
    assert sizes.max() < 6


def test_other_frame_rates_keep_the_time() -> None:
    slow, fast = GazeProcess(seed=6, fps=25).next(500), GazeProcess(seed=6, fps=50).next(1000)
    counts = [len(saccade_frames(each)) for each in (slow, fast)]
    assert 0.5 < counts[0] / counts[1] < 2


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="fps"):
        GazeProcess(0, fps=0)
    with pytest.raises(ValueError, match="count"):
        GazeProcess(0).next(-1)
