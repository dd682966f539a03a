import pytest
import torch

from orate.training.augment import augment_audio, augment_video
from orate.training.config import AugmentConfig

HEIGHT, WIDTH, RATE = 64, 48, 16_000


def source(seed=0):
    return torch.Generator().manual_seed(seed)


def dots(points):
    """A video (batch, time, 3, HEIGHT, WIDTH) with a bright spot around the first landmark of each frame."""
    y, x = torch.meshgrid(torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5, indexing="ij")
    where = points[:, :, 0, :, None, None]
    distance = (x - where[:, :, 0]) ** 2 + (y - where[:, :, 1]) ** 2
    return (2 * torch.exp(-distance / 4.5) - 1)[:, :, None].expand(-1, -1, 3, -1, -1).contiguous()


@pytest.fixture
def clip():
    video = 2 * torch.rand(3, 4, 3, HEIGHT, WIDTH, generator=source(5)) - 1
    return video, torch.rand(3, 4, 478, 2, generator=source(6)) * torch.tensor([WIDTH, HEIGHT])


@pytest.mark.parametrize("strengths", [{"warp": 0.15}, {"elastic": 0.05}, {"warp": 0.1, "elastic": 0.05}], ids=str)
def test_landmarks_follow_the_warp(strengths):
    points = torch.rand(8, 2, 478, 2, generator=source(1)) * torch.tensor([20.0, 30.0]) + torch.tensor([14.0, 17.0])
    video, landmarks = augment_video(dots(points), points, AugmentConfig(**strengths), source(2))
    light = (video.mean(2) + 1).clamp_min(0.2) - 0.2
    y, x = torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5
    total = light.sum((-2, -1))
    found = torch.stack([(light.sum(-2) * x).sum(-1) / total, (light.sum(-1) * y).sum(-1) / total], -1)
    moved = (landmarks[:, :, 0] - points[:, :, 0]).norm(dim=-1)
    assert moved.max() > 3
    assert (found - landmarks[:, :, 0]).norm(dim=-1).max() < 0.5


def test_one_draw_serves_all_frames_of_a_clip(clip):
    still = clip[0][:, :1].expand(-1, 4, -1, -1, -1), clip[1][:, :1].expand(-1, 4, -1, -1)
    config = AugmentConfig(colour=0.3, permute=1, warp=0.2, elastic=0.04)
    video, landmarks = augment_video(*still, config, source())
    assert torch.equal(video, video[:, :1].expand_as(video))
    assert torch.allclose(landmarks, landmarks[:, :1].expand_as(landmarks), atol=1e-4)
    assert not torch.allclose(video[0], video[1])


def test_permutation_keeps_the_set_of_channels(clip):
    video, landmarks = augment_video(*clip, AugmentConfig(permute=1), source())
    assert torch.equal(video.sort(2).values, clip[0].sort(2).values)
    assert torch.equal(landmarks, clip[1])
    drawn = [augment_video(*clip, AugmentConfig(permute=1), source(seed))[0] for seed in range(20)]
    orders = {tuple(video[0, 0, :, 0, 0].tolist()) for video in drawn}
    assert len(orders) > 3


def test_colours_change_but_stay_in_range(clip):
    video, landmarks = augment_video(*clip, AugmentConfig(colour=0.4), source())
    assert video.min() >= -1
    assert video.max() <= 1
    assert (video - clip[0]).abs().mean() > 0.02
    assert torch.equal(landmarks, clip[1])


def test_off_is_the_identity(clip):
    video, landmarks = augment_video(*clip, AugmentConfig(), source())
    assert torch.equal(video, clip[0])
    assert torch.equal(landmarks, clip[1])
    audio = torch.rand(2, 800, generator=source()) - 0.5
    assert torch.equal(augment_audio(audio, RATE, AugmentConfig(), source()), audio)


def test_a_seed_gives_the_same_draws_another_seed_others(clip):
    config = AugmentConfig(colour=0.2, permute=0.5, warp=0.1, elastic=0.03, gain_db=6, noise_db=20, bandlimit=0.5)
    audio = torch.rand(3, 800, generator=source()) - 0.5

    def draw(seed):
        random = source(seed)
        return (*augment_video(*clip, config, random), augment_audio(audio, RATE, config, random))

    assert all(map(torch.equal, draw(3), draw(3)))
    assert not any(map(torch.equal, draw(3), draw(4)))


def test_gain_is_one_factor_within_its_range():
    audio = 0.1 * torch.randn(32, 800, generator=source(1))
    louder = augment_audio(audio, RATE, AugmentConfig(gain_db=6), source())
    factor = (louder / audio).median(1).values
    assert torch.allclose(louder, audio * factor[:, None], atol=1e-6)
    gain_db = 20 * factor.log10()
    assert gain_db.abs().max() <= 6.01
    assert gain_db.min() < -2
    assert gain_db.max() > 2


def test_noise_is_as_quiet_as_asked():
    tone = torch.sin(torch.arange(RATE) * 0.1)[None].repeat(16, 1) * 0.5
    noise = augment_audio(tone, RATE, AugmentConfig(noise_db=20), source()) - tone
    level_db = 20 * (noise.std(1) / 0.5).log10()
    assert level_db.max() < -19.5
    assert level_db.min() > -50.5
    assert level_db.std() > 3


def test_bandlimit_takes_the_high_sounds_only():
    time_s = torch.arange(RATE) / RATE
    low, high = (0.3 * torch.sin(2 * torch.pi * hertz * time_s)[None].repeat(32, 1) for hertz in (1000.0, 7000.0))
    config = AugmentConfig(bandlimit=1)
    assert torch.allclose(augment_audio(low, RATE, config, source()), low, atol=1e-3)
    left = augment_audio(high, RATE, config, source()).std(1) / high.std(1)
    assert (left < 0.01).sum() > 16
    assert (left > 0.99).sum() > 1  # cutoffs above 7 kHz


def test_audio_stays_in_range():
    audio = 2 * torch.rand(8, 800, generator=source()) - 1
    louder = augment_audio(audio, RATE, AugmentConfig(gain_db=12, noise_db=6), source())
    assert louder.abs().max() <= 1
