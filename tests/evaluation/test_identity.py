import sys

import cv2
import numpy as np
import pytest

from orate.errors import OrateError
from orate.evaluation import identity
from orate.evaluation.identity import (
    CHIP_SIDE_PX,
    MEAN_FACE,
    POINTS_478,
    FaceEmbedder,
    content_distance,
    face_chip,
    identity_distance,
)


def test_distances_of_known_embeddings():
    source = np.zeros(128)
    one, two = np.eye(128)[0], 3 * np.eye(128)[1]
    assert identity_distance(source, [one, two]) == pytest.approx(2)
    assert identity_distance(source, [source]) == 0
    assert np.isnan(identity_distance(source, []))
    assert content_distance([one, two]) == pytest.approx(np.sqrt(10))
    assert content_distance([one, one, two]) == pytest.approx(2 / 3 * np.sqrt(10))
    assert np.isnan(content_distance([one]))


def test_the_chip_shows_the_face_where_the_network_wants_it(photo, landmarks, landmarker):
    chip = face_chip(photo, landmarks)
    assert chip.shape == (150, 150, 3)
    found = landmarker.detect(chip)[0].landmarks[list(POINTS_478), :2]
    target = (MEAN_FACE + 0.25) / 1.5 * CHIP_SIDE_PX
    assert np.abs(found - target).max() < 0.04 * CHIP_SIDE_PX
    assert (found - target).mean(0) == pytest.approx([0, 0], abs=1)


def test_the_chip_does_not_depend_on_the_pictures_size_or_turn(photo, landmarks):
    chip = face_chip(photo, landmarks).astype(float)
    large = cv2.resize(photo, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    assert np.abs(face_chip(large, 3 * landmarks) - chip).mean() < 3
    turned = np.ascontiguousarray(np.rot90(photo))
    points = np.stack([landmarks[:, 1], photo.shape[1] - landmarks[:, 0]], 1)
    assert np.abs(face_chip(turned, points) - chip).mean() < 1


@pytest.mark.parametrize("missing", ["dlib", "models"])
def test_without_the_extra_an_error_says_how_to_get_it(missing, monkeypatch):
    if missing == "dlib":
        monkeypatch.setitem(sys.modules, "dlib", None)
    else:
        monkeypatch.setattr(identity, "find_spec", lambda name: None)
    with pytest.raises(OrateError, match=r"pip install 'orate\[evaluate\]'"):
        FaceEmbedder()


@pytest.fixture(scope="module")
def embedder():
    pytest.importorskip("dlib")
    return FaceEmbedder()


def test_one_person_is_near_and_another_is_far(embedder, photo, landmarks, landmarker):
    own = embedder(photo, landmarks)
    assert own.shape == (128,)
    darker = embedder((0.8 * photo).astype(np.uint8), landmarks)
    assert np.linalg.norm(own - darker) < 0.1
    stretched = cv2.resize(photo, None, fx=0.75, fy=1)
    other = embedder(stretched, landmarker.detect(stretched)[0].landmarks)
    assert np.linalg.norm(own - other) > np.linalg.norm(own - darker) + 0.1
