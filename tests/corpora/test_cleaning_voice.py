"""Voices are told from silence, noise and held tones."""

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from orate.corpora.cleaning.reasons import Dropped, DropReason
from orate.corpora.cleaning.voice import Voice, check_voice, find_voice
from orate.errors import OrateError

EXAMPLES = Path(__file__).parents[2] / "examples"
RATE = 16_000


@pytest.fixture(scope="module")
def speech():
    sound, rate = soundfile.read(EXAMPLES / "speech.wav", dtype="float32")
    return soxr.resample(sound, rate, RATE)[: 4 * RATE]


def noise(seconds=3, seed=0):
    return np.random.default_rng(seed).standard_normal(seconds * RATE).astype(np.float32)


def held_tones():
    time = np.arange(3 * RATE) / RATE
    chord = sum(np.sin(2 * np.pi * tone * part * time) / part for tone in (220, 277, 330) for part in range(1, 8))
    return (0.1 * chord * (0.3 + 0.7 * np.abs(np.sin(np.pi * time)))).astype(np.float32)


def breath():
    loudness = np.clip(np.sin(2 * np.pi * 0.4 * np.arange(3 * RATE) / RATE), 0, 1) ** 2
    return (0.2 * loudness * noise()).astype(np.float32)


@pytest.mark.parametrize("rate", [16_000, 44_100, 50_000])
def test_speech_has_a_voice(speech, rate):
    voice = find_voice(soxr.resample(speech, RATE, rate), rate)
    assert voice.share > 0.7
    assert voice.seconds == pytest.approx(voice.share * 4, abs=0.05)
    check_voice(voice, 0.1)


@pytest.mark.parametrize("start_s", [0.0, 1.1, 2.4])
def test_a_word_from_running_speech_has_a_voice(speech, start_s):
    first = round(start_s * RATE)
    assert find_voice(speech[first : first + round(1.16 * RATE)], RATE).share > 0.4


def test_speech_in_some_noise_has_a_voice(speech):
    loud = speech + 10 ** (-15 / 20) * speech.std() * noise(4)
    assert find_voice(loud, RATE).share > 0.4


@pytest.mark.parametrize(
    "sound",
    [1e-4 * noise(), 0.02 * noise(), 0.3 * noise(), held_tones(), breath(), np.zeros(3 * RATE, np.float32)],
    ids=["hiss", "noise", "loud noise", "held tones", "breath", "nothing"],
)
def test_no_voice(sound):
    with pytest.raises(Dropped, match="silence: a voice for") as caught:
        check_voice(find_voice(sound, RATE), 0.1)
    assert caught.value.reason == DropReason.SILENCE


def test_speech_is_found_where_it_is(speech):
    sound = np.concatenate([0.001 * noise(2, 1), speech[:RATE], 0.001 * noise(2, 2)])
    frames = find_voice(sound, RATE).frames(125, 25.0)
    assert frames.shape == (125,)
    assert frames[52:73].mean() > 0.8
    assert not frames[:45].any()
    assert not frames[90:].any()


def test_little_voice_is_kept_where_the_settings_allow_it(speech):
    voice = find_voice(np.concatenate([speech[:RATE], 0.001 * noise(9)]), RATE)
    assert 0.5 < voice.seconds < 1.2
    check_voice(voice, 0.02)
    with pytest.raises(Dropped):
        check_voice(voice, 0.2)


def test_frames_of_another_rate():
    voice = Voice(np.array([False] * 10 + [True] * 20))
    assert voice.frames(18, 30.0).tolist() == [False] * 6 + [True] * 12
    assert not voice.frames(30, 25.0)[15:].any()  # the sound ends before the picture


def test_a_sound_too_short_to_judge():
    assert find_voice(np.zeros(100, np.float32), RATE).share == 0


def test_what_to_install_is_said(speech, monkeypatch):
    monkeypatch.setitem(sys.modules, "webrtcvad", None)
    with pytest.raises(OrateError, match=r"pip install 'orate\[train\]'"):
        find_voice(speech, RATE)
