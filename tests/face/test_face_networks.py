import shutil
from pathlib import Path

import numpy as np
import pytest

from orate.errors import OrateError
from orate.face import networks
from orate.face.detector import anchor_centres, overlap, weighted_suppression


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(networks.data_folder(), tmp_path / "data")
    return tmp_path / "data"


def test_a_changed_byte_is_noticed(folder: Path) -> None:
    path = folder / "face_detector.tflite"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(OrateError, match=r"face_detector\.tflite is damaged .*: install orate again"):
        networks.load_networks(1, folder)


def test_a_pointer_file_in_its_place_is_noticed(folder: Path) -> None:
    (folder / "face_blendshapes.tflite").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(OrateError, match=r"face_blendshapes\.tflite is damaged"):
        networks.load_networks(1, folder)


@pytest.mark.parametrize("missing", ["face_landmarks_detector.tflite", "SHA256SUMS"])
def test_a_missing_file_is_named(folder: Path, missing: str) -> None:
    (folder / missing).unlink()
    with pytest.raises(OrateError, match="cannot be read"):
        networks.load_networks(1, folder)


def test_there_are_896_anchors_in_the_order_of_the_layers() -> None:
    anchors = anchor_centres()
    assert anchors.shape == (896, 2)
    np.testing.assert_allclose(anchors[:3], [[1 / 32, 1 / 32], [1 / 32, 1 / 32], [3 / 32, 1 / 32]])
    np.testing.assert_allclose(anchors[512:518], np.full((6, 2), 1 / 16))


def test_overlap_of_boxes() -> None:
    boxes = np.array([[0, 0, 2, 2], [1, 0, 3, 2], [5, 5, 6, 6]], float)
    np.testing.assert_allclose(overlap(boxes[0], boxes), [1, 1 / 3, 0])


def test_suppression_averages_by_score() -> None:
    rows = np.zeros((3, 16))
    rows[:, :4] = [[0, 0, 1, 1], [0.1, 0, 1.1, 1], [3, 3, 4, 4]]
    joined, scores = weighted_suppression(rows, np.array([0.9, 0.6, 0.7]))
    np.testing.assert_allclose(scores, [0.9, 0.7])
    np.testing.assert_allclose(joined[0, :4], [0.04, 0, 1.04, 1])
    empty, none = weighted_suppression(np.zeros((0, 16)), np.zeros(0))
    assert empty.shape == (0, 16)
    assert none.shape == (0,)
