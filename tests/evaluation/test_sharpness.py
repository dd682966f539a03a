"""Sharpness of the portrait's mouth: its own, blurred, sharpened, grainy."""

import cv2
import numpy as np
import pytest

from orate.evaluation.sharpness import mouth_sharpness, source_sharpness
from orate.face.masks import OUTER_LIPS


@pytest.fixture(scope="module")
def figure(photo, landmarks):
    """The mouth's sharpness after something was done to the picture: (function of the picture) -> float."""
    source = source_sharpness(photo, landmarks)
    return lambda change: mouth_sharpness(change(photo), landmarks, source)


def blurred(sigma):
    return lambda picture: cv2.GaussianBlur(picture, (0, 0), sigma)


def sharpened(picture):
    return cv2.addWeighted(picture, 2, cv2.GaussianBlur(picture, (0, 0), 1.3), -1, 0)


def test_the_photos_own_mouth_is_as_sharp_as_its_face(figure):
    assert 0.85 < figure(np.copy) < 1.15


def test_blur_lowers_it(figure):
    figures = [figure(np.copy), *(figure(blurred(sigma)) for sigma in (0.7, 1.3, 2.6))]
    assert (np.diff(figures) < 0).all()
    assert figures[2] < 0.75  # a pixel of the canonical crop shows


def test_too_sharp_is_seen_too(figure):
    assert figure(sharpened) > 1.15 * figure(np.copy)


def test_neither_contrast_nor_grain_is_sharpness(figure):
    own = figure(np.copy)
    assert figure(lambda picture: (60 + 0.5 * picture).astype(np.uint8)) == pytest.approx(own, abs=0.06)
    noise = np.random.default_rng(0).normal(0, 5, (512, 512, 3))
    assert figure(lambda picture: np.clip(picture + noise, 0, 255).astype(np.uint8)) == pytest.approx(own, abs=0.06)


def test_the_grain_of_the_photo_is_not_sharpness_that_a_drawn_mouth_lacks(photo, landmarks):
    grainy = np.clip(photo + np.random.default_rng(1).normal(0, 6, photo.shape), 0, 255).astype(np.uint8)
    source = source_sharpness(grainy, landmarks)
    assert source.noise == pytest.approx(6 * np.hypot.reduce([0.299, 0.587, 0.114]), rel=0.5)
    assert mouth_sharpness(photo, landmarks, source) == pytest.approx(
        mouth_sharpness(grainy, landmarks, source), abs=0.1
    )


def test_only_the_mouth_counts(figure, photo, landmarks):
    lips = landmarks[OUTER_LIPS, :2]
    (left, top), (right, bottom) = (lips.min(0) - 30).astype(int), (lips.max(0) + 30).astype(int)

    def all_else_blurred(picture):
        changed = cv2.GaussianBlur(picture, (0, 0), 3)
        changed[top:bottom, left:right] = picture[top:bottom, left:right]
        return changed

    assert figure(all_else_blurred) == pytest.approx(figure(np.copy), abs=1e-3)


def test_the_size_of_the_picture_does_not_matter(photo, landmarks, figure):
    large = cv2.resize(photo, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC)
    source = source_sharpness(large, 1.5 * landmarks)
    assert mouth_sharpness(large, 1.5 * landmarks, source) == pytest.approx(figure(np.copy), abs=0.12)


def test_a_mouth_without_texture_or_outside_the_picture(photo, landmarks):
    source = source_sharpness(photo, landmarks)
    assert np.isnan(mouth_sharpness(np.full_like(photo, 128), landmarks, source))
    assert np.isnan(mouth_sharpness(photo, landmarks + 1000, source))
    assert np.isfinite(mouth_sharpness(photo[: round(float(landmarks[14, 1]))], landmarks, source))
