"""LMD and jitter of landmarks whose distances are known."""

import numpy as np
import pytest

from orate.evaluation.jitter import acceleration, jitter
from orate.evaluation.lmd import FACE, INNER_LIPS, MOUTH, lmd
from orate.face.regions import OUTER_EYE_CORNERS

EYES_PX = 50.0


@pytest.fixture
def still():
    """Ten frames of one random face, (10, 478, 3) px, its outer eye corners 50 px apart."""
    points = np.random.default_rng(0).uniform(0, 96, (478, 3))
    points[OUTER_EYE_CORNERS[0], :2], points[OUTER_EYE_CORNERS[1], :2] = (20, 50), (20 + EYES_PX, 50)
    return np.repeat(points[None], 10, 0)


def test_equal_landmarks_are_no_distance_apart(still):
    assert lmd(still, still) == 0
    assert lmd(still, still, FACE) == 0


def test_where_the_face_stands_does_not_count(still):
    assert lmd(still, still + np.array([3, -4, 9])) == pytest.approx(0)


def test_lmd_of_lips_that_are_apart(still):
    wide = still.copy()
    wide[:, list(INNER_LIPS), 1] += 4  # half of the mouth's landmarks: each half is 2 px from the mean
    assert len(MOUTH) == len(set(MOUTH)) == 2 * len(INNER_LIPS)
    assert lmd(still, wide) == pytest.approx(2 / EYES_PX)
    assert lmd(wide, still) == pytest.approx(2 / EYES_PX)
    assert lmd(2.5 * still, 2.5 * wide) == pytest.approx(2 / EYES_PX)  # whatever the size
    assert 0 < lmd(still, wide, FACE) < 0.5 / EYES_PX
    once = still.copy()
    once[3] = wide[3]
    assert lmd(still, once) == pytest.approx(0.1 * 2 / EYES_PX)


def test_frames_without_a_face_are_left_out(still):
    wide = still.copy()
    wide[:, list(INNER_LIPS), 1] += 4
    wide[:4], still[7:] = np.nan, np.nan
    assert lmd(still, wide) == pytest.approx(2 / EYES_PX)
    assert np.isnan(lmd(still[7:], wide[7:]))


def test_steady_movement_does_not_jitter(still):
    moving = still + np.arange(10)[:, None, None] * np.array([1.5, -0.5, 0])
    assert jitter(still) == 0
    assert jitter(moving) == pytest.approx(0, abs=1e-9)


def test_jitter_of_known_trembling(still):
    trembling = still.copy()
    trembling[::2, :, 1] += 0.5  # second differences of 1 px, up and down
    assert jitter(trembling) == pytest.approx(1 / EYES_PX)
    assert jitter(3 * trembling) == pytest.approx(1 / EYES_PX)
    assert acceleration(*trembling[:3]) == pytest.approx(1 / EYES_PX)
    irises = still.copy()
    irises[::2, 468:] += 5
    assert jitter(irises) == 0


def test_jitter_over_a_gap(still):
    trembling = still.copy()
    trembling[::2, :, 1] += 0.5
    trembling[4] = np.nan
    assert jitter(trembling) == pytest.approx(1 / EYES_PX)
    trembling[[1, 7]] = np.nan
    assert np.isnan(jitter(trembling))
    assert np.isnan(jitter(still[:2]))
