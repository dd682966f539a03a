from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from orate.render.expression_flow import ExpressionFlow
from orate.render.head import load_head
from orate.render.lips import INNER_LOWER, INNER_UPPER, LOWER_RINGS, UPPER_RINGS, middle_line, mouth_outline
from orate.render.pose import HeadPose
from orate.render.rest import face_at_rest, retarget
from orate.render.source import FaceSource


def made_source(height: int = 331, width: int = 257, centre: tuple[float, float] = (128.0, 150.0)) -> FaceSource:
    """The generic head, seen from the front, over noise that has structure at every place."""
    rng = np.random.default_rng(0)
    photo = cv2.GaussianBlur(rng.integers(0, 256, (height, width, 3), np.uint8), (0, 0), 1.5)
    pose = HeadPose(9.0, np.diag([1.0, -1.0, -1.0]), np.array([*centre, 0.0]))
    landmarks = pose.project(load_head().landmarks)
    shape = pose.unproject(landmarks)
    return FaceSource(photo, landmarks, np.zeros(52, np.float32), pose, shape, shape.copy())


def jaw(amount: float) -> np.ndarray:
    return amount * load_head().actions["jawOpen"]


@pytest.mark.parametrize("size", [(331, 257), (512, 512), (200, 180)])
def test_the_photos_own_landmarks_change_nothing(size: tuple[int, int]) -> None:
    source = made_source(*size)
    canvas = source.photo.copy()

    box = ExpressionFlow(source)(canvas, source.landmarks[:, :2])

    assert box == (0, 0, 0, 0)
    assert np.array_equal(canvas, source.photo)


def test_the_pose_fits_way_there_and_back_changes_nothing(smiling: FaceSource) -> None:
    canvas = smiling.photo.copy()
    ExpressionFlow(smiling)(canvas, smiling.pixels(smiling.shape))
    assert np.array_equal(canvas, smiling.photo)


def test_nothing_changes_outside_the_box(smiling: FaceSource) -> None:
    canvas = smiling.photo.copy()
    x0, y0, x1, y1 = ExpressionFlow(smiling)(canvas, retarget(smiling, jaw(0.4)))
    inside = canvas[y0:y1, x0:x1].copy()
    canvas[y0:y1, x0:x1] = smiling.photo[y0:y1, x0:x1]

    assert np.array_equal(canvas, smiling.photo)
    assert not np.array_equal(inside, smiling.photo[y0:y1, x0:x1])


def test_the_boxs_edge_is_the_photo(smiling: FaceSource) -> None:
    canvas = smiling.photo.copy()
    x0, y0, x1, y1 = ExpressionFlow(smiling)(canvas, retarget(smiling, jaw(0.6)))
    box, photo = canvas[y0:y1, x0:x1], smiling.photo[y0:y1, x0:x1]
    for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        assert np.array_equal(box[edge], photo[edge])


# Chin, both lips, corners, cheeks, brow, nose.
@pytest.mark.parametrize("point", [152, 200, 17, 0, 61, 291, 205, 425, 105, 4])
def test_a_painted_dot_arrives_where_its_landmark_goes(point: int) -> None:
    plain = made_source(512, 400, (200.0, 240.0))
    photo = np.full_like(plain.photo, 20)
    x, y = plain.landmarks[point, :2]
    ys, xs = np.mgrid[0:512, 0:400] + 0.5
    photo += (200 * np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / (2 * 2.0**2))).astype(np.uint8)[..., None]
    source = replace(plain, photo=photo)
    actions = load_head().actions
    target = source.pixels(source.shape + 0.35 * actions["jawOpen"] + 0.3 * actions["mouthSmile_L"])
    canvas = photo.copy()

    ExpressionFlow(source)(canvas, target)

    light = canvas[..., 0].astype(np.float64) - 20
    light[np.hypot(xs - target[point, 0], ys - target[point, 1]) > 8] = 0
    found = np.array([(xs * light).sum(), (ys * light).sum()]) / light.sum()
    assert np.abs(found - target[point]).max() < 0.8
    # The dot had to move for the mouth's points; a flow that does nothing would fail there.
    if point in (152, 17):
        assert np.hypot(*(target[point] - source.landmarks[point, :2])) > 5


def test_closed_lips_show_neither_teeth_nor_a_slit() -> None:
    plain = made_source(512, 400, (200.0, 240.0))
    # Open lips in the photo: the upper lip red, the lower green, what lies between them blue.
    shape = plain.shape + 0.35 * load_head().actions["jawOpen"]
    landmarks = plain.pose.project(shape)
    photo = np.full((512, 400, 3), (150, 150, 0), np.uint8)
    line = middle_line(landmarks)
    photo[: int(line[:, 1].mean()), :] = (200, 0, 0)
    photo[int(line[:, 1].mean()) :, :] = (0, 200, 0)
    inner = np.concatenate([landmarks[[78, *INNER_UPPER, 308], :2], landmarks[INNER_LOWER[::-1], :2]])
    cv2.fillPoly(photo, [np.round(inner - 0.5).astype(np.int32)], (0, 0, 255))
    source = FaceSource(photo, landmarks, plain.blendshapes, plain.pose, shape, face_at_rest(shape, 0 * shape))
    canvas = photo.copy()

    ExpressionFlow(source)(canvas, source.pixels(source.rest))

    assert (photo[..., 2] > 128).sum() > 300
    assert (canvas[..., 2] > 128).sum() == 0
    target = source.pixels(source.rest)
    for upper, lower in zip(INNER_UPPER, INNER_LOWER, strict=True):
        assert np.allclose(target[upper], target[lower])
    middle = target[13]
    x, y = int(middle[0]), int(middle[1])
    assert canvas[y - 2, x, 0] > 150 > 50 > canvas[y - 2, x, 1]
    assert canvas[y + 2, x, 1] > 150 > 50 > canvas[y + 2, x, 0]


def test_lips_closed_in_the_photo_part_at_their_line() -> None:
    plain = made_source(512, 400, (200.0, 240.0))
    photo = np.zeros((512, 400, 3), np.uint8)
    height = round(float(plain.landmarks[[13, 14], 1].mean()))
    photo[:height], photo[height:] = (200, 0, 0), (0, 200, 0)
    source = replace(plain, photo=photo)
    target = retarget(source, jaw(0.3))
    canvas = photo.copy()

    ExpressionFlow(source)(canvas, target)

    for point, colour in ((13, 0), (14, 1)):
        x, y = target[point]
        row = int(y) + (-2 if point == 13 else 2)
        assert canvas[row, int(x), colour] > 180
        assert canvas[row, int(x), 1 - colour] < 20
    assert target[14, 1] - target[13, 1] > 5


def test_lips_part_at_their_line_not_at_the_landmarks_noise() -> None:
    pose = HeadPose(30.0, np.diag([1.0, -1.0, -1.0]), np.array([300.0, 300.0, 0.0]))
    landmarks = pose.project(load_head().landmarks)
    line = 400.0
    landmarks[INNER_UPPER, 1], landmarks[INNER_LOWER, 1] = line - 1.7, line + 1.7
    photo = np.zeros((700, 600, 3), np.uint8)
    photo[:400, :, 0] = photo[400:, :, 1] = 200
    shape = pose.unproject(landmarks)
    source = FaceSource(photo, landmarks, np.zeros(52, np.float32), pose, shape, face_at_rest(shape, 0 * shape))
    target = retarget(source, jaw(0.2))
    canvas = photo.copy()

    ExpressionFlow(source)(canvas, target)

    # Down the middle of the upper lip: red ends at its landmark, not at the landmark and the noise.
    column = canvas[int(target[13, 1]) - 12 : int(target[13, 1]) + 4, int(target[13, 0]), 0].astype(float)
    edge = int(target[13, 1]) - 12 + column.sum() / 200
    assert edge == pytest.approx(target[13, 1], abs=0.8)


def test_the_outline_encloses_nothing_when_the_lips_are_closed(smiling: FaceSource) -> None:
    plain = made_source()
    noisy = plain.landmarks.copy()
    noisy[INNER_LOWER, 1] += 0.06 * plain.pose.scale
    closed = replace(plain, landmarks=noisy, shape=plain.pose.unproject(noisy), rest=plain.pose.unproject(noisy))
    for source in (closed, smiling):
        assert abs(cv2.contourArea(mouth_outline(source, source.pixels(source.rest)).astype(np.float32))) < 0.5
        opened = mouth_outline(source, retarget(source, jaw(0.3))).astype(np.float32)
        assert abs(cv2.contourArea(opened)) > 50
    # Lips open in the photo: the outline is the landmarks'.
    outline = mouth_outline(smiling, smiling.landmarks)
    assert np.allclose(outline[::6][1:10], smiling.landmarks[INNER_UPPER, :2])


@pytest.mark.parametrize("centre", [(20.0, 30.0), (250.0, 320.0), (128.0, 325.0)])
def test_a_face_at_the_border(centre: tuple[float, float]) -> None:
    source = made_source(centre=centre)
    canvas = source.photo.copy()
    target = retarget(source, jaw(0.5))

    x0, y0, x1, y1 = ExpressionFlow(source)(canvas, target)

    assert 0 <= x0 <= x1 <= 257
    assert 0 <= y0 <= y1 <= 331
    for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        assert np.array_equal(canvas[edge], source.photo[edge])


def test_a_face_beyond_the_border_draws_nothing_there() -> None:
    source = made_source(centre=(128.0, 480.0))
    canvas = source.photo.copy()
    ExpressionFlow(source)(canvas, retarget(source, jaw(0.5)))
    assert canvas.shape == source.photo.shape


def test_grey_stays_grey(smiling: FaceSource) -> None:
    grey = cv2.cvtColor(cv2.cvtColor(smiling.photo, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    source = replace(smiling, photo=grey)
    canvas = grey.copy()
    ExpressionFlow(source)(canvas, retarget(source, jaw(0.4)))
    assert np.array_equal(canvas[..., 0], canvas[..., 1])
    assert np.array_equal(canvas[..., 0], canvas[..., 2])


def test_the_same_twice(smiling: FaceSource) -> None:
    target = retarget(smiling, jaw(0.4))
    first, second = smiling.photo.copy(), smiling.photo.copy()
    flow = ExpressionFlow(smiling)
    flow(first, retarget(smiling, jaw(0.1)))
    first = smiling.photo.copy()
    flow(first, target)
    ExpressionFlow(smiling)(second, target)
    assert np.array_equal(first, second)


def test_skin_far_from_the_mouth_stays_bit_for_bit(smiling: FaceSource) -> None:
    canvas = smiling.photo.copy()
    lips_only = np.zeros((478, 3))
    rings = np.concatenate([UPPER_RINGS.ravel(), LOWER_RINGS.ravel()])
    lips_only[rings] = jaw(0.3)[rings]
    ExpressionFlow(smiling)(canvas, smiling.pixels(smiling.shape + lips_only))
    eyes = int(smiling.landmarks[[33, 263], 1].mean())
    assert np.array_equal(canvas[: eyes - 20], smiling.photo[: eyes - 20])
