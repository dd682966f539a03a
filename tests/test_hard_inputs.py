"""What people hand in by mistake: odd numbers as controls, sound of the wrong kind, outputs that are inputs."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from orate import Animator, OrateError
from orate.animator import Controls, resampled
from orate.animator.movement import Movement
from orate.models.motion_session import Motion

ROOT = Path(__file__).parents[1]
RATE = 16_000


@pytest.fixture(scope="module")
def animator():
    return Animator.from_pretrained(engine="torch", device="cpu")


@pytest.fixture(scope="module")
def source(animator):
    picture = Image.open(ROOT / "examples" / "portrait.jpg").convert("RGB")
    return animator.prepare(np.asarray(picture.resize((128, 128), box=(90, 0, 370, 280))))


@pytest.mark.parametrize("seed", [-1, 1.5, "7", None, True])
def test_a_seed_that_is_none_is_told_at_once(animator, source, tmp_path, seed):
    sound = np.zeros(640, np.float32)
    soundfile.write(tmp_path / "sound.wav", sound, RATE)
    with pytest.raises(OrateError, match="seed"):
        animator.stream(source, [sound], rate=RATE, seed=seed)
    with pytest.raises(OrateError, match="seed"):
        animator.whole(source, sound, seed=seed)
    with pytest.raises(OrateError, match="seed"):
        animator.animate(source, tmp_path / "sound.wav", tmp_path / "out.mp4", seed=seed)


def test_numbers_of_numpy_are_numbers():
    assert Controls(head_motion=np.float32(0.5)).head_motion == 0.5
    assert Controls(blink_rate=np.int64(10)).blink_rate == 10


@pytest.mark.parametrize("name", ["keep_eyes_open", "start_as_photo", "end_as_photo"])
@pytest.mark.parametrize("value", ["no", 0, None])
def test_a_switch_is_true_or_false(name, value):
    with pytest.raises(OrateError, match=name):
        Controls(**{name: value})


@pytest.mark.parametrize(
    "sound",
    [np.zeros(1280, np.int16), np.zeros((1280, 1), np.float32), [0] * 1280],
    ids=["integers", "channels", "list of integers"],
)
def test_whole_refuses_what_stream_refuses(animator, source, sound):
    with pytest.raises(OrateError, match="one-dimensional arrays of floating point"):
        list(animator.whole(source, sound))


def test_whole_takes_what_stream_takes(animator, source):
    sound = np.random.default_rng(0).normal(0, 0.1, 1280)
    with_holes = sound.copy()
    with_holes[100:200] = np.nan
    sound[100:200] = 0
    holes, expected = (list(animator.whole(source, values)) for values in (with_holes, sound.astype(np.float32)))
    np.testing.assert_array_equal(holes, expected)


def test_the_output_is_not_an_input(animator, tmp_path):
    sound = tmp_path / "speech.mp4"
    soundfile.write(tmp_path / "speech.wav", np.zeros(640), RATE)
    (tmp_path / "speech.wav").rename(sound)
    before = sound.read_bytes()
    (tmp_path / "link.mp4").symlink_to(sound)
    for output in (sound, tmp_path / "link.mp4"):
        with pytest.raises(OrateError, match="is the sound itself"):
            animator.animate(ROOT / "examples" / "portrait.jpg", sound, output)
    assert sound.read_bytes() == before
    photo = tmp_path / "photo.mov"
    photo.write_bytes((ROOT / "examples" / "portrait.jpg").read_bytes())
    with pytest.raises(OrateError, match="is the photo itself"):
        animator.animate(photo, sound, photo)


def test_a_photo_without_a_name_is_called_the_picture(animator):
    with pytest.raises(OrateError, match="No face was found in the picture"):
        animator.prepare(Image.new("RGB", (96, 96), "grey"))


def test_no_blink_hides_the_photos_own_expression(animator, source):
    """The first and the last frame are the photo's own; eyes half closed there would be seen for good."""
    face, count = animator._driver.face_source(source), 40
    still = np.zeros((count, 3), np.float32)
    motion = Motion(np.zeros((count, 1), np.float32), np.ones((count, 2), np.float32), still, still)
    controls = Controls(start_as_photo=True, end_as_photo=True)
    frames = list(Movement(face, controls, 0, count / 25)(motion, np.zeros((count, 478, 3), np.float32)))
    assert not frames[0].lids.any()
    assert not frames[-1].lids.any()
    assert frames[count // 2].lids.min() == 1
    assert np.abs(np.diff([frame.lids for frame in frames], axis=0)).max() < 0.2


@pytest.mark.parametrize(("name", "told"), [("n" * 300 + ".mp4", "too long"), ("a\0b.mp4", "not the name of a file")])
def test_a_name_that_no_file_can_have_is_told_before_the_work(animator, source, tmp_path, monkeypatch, name, told):
    soundfile.write(tmp_path / "sound.wav", np.zeros(640), RATE)
    monkeypatch.setattr(animator._driver, "frames", lambda *_, **__: pytest.fail("frames were drawn"))
    with pytest.raises(OrateError, match=told):
        animator.animate(source, tmp_path / "sound.wav", tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["sound.wav"]


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_told_at_once(animator, source, rate):
    with pytest.raises(OrateError, match="are no sound"):
        animator.stream(source, [np.zeros(640, np.float32)], rate=rate)


@pytest.mark.parametrize("rate", [RATE, 48_000])
@pytest.mark.parametrize("factor", [40.0, 1e30, 1e300])
def test_sound_beyond_full_scale_is_clipped(rate, factor):
    sound = np.sin(np.arange(4800) / 20) + 0.5
    loud, clipped = (
        np.concatenate(list(resampled([values], rate, RATE)))
        for values in (factor * sound, np.clip(factor * sound, -1, 1))
    )
    np.testing.assert_array_equal(loud, clipped)
    assert np.isfinite(loud).all()
