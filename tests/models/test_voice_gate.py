import numpy as np
import pytest
from sound_pieces import cut

from orate.models.voice_gate import VoiceGate, voice_levels

RATE = 16_000
FRAME = 640


def sound(*parts: tuple[float, float]) -> np.ndarray:
    """Tones of 400 Hz: (frames, amplitude) each, with noise at -70 dB under all."""
    count = sum(int(frames) for frames, _ in parts) * FRAME
    level = np.concatenate([np.full(int(frames) * FRAME, amplitude) for frames, amplitude in parts])
    noise = 3e-4 * np.random.default_rng(0).standard_normal(count)
    return (level * np.sin(2 * np.pi * 400 * np.arange(count) / RATE) + noise).astype(np.float32)


def shares(samples: np.ndarray, frames: int) -> np.ndarray:
    gate = VoiceGate()
    gate.push(samples)
    return gate.take(frames)


def test_lips_rest_after_a_voice_and_not_before_it():
    made = shares(sound((20, 0.0), (30, 0.3), (40, 0.0), (20, 0.3)), 110)
    assert (made[:50] == 1).all()  # nothing was said before: the generator may part the lips as it likes
    assert (made[50:54] == 1).all()  # between words
    assert (made[61:85] == 0).all()
    assert (np.diff(made[53:62]) <= 0).all()
    assert made[89] == 1  # open again when the voice comes
    assert (made[90:] == 1).all()


def test_short_pauses_are_speech():
    assert (shares(sound((20, 0.3), (4, 0.0), (20, 0.3)), 44) == 1).all()


def test_soft_speech_is_speech():
    assert (shares(sound((30, 0.3), (30, 0.02)), 60) == 1).all()
    assert shares(sound((30, 0.3), (30, 0.001)), 60)[-1] == 0


def test_pieces_make_no_difference():
    samples = sound((20, 0.3), (30, 0.0), (20, 0.3))
    whole = shares(samples, 70)
    gate = VoiceGate()
    made: list[np.ndarray] = []
    heard = 0
    for piece in cut(samples, (1, 700, 3000, 77)):
        gate.push(piece)
        heard += len(piece)
        ready = max(0, heard // FRAME - 5) - sum(len(part) for part in made)
        made.append(gate.take(ready))
    made.append(gate.take(70 - sum(len(part) for part in made)))
    assert np.array_equal(np.concatenate(made), whole)


def test_levels_are_of_full_scale_and_of_the_voice_alone():
    time = np.arange(FRAME) / RATE
    tones = np.stack([np.sin(2 * np.pi * hz * time) for hz in (1000, 50, 7000)]).astype(np.float32)
    loud, rumble, hiss = voice_levels(tones)
    assert loud == pytest.approx(-3.0, abs=0.3)
    assert max(rumble, hiss) < -35
