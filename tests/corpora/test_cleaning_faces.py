"""Who else is in the picture, how far the head is turned, whether this mouth speaks."""

from dataclasses import replace

import numpy as np
import pytest
from skimage import data

from orate.corpora.cleaning.faces import Rivals, others_than
from orate.corpora.cleaning.mouth import LEAST_FRAMES, check_mouth, mouth_range
from orate.corpora.cleaning.reasons import Dropped, DropReason
from orate.corpora.cleaning.turn import check_turn, head_angles
from orate.face.landmarks import FaceLandmarker
from orate.render.pose import rotation_matrix

LOOKS = 8


@pytest.fixture(scope="module")
def face():
    return FaceLandmarker(threads=1).detect(data.astronaut()[25:225, 145:305])[0]


def living(face, seed, size=1.0, still=False):
    """The face in each look, alive unless it is a picture: its landmarks move by about 2% of the eyes' distance."""
    random = np.random.default_rng(seed)
    for _ in range(LOOKS):
        moved = face.landmarks + (0.05 if still else 1.5) * random.standard_normal(face.landmarks.shape)
        yield replace(face, landmarks=(size * moved + [150, 0, 0]).astype(np.float32), box=size * face.box + 150)


def look(face, *others):
    rivals = Rivals()
    for tracked, second in zip(living(face, 0), zip(*others, strict=True), strict=True):
        rivals.look([other for other in second if other], tracked)
    return rivals


def dropped(rivals):
    try:
        rivals.check()
    except Dropped as drop:
        return drop.reason == DropReason.SEVERAL_FACES
    return False


def test_a_second_person_as_large(face):
    assert dropped(look(face, living(face, 1, 0.9)))


def test_somebody_walks_in_and_stays(face):
    coming = [None] * 6 + list(living(face, 1))[6:]
    assert dropped(look(face, coming))


def test_somebody_passes_by(face):
    assert not dropped(look(face, [None] * 5 + [next(living(face, 1))] + [None] * 2))


def test_small_faces_in_the_background_do_not_count(face):
    assert not dropped(look(face, living(face, 1, 0.5), living(face, 2, 0.3)))


def test_a_portrait_on_the_wall_does_not_count(face):
    assert not dropped(look(face, living(face, 1, still=True)))


def test_two_faces_that_both_keep_still_cannot_be_told_apart(face):
    rivals = Rivals()
    for tracked, second in zip(living(face, 0, still=True), living(face, 1, still=True), strict=True):
        rivals.look([second], tracked)
    assert dropped(rivals)


def test_the_tracked_face_is_no_other(face):
    near = replace(face, box=face.box + 2)
    beside = replace(face, box=face.box + np.array([200, 0, 200, 0]))
    assert others_than(face, [near, beside]) == [beside]


def turned(face, yaw_deg, pitch_deg=0.0):
    """Landmarks (12, 478, 3) of the face, turned in space about its middle."""
    middle = face.landmarks.mean(0)
    yaw, pitch = rotation_matrix(np.array([0, np.radians(yaw_deg), 0])), rotation_matrix(np.radians([pitch_deg, 0, 0]))
    return np.repeat(((face.landmarks - middle) @ yaw @ pitch + middle)[None], 12, 0)


@pytest.mark.parametrize("yaw_deg", [-60, -25, 25, 60])
def test_angles_are_those_of_the_head(face, yaw_deg):
    start = head_angles(turned(face, 0))
    angles = head_angles(turned(face, yaw_deg))
    assert angles.shape == (4, 3)
    assert abs(angles[0, 0] - start[0, 0]) == pytest.approx(abs(yaw_deg), abs=4)
    check_turn(angles, 90)
    if abs(yaw_deg) == 60:
        with pytest.raises(Dropped, match="face too turned: by more than 40 degrees in 100% of it") as caught:
            check_turn(angles, 40)
        assert caught.value.reason == DropReason.TOO_TURNED


def test_looking_down_is_turned_too_and_a_glance_aside_is_not(face):
    down, up = (head_angles(turned(face, 0, pitch)) for pitch in (55, -55))
    for angles in (down, up):
        with pytest.raises(Dropped):
            check_turn(angles, 40)
    glance = np.concatenate([head_angles(turned(face, 0))] * 4 + [head_angles(turned(face, 70))])
    check_turn(glance, 40)


def test_leaning_to_a_side_is_no_turning(face):
    angle = np.radians(60)
    flat = np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    angles = head_angles(np.repeat((face.landmarks @ flat)[None], 3, 0))
    assert abs(angles[0, 2]) == pytest.approx(60, abs=8)
    check_turn(angles, 40)


def speaking(face, way, count=50, noise=0.0):
    """Landmarks (count, 478, 3) whose lower lip moves by ``way`` eye distances."""
    eyes = np.linalg.norm(face.landmarks[33, :2] - face.landmarks[263, :2])
    landmarks = np.repeat(face.landmarks[None].astype(np.float64), count, 0)
    opening = 0.5 * way * eyes * (1 + np.sin(np.arange(count) * 1.1))
    for point in (14, 87, 317):
        landmarks[:, point, 1] += opening
    return landmarks + noise * eyes * np.random.default_rng(0).standard_normal(landmarks.shape)


VOICED = np.arange(50) % 10 < 7


@pytest.mark.parametrize(("way", "noise"), [(0.12, 0.0), (0.05, 0.0), (0.05, 0.005)])
def test_a_mouth_that_speaks_or_mumbles(face, way, noise):
    assert mouth_range(speaking(face, way, noise=noise)) == pytest.approx(way, rel=0.5)
    check_mouth(speaking(face, way, noise=noise), VOICED)


@pytest.mark.parametrize("noise", [0.0, 0.005])
def test_somebody_else_speaks(face, noise):
    with pytest.raises(Dropped, match="off-screen voice") as caught:
        check_mouth(speaking(face, 0.005, noise=noise), VOICED)
    assert caught.value.reason == DropReason.OFF_SCREEN


def test_a_mouth_that_moves_only_while_nobody_speaks(face):
    landmarks = speaking(face, 0.1)
    landmarks[25:] = face.landmarks
    late = np.arange(50) >= 30
    with pytest.raises(Dropped, match="off-screen voice"):
        check_mouth(landmarks, late)


def test_too_little_voice_says_nothing_of_the_mouth(face):
    check_mouth(speaking(face, 0.0), np.arange(50) < LEAST_FRAMES - 1)
