"""The mouth's patch: the same frame for every face, colours that come back, a residual without a seam."""

from __future__ import annotations

import numpy as np
import pytest
from painted_face import FLIP, frontal_pose, painted_source, with_dot

from orate.render.mouth_patch import (
    HEIGHT,
    MASKS,
    PLANES,
    PX_PER_CM,
    STIRRED_CM,
    WIDTH,
    MouthPatch,
    feather,
    measure_tone,
    network_planes,
)
from orate.render.source import FaceSource

LIPS = [61, 291, 13, 14, 0, 17]


def opened(source: FaceSource, cm: float) -> np.ndarray:
    """Landmarks whose lower lip lies so much lower."""
    target = source.landmarks[:, :2].copy()
    target[[14, 17, 87, 317, 84, 314, 178, 402], 1] += cm * source.pose.scale
    return target


@pytest.mark.parametrize("scale", [4.0, 11.0, 40.0])
def test_the_same_place_of_a_face_lies_at_the_same_place_of_the_patch(scale: float) -> None:
    size = int(30 * scale)
    pose = frontal_pose(scale, size / 2, size / 2)
    plain = painted_source(size, size, pose)
    corners = plain.landmarks[[61, 291], :2]
    place = corners.mean(axis=0) + np.array([0, 2 * scale])
    photo = with_dot(plain.photo, place, max(1, round(0.3 * scale)))
    cut = MouthPatch(painted_source(size, size, pose, photo=photo)).own.astype(float).sum(axis=2)
    rows, columns = np.indices(cut.shape)
    found = np.array([(columns * cut).sum(), (rows * cut).sum()]) / cut.sum() + 0.5
    # the dot's centre is rounded to a pixel of the photo
    assert found == pytest.approx([WIDTH / 2, (3 + 2) * PX_PER_CM], abs=0.3 + 0.75 * PX_PER_CM / scale)


def test_a_residual_lands_where_it_was_cut_from() -> None:
    angle = 0.35
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    pose = frontal_pose(20.0, 300, 280, FLIP @ turn @ FLIP)
    source = painted_source(600, 600, pose, photo=np.full((600, 600, 3), 100, np.uint8))
    patch = MouthPatch(source)
    residual = np.zeros((3, HEIGHT, WIDTH), np.float32)
    residual[0, 40:52, 70:82] = 0.5
    canvas = source.photo.copy()
    patch.add(canvas, residual)
    changed = patch.cut(canvas).astype(float).sum(axis=2) - 300
    rows, columns = np.indices(changed.shape)
    found = np.array([(columns * changed).sum(), (rows * changed).sum()]) / changed.sum()
    weights = feather()[40:52, 70:82]
    ys, xs = np.indices(weights.shape)
    expected = [70 + (xs * weights).sum() / weights.sum(), 40 + (ys * weights).sum() / weights.sum()]
    assert found == pytest.approx(expected, abs=0.1)
    assert canvas.max() == 150


def test_nothing_changes_at_the_patch_edge_nor_outside() -> None:
    source = painted_source(300, 320, frontal_pose(9.0, 160, 140))
    patch = MouthPatch(source)
    canvas = source.photo.copy()
    patch.add(canvas, np.full((3, HEIGHT, WIDTH), 0.3, np.float32))
    x0, y0, x1, y1 = patch.box
    inside = canvas[y0:y1, x0:x1].copy()
    canvas[y0:y1, x0:x1] = source.photo[y0:y1, x0:x1]
    np.testing.assert_array_equal(canvas, source.photo)
    before = source.photo[y0:y1, x0:x1]
    for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        assert np.abs(inside[edge].astype(int) - before[edge]).max() <= 1
    assert np.abs(inside.astype(int) - before).max() > 20


def test_a_grey_photo_stays_grey_and_a_tint_stays_that_tint() -> None:
    grey = painted_source(300, 320, frontal_pose(9.0, 160, 140)).photo.mean(axis=2).astype(np.uint8)
    random = np.random.default_rng(1)
    residual = random.normal(0, 0.1, (3, HEIGHT, WIDTH)).astype(np.float32)
    for tint in (np.ones(3), np.array([1.0, 0.8, 0.55])):
        photo = np.rint(grey[..., None] * tint).astype(np.uint8)
        source = painted_source(300, 320, frontal_pose(9.0, 160, 140), photo=photo)
        canvas = source.photo.copy()
        MouthPatch(source).add(canvas, residual)
        assert np.abs(canvas.astype(int) - photo).max() > 10
        lit = (canvas.max(axis=2) < 255) & (canvas.min(axis=2) > 0)
        assert np.abs(canvas / tint - (canvas / tint).mean(axis=2, keepdims=True))[lit].max() < 5


def test_tone_is_undone_exactly_but_for_rounding() -> None:
    random = np.random.default_rng(2)
    patch = random.integers(0, 256, (20, 30, 3)).astype(np.uint8)
    skin, lips = np.zeros((20, 30), np.uint8), np.zeros((20, 30), np.uint8)
    skin[:, :10], lips[:, 15:] = 255, 255
    patch[:, :10] = [200, 150, 130]
    patch[:, 15:] = [190, 90, 90]
    tone = measure_tone(patch, skin, lips)
    assert tone.skin == pytest.approx([200, 150, 130], abs=1e-3)
    assert tone.chroma == 1
    other = random.integers(0, 256, (20, 30, 3)).astype(np.uint8)
    difference = tone.normalise(other) - tone.normalise(patch)
    np.testing.assert_allclose(tone.levels(difference), other.astype(float) - patch, atol=1e-3)


def test_masks_follow_the_target_and_movement_is_measured_in_cm() -> None:
    source = painted_source(300, 320, frontal_pose(9.0, 160, 140))
    patch = MouthPatch(source)
    still, wide = patch.masks(source.landmarks), patch.masks(opened(source, 1.0))
    assert still.shape == (MASKS, HEIGHT, WIDTH)
    assert wide[0].sum() > still[0].sum() + 255 * PX_PER_CM**2
    np.testing.assert_array_equal(wide[2:], still[2:])
    assert patch.stirred(source.landmarks) == 0
    assert 0.4 < patch.stirred(opened(source, STIRRED_CM / 2)) < 0.6
    assert patch.stirred(opened(source, 1.0)) == 1
    planes = network_planes(patch.tone, patch.own, patch.own, still)
    assert planes.shape == (PLANES, HEIGHT, WIDTH)
    assert planes.dtype == np.float32


@pytest.mark.parametrize("place", [(160, 5), (160, 290), (4, 140), (316, 140)])
def test_faces_at_the_border_and_beyond(place: tuple[int, int]) -> None:
    source = painted_source(300, 320, frontal_pose(9.0, *place))
    patch = MouthPatch(source)
    canvas = source.photo.copy()
    patch.add(canvas, np.full((3, HEIGHT, WIDTH), 0.2, np.float32))
    assert patch.own.shape == (HEIGHT, WIDTH, 3)
    x0, y0, x1, y1 = patch.box
    assert min(x0, y0) >= 0
    assert x1 <= 320
    assert y1 <= 300
