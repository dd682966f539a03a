"""Shapes, ranges, receptive fields and gradients of the networks."""

import pytest
import torch

from orate.models.config import ModelConfig
from orate.models.frame_discriminator import FrameDiscriminator
from orate.models.generator import Generator
from orate.models.sequence_discriminator import SequenceDiscriminator
from orate.models.sync_discriminator import SYNC_FRAMES, SyncDiscriminator
from orate.models.windows import cut_windows

SMALL = {"base_channels": 4, "audio_channels": 2, "audio_rate": 16_000}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def inputs(config, batch=2, time=3):
    source = torch.rand(batch, 3, *config.image_size) * 2 - 1
    windows = torch.rand(batch, time, config.window_samples) * 2 - 1
    return source, windows, torch.randn(batch, time, config.noise_code)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"image_height": 64, "image_width": 64},
        {"image_height": 48, "image_width": 64},
        {"audio_rate": 44_100},
        {"audio_rate": 50_000, "window_s": 0.16},
        {"noise_code": 0},
        {"sequential_noise": False},
    ],
    ids=str,
)
def test_generator_gives_frames_in_range(change):
    config = ModelConfig(**(SMALL | change))
    source, windows, noise = inputs(config)
    video = Generator(config)(source, windows, noise if config.noise_code else None)
    assert video.shape == (2, 3, 3, *config.image_size)
    assert video.abs().max() <= 1
    assert video.std() > 0


def test_codes_have_the_published_sizes():
    config = ModelConfig(base_channels=4)
    generator = Generator(config)
    source, windows, noise = inputs(config)
    identity, skips = generator.identity_encoder(source)
    assert identity.shape == (2, 128)
    assert identity.abs().max() <= 1
    assert [tuple(skip.shape[1:]) for skip in skips] == [(64, 4, 3), (32, 8, 6), (16, 16, 12), (8, 32, 24), (4, 64, 48)]
    content, state = generator.audio_encoder(windows)
    assert content.shape == (2, 3, 256)
    assert state.shape == (2, 2, 256)
    codes, _ = generator.noise_generator(noise)
    assert codes.shape == (2, 3, 10)
    assert codes.abs().max() < 1


def test_drawing_some_frames_equals_a_part_of_all():
    config = ModelConfig(**SMALL)
    generator = Generator(config).eval()
    source, windows, noise = inputs(config, time=6)
    with torch.no_grad():
        whole = generator(source, windows, noise)
        part = generator(source, windows, noise, frames=slice(2, 4))
    assert torch.allclose(whole[:, 2:4], part, atol=1e-5)


def test_source_image_and_noise_change_the_frames():
    config = ModelConfig(**SMALL)
    generator = Generator(config)
    source, windows, noise = inputs(config)
    video = generator(source, windows, noise)
    assert not torch.allclose(video, generator(-source, windows, noise), atol=1e-3)
    assert not torch.allclose(video, generator(source, windows, -noise), atol=1e-7)


@pytest.mark.parametrize("frame", [0, 4, 9])
def test_sound_outside_its_window_does_not_reach_a_frame(frame):
    config = ModelConfig(**SMALL)
    encoder = Generator(config).audio_encoder.window_encoder.eval()
    sound = torch.rand(10 * config.hop_samples) * 2 - 1
    middle = (frame * config.hop_samples) + config.hop_samples // 2
    low, high = middle - config.window_samples // 2, middle + config.window_samples // 2
    outside = sound.clone()
    outside[: max(low, 0)] = 0
    outside[high:] = 0
    inside = sound.clone()
    inside[max(low, 0)] += 1  # the very first sample that it may hear
    with torch.no_grad():
        code, same, other = (
            encoder(cut_windows(heard, config)[frame : frame + 1]) for heard in (sound, outside, inside)
        )
    assert torch.equal(code, same)
    assert not torch.equal(code, other)


def test_content_does_not_depend_on_later_windows_but_on_earlier_ones():
    config = ModelConfig(**SMALL)
    encoder = Generator(config).audio_encoder.eval()
    _, windows, _ = inputs(config, batch=1, time=6)
    changed = windows.clone()
    changed[:, 3] = 0
    with torch.no_grad():
        content, other = encoder(windows)[0], encoder(changed)[0]
    assert torch.equal(content[:, :3], other[:, :3])
    assert all(not torch.equal(content[:, time], other[:, time]) for time in (3, 4, 5))


def test_states_carry_the_sequence_over_a_cut():
    config = ModelConfig(**SMALL)
    generator = Generator(config).eval()
    _, windows, noise = inputs(config, time=5)
    with torch.no_grad():
        for net, sequence in ((generator.audio_encoder, windows), (generator.noise_generator, noise)):
            whole, last = net(sequence)
            first, state = net(sequence[:, :2])
            second, end = net(sequence[:, 2:], state)
            assert torch.allclose(whole, torch.cat([first, second], 1), atol=1e-6)
            assert torch.allclose(last, end, atol=1e-6)


def test_noise_of_a_seed_is_the_same_and_has_the_deviation():
    generator = Generator(ModelConfig(**SMALL))
    first, second = (generator.draw_noise(4, 500, generator=torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, second)
    assert first.std() == pytest.approx(0.33, rel=0.03)
    assert generator.draw_noise(4, 500, std=0.6).std() == pytest.approx(0.6, rel=0.03)


def assert_gradient_everywhere(module, loss):
    loss.backward()
    dead = [name for name, value in module.named_parameters() if value.grad is None or not value.grad.abs().sum() > 0]
    assert not dead


def test_gradient_reaches_every_parameter_of_the_generator():
    config = ModelConfig(**SMALL)
    generator = Generator(config)
    video = generator(*inputs(config))
    assert_gradient_everywhere(generator, (video * torch.randn_like(video)).sum())


@pytest.mark.parametrize("network", [FrameDiscriminator, SequenceDiscriminator, SyncDiscriminator])
def test_gradient_reaches_every_parameter_of_the_discriminators(network):
    config = ModelConfig(**SMALL)
    discriminator = network(config, base_channels=4)
    source, windows, _ = inputs(config, batch=3, time=SYNC_FRAMES)
    video = (torch.rand(3, SYNC_FRAMES, 3, *config.image_size) * 2 - 1).requires_grad_()
    second = {FrameDiscriminator: (source,), SequenceDiscriminator: (), SyncDiscriminator: (windows[:, 2],)}[network]
    logits = discriminator(video, *second)
    assert logits.shape == ((3, SYNC_FRAMES) if network is FrameDiscriminator else (3,))
    assert_gradient_everywhere(discriminator, (logits * torch.randn_like(logits)).sum())
    seen = video.grad.abs().sum(dim=(0, 1, 2, 4)) > 0  # by rows
    half = config.image_height // 2
    assert seen[half:].all()
    assert seen[:half].all() == (network is not SyncDiscriminator)  # lips are in the lower half
