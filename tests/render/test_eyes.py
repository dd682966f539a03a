"""The eyes' layer: lids close over the iris, the iris turns, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from orate.face.landmarks import BLENDSHAPE_NAMES, FaceLandmarker
from orate.media.image import read_image
from orate.render.catchlight import FOLLOWS, Catchlight
from orate.render.eye_edges import fitted_eye_shape, white_of_eye
from orate.render.eye_shape import IRIS, eye_shape, luma
from orate.render.eye_skin import skin_colours
from orate.render.eyes import Eyes
from orate.render.gaze import EyeGaze, kept_gaze
from orate.render.pose import fit_pose, rotation_matrix
from orate.render.source import FaceSource

TESTS = Path(__file__).parents[1]
ASTRONAUT, MONA_LISA = TESTS / "face/data/astronaut.jpg", TESTS / "face/data/mona_lisa.jpg"
GIRL = TESTS.parent / "examples/portraits/girl_with_a_pearl_earring.jpg"
BLINKS = [BLENDSHAPE_NAMES.index(name) for name in ("eyeBlinkLeft", "eyeBlinkRight")]
STILL, AHEAD = np.zeros(2, np.float32), np.zeros(2, np.float32)


def face_source(photo: np.ndarray, landmarks: np.ndarray) -> FaceSource:
    points = landmarks.astype(np.float64)
    pose = fit_pose(points)
    shape = pose.unproject(points)
    return FaceSource(photo, points, np.zeros(52, np.float32), pose, shape, shape)


@pytest.fixture(scope="module")
def landmarker() -> FaceLandmarker:
    return FaceLandmarker(threads=1)


@pytest.fixture(scope="module")
def astronaut(landmarker: FaceLandmarker) -> FaceSource:
    photo = read_image(ASTRONAUT)
    return face_source(photo, landmarker.detect(photo)[0].landmarks)


@pytest.fixture(scope="module")
def mona_lisa(landmarker: FaceLandmarker) -> FaceSource:
    photo = read_image(MONA_LISA)
    return face_source(photo, landmarker.detect(photo)[0].landmarks)


def drawn(source: FaceSource, lids: object, gaze: object = AHEAD) -> tuple[np.ndarray, list[tuple[int, int, int, int]]]:
    canvas = source.photo.copy()
    boxes = Eyes(source)(canvas, source.landmarks[:, :2], np.asarray(lids, np.float32), np.asarray(gaze, np.float32))
    return canvas, boxes


def iris_pixels(source: FaceSource, picture: np.ndarray, side: int) -> np.ndarray:
    """Pixels within 0.7 of the iris's radius, (n, 3)."""
    points = source.landmarks[list(IRIS[side]), :2]
    radius = 0.7 * np.linalg.norm(points[1:] - points[0], axis=1).mean()
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]] + 0.5
    return picture[np.hypot(columns - points[0, 0], rows - points[0, 1]) < radius].astype(float)


def test_eyes_as_in_the_photo_change_no_bit(astronaut: FaceSource) -> None:
    canvas, boxes = drawn(astronaut, STILL)
    assert boxes == []
    assert np.array_equal(canvas, astronaut.photo)


@pytest.mark.parametrize(("lids", "gaze"), [((1, 1), (0, 0)), ((0.4, 0.4), (3, -2)), ((0, 0), (-6, 4))])
def test_only_the_boxes_change(astronaut: FaceSource, lids: tuple[float, ...], gaze: tuple[float, ...]) -> None:
    canvas, boxes = drawn(astronaut, lids, gaze)
    changed = np.any(canvas != astronaut.photo, axis=2)
    assert len(boxes) == 2
    for x0, y0, x1, y1 in boxes:
        assert changed[y0:y1, x0:x1].any()
        changed[y0:y1, x0:x1] = False
    assert not changed.any()


def test_no_seam_at_the_box_edge(astronaut: FaceSource) -> None:
    canvas, boxes = drawn(astronaut, (1, 1))
    difference = np.abs(canvas.astype(int) - astronaut.photo).max(axis=2)
    for x0, y0, x1, y1 in boxes:
        frame = difference[y0:y1, x0:x1]
        assert max(frame[0].max(), frame[-1].max(), frame[:, 0].max(), frame[:, -1].max()) <= 6
        assert frame.max() > 60


def test_a_wink_leaves_the_other_eye(astronaut: FaceSource) -> None:
    canvas, boxes = drawn(astronaut, (1, 0))
    middle = astronaut.landmarks[168, 0]  # between the eyes
    assert len(boxes) == 1
    assert boxes[0][2] < middle
    assert np.array_equal(canvas[:, int(middle) :], astronaut.photo[:, int(middle) :])


@pytest.mark.parametrize("name", ["astronaut", "mona_lisa"])
def test_closed_lids_cover_the_iris(name: str, request: pytest.FixtureRequest) -> None:
    source: FaceSource = request.getfixturevalue(name)
    closed, _ = drawn(source, (1, 1))
    for side in (0, 1):
        before, after = (iris_pixels(source, picture, side) for picture in (source.photo, closed))
        # Skin is brighter than these dark irises, and far more even.
        assert after.mean() > 1.3 * before.mean()


def test_lids_close_step_by_step(astronaut: FaceSource) -> None:
    levels = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    for side in (0, 1):
        bright = [iris_pixels(astronaut, drawn(astronaut, (c, c))[0], side).mean() for c in levels]
        assert bright[-1] == max(bright)
    eyes, target = Eyes(astronaut), astronaut.landmarks[:, :2]
    frames = []
    for c in np.linspace(0, 1, 41):
        canvas = astronaut.photo.copy()
        eyes(canvas, target, np.full(2, c, np.float32), AHEAD)
        frames.append(canvas.astype(float))
    steps = [np.abs(a - b).sum() for a, b in zip(frames[1:], frames[:-1], strict=True)]
    assert max(steps) < 6 * np.median(steps)  # nothing jumps


def test_the_landmark_network_sees_closed_eyes(astronaut: FaceSource, landmarker: FaceLandmarker) -> None:
    scores, openings = [], []
    for closure in (0.0, 0.5, 1.0):
        face = landmarker.detect(drawn(astronaut, (closure, closure))[0])[0]
        scores.append(face.blendshapes[BLINKS].mean())
        openings.append(np.linalg.norm(face.landmarks[159, :2] - face.landmarks[145, :2]))
    assert scores[0] < scores[1] < scores[2]
    assert scores[2] > 0.4
    assert openings[2] < 0.4 * openings[0]


def test_grey_stays_grey(astronaut: FaceSource) -> None:
    grey = np.repeat(cv2.cvtColor(astronaut.photo, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    source = face_source(grey, astronaut.landmarks)
    for closure in (0.3, 1.0):
        canvas, _ = drawn(source, (closure, closure), (2, 1))
        assert np.ptp(canvas.astype(int), axis=2).max() == 0


@pytest.mark.parametrize("size", [97, 256, 1301])
def test_any_size(astronaut: FaceSource, size: int) -> None:
    factor = size / astronaut.photo.shape[0]
    photo = cv2.resize(astronaut.photo, (size + 2, size), interpolation=cv2.INTER_AREA)
    source = face_source(photo, astronaut.landmarks * factor)
    canvas, _ = drawn(source, (1, 1))
    assert canvas.shape == photo.shape
    assert not np.array_equal(canvas, photo)
    for side in (0, 1):
        if len(iris_pixels(source, photo, side)) < 4:
            continue  # an eye of one pixel is lid, lashes and iris at once
        assert iris_pixels(source, canvas, side).mean() > iris_pixels(source, photo, side).mean()


def test_eyes_at_and_beyond_the_border(astronaut: FaceSource) -> None:
    for cut in (int(astronaut.landmarks[159, 0]), int(astronaut.landmarks[133, 0]) + 30):
        source = face_source(
            np.ascontiguousarray(astronaut.photo[:, cut:]), astronaut.landmarks - np.array([cut, 0, 0])
        )
        canvas, boxes = drawn(source, (1, 1), (3, 2))
        assert all(0 <= x0 < x1 <= canvas.shape[1] for x0, _, x1, _ in boxes)
    assert len(boxes) == 1


def test_lids_follow_the_face(astronaut: FaceSource) -> None:
    moved = np.roll(astronaut.photo, 3, axis=0)
    canvas = moved.copy()
    Eyes(astronaut)(canvas, astronaut.landmarks[:, :2] + np.array([0, 3]), np.ones(2), AHEAD)
    expected = np.roll(drawn(astronaut, (1, 1))[0], 3, axis=0)
    assert np.array_equal(canvas, expected)


def test_same_call_same_bytes(mona_lisa: FaceSource) -> None:
    first, second = (drawn(mona_lisa, (0.6, 0.5), (2, -1))[0] for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize("gaze", [(6.0, 0.0), (-6.0, 0.0), (0.0, -4.0)])
def test_the_iris_goes_where_the_gaze_goes(astronaut: FaceSource, gaze: tuple[float, float]) -> None:
    # Four times as large, so that the way is some pixels long.
    photo = cv2.resize(astronaut.photo, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    for side in (0, 1):  # without the reflections, which stay behind
        x, y = astronaut.landmarks[IRIS[side][0], :2] * 4
        cv2.circle(photo, (round(x), round(y)), 7, (40, 25, 15), -1, cv2.LINE_AA)
    source = face_source(photo, astronaut.landmarks * 4)
    canvas, _ = drawn(source, STILL, gaze)
    for side in (0, 1):
        shape = eye_shape(source, side)
        way = EyeGaze(source, shape, side).shift(np.array(gaze))
        assert np.allclose(way, 1.2 * source.pose.scale * np.sin(np.radians(gaze)), rtol=0.2, atol=0.01)
        x, y = source.landmarks[IRIS[side][0], :2].astype(int)
        half, reach = 11, 20
        pupil = photo[y - half : y + half, x - half : x + half]
        window = canvas[y - half - reach : y + half + reach, x - half - reach : x + half + reach]
        _, _, _, best = cv2.minMaxLoc(cv2.matchTemplate(window, pupil, cv2.TM_CCOEFF_NORMED))
        assert np.allclose(np.array(best) - reach, way, atol=1.1)


def painted_eyes(astronaut: FaceSource, spot: tuple[int, int]) -> FaceSource:
    """Four times as large, irises painted evenly dark, and in each a white spot, px from the iris's middle."""
    photo = cv2.resize(astronaut.photo, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    for side in (0, 1):
        x, y = np.round(astronaut.landmarks[IRIS[side][0], :2] * 4).astype(int)
        cv2.circle(photo, (int(x), int(y)), 13, (60, 40, 30), -1, cv2.LINE_AA)
        cv2.circle(photo, (int(x) + spot[0], int(y) + spot[1]), 3, (250, 250, 250), -1, cv2.LINE_AA)
    return face_source(photo, astronaut.landmarks * 4)


@pytest.mark.parametrize("gaze", [(6.0, 0.0), (-6.0, 0.0), (0.0, 3.0)])
def test_reflections_lag_behind_the_iris(astronaut: FaceSource, gaze: tuple[float, float]) -> None:
    spot = (2, -2)
    source = painted_eyes(astronaut, spot)
    canvas, _ = drawn(source, STILL, gaze)
    for side in (0, 1):
        way = EyeGaze(source, eye_shape(source, side), side).shift(np.array(gaze))
        x, y = np.round(source.landmarks[IRIS[side][0], :2]).astype(int)
        window = canvas[y - 10 : y + 8, x - 9 : x + 11].astype(float).mean(axis=2)
        light = np.clip(window - 120, 0, None)
        rows, columns = np.indices(window.shape)
        place = np.array([(columns * light).sum(), (rows * light).sum()]) / light.sum() - (9, 10) - spot
        assert np.allclose(place, FOLLOWS * way, atol=0.5)


def test_an_eye_without_reflection_has_none(astronaut: FaceSource) -> None:
    source = painted_eyes(astronaut, (2, -2))
    dull = source.photo.copy()
    for side in (0, 1):
        x, y = np.round(source.landmarks[IRIS[side][0], :2]).astype(int)
        cv2.circle(dull, (int(x), int(y)), 13, (60, 40, 30), -1, cv2.LINE_AA)
    for photo, found in ((source.photo, True), (dull, False)):
        shape = eye_shape(source, 0)
        x0, y0, x1, y1 = shape.box
        centre = (source.landmarks[IRIS[0][0], :2] - shape.box[:2]).astype(np.float32)
        light = Catchlight(photo[y0:y1, x0:x1].astype(np.float32), shape, centre, 14.0)
        assert (light.box is not None) == found


def test_the_edge_of_a_painted_eye_goes_out_to_the_end_of_its_white() -> None:
    photo = read_image(GIRL)
    source = face_source(photo, FaceLandmarker(threads=1).detect(photo)[0].landmarks)
    near = (eye_shape(source, 1), fitted_eye_shape(source, 1))
    landmarks, fitted = (np.sum(shape.opening * (shape.u > 0) * (shape.u < 1)) for shape in near)
    assert fitted > 1.05 * landmarks
    for side in (0, 1):
        before = eye_shape(source, side)
        # Closed, there is no white left where landmarks have the eye.
        x0, y0, x1, y1 = before.box
        closed = drawn(source, (1, 1))[0][y0:y1, x0:x1].astype(np.float32)
        inside = (before.v > before.upper) & (before.v < before.lower) & (before.opening > 2)
        was = white_of_eye(photo[y0:y1, x0:x1].astype(np.float32), before)[inside].mean()
        assert was > 0.15
        assert white_of_eye(closed, before)[inside].mean() < 0.1 * was


def test_an_eye_whose_landmarks_fit_keeps_them(mona_lisa: FaceSource) -> None:
    for side in (0, 1):
        assert np.array_equal(fitted_eye_shape(mona_lisa, side).upper, eye_shape(mona_lisa, side).upper)


def test_closed_lids_are_skin_with_a_dark_line_where_they_meet(astronaut: FaceSource) -> None:
    """In real blinks the lid is a little brighter than the skin around, the line about half as bright."""
    closed, _ = drawn(astronaut, (1, 1))
    for side in (0, 1):
        shape = fitted_eye_shape(astronaut, side)
        x0, y0, x1, y1 = shape.box
        bright = luma(closed[y0:y1, x0:x1].astype(np.float32))
        _, above, _ = skin_colours(astronaut.photo[y0:y1, x0:x1].astype(np.float32), shape)
        skin = float(np.median(luma(above.values)))
        middle = (shape.u > 0.3) & (shape.u < 0.7)
        lid = bright[middle & (shape.v > shape.crease) & (shape.v < shape.upper)]
        line = bright[middle & (np.abs(shape.v - shape.meet) < 0.08 * shape.scale)]
        assert 0.9 * skin < np.median(lid) < 1.15 * skin
        assert 0.3 * skin < np.median(line) < 0.8 * skin


def test_rims_of_glasses_stay_where_lids_close_under_them(astronaut: FaceSource) -> None:
    photo = cv2.resize(astronaut.photo, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    points = astronaut.landmarks * 2
    source = face_source(photo, points)
    rims = np.zeros(photo.shape[:2], np.uint8)
    for side in (0, 1):
        shape = eye_shape(source, side)
        middle = points[[(33, 133), (362, 263)][side], :2].mean(axis=0)
        rim_height = -float(shape.curves.upper.min()) + 0.55 * source.pose.scale
        left, right = (middle + np.array([way * 0.8 * shape.width, -rim_height]) for way in (-1, 1))
        cv2.line(rims, left.astype(int).tolist(), right.astype(int).tolist(), 255, 4)
    source.photo[rims > 0] = (25, 20, 20)
    closed, boxes = drawn(source, (1, 1))
    core = cv2.erode(rims, np.ones((3, 3), np.uint8)) > 0
    assert sum(core[y0:y1, x0:x1].sum() for x0, y0, x1, y1 in boxes) > 50
    assert np.abs(closed.astype(int) - source.photo)[core].max() < 25


def test_lids_stay_while_the_eye_turns(astronaut: FaceSource) -> None:
    canvas, _ = drawn(astronaut, STILL, (6, 0))
    for side in (0, 1):
        shape = eye_shape(astronaut, side)
        x0, y0, x1, y1 = shape.box
        outside = (shape.v < shape.upper) | (shape.v > shape.lower)
        same = np.all(canvas[y0:y1, x0:x1] == astronaut.photo[y0:y1, x0:x1], axis=2)
        assert same[outside].all()
        assert not same.all()


def test_eyes_that_look_down_lower_the_lid(astronaut: FaceSource) -> None:
    turn = EyeGaze(astronaut, eye_shape(astronaut, 0), 0)
    assert turn.lid_closure(np.array([0.0, -4.0])) == 0
    assert 0.02 < turn.lid_closure(np.array([0.0, 4.0])) < 0.3


def test_kept_gaze_turns_against_the_head(astronaut: FaceSource) -> None:
    pose = astronaut.pose
    for axis, rotation in enumerate(([0, 0.05, 0], [0.05, 0, 0])):
        # Where the nose goes, the eyes come back from.
        forward = np.array([0.0, 0.0, 1.0])
        way = (forward @ rotation_matrix(np.array(rotation)) - forward) @ pose.rotation
        kept = kept_gaze(np.array(rotation), pose)
        assert np.sign(kept[axis]) == -np.sign(way[axis])
        assert abs(abs(kept[axis]) - np.degrees(0.05)) < 0.3
    assert np.array_equal(kept_gaze(np.zeros(3), pose), np.zeros(2))
    assert np.abs(kept_gaze(np.array([1.0, 1.0, 0.0]), pose)).max() <= 6
