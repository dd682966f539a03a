"""The meter of a clip's offset: on mouths that open with the loudness."""

import numpy as np
import pytest
import soxr
import torch
from speaking_mouths import mouth_clip
from torch import nn
from torch.nn import functional as F

from orate.corpora.cleaning.offset import Constancy
from orate.evaluation.clip_offset import OFFSETS, SyncOffsetMeter, load_meter, reading_of

RATE = 16_000
FRAME_S = 1 / 25


class Loudness(nn.Module):
    """Stands for the sync network: how dark the mouth is, and how loud the sound, over five frames."""

    def embed_pictures(self, mouths):
        return self._windows(-mouths.mean((1, 3, 4)))

    def embed_sounds(self, spectra):
        amplitude = (10 ** (2 * spectra)).mean(1)
        return self._windows(amplitude.unfold(1, 4, 4).mean(-1))

    @staticmethod
    def _windows(values):
        windows = values.unfold(1, 5, 1)
        return F.normalize(windows - windows.mean(-1, keepdim=True), dim=-1)


@pytest.fixture(scope="module")
def meter():
    return SyncOffsetMeter(Loudness())


def later(sound, frames):
    """The sound so many frames later, as long as before."""
    samples = round(abs(frames) * RATE * FRAME_S)
    silence = np.zeros(samples, np.float32)
    return np.concatenate([silence, sound[: len(sound) - samples]] if frames > 0 else [sound[samples:], silence])


def measure(meter, clip, sound, frames=None, rate=RATE, fps=25.0):
    pictures = clip.frames if frames is None else frames
    return meter(pictures, np.zeros((len(pictures), 478, 2)), sound, rate, fps)


@pytest.mark.parametrize("frames", [-10, -4.5, -1, 0, 0.5, 2, 7.5, 10])
def test_a_constant_offset_is_found_between_frames(meter, frames):
    clip = mouth_clip("a", 1, 75)
    reading = measure(meter, clip, later(clip.audio, frames))
    assert reading.constancy == Constancy.SURE
    assert reading.offset_s / FRAME_S == pytest.approx(frames, abs=0.4)


def test_another_sound_and_none(meter):
    clip = mouth_clip("a", 1, 75)
    sure = measure(meter, clip, clip.audio)
    strange = measure(meter, clip, mouth_clip("b", 2, 75).audio)
    assert strange.constancy != Constancy.SURE
    assert strange.confidence < 0.5 * sure.confidence
    assert measure(meter, clip, np.zeros_like(clip.audio)).constancy == Constancy.UNSURE


def test_a_jump_in_the_sound_is_no_constant_offset(meter):
    clip = mouth_clip("a", 3, 100)
    half = len(clip.audio) // 2
    late = later(clip.audio, 6)
    reading = measure(meter, clip, np.concatenate([clip.audio[:half], late[half:]]))
    assert reading.constancy == Constancy.CHANGING
    assert "+0.24 s" in reading.detail


def test_a_long_clip_is_measured_in_stretches(meter, monkeypatch):
    monkeypatch.setattr("orate.evaluation.clip_offset.STRETCH_FRAMES", 60)
    clip = mouth_clip("a", 4, 200)
    whole = meter.distances(clip.frames, later(clip.audio, 3))
    assert whole.shape == (3 * 56 + 16, len(OFFSETS))
    assert reading_of(whole).offset_s / FRAME_S == pytest.approx(3, abs=0.4)
    monkeypatch.setattr("orate.evaluation.clip_offset.MOST_STRETCHES", 2)
    part = meter.distances(clip.frames, later(clip.audio, 3))
    assert part.shape == (2 * 56, len(OFFSETS))
    assert reading_of(part).offset_s / FRAME_S == pytest.approx(3, abs=0.4)


def test_other_rates_and_sizes(meter):
    clip = mouth_clip("a", 5, 75)
    twice = np.repeat(np.repeat(np.repeat(clip.frames, 2, 0), 2, 1), 2, 2)
    sound = soxr.resample(later(clip.audio, 4), RATE, 48_000)
    reading = measure(meter, clip, sound, frames=twice, rate=48_000, fps=50.0)
    assert reading.constancy == Constancy.SURE
    assert reading.offset_s == pytest.approx(4 * FRAME_S, abs=0.5 * FRAME_S)


@pytest.mark.parametrize("count", [3, 12, 16])
def test_too_short_to_tell(meter, count):
    clip = mouth_clip("a", 6, count)
    assert measure(meter, clip, clip.audio).constancy == Constancy.UNSURE


def profile(rows, valleys, depth):
    """Distances with one valley for each part of the rows."""
    distances = np.full((rows, len(OFFSETS)), 1.2) + 0.01 * np.random.default_rng(0).standard_normal(
        (rows, len(OFFSETS))
    )
    for part, valley in zip(np.array_split(np.arange(rows), len(valleys)), valleys, strict=True):
        distances[part] -= depth * np.exp(-(((OFFSETS / 4 - valley) / 1.5) ** 2))
    return distances


def test_how_sure_it_must_be():
    """The farther the offset and the shorter the clip, the surer."""
    assert reading_of(profile(71, [1.0], 0.16)).constancy == Constancy.SURE
    assert reading_of(profile(71, [12.0], 0.16)).constancy == Constancy.UNSURE
    assert reading_of(profile(25, [1.0], 0.16)).constancy == Constancy.UNSURE
    assert reading_of(profile(25, [1.0], 0.3)).constancy == Constancy.SURE
    assert reading_of(profile(71, [1.0], 0.05)).constancy == Constancy.UNSURE
    assert reading_of(profile(71, [14.9], 0.5)).constancy == Constancy.UNSURE  # it may lie beyond
    assert reading_of(profile(71, [2.0], 0.3)).offset_s == pytest.approx(2 * FRAME_S, abs=0.2 * FRAME_S)


def test_what_changes():
    assert reading_of(profile(71, [0.0, 5.0], 0.4)).constancy == Constancy.CHANGING
    assert reading_of(profile(71, [0.0, 1.5], 0.4)).constancy == Constancy.SURE
    assert reading_of(profile(71, [0.0, 5.0], 0.1)).constancy == Constancy.UNSURE
    drift = profile(400, np.linspace(-3, 3, 40), 0.4)
    assert reading_of(drift).constancy == Constancy.CHANGING


def test_the_network_of_the_package():
    """It is taken as it comes: in one thread, with the same result each time, sure of nothing that is no face."""
    clip, meter = mouth_clip("a", 7, 60), load_meter()
    torch.set_num_threads(2)
    first = measure(meter, clip, clip.audio)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)
    assert measure(meter, clip, clip.audio) == first
    distances = meter.distances(clip.frames, clip.audio)
    assert distances.shape == (56, len(OFFSETS))
    assert 0 < np.nanmin(distances) < np.nanmax(distances) < 2
    assert np.isnan(distances[0, 0])  # before the clip there is no sound
    assert first.constancy != Constancy.CHANGING
