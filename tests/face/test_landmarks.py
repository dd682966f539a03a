from dataclasses import replace

import cv2
import numpy as np
import pytest

from orate.errors import OrateError
from orate.face.landmarks import BLENDSHAPE_NAMES, Face, FaceLandmarker, choose_face, face_width, largest_face


def resized(image: np.ndarray, width: int, height: int) -> np.ndarray:
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def error(found: Face, expected: np.ndarray) -> float:
    """Mean distance from the expected points (478, 2), in eye distances."""
    distances = np.linalg.norm(found.landmarks[:, :2] - expected, axis=1)
    return float(distances.mean() / np.linalg.norm(expected[33] - expected[263]))


def made_up_face(width: float) -> Face:
    landmarks = np.zeros((478, 3), np.float32)
    landmarks[454, 0] = width
    return Face(np.array([0, 0, width, width]), 1.0, landmarks, np.zeros(52, np.float32))


def test_one_face_with_everything_in_range(landmarker: FaceLandmarker, astronaut: np.ndarray) -> None:
    (face,) = landmarker.detect(astronaut)
    assert face.landmarks.shape == (478, 3)
    assert face.landmarks.dtype == np.float32
    assert face.blendshapes.shape == (52,) == (len(BLENDSHAPE_NAMES),)
    assert face.blendshapes.min() >= 0
    assert face.blendshapes.max() <= 1
    assert face.score > 0.99
    x0, y0, x1, y1 = face.box
    assert 150 < x0 < x1 < 300
    assert 50 < y0 < y1 < 200
    smile = face.blendshapes[BLENDSHAPE_NAMES.index("mouthSmileLeft")]
    assert smile > 0.5  # she smiles


def test_the_same_picture_gives_the_same_numbers(landmarker: FaceLandmarker, astronaut: np.ndarray) -> None:
    first, second = landmarker.detect(astronaut)[0], landmarker.detect(astronaut)[0]
    np.testing.assert_array_equal(first.landmarks, second.landmarks)
    np.testing.assert_array_equal(first.blendshapes, second.blendshapes)


@pytest.mark.parametrize("angle_deg", [-90, -45, 30, 45, 120, 150, 180])
def test_turned_photos(landmarker, astronaut, astronaut_face, angle_deg) -> None:
    turn = cv2.getRotationMatrix2D((225, 130), angle_deg, 0.8)
    (found,) = landmarker.detect(cv2.warpAffine(astronaut, turn, (512, 400)))
    expected = astronaut_face.landmarks[:, :2] @ turn[:, :2].T + turn[:, 2]
    assert error(found, expected) < 0.03


def test_several_faces_come_largest_first(landmarker, pictures) -> None:
    canvas = np.full((700, 1100, 3), 70, np.uint8)
    canvas[20:532, 20:532] = pictures["astronaut"]
    canvas[100:400, 560:860] = resized(pictures["astronaut"], 300, 300)
    canvas[300:684, 880:1096] = resized(pictures["mona_lisa"], 216, 384)
    faces = landmarker.detect(canvas)
    widths = [face_width(face) for face in faces]
    assert len(faces) == 3
    assert widths == sorted(widths, reverse=True)
    assert faces[0].box[2] < 532


def test_a_tiny_face_in_a_large_picture(landmarker, astronaut, astronaut_face) -> None:
    canvas = np.full((1500, 2000, 3), 90, np.uint8)
    canvas[1100:1356, 1600:1856] = resized(astronaut, 256, 256)
    (face,) = landmarker.detect(canvas)
    expected = astronaut_face.landmarks[:, :2] / 2 + np.array([1600, 1100])
    assert error(face, expected) < 0.03


@pytest.mark.parametrize(("width", "height"), [(96, 128), (64, 64), (40, 48)])
def test_a_face_that_fills_the_frame(landmarker, astronaut, astronaut_face, width, height) -> None:
    x0, y0, x1, y1 = astronaut_face.box.round().astype(int)
    (face,) = landmarker.detect(resized(astronaut[y0:y1, x0:x1], width, height))
    scale = np.array([width / (x1 - x0), height / (y1 - y0)])
    expected = (astronaut_face.landmarks[:, :2] - np.array([x0, y0])) * scale
    assert error(face, expected) < 0.04
    assert choose_face([face], 1, "photo.png") is face


def test_a_face_cut_by_the_border(landmarker, astronaut, astronaut_face) -> None:
    middle = int(astronaut_face.landmarks[:, 0].mean())
    faces = landmarker.detect(astronaut[:, middle - 15 :])
    assert len(faces) == 1


@pytest.mark.parametrize("size", [(300, 400), (1, 1), (64, 2000), (3, 5)])
def test_no_face_in_blank_pictures(landmarker, size) -> None:
    assert landmarker.detect(np.full((*size, 3), 128, np.uint8)) == []


@pytest.mark.parametrize("seed", range(3))
def test_no_face_in_noise(landmarker, seed) -> None:
    generator = np.random.default_rng(seed)
    fine = generator.integers(0, 256, (240, 320, 3)).astype(np.uint8)
    coarse = cv2.resize(generator.integers(0, 256, (12, 16, 3)).astype(np.uint8), (320, 240))
    assert landmarker.detect(fine) == []
    assert landmarker.detect(coarse) == []


def test_tracking_keeps_loses_and_finds_again(landmarker, astronaut, astronaut_face) -> None:
    first = landmarker.track(astronaut, None)
    assert first is not None
    assert error(first, astronaut_face.landmarks[:, :2]) < 0.01
    moved = np.roll(astronaut, (6, 10), axis=(0, 1))
    kept = landmarker.track(moved, first)
    assert kept is not None
    assert error(kept, astronaut_face.landmarks[:, :2] + np.array([10, 6])) < 0.02
    assert landmarker.track(np.full_like(astronaut, 128), kept) is None
    far = np.roll(astronaut, (200, 220), axis=(0, 1))
    found = landmarker.track(far, kept)
    assert found is not None
    assert error(found, astronaut_face.landmarks[:, :2] + np.array([220, 200])) < 0.02


def test_choosing_a_face() -> None:
    faces = [made_up_face(50), made_up_face(90), made_up_face(10)]
    assert choose_face(faces, 1, "a.png") is faces[1]
    assert choose_face(faces, 2, "a.png") is faces[0]
    assert largest_face(faces) is faces[1]
    assert largest_face([]) is None


def test_errors_say_what_is_wrong() -> None:
    with pytest.raises(OrateError, match=r"No face was found in a\.png"):
        choose_face([], 1, "a.png")
    with pytest.raises(OrateError, match=r"a\.png shows only one face"):
        choose_face([made_up_face(50)], 2, "a.png")
    with pytest.raises(OrateError, match=r"a\.png shows only 2 faces: choose --face from 1 to 2"):
        choose_face([made_up_face(50), made_up_face(40)], 3, "a.png")
    with pytest.raises(OrateError, match="from 1 to 1"):
        choose_face([made_up_face(50)], 0, "a.png")
    with pytest.raises(OrateError, match=r"a\.png is too small: 10 px wide, but at least 24 px"):
        choose_face([made_up_face(10)], 1, "a.png")
    with pytest.raises(OrateError, match="at least 60 px"):
        choose_face([made_up_face(50)], 1, "a.png", min_size_px=60)


def test_a_face_is_a_value(astronaut_face: Face) -> None:
    assert replace(astronaut_face, score=0.5).landmarks is astronaut_face.landmarks
