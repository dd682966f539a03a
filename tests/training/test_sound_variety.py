import numpy as np
import pytest

from orate.training.motion_data import MotionItem
from orate.training.motion_rest import FADE_FRAMES, RestStretch, Said, make_rest, rest_items
from orate.training.sound_variety import at_another_rate, unspoken, varied

RATE = 16_000


def speech(seconds: float = 1.0) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    return (0.3 * np.sin(2 * np.pi * 200 * time) * (time > 0.5)).astype(np.float32)


def test_varied_speech_keeps_its_time_and_stays_in_range():
    sound = speech()
    made = varied(sound, np.random.default_rng(1))
    assert made.shape == sound.shape
    assert made.dtype == np.float32
    assert np.abs(made).max() <= 10 ** (-1 / 20) + 1e-6
    halves = [np.sqrt(np.mean(made[part] ** 2)) for part in (slice(0, 7000), slice(8500, None))]
    assert halves[1] > 2 * halves[0]  # the tone still begins where it began
    assert not np.array_equal(made, varied(sound, np.random.default_rng(2)))
    assert np.array_equal(made, varied(sound, np.random.default_rng(1)))


def test_another_rate_moves_pitch_and_length():
    sound = speech()[RATE // 2 :]
    made = at_another_rate(sound, 1.25)
    assert len(made) == len(sound) / 1.25
    tone = np.fft.rfftfreq(len(made), 1 / RATE)[np.abs(np.fft.rfft(made)).argmax()]
    assert tone == pytest.approx(250, abs=3)


def test_unspoken_sound_is_of_many_kinds():
    made = [unspoken(RATE, np.random.default_rng(seed)) for seed in range(40)]
    assert all(one.shape == (RATE,) and np.isfinite(one).all() and np.abs(one).max() < 1.0 for one in made)
    levels = [np.sqrt(np.mean(one**2)) for one in made]
    assert min(levels) < 1e-4
    assert max(levels) > 0.02


def test_speech_lies_where_the_stretch_says():
    sound, said = make_rest([("a", speech(2.0)), ("b", speech(1.5))], np.random.default_rng(4))
    assert len(sound) % 640 == 0
    assert [part.key for part in said] == ["a", "b"]
    assert said[1].first >= said[0].first + said[0].frames + 8
    level = np.abs(sound).reshape(-1, 640).max(axis=1)
    for part, seconds in zip(said, (2.0, 1.5), strict=True):
        assert part.frames == pytest.approx(25 * seconds / part.rate, abs=1)
        tone = level[part.first + round(12.5 / part.rate) + 1 : part.first + part.frames]
        assert tone.min() > 2 * level[part.first - 3 : part.first].max()
    sound, said = make_rest([], np.random.default_rng(4))
    assert said == ()
    assert 75 * 640 <= len(sound) < 200 * 640


def test_the_mouth_rests_but_for_the_clips():
    clip = MotionItem("grid", "grid/s1", np.full((50, 6), 2.0, np.float32), (), np.ones(3, np.float32))
    encoded = (np.zeros((160, 2, 384), np.float16),)
    said = (Said("a", 20, 50, 1.0), Said("a", 110, 40, 1.25))
    stretches = [RestStretch(said, encoded), RestStretch((), encoded), RestStretch((Said("x", 5, 9, 1.0),), encoded)]
    amid, alone = rest_items(stretches, {"a": clip}, [np.zeros(3, np.float32)], 6)
    assert not alone.values.any()
    assert alone.group == "rest"
    for part in said:
        assert (amid.values[part.first : part.first + part.frames] == 2).all()
    for rest in (slice(0, 20 - FADE_FRAMES), slice(70 + FADE_FRAMES, 110 - FADE_FRAMES), slice(150 + FADE_FRAMES, 160)):
        assert not amid.values[rest].any()
    edge = amid.values[20 - FADE_FRAMES : 20, 0]
    assert (np.diff(edge) > 0).all()
    assert edge[-1] < 2


def test_a_faster_voice_moves_faster():
    ramp = np.repeat(np.arange(50, dtype=np.float32)[:, None], 6, axis=1)
    clip = MotionItem("grid", "grid/s1", ramp, (), np.ones(3, np.float32))
    stretch = RestStretch((Said("a", 10, 40, 1.25),), (np.zeros((60, 2, 384), np.float16),))
    (item,) = rest_items([stretch], {"a": clip}, [], 6)
    assert item.values[10:50, 0] == pytest.approx(1.25 * np.arange(40), abs=1e-4)
