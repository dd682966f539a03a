from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from orate.render import mouth_render
from orate.render.head import load_head
from orate.render.lips import INNER_LOWER, INNER_UPPER, mouth_outline
from orate.render.mouth import Mouth
from orate.render.mouth_palette import blur_of
from orate.render.pose import HeadPose, rotation_matrix
from orate.render.source import FaceSource

SKIN, LIP = (200, 160, 140), (180, 100, 100)
OUTER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)


def painted(
    scale: float = 20.0, size: tuple[int, int] = (641, 503), turn: float = 0.0, grey: bool = False
) -> FaceSource:
    """The generic head with closed lips, flat skin and flat lips, turned to the image's right by `turn` degrees."""
    rotation = rotation_matrix(np.array([0.0, np.radians(turn), 0.0])) @ np.diag([1.0, -1.0, -1.0])
    pose = HeadPose(scale, rotation, np.array([size[1] / 2, size[0] / 2, 0.0]))
    landmarks = pose.project(load_head().landmarks)
    photo = np.full((*size, 3), SKIN, np.uint8)
    cv2.fillPoly(photo, [np.round(landmarks[list(OUTER), :2]).astype(np.int32)], LIP)
    if grey:
        photo = np.repeat(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    shape = pose.unproject(landmarks)
    return FaceSource(photo, landmarks, np.zeros(52, np.float32), pose, shape, shape.copy())


def opened(source: FaceSource, jaw: float = 0.4, **actions: float) -> NDArray[np.float64]:
    """(478, 2) px: the lips opened by named actions."""
    axes = load_head().actions
    moved = jaw * axes["jawOpen"]
    for name, amount in actions.items():
        moved = moved + amount * (axes[f"{name}_L"] + axes[f"{name}_R"])
    return source.pixels(source.rest + moved)


def drawn(source: FaceSource, target: NDArray[np.float64]) -> NDArray[np.uint8]:
    canvas = source.photo.copy()
    Mouth(source)(canvas, target)
    return canvas


def changed(source: FaceSource, canvas: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.asarray((canvas != source.photo).any(axis=2))


def test_closed_lips_and_an_open_photo_itself_draw_nothing(smiling: FaceSource) -> None:
    closed = painted()
    for source, target in (
        (closed, closed.pixels(closed.rest)),
        (smiling, smiling.pixels(smiling.rest)),
        (smiling, smiling.pixels(smiling.shape)),
    ):
        canvas = source.photo.copy()
        assert Mouth(source)(canvas, target) == (0, 0, 0, 0)
        assert np.array_equal(canvas, source.photo)


def test_only_the_inside_changes_and_only_in_the_box() -> None:
    source = painted()
    target = opened(source)
    canvas = source.photo.copy()
    x0, y0, x1, y1 = Mouth(source)(canvas, target)
    moved = changed(source, canvas)
    ring = mouth_outline(source, target)
    inside = np.zeros(moved.shape, np.uint8)
    cv2.fillPoly(inside, [np.round(ring).astype(np.int32)], 1)
    assert moved[cv2.erode(inside, np.ones((9, 9), np.uint8)) > 0].mean() > 0.99
    assert not moved[cv2.dilate(inside, np.ones((13, 13), np.uint8)) == 0].any()
    moved[y0:y1, x0:x1] = False
    assert not moved.any()


def test_the_opening_fades_in() -> None:
    source = painted()
    amounts = [
        np.abs(drawn(source, opened(source, jaw)).astype(int) - source.photo).max() for jaw in (0.005, 0.05, 0.15)
    ]
    assert amounts[0] == 0
    assert 0 < amounts[1] < amounts[2]


def test_upper_teeth_stay_and_lower_teeth_move_with_the_jaw() -> None:
    source = painted()
    mouth = Mouth(source)
    narrow, wide = opened(source, 0.35, mouthUpperUp=0.5), opened(source, 0.5, mouthUpperUp=0.5)
    a, b = source.photo.copy(), source.photo.copy()
    mouth(a, narrow)
    mouth(b, wide)
    # A window inside both openings, half a centimetre below the upper lip at most: the upper front teeth.
    x, y = np.round(narrow[13]).astype(int)
    window = np.s_[y + 4 : y + 10, x - 20 : x + 20]
    assert np.abs(a[window].astype(int) - b[window]).mean() < 12

    def lower_edge(canvas: NDArray[np.uint8], target: NDArray[np.float64]) -> int:
        """The row of the strongest rise in brightness downwards, in the lower half: the lower teeth's edge."""
        top, bottom = round(target[[13, 14], 1].mean()), round(target[14, 1])
        light = canvas[top:bottom, x - 8 : x + 9].astype(float).mean(axis=(1, 2))
        return top + int(np.diff(light).argmax())

    chin = (wide[152, 1] - narrow[152, 1]) * 0.95
    assert chin > 4
    assert lower_edge(b, wide) - lower_edge(a, narrow) == pytest.approx(chin, abs=2.5)


def test_teeth_are_bright_and_the_throat_is_not_black() -> None:
    source = painted()
    target = opened(source, 0.6)
    canvas = drawn(source, target).astype(int)
    x, y = np.round(target[13]).astype(int)
    column = canvas[y : round(target[14, 1]), x - 30 : x + 30].mean(axis=1)
    light = column.mean(axis=1)
    assert light.max() > 0.65 * np.mean(SKIN)
    assert 25 < light.min() < 0.5 * np.mean(SKIN)
    darkest = column[light.argmin()]
    assert darkest[0] > darkest[1] + 8  # reddish


def test_a_grey_photo_stays_grey() -> None:
    source = painted(grey=True)
    canvas = drawn(source, opened(source))
    assert changed(source, canvas).any()
    assert np.ptp(canvas, axis=2).max() == 0


def test_a_dark_photo_gets_dark_teeth() -> None:
    source = painted()
    dim = replace(source, photo=(source.photo * 0.4).astype(np.uint8))
    target = opened(source)
    inside = changed(source, drawn(source, target))
    assert drawn(dim, target)[inside].max() < 0.6 * drawn(source, target)[inside].max()


def test_own_teeth_are_used_where_the_photo_shows_them(smiling: FaceSource) -> None:
    mouth = Mouth(smiling)
    assert mouth.own_teeth
    assert not Mouth(painted()).own_teeth
    # Lips that moved a little: the middle of the upper row shows the photo's pixels at their place.
    target = smiling.pixels(smiling.shape)
    target[list(INNER_LOWER)] += (0.0, 0.35 * smiling.pose.scale)
    canvas = np.zeros_like(smiling.photo)
    mouth(canvas, target)
    x, y = np.round(0.5 * (target[13] + smiling.landmarks[14, :2])).astype(int)
    window = np.s_[y - 1 : y + 2, x - 6 : x + 7]
    difference = np.abs(canvas[window].astype(int) - smiling.photo[window])
    assert difference.mean() < 10
    # Marked pixels come along.
    marked = smiling.photo.copy()
    marked[window][:, 6:] = (230, 255, 230)
    canvas = np.zeros_like(marked)
    Mouth(replace(smiling, photo=marked))(canvas, target)
    green = canvas[window].astype(int)[..., 1] - canvas[window].astype(int)[..., 0]
    assert green[:, 8:].mean() > green[:, :5].mean() + 10


@pytest.mark.parametrize(
    ("scale", "size", "turn"),
    [
        (2.0, (65, 47), 0.0),
        (20.0, (501, 640), 40.0),
        (20.0, (501, 640), -35.0),
        (60.0, (900, 700), 0.0),
        (20.0, (155, 60), 0.0),
    ],
)
def test_sizes_turns_and_faces_at_the_border(scale: float, size: tuple[int, int], turn: float) -> None:
    source = painted(scale, size, turn)
    target = opened(source, 0.5)
    canvas = drawn(source, target)
    assert changed(source, canvas).any()
    shifted = painted(scale, size, turn)
    away = replace(shifted, pose=replace(shifted.pose, shift=np.array([3.0, 3.0, 0.0])))
    away = replace(away, landmarks=away.pose.project(away.shape))
    drawn(away, opened(away, 0.5))


def test_the_arch_follows_the_heads_turn() -> None:
    """Turned to the image's right, the far side of the arch ends sooner: its middle moves to that side."""
    front, turned = (
        mouth_render.draw(
            False,
            rotation_matrix(np.array([0.0, np.radians(angle), 0.0])) @ np.diag([1.0, -1.0, -1.0]) * 60,
            np.array([240.0, 150.0]),
            (300, 480),
        )
        for angle in (0.0, 30.0)
    )
    for relief in (front, turned):
        assert (relief.kind == mouth_render.TOOTH).sum() > 3000
    x = np.arange(480)
    nearest = [float((x * w).sum() / w.sum()) for w in (_front_teeth(front), _front_teeth(turned))]
    assert abs(nearest[0] - 240) < 6
    assert abs(nearest[1] - 240) > abs(nearest[0] - 240)


def _front_teeth(relief: mouth_render.Relief) -> NDArray[np.float64]:
    tooth = (relief.kind == mouth_render.TOOTH) & (relief.depth < 0.5)
    return np.asarray(tooth.sum(axis=0), np.float64)


def test_no_gap_is_seen_between_front_teeth() -> None:
    relief = mouth_render.draw(False, np.diag([80.0, -80.0, -80.0]), np.array([300.0, 200.0]), (400, 600))
    rows = np.flatnonzero((relief.kind[:, 260:340] == mouth_render.TOOTH).mean(axis=1) > 0.9)
    assert len(rows) > 20
    middle = relief.kind[rows[len(rows) // 2], 180:420]
    assert (middle == mouth_render.TOOTH).all()


def test_blur_is_measured() -> None:
    rng = np.random.default_rng(0)
    blocks = np.kron(rng.integers(0, 2, (12, 12)), np.ones((24, 24))).astype(np.float32) * 60 + 20
    corners = np.array([[0.0, 0.0], [287.0, 287.0]])
    for sigma in (1.0, 2.0, 3.5):
        measured = blur_of(cv2.GaussianBlur(blocks, (0, 0), sigma), corners, 30.0)
        assert measured == pytest.approx(sigma, rel=0.3)


def test_the_same_photo_gives_the_same_bytes() -> None:
    source = painted()
    target = opened(source)
    assert np.array_equal(drawn(source, target), drawn(source, target))


def test_frames_do_not_depend_on_each_other() -> None:
    source = painted()
    mouth = Mouth(source)
    first, second = source.photo.copy(), source.photo.copy()
    mouth(first, opened(source, 0.3))
    mouth(source.photo.copy(), opened(source, 0.7))
    mouth(second, opened(source, 0.3))
    assert np.array_equal(first, second)


def test_the_file_is_small_and_its_licence_is_beside_it() -> None:
    assert mouth_render.MOUTH_FILE.stat().st_size < 2.5e6
    text = (mouth_render.MOUTH_FILE.parent / "LICENSE-ICT.txt").read_text()
    assert "mouth.npz" in text
    assert "MIT License" in text
    assert "USC Institute for Creative Technologies" in text


def test_lips_that_only_seem_apart_draw_nothing() -> None:
    source = painted()
    landmarks = source.landmarks.copy()
    landmarks[INNER_UPPER, 1] -= 0.04 * source.pose.scale
    landmarks[INNER_LOWER, 1] += 0.04 * source.pose.scale
    shape = source.pose.unproject(landmarks)
    noisy = FaceSource(source.photo, landmarks, source.blendshapes, source.pose, shape, shape.copy())
    canvas = noisy.photo.copy()
    assert Mouth(noisy)(canvas, landmarks[:, :2]) == (0, 0, 0, 0)
