import numpy as np
import pytest

from orate.evaluation.blinks import (
    EYES,
    Blink,
    blink_duration,
    blinks_per_second,
    eye_opening,
    find_blinks,
)

FPS = 25.0
WIDE = 0.3


def eyes(closure_of_frames, seconds=4.0):
    """Openness of eyes that stand open but for blinks: {frame: openness, 0 to 1}."""
    curve = np.full(round(seconds * FPS), WIDE)
    for frame, openness in closure_of_frames.items():
        curve[frame] = WIDE * openness
    return curve


def test_eye_opening_of_known_landmarks():
    points = np.zeros((2, 478, 3), np.float32)
    for outer, inner, lids in EYES:
        points[:, outer, 0], points[:, inner, 0] = 10, 40
        for number, (upper, lower) in enumerate(lids):
            points[:, [upper, lower], 0] = 15 + 10 * number
            points[:, upper, 1], points[:, lower, 1] = -3, 6
    points[1] = 2 * points[1, :, [1, 0, 2]].T  # twice as large and turned
    assert eye_opening(points) == pytest.approx([0.3, 0.3])
    assert np.isnan(eye_opening(np.full((478, 3), np.nan)))


def test_open_eyes_do_not_blink():
    wavering = eyes({}) * (1 + 0.15 * np.sin(np.arange(100)))
    assert find_blinks(eyes({}), FPS) == []
    assert find_blinks(wavering, FPS) == []
    assert find_blinks(eyes({40: 0.6, 41: 0.55}), FPS) == []  # a squint
    assert np.isnan(blink_duration([]))


def test_a_blink_of_known_length():
    blinks = find_blinks(eyes({40: 0.6, 41: 0.1, 42: 0.1, 43: 0.4, 44: 0.6}), FPS)
    # 0.8 is passed halfway between frames 39 and 40, and halfway between 44 and 45
    assert blinks == [Blink(pytest.approx(39.5 / FPS), pytest.approx(5 / FPS))]
    assert blinks_per_second(blinks, 100, FPS) == pytest.approx(0.25)
    assert blink_duration(blinks) == pytest.approx(0.2)


def test_several_blinks():
    one = {10: 0.0, 50: 0.2, 51: 0.2}
    blinks = find_blinks(eyes(one), FPS)
    assert [blink.start_s for blink in blinks] == pytest.approx([9.2 / FPS, 49.25 / FPS])
    assert [blink.duration_s for blink in blinks] == pytest.approx([1.6 / FPS, 2.5 / FPS])
    # the lid comes up to 70% only, and falls again: two blinks, parted where it was highest
    double = find_blinks(eyes({20: 0.0, 21: 0.3, 22: 0.7, 23: 0.6, 24: 0.0}), FPS)
    assert [blink.start_s for blink in double] == pytest.approx([19.2 / FPS, 22 / FPS])
    assert [blink.duration_s for blink in double] == pytest.approx([2.8 / FPS, 2.8 / FPS])


def test_a_blink_that_the_video_cuts_off_counts_but_has_no_length():
    blinks = find_blinks(eyes({0: 0.1, 1: 0.1, 60: 0.1, 98: 0.2, 99: 0.1}), FPS)
    assert np.isnan([blink.duration_s for blink in blinks]).tolist() == [True, False, True]
    assert blinks[0].start_s == 0
    assert np.isfinite(blink_duration(blinks))


def test_frames_without_a_face_hide_no_blink_and_make_none():
    curve = eyes({40: 0.1, 41: 0.1})
    curve[20:25] = np.nan
    assert len(find_blinks(curve, FPS)) == 1
    assert find_blinks(np.full(50, np.nan), FPS) is None


def test_eyes_that_are_always_closed_cannot_blink():
    assert find_blinks(np.full(50, 0.02), FPS) is None
