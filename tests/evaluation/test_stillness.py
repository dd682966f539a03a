import numpy as np
import pytest

from orate.evaluation.stillness import change_outside, head_box
from orate.face.masks import CHIN, FACE_OVAL, FOREHEAD


@pytest.fixture
def photo():
    return np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)


@pytest.fixture
def moving():
    mask = np.zeros((60, 80), bool)
    mask[20:40, 30:50] = True
    return mask


def test_no_change(photo, moving):
    assert change_outside(photo, photo.copy(), moving) == (0, 0)


def test_movement_where_it_is_allowed(photo, moving):
    frame = photo.copy()
    frame[20:40, 30:50] = 255 - frame[20:40, 30:50]
    assert change_outside(photo, frame, moving) == (0, 0)


def test_change_outside_is_counted(photo, moving):
    frame = photo.copy()
    frame[0, 0, 0] = np.where(photo[0, 0, 0] < 128, photo[0, 0, 0] + 9, photo[0, 0, 0] - 9)
    frame[19, 30:33] ^= 1
    assert change_outside(photo, frame, moving) == (9, 4)
    assert change_outside(frame, photo, moving) == (9, 4)


def test_nothing_is_outside(photo):
    assert change_outside(photo, 255 - photo, np.ones((60, 80), bool)) == (0, 0)


def test_the_heads_box_holds_the_head_and_ends_somewhere():
    landmarks = np.zeros((478, 3), np.float32)
    angles = np.linspace(0, 2 * np.pi, len(FACE_OVAL), endpoint=False)
    landmarks[FACE_OVAL, 0], landmarks[FACE_OVAL, 1] = 250 + 30 * np.sin(angles), 200 - 40 * np.cos(angles)
    landmarks[FOREHEAD, :2], landmarks[CHIN, :2] = (250, 160), (250, 240)
    box = head_box(landmarks, (500, 600, 3))
    rows, columns = np.flatnonzero(box.any(1)), np.flatnonzero(box.any(0))
    assert box.shape == (500, 600)
    assert (rows[0], columns[0]) == (80, 164)
    assert (rows[-1] + 1, columns[-1] + 1) == (328, 336)
    small = head_box(landmarks - np.array([230, 150, 0]), (60, 50, 3))
    assert small.all()
