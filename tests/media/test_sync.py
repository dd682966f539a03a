"""Sound and picture agree: flashes and clicks at the same times, through the encoder and back."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from orate.media.audio import read_audio
from orate.media.video import VideoWriter, read_video

RATE = 48_000
FLASHES_S = [0.4, 1.2, 2.0]
DURATION_S = 2.6
TOLERANCE_S = 0.001


def sound_offset(got: np.ndarray, wanted: np.ndarray) -> float:
    """Seconds by which ``got`` is late, by the peak of the cross-correlation."""
    size = len(got) + len(wanted)
    spectrum = np.fft.rfft(got, size) * np.conj(np.fft.rfft(wanted, size))
    lag = int(np.argmax(np.fft.irfft(spectrum, size)))
    return (lag if lag < len(got) else lag - size) / RATE


def flash_times(path: Path) -> list[float]:
    return [frame.time_s for frame in read_video(path) if frame.image.mean() > 128]


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30_000, 1001)])
@pytest.mark.parametrize(
    ("name", "rate", "channels"),
    [("a.wav", 16_000, 1), ("a.wav", 96_000, 2), ("a.mp3", 44_100, 2), ("a.opus", 48_000, 2), ("a.m4a", 44_100, 1)],
)
def test_clicks_and_flashes_coincide(
    name: str, rate: int, channels: int, fps: Fraction, tmp_path: Path, clicks: Callable, encode_sound: Callable
) -> None:
    frames = [round(time * fps) for time in FLASHES_S]
    times = [float(frame / fps) for frame in frames]
    sound = encode_sound(name, clicks(rate, DURATION_S, times), rate, channels)
    out = tmp_path / "out.mp4"
    with VideoWriter(out, 64, 64, fps, audio=sound) as writer:
        for k in range(round(DURATION_S * fps)):
            writer.write(np.full((64, 64, 3), 255 if k in frames else 0, np.uint8))

    assert flash_times(out) == pytest.approx(times, abs=1e-4)
    got = read_audio(out, RATE)
    assert abs(sound_offset(got, clicks(RATE, DURATION_S, times))) < TOLERANCE_S
    assert len(got) / RATE == pytest.approx(len(read_audio(sound, RATE)) / RATE, abs=0.001)


@pytest.mark.parametrize(("name", "rate"), [("a.mka", 16_000), ("a.m4a", 44_100)])
def test_a_late_start_is_silence_and_survives_the_writer(
    name: str, rate: int, tmp_path: Path, clicks: Callable, encode_sound: Callable
) -> None:
    sound = encode_sound(name, clicks(rate, 1.0, [0.3]), rate, start_s=0.5)
    wanted = clicks(RATE, 1.5, [0.8])
    assert abs(sound_offset(read_audio(sound, RATE), wanted)) < 0.002  # this container counts in milliseconds
    with VideoWriter(tmp_path / "out.mp4", 64, 64, audio=sound) as writer:
        writer.write(np.zeros((64, 64, 3), np.uint8))
    assert abs(sound_offset(read_audio(tmp_path / "out.mp4", RATE), wanted)) < 0.002
