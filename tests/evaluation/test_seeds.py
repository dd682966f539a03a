import numpy as np
import pytest

from orate.evaluation.seeds import seed_difference
from orate.evaluation.track import eye_distances


@pytest.fixture
def video(landmarks):
    return np.repeat(landmarks[None], 6, 0)


def test_equal_videos_differ_by_nothing(video):
    assert seed_difference(video, video.copy()) == 0


def test_a_known_difference(video):
    eyes = float(eye_distances(video[0]))
    moved = video.copy()
    moved[:3, :, 0] += 0.1 * eyes  # the whole face, in half of the frames
    assert seed_difference(video, moved) == pytest.approx(0.1 * np.sqrt(0.5), rel=1e-4)
    assert seed_difference(video * 2, moved * 2) == pytest.approx(0.1 * np.sqrt(0.5), rel=1e-4)


def test_a_larger_difference_is_more(video):
    noise = np.random.default_rng(0).normal(size=video.shape).astype(np.float32)
    assert (np.diff([seed_difference(video, video + size * noise) for size in (0, 1, 3, 9)]) > 0).all()


def test_frames_without_a_face_do_not_count(video):
    hidden = video.copy()
    hidden[1:] = np.nan
    assert seed_difference(video, hidden) == 0
    hidden[0] = np.nan
    assert np.isnan(seed_difference(video, hidden))
