"""Windows of sound around each frame, and the model's dimensions."""

import pytest
import torch
from pydantic import ValidationError

from orate.models.config import ModelConfig
from orate.models.layers import plan_audio_convolutions
from orate.models.windows import cut_windows, frame_count, window_starts

CONFIG = ModelConfig()  # 50 kHz, 25 frames/s: hop 2000, window 10000


def test_windows_are_centred_on_their_frames():
    assert window_starts(0, 3, CONFIG) == [-4000, -2000, 0]
    sound = torch.arange(1.0, 20_001)
    windows = cut_windows(sound, CONFIG)
    assert windows.shape == (10, 10_000)
    for frame in range(10):
        middle = frame * 2000 + 1000
        assert windows[frame, 5000] == middle + 1


def test_before_and_after_the_sound_is_silence():
    windows = cut_windows(torch.ones(20_000), CONFIG)
    assert windows[0].tolist() == [0] * 4000 + [1] * 6000
    assert windows[9].tolist() == [1] * 6000 + [0] * 4000
    assert windows[4].min() == 1


def test_windows_of_a_part_equal_those_of_the_whole():
    sound = torch.randn(2, 31_234)
    whole = cut_windows(sound, CONFIG)
    parts = [cut_windows(sound, CONFIG, first, 4) for first in (0, 4, 8, 12)]
    assert torch.equal(torch.cat(parts, 1), whole)


@pytest.mark.parametrize(("samples", "frames"), [(0, 1), (1, 1), (2000, 1), (2001, 2), (50_000, 25), (150_000, 75)])
def test_frames_cover_the_sound(samples, frames):
    assert frame_count(samples, CONFIG) == frames
    assert cut_windows(torch.zeros(samples), CONFIG).shape == (frames, 10_000)


def test_other_frame_rates_follow_the_same_sound():
    assert frame_count(50_000, CONFIG, fps=30) == 30
    starts = window_starts(0, 61, CONFIG, fps=30)
    assert starts[30] - starts[0] == 50_000
    assert starts[60] - starts[0] == 100_000
    assert window_starts(0, 10, CONFIG, fps=50)[::2] == window_starts(0, 5, CONFIG)
    assert cut_windows(torch.zeros(50_000), CONFIG, fps=30).shape == (30, 10_000)


@pytest.mark.parametrize("rate", [16_000, 48_000, 50_000])
def test_plan_of_the_published_audio_encoder(rate):
    plan, left = plan_audio_convolutions(rate, 0.2)
    assert [(step.kernel, step.stride) for step in plan] == [
        (rate // 200, rate // 1000),
        (4, 2),
        (4, 2),
        (4, 2),
        (10, 5),
    ]
    assert left == 5


def test_derived_dimensions():
    assert CONFIG.window_samples == 10_000
    assert CONFIG.hop_samples == 2_000
    assert CONFIG.lookahead_s == pytest.approx(0.12)
    assert CONFIG.encoder_channels == (64, 128, 256, 512, 1024)
    assert CONFIG.coarse_size == (4, 3)
    assert ModelConfig(image_height=48, image_width=64).coarse_size == (3, 4)


@pytest.mark.parametrize(
    "fields",
    [
        {"image_height": 100},
        {"image_width": 90},
        {"base_channels": 0},
        {"fps": 0},
        {"audio_rate": 10},
        {"noise_code": -1},
        {"format_version": 2},
        {"decoder": "other"},
        {"unknown": 1},
        {"mean_points": [(1, 2)] * 4},
    ],
    ids=str,
)
def test_impossible_dimensions_are_refused(fields):
    with pytest.raises(ValidationError):
        ModelConfig(**fields)


def test_config_survives_json_and_cannot_be_changed():
    config = ModelConfig(base_channels=8, mean_points=[(i, 2 * i) for i in range(5)])
    assert ModelConfig.model_validate_json(config.model_dump_json()) == config
    with pytest.raises(ValidationError):
        config.fps = 30
