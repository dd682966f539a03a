"""The portrait as a photo that speaks, its lips moved by hand."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from orate.animator import Animator
from orate.errors import OrateError
from orate.evaluation.photos import PHOTO_FIGURES, PhotoMeter, mean_photo_figures
from orate.media.image import read_image

PORTRAIT = Path(__file__).parents[2] / "examples" / "portrait.jpg"

RATE = 16_000
SILENT, SPOKEN = (0,) * 25, (0, 3, 6, 3) * 6 + (0,)


@pytest.fixture(scope="module")
def meter(landmarker):
    return PhotoMeter(landmarker)


@pytest.fixture(scope="module")
def sound():
    """A second of silence, one of voice, one of silence."""
    tone = 0.3 * np.sin(2 * np.pi * 500 * np.arange(RATE) / RATE)
    return np.concatenate([np.zeros(RATE), tone, np.zeros(RATE)]).astype(np.float32)


@pytest.fixture(scope="module")
def drawn(open_mouth):
    return {gap: open_mouth(gap) for gap in (0, 3, 6)}


@pytest.fixture(scope="module")
def figures(meter, drawn, sound):
    return meter(drawn[0], (drawn[gap] for gap in (*SILENT, *SPOKEN, *SILENT)), sound, RATE)


def test_a_photo_that_speaks_when_it_should(figures, drawn):
    assert set(figures) == set(PHOTO_FIGURES)
    assert figures["faces_found"] == 1
    assert figures["silence_movement"] == 0
    assert figures["mouth_range"] > 0.03
    assert figures["blinks_per_s"] == 0
    assert np.isnan(figures["blink_s"])
    assert figures["jitter"] > 0
    assert 0.7 < figures["mouth_sharpness"] < 1.3
    assert np.isnan(figures["identity_distance"])  # no network was given
    assert figures["change_outside"] == figures["pixels_outside"] == 0


def test_a_photo_that_speaks_in_silence_too(meter, drawn, sound):
    figures = meter(drawn[0], (drawn[gap] for gap in SPOKEN * 3), sound, RATE)
    assert figures["silence_movement"] == pytest.approx(1, abs=0.2)


def test_a_still_photo(meter, drawn, sound):
    figures = meter(drawn[0], (drawn[0] for _ in range(75)), sound, RATE)
    assert (figures["jitter"], figures["mouth_range"], figures["change_outside"]) == (0, 0, 0)
    assert np.isnan(figures["silence_movement"])


def test_what_moves_where_nothing_should(meter, drawn, sound):
    moving = np.zeros((128, 96), bool)
    moving[60:] = True  # the lower half of the face
    spoilt = drawn[0].copy()
    spoilt[:2, :3] ^= 4
    figures = meter(drawn[0], iter([drawn[0], spoilt, drawn[3]]), sound, RATE, moving=moving)
    assert (figures["change_outside"], figures["pixels_outside"]) == (4, 6)


@pytest.fixture(scope="module")
def spoken():
    """The portrait at half its size, where it may move, and half a second in which it nods as far as it can."""
    photo = cv2.resize(read_image(PORTRAIT), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    animator = Animator.from_pretrained(engine="torch", device="cpu")
    source = animator.prepare(photo)
    noise = np.random.default_rng(0).normal(0, 0.1, 14_400).astype(np.float32)
    frames = list(animator.stream(source, [noise], rate=RATE, head_motion=1.5))[10:]
    return photo, animator.moving(source), frames


def test_what_a_model_says_of_its_movement_is_exact(meter, spoken, sound):
    photo, moving, frames = spoken
    figures = meter(photo, iter(frames), sound, RATE, moving=moving)
    assert figures["change_outside"] == figures["pixels_outside"] == 0


def test_one_pixel_beside_what_may_move_is_seen(meter, spoken, sound):
    photo, moving, frames = spoken
    beside = cv2.dilate(moving.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & ~moving
    row, column = np.argwhere(beside)[len(np.argwhere(beside)) // 2]
    spoilt = frames[-1].copy()
    spoilt[row, column, 1] ^= 1
    figures = meter(photo, iter([*frames[:2], spoilt]), sound, RATE, moving=moving)
    assert (figures["change_outside"], figures["pixels_outside"]) == (1, 1)


def test_a_region_that_is_too_small_is_found_out(meter, spoken, sound):
    photo, moving, frames = spoken
    smaller = cv2.erode(moving.astype(np.uint8), np.ones((25, 25), np.uint8), borderValue=1).astype(bool)
    figures = meter(photo, iter(frames), sound, RATE, moving=smaller)
    assert figures["change_outside"] > 10
    assert figures["pixels_outside"] > 50


def test_the_network_sees_some_frames_and_the_photo(landmarker, drawn, sound):
    seen = []

    def embedder(frame, landmarks):
        seen.append(frame)
        return np.full(4, float(len(seen) > 1))

    figures = PhotoMeter(landmarker, embedder)(drawn[0], (drawn[gap] for gap in SPOKEN), sound, RATE)
    assert np.array_equal(seen[0], drawn[0])
    assert 2 <= len(seen) <= 4
    assert figures["identity_distance"] == 2


def test_frames_are_taken_one_by_one(meter, drawn, sound):
    """A frame that is given is measured before the next one is asked for, and then forgotten."""
    canvas = np.empty_like(drawn[0])

    def frames():
        for gap in (*SILENT, *SPOKEN, *SILENT):
            canvas[:] = drawn[gap]
            yield canvas

    figures = meter(drawn[0], frames(), sound, RATE)
    assert figures["silence_movement"] == 0
    assert figures["mouth_range"] > 0.03


def test_a_face_that_is_lost(meter, drawn, sound):
    figures = meter(drawn[0], iter([drawn[0], np.zeros_like(drawn[0]), drawn[3], drawn[3]]), sound, RATE)
    assert figures["faces_found"] == 0.75
    lost = meter(drawn[0], iter([np.zeros_like(drawn[0])] * 3), sound, RATE)
    assert lost["faces_found"] == 0
    for name in ("mouth_range", "mouth_sharpness", "jitter", "blinks_per_s"):
        assert np.isnan(lost[name]), name


def test_nothing_to_measure(meter, drawn, sound):
    with pytest.raises(OrateError, match="no frames"):
        meter(drawn[0], iter([]), sound, RATE)
    with pytest.raises(OrateError, match="No face"):
        meter(np.zeros_like(drawn[0]), iter([drawn[0]]), sound, RATE)


def test_means_are_of_what_is_known_and_change_is_the_worst():
    first = {**dict.fromkeys(PHOTO_FIGURES, 1.0), "blink_s": np.nan, "change_outside": 7.0, "pixels_outside": 90.0}
    second = {**dict.fromkeys(PHOTO_FIGURES, 2.0), "blink_s": 0.3, "change_outside": 0.0, "pixels_outside": 0.0}
    means = mean_photo_figures([first, second])
    assert means["jitter"] == 1.5
    assert means["blink_s"] == pytest.approx(0.3)
    assert (means["change_outside"], means["pixels_outside"]) == (7, 90)
