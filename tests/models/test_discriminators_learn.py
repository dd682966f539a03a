"""The sequence and the sync discriminator learn what they exist for, on squares that grow with loudness."""

import pytest
import torch
from torch.nn import functional as F

from orate.models.config import ModelConfig
from orate.models.sequence_discriminator import SequenceDiscriminator
from orate.models.sync_discriminator import SYNC_FRAMES, SyncDiscriminator
from orate.models.windows import cut_windows

CONFIG = ModelConfig(image_height=32, image_width=32, audio_rate=8_000, audio_channels=4)
PERIOD_FRAMES = 16
CLIP_FRAMES = 8


def clips(count, frames, random):
    """Videos (count, frames, 3, 32, 32) of a square in the lower half, and the loudness (count, frames) it follows."""
    phase = torch.rand(count, 1, generator=random) * 2 * torch.pi
    loudness = 0.5 + 0.5 * torch.sin(phase + torch.arange(frames) * 2 * torch.pi / PERIOD_FRAMES)
    centre = torch.rand(count, 1, generator=random) * 10 + 4 + torch.arange(frames) * 1.0
    y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    distance = torch.maximum((x - centre[..., None, None]).abs(), (y - 23).abs())
    video = (2 + 6 * loudness[..., None, None] - distance).clamp(-1, 1)
    return video[:, :, None].expand(-1, -1, 3, -1, -1), loudness


def sequences(random, count=16):
    """Half of the clips in order, half shuffled."""
    video, _ = clips(count, CLIP_FRAMES, random)
    ordered = torch.arange(count) % 2 == 0
    orders = torch.stack([torch.randperm(CLIP_FRAMES, generator=random) for _ in range(count)])
    orders[ordered] = torch.arange(CLIP_FRAMES)
    return (video[torch.arange(count)[:, None], orders],), ordered.float()


def pairs(random, count=16):
    """Five frames and the window of the middle one, half of them with the sound half a period late."""
    frames = PERIOD_FRAMES + SYNC_FRAMES
    video, loudness = clips(count, frames, random)
    noise = torch.randn(count, frames * CONFIG.hop_samples, generator=random) * 0.3
    windows = cut_windows(noise * loudness.repeat_interleave(CONFIG.hop_samples, 1), CONFIG)
    together = torch.arange(count) % 2 == 0
    middle = 2 + (~together) * (PERIOD_FRAMES // 2)
    return (video[:, :SYNC_FRAMES], windows[torch.arange(count), middle]), together.float()


@pytest.mark.parametrize(
    ("network", "samples", "steps"),
    [(SequenceDiscriminator, sequences, 60), (SyncDiscriminator, pairs, 80)],
)
def test_discriminator_learns_its_task(network, samples, steps):
    torch.manual_seed(0)
    random = torch.Generator().manual_seed(1)
    discriminator = network(CONFIG, base_channels=8, code=32)
    optimiser = torch.optim.Adam(discriminator.parameters(), 2e-3, betas=(0.5, 0.999))
    fresh, truth = samples(torch.Generator().manual_seed(2), 128)

    def accuracy():
        discriminator.eval()
        with torch.no_grad():
            right = (discriminator(*fresh) > 0) == (truth > 0)
        discriminator.train()
        return right.float().mean().item()

    assert accuracy() < 0.75
    for _ in range(steps):
        given, target = samples(random)
        loss = F.binary_cross_entropy_with_logits(discriminator(*given), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert accuracy() > 0.9
