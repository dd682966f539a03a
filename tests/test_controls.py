"""The controls of movement: their ranges, and what each of them does to the motion of a face."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from orate import Animator, OrateError
from orate.animator import Controls
from orate.animator.layered import LayeredDriver, interpolated
from orate.animator.movement import Movement
from orate.models.motion_session import Motion
from orate.render.emotion import EMOTIONS, EYELIDS, emotion_expression
from orate.render.head import load_head
from orate.render.source import FaceMotion

ROOT = Path(__file__).parents[1]
FRAMES = 60


@pytest.fixture(scope="module")
def animator():
    return Animator.from_pretrained(engine="torch", device="cpu")


@pytest.fixture(scope="module")
def driver(animator) -> LayeredDriver:
    assert isinstance(animator._driver, LayeredDriver)
    return animator._driver


@pytest.fixture(scope="module")
def prepared(animator):
    photo = np.asarray(Image.open(ROOT / "examples" / "portrait.jpg").convert("RGB").resize((256, 256)))
    return animator.prepare(photo)


@pytest.fixture(scope="module")
def face(driver, prepared):
    return driver.face_source(prepared)


def motion(count=FRAMES):
    """Motion that is the same in every frame: an open jaw, raised brows, a turned head, lids half closed."""
    actions = load_head().actions
    expression = 0.3 * actions["jawOpen"] + actions["browInnerUp_L"] + actions["browInnerUp_R"]
    pose = np.tile(np.float32([0.02, 0.05, 0.01]), (count, 1))
    made = Motion(np.zeros((count, 1), np.float32), np.full((count, 2), 0.5, np.float32), pose, 10 * pose)
    return made, np.tile(expression[None], (count, 1, 1))


def moved(face, length_s=None, **controls) -> list[FaceMotion]:
    return list(Movement(face, Controls(**controls), 0, length_s)(*motion()))


def opening(frame):
    return float(frame.expression[13, 1] - frame.expression[14, 1])


def brow(frame):
    return float(frame.expression[[107, 336], 1].mean())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("head_motion", 1.6),
        ("head_motion", -0.1),
        ("head_motion", float("nan")),
        ("blink_rate", 61),
        ("mouth_strength", "2"),
        ("brow_strength", True),
        ("emotion", "bored"),
        ("emotion_strength", 1.1),
        ("gaze", "up"),
        ("body", "dance"),
    ],
)
def test_a_value_out_of_range_is_named_with_what_is_possible(name, value):
    with pytest.raises(OrateError, match=name):
        Controls(**{name: value})


def test_an_unknown_control_is_an_error(animator, prepared):
    with pytest.raises(TypeError, match="blinkrate"):
        animator.stream(prepared, [], rate=16_000, blinkrate=3)


def test_head_motion_scales_the_head_and_nothing_else(face):
    still, half, full = (moved(face, head_motion=size)[-1] for size in (0, 0.5, 1))
    assert not still.rotation.any()
    assert not still.translation.any()
    np.testing.assert_allclose(half.rotation, full.rotation / 2, atol=1e-7)
    np.testing.assert_allclose(full.rotation, [0.02, 0.05, 0.01], atol=1e-7)
    np.testing.assert_array_equal(still.expression, full.expression)


def test_the_head_leaves_the_photos_pose_smoothly(face):
    turns = np.array([frame.rotation[1] for frame in moved(face)])
    assert turns[0] == 0
    assert np.diff(turns).max() < 0.01


def test_mouth_and_brows_have_a_strength_each(face):
    plain = moved(face)[-1]
    assert opening(moved(face, mouth_strength=0.5)[-1]) == pytest.approx(opening(plain) / 2, rel=0.2)
    assert brow(moved(face, mouth_strength=0.5)[-1]) == pytest.approx(brow(plain), rel=0.05)
    assert brow(moved(face, brow_strength=0)[-1]) == pytest.approx(0, abs=0.1 * brow(plain))
    assert opening(moved(face, brow_strength=0)[-1]) == pytest.approx(opening(plain), rel=0.01)


def test_eyes_can_be_kept_open(face):
    assert moved(face)[-1].lids.max() == pytest.approx(0.5)
    assert not any(frame.lids.any() for frame in moved(face, keep_eyes_open=True, emotion="happy"))


def test_gaze_stays_on_the_viewer_unless_told_otherwise(face):
    photo, viewer = moved(face, gaze="photo")[-1].gaze, moved(face, gaze="viewer")[-1].gaze
    assert not photo.any()
    assert viewer[0] * 0.05 != 0  # a head that turns to one side has eyes that turn to the other
    assert (
        np.std([frame.gaze for frame in moved(face)[20:]], axis=0).max()
        > np.std([frame.gaze for frame in moved(face, gaze="viewer")[20:]], axis=0).max()
    )


def test_start_and_end_in_the_photos_expression(face):
    frames = moved(face, FRAMES / 25, start_as_photo=True, end_as_photo=True)
    own = (face.shape - face.rest).astype(np.float32)
    for frame in (frames[0], frames[-1]):
        np.testing.assert_array_equal(frame.expression, own)
        assert not frame.rotation.any()
    assert np.abs(frames[FRAMES // 2].expression - own).max() > 0.1
    steps = np.abs(np.diff([frame.expression for frame in frames], axis=0)).max(axis=(1, 2))
    assert steps.max() < 0.35  # cm a frame: no jump


def test_the_photo_comes_back_when_it_starts_as_the_photo(driver, prepared):
    sound = [np.zeros(3200, np.float32)]
    controls = Controls(start_as_photo=True, gaze="photo", blink_rate=0, head_motion=0)
    first = next(driver.frames(prepared, sound, seed=0, crop=False, fps=None, controls=controls, total=5))
    np.testing.assert_array_equal(first, prepared.photo)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_emotions_leave_eyelids_and_irises_alone_and_grow_with_strength(emotion):
    full, half = emotion_expression(emotion), emotion_expression(emotion, 0.5)
    assert not full[EYELIDS].any()
    assert not full[468:].any()
    np.testing.assert_allclose(half, full / 2, atol=1e-6)
    assert full.any() == (emotion != "neutral")


def test_emotions_are_what_they_are_called():
    smile, frown, raised, lowered = (emotion_expression(name) for name in ("happy", "sad", "surprise", "angry"))
    corners, brows = [61, 291], [107, 336]
    assert smile[corners, 1].mean() > 0.2
    assert frown[corners, 1].mean() < -0.1
    assert raised[brows, 1].mean() > 0.2
    assert lowered[brows, 1].mean() < -0.1


@pytest.mark.parametrize("fps", [10.0, 24.0, 30.0, 60.0])
def test_other_frame_rates_lie_between_the_steps(face, fps):
    def step(value):
        full = np.full(3, value, np.float32)
        return FaceMotion(np.zeros((478, 3), np.float32), full[:2], full[:2], full, full)

    count = round(1.0 * fps)
    frames = list(interpolated((step(k / 25) for k in range(25)), 25.0, fps, lambda: count))
    assert len(frames) == count
    times = np.minimum(np.arange(count) / fps, 24 / 25)
    np.testing.assert_allclose([frame.rotation[0] for frame in frames], times, atol=1e-5)
