import numpy as np
import pytest
import torch

from orate.evaluation import instruments
from orate.evaluation.instruments import SYNC_FIGURES, Instruments, load_instruments
from orate.evaluation.lip_reader import LipReader, LipReaderConfig, LipReaderNet
from orate.evaluation.sync_metric import SyncMeter
from orate.evaluation.sync_network import SyncConfig, SyncNet

SAID = "bin blue at f two now"


@pytest.fixture(scope="module")
def measuring():
    """Networks of a few maps, that have learned nothing."""
    torch.manual_seed(0)
    small = (2, 2, 2)
    sync = SyncNet(SyncConfig(picture_channels=small, sound_channels=small, hidden=4, embedding=4))
    lips = LipReaderNet(LipReaderConfig(channels=small, features=4, hidden=4))
    return Instruments(sync=SyncMeter(sync), lips=LipReader(lips))


@pytest.fixture(scope="module")
def clip():
    random = np.random.default_rng(0)
    return random.integers(0, 256, (30, 128, 96, 3), np.uint8), random.normal(0, 0.1, 16_000).astype(np.float32)


def test_sync_figures(measuring, clip):
    figures = measuring.sync_figures(*clip, 16_000, 25.0)
    assert set(figures) == set(SYNC_FIGURES)
    assert all(np.isfinite(value) for value in figures.values())
    assert figures["av_in_sync"] == float(abs(figures["av_offset"]) <= 1)


def test_sound_of_another_rate_is_resampled(measuring, clip):
    frames, _ = clip
    figures = []
    for rate in (16_000, 48_000):
        sound = 0.3 * np.sin(np.arange(rate) * 2 * np.pi * 300 / rate) * (np.arange(rate) % (rate // 4) < rate // 8)
        figures.append(measuring.sync_figures(frames, sound.astype(np.float32), rate, 25.0))
    assert figures[0]["av_offset"] == figures[1]["av_offset"]
    assert figures[0]["av_distance"] == pytest.approx(figures[1]["av_distance"], abs=0.02)


def test_clips_that_they_cannot_judge(measuring, clip):
    frames, sound = clip
    for other in ((frames[:20], 25.0), (frames[:, :64, :48], 25.0), (frames, 30.0)):
        figures = measuring.sync_figures(other[0], sound, 16_000, other[1])
        assert all(np.isnan(value) for value in figures.values())
    assert isinstance(measuring.read(frames, SAID, 25.0), str)
    assert measuring.read(frames, "good morning", 25.0) is None
    assert measuring.read(frames, SAID, 30.0) is None
    assert measuring.read(frames[:, :64, :48], SAID, 25.0) is None


def test_without_networks_nothing_is_measured(clip):
    none = Instruments()
    assert all(np.isnan(value) for value in none.sync_figures(*clip, 16_000, 25.0).values())
    assert none.read(clip[0], SAID, 25.0) is None
    assert none.names == []


def test_what_is_missing_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(instruments, "bundled_network", lambda name: tmp_path / name)
    loaded = load_instruments(embedder=False)
    assert loaded.sync is loaded.lips is loaded.embedder is None
    assert len(loaded.missing) == 2
    for sentence, name in zip(loaded.missing, ("sync-network", "lip-reader"), strict=True):
        assert name in sentence
        assert sentence.endswith(".")
