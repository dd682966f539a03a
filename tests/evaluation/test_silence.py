import numpy as np
import pytest

from orate.evaluation.silence import MARGIN_S, VoiceActivity, silence_movement, voice_activity

RATE, FPS = 16_000, 25.0


def sound(*parts, noise=0.0):
    """Parts (seconds, amplitude, Hz) one after the other, with white noise."""
    pieces = [level * np.sin(2 * np.pi * hertz * np.arange(round(s * RATE)) / RATE) for s, level, hertz in parts]
    audio = np.concatenate(pieces)
    return (audio + noise * np.random.default_rng(0).standard_normal(len(audio))).astype(np.float32)


SPEECH_BETWEEN_SILENCES = ((1, 0, 0), (1, 0.3, 500), (1, 0, 0))


@pytest.mark.parametrize("gain", [1.0, 0.05])
@pytest.mark.parametrize("noise", [0.0, 0.005])
def test_speech_and_silence_are_told_apart(gain, noise):
    voice = voice_activity(gain * sound(*SPEECH_BETWEEN_SILENCES, noise=noise), RATE, 75, FPS)
    assert np.flatnonzero(voice.speech).tolist() == list(range(25, 50))
    margin = round(MARGIN_S * FPS)
    assert np.flatnonzero(voice.silence).tolist() == [*range(25 - margin), *range(50 + margin, 75)]


def test_rumble_and_hiss_are_no_voice():
    for hertz in (50, 7000):
        voice = voice_activity(sound((1, 0.2, hertz), (1, 0.3, 500), (1, 0.2, hertz)), RATE, 75, FPS)
        assert np.flatnonzero(voice.speech)[[0, -1]].tolist() == [25, 49]


def test_sound_that_ends_before_the_video_is_silence():
    voice = voice_activity(sound((1, 0.3, 500)), RATE, 75, FPS)
    assert voice.silence[40:].all()
    assert voice.speech[:25].all()


def test_a_video_shorter_than_the_margins():
    voice = voice_activity(sound((1, 0.3, 500)), RATE, 3, FPS)
    assert voice.speech.tolist() == [True] * 3
    assert voice.silence.tolist() == [False] * 3


def test_no_sound_at_all_is_silence():
    voice = voice_activity(np.zeros(3 * RATE, np.float32), RATE, 75, FPS)
    assert voice.silence.all()
    assert not voice.speech.any()
    assert np.isnan(silence_movement(np.sin(np.arange(75.0)), voice))


def activity():
    speech = np.zeros(75, bool)
    speech[25:50] = True
    silence = np.ones(75, bool)
    silence[20:55] = False
    return VoiceActivity(speech, silence)


def zigzag(step):
    return np.arange(75) % 2 * step


def test_lips_that_do_not_listen_move_alike():
    assert silence_movement(zigzag(0.1), activity()) == pytest.approx(1)


def test_lips_that_rest_in_silence():
    curve = np.where(activity().speech, zigzag(0.1), 0.03)
    assert silence_movement(curve, activity()) == 0
    less = np.where(activity().speech, zigzag(0.1), zigzag(0.02))
    assert silence_movement(less, activity()) == pytest.approx(0.2)
    closing = curve.copy()
    closing[50:55] = np.linspace(0.1, 0, 5)  # near speech the lips may still move
    assert silence_movement(closing, activity()) == 0


def test_what_cannot_be_compared_is_not_known():
    assert np.isnan(silence_movement(np.full(75, 0.1), activity()))  # still in speech
    assert np.isnan(silence_movement(np.full(75, np.nan), activity()))
    always = VoiceActivity(np.ones(75, bool), np.zeros(75, bool))
    assert np.isnan(silence_movement(zigzag(0.1), always))


def test_frames_without_a_face_are_left_out():
    curve = np.where(activity().speech, zigzag(0.1), zigzag(0.02))
    curve[[5, 30]] = np.nan
    assert silence_movement(curve, activity()) == pytest.approx(0.2)
