from __future__ import annotations

import numpy as np
import pytest

from orate.face.blendshapes import BLENDSHAPE_NAMES
from orate.render.head import load_head
from orate.render.lips import INNER_LOWER, INNER_UPPER
from orate.render.pose import HeadPose
from orate.render.rest import expression_from_blendshapes, face_at_rest, join_lips, retarget, speaking_face
from orate.render.source import FaceSource


def neutral() -> np.ndarray:
    """The generic head with lips that meet exactly."""
    return join_lips(load_head().landmarks.astype(np.float64), np.zeros((9, 3)))


def source_of(shape: np.ndarray, rest: np.ndarray) -> FaceSource:
    pose = HeadPose(9.0, np.diag([1.0, -1.0, -1.0]), np.array([128.0, 150.0, 0.0]))
    photo = np.zeros((300, 260, 3), np.uint8)
    return FaceSource(photo, pose.project(shape), np.zeros(52, np.float32), pose, shape, rest)


def opening(shape: np.ndarray) -> np.ndarray:
    return shape[INNER_UPPER, 1] - shape[INNER_LOWER, 1]


def test_closed_lips_stay_bit_for_bit() -> None:
    shape = neutral()
    shape[INNER_LOWER, 1] -= np.linspace(0.01, 0.09, 9)  # what noise of the landmarks leaves
    anything = np.random.default_rng(0).normal(size=(478, 3))
    assert np.array_equal(face_at_rest(shape, anything), shape)


@pytest.mark.parametrize("action", ["jawOpen", "mouthLowerDown", "mouthUpperUp"])
@pytest.mark.parametrize("estimated", [0.0, 0.5, 1.0, 1.5])
def test_open_lips_close_whatever_the_estimate_says(action: str, estimated: float) -> None:
    actions = load_head().actions
    moved = sum(0.5 * axis for name, axis in actions.items() if name.startswith(action))
    shape = neutral() + moved
    assert opening(shape).max() > 0.15

    rest = face_at_rest(shape, estimated * moved)

    assert np.array_equal(rest[INNER_UPPER], rest[INNER_LOWER])


def test_an_open_jaw_comes_up_and_the_eyes_stay() -> None:
    jaw = 0.5 * load_head().actions["jawOpen"]
    shape = neutral() + jaw
    rest = face_at_rest(shape, jaw)
    assert rest[152, 1] - shape[152, 1] == pytest.approx(-jaw[152, 1], rel=0.05)
    above = [33, 133, 362, 263, 105, 334, 10, 168]
    assert np.array_equal(rest[above], shape[above])


def test_a_smile_is_kept_in_part() -> None:
    actions = load_head().actions
    smile = actions["mouthSmile_L"] + actions["mouthSmile_R"]
    smile = smile + 0.6 * (actions["mouthLowerDown_L"] + actions["mouthLowerDown_R"])
    base = neutral()
    rest = face_at_rest(base + smile, smile)
    width = [np.linalg.norm(shape[291] - shape[61]) for shape in (base, rest, base + smile)]
    assert width[0] < width[1] < width[2]
    assert 0.05 < (width[1] - width[0]) / (width[2] - width[0]) < 0.4


def test_scores_name_the_actions() -> None:
    scores = np.zeros(52, np.float32)
    assert not expression_from_blendshapes(scores).any()
    scores[BLENDSHAPE_NAMES.index("mouthSmileLeft")] = 0.5
    assert np.allclose(expression_from_blendshapes(scores), 0.5 * load_head().actions["mouthSmile_L"])


def test_silence_is_the_rest_itself() -> None:
    shape = neutral() + 0.3 * load_head().actions["jawOpen"]
    source = source_of(shape, face_at_rest(shape, np.zeros((478, 3))))
    assert np.array_equal(speaking_face(source, np.zeros((478, 3))), source.rest)


def test_small_openings_stay_sealed_and_greater_ones_grow_without_a_jump() -> None:
    base = neutral()
    source = source_of(base, base)
    jaw = load_head().actions["jawOpen"]
    amounts = np.linspace(0, 0.5, 251)
    gaps = np.array([opening(speaking_face(source, amount * jaw)) for amount in amounts])

    assert np.array_equal(gaps[2], np.zeros(9))
    assert gaps.min() >= 0
    steps = np.diff(gaps, axis=0)
    assert steps.min() >= -1e-9
    assert steps.max() < 0.04
    assert gaps[-1].max() > 1


def test_lips_never_cross() -> None:
    base = neutral()
    source = source_of(base, base)
    pressed = -0.3 * load_head().actions["jawOpen"]
    target = retarget(source, pressed)
    assert target.shape == (478, 2)
    assert np.allclose(target[INNER_UPPER], target[INNER_LOWER], atol=1e-9)


def test_noise_of_closed_lips_is_the_same_at_rest_and_sealed() -> None:
    shape = neutral()
    shape[INNER_LOWER, 1] -= 0.05
    source = source_of(shape, face_at_rest(shape, np.zeros((478, 3))))
    spoken = speaking_face(source, -0.2 * load_head().actions["jawOpen"])
    assert np.allclose(opening(spoken), 0.05)
