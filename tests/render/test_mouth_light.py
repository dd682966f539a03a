"""Light in the drawn mouth: narrow mouths, beards, dark skin, tints; hair moves with the lip that it hangs on."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from orate.render import mouth_render
from orate.render.expression_flow import ExpressionFlow
from orate.render.head import load_head
from orate.render.lips import INNER_LOWER, INNER_UPPER
from orate.render.mouth import Mouth
from orate.render.mouth_palette import EYES, OUTER_LIPS, measure
from orate.render.pose import HeadPose
from orate.render.source import FaceSource

SKIN, LIP = (200, 160, 140), (180, 100, 100)
JAW = (132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 291, 405, 17, 181, 61)


def face(skin: tuple[int, int, int] = SKIN, lip: tuple[int, int, int] = LIP) -> FaceSource:
    """The generic head with closed lips, flat skin and flat lips, 20 px a cm."""
    pose = HeadPose(20.0, np.diag([1.0, -1.0, -1.0]), np.array([250.0, 320.0, 0.0]))
    landmarks = pose.project(load_head().landmarks)
    photo = filled(np.full((641, 503, 3), skin, np.uint8), landmarks, OUTER_LIPS, lip)
    shape = pose.unproject(landmarks)
    return FaceSource(photo, landmarks, np.zeros(52, np.float32), pose, shape, shape.copy())


def filled(
    photo: NDArray[np.uint8], landmarks: NDArray[np.float64], ring: tuple[int, ...], colour: tuple[int, int, int]
) -> NDArray[np.uint8]:
    painted = photo.copy()
    cv2.fillPoly(painted, [np.round(landmarks[list(ring), :2]).astype(np.int32)], colour)
    return painted


def parted(source: FaceSource, cm: float) -> NDArray[np.float64]:
    """(478, 2) px: the inner lips so far apart."""
    target = source.pixels(source.rest)
    wide = np.sin(np.linspace(0.15, np.pi - 0.15, len(INNER_UPPER))) * cm * source.pose.scale
    target[INNER_UPPER, 1] -= 0.3 * wide
    target[INNER_LOWER, 1] += 0.7 * wide
    return target


def inside(source: FaceSource, cm: float) -> NDArray[np.float64]:
    """(3,) mean Lab of what is drawn in the middle of lips so far apart."""
    target = parted(source, cm)
    canvas = source.photo.copy()
    Mouth(source)(canvas, target)
    x, top, bottom = round(target[13, 0]), round(target[13, 1]), round(target[14, 1])
    piece = canvas[top + 2 : bottom - 2, x - 15 : x + 16].astype(np.float32) / 255
    return np.asarray(cv2.cvtColor(piece, cv2.COLOR_RGB2Lab).mean(axis=(0, 1)), np.float64)


def test_narrow_mouths_are_darker_and_redder() -> None:
    source = face()
    narrow, wider = inside(source, 0.35), inside(source, 0.8)
    teeth = measure(source).tooth
    assert narrow[0] < 0.75 * teeth[0]
    assert narrow[1] > teeth[1] + 4
    canvas = source.photo.copy()
    target = parted(source, 0.8)
    Mouth(source)(canvas, target)
    x, y = round(target[13, 0]), round(target[13, 1])
    column = canvas[y : round(target[14, 1]), x - 8 : x + 9].astype(float).mean(axis=(1, 2))
    assert column.max() > 1.07 * column[2]  # the upper lip's shadow
    assert wider[0] > 0.4 * teeth[0]


def test_a_beard_is_no_darker_light() -> None:
    bare = face()
    beard = filled(bare.photo, bare.landmarks, JAW, (40, 30, 25))
    beard = filled(beard, bare.landmarks, OUTER_LIPS, LIP)
    teeth = measure(replace(bare, photo=beard)).tooth
    assert teeth[0] > 0.85 * measure(bare).tooth[0]
    assert teeth[1:] == pytest.approx(measure(bare).tooth[1:], abs=1.5)


def test_teeth_beside_dark_skin_are_as_bright_as_the_whites_of_the_eyes() -> None:
    source = face((70, 48, 40), (75, 40, 42))
    assert measure(source).tooth[0] < 30
    photo = source.photo
    for ring in EYES:
        photo = filled(photo, source.landmarks, ring, (170, 165, 160))
    assert 60 < measure(replace(source, photo=photo)).tooth[0] < 75


def test_light_between_lips_takes_their_colour_but_not_in_a_tinted_photo() -> None:
    red, green, _ = measure(face()).bounce
    assert red < 0.95 < 1.02 < green
    sepia = face((216, 180, 136), (140, 117, 88))
    assert measure(sepia).bounce == pytest.approx(np.ones(3), abs=0.03)


def test_front_teeth_are_parted() -> None:
    relief = mouth_render.draw(False, np.diag([80.0, -80.0, -80.0]), np.array([300.0, 200.0]), (400, 600))
    tone = np.array([80.0, 0.0, 0.0])
    colours = dict.fromkeys((mouth_render.GUM, mouth_render.TONGUE, mouth_render.TOOTH), tone)
    light = mouth_render.shade(relief, colours, np.array([20.0, 0.0, 0.0]), 0.0)[..., 1]
    rows = np.flatnonzero((relief.kind[:, 260:340] == mouth_render.TOOTH).mean(axis=1) > 0.9)
    row = light[rows[len(rows) // 2], 240:360]
    assert row[50:70].min() < 0.85 * row.max()  # between the two middle teeth


def test_a_moustache_moves_with_the_upper_lip() -> None:
    source = face()
    up = source.landmarks[[37, 0, 267], :2].mean(axis=0)
    photo = source.photo.copy()
    x, y = np.round(up).astype(int)
    photo[y - 14 : y - 6, x - 12 : x + 13] = 20
    hairy = replace(source, photo=photo)
    axes = load_head().actions
    target = hairy.pixels(hairy.rest + axes["mouthUpperUp_L"] + axes["mouthUpperUp_R"])
    canvas = photo.copy()
    ExpressionFlow(hairy)(canvas, target)

    def height(picture: NDArray[np.uint8]) -> float:
        rows = np.nonzero(picture[y - 60 : y + 5, x - 8 : x + 9].max(axis=2) < 80)[0]
        return float(rows.mean())

    lip = float((target - source.landmarks[:, :2])[[37, 0, 267], 1].mean())
    assert lip < -4
    assert height(canvas) - height(photo) == pytest.approx(lip, abs=0.4 * abs(lip))
