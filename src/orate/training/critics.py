"""The three discriminators in training: which of them a run has, what they see, what they say."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from orate.models.frame_discriminator import FrameDiscriminator
from orate.models.sequence_discriminator import SequenceDiscriminator
from orate.models.sync_discriminator import SYNC_FRAMES, SyncDiscriminator
from orate.training.config import TrainConfig
from orate.training.losses import adversarial_loss

SMALLEST_SHIFT_FRAMES = 3


@dataclass(frozen=True)
class Views:
    """What the critics see of a batch.

    Attributes:
        source: (batch, 3, height, width), the source images.
        real: (batch, time, 3, height, width), the drawn part of the real clips.
        windows: (batch, time, window_samples), the sound of the same frames.
        sync_start: (batch,), first of the five frames that the sync discriminator sees, within the drawn part.
        shifted: (batch, window_samples), sound of another moment of the same clip.
    """

    source: Tensor
    real: Tensor
    windows: Tensor
    sync_start: Tensor
    shifted: Tensor

    def sync_frames(self, video: Tensor) -> Tensor:
        """The five frames of each clip of `video`: (batch, 5, 3, height, width)."""
        index = self.sync_start[:, None] + torch.arange(SYNC_FRAMES, device=video.device)
        return video[torch.arange(len(video), device=video.device)[:, None], index]

    def sync_window(self) -> Tensor:
        """The sound of the middle one of the five frames: (batch, window_samples)."""
        batch = torch.arange(len(self.windows), device=self.windows.device)
        return self.windows[batch, self.sync_start + SYNC_FRAMES // 2]


def look(source: Tensor, real: Tensor, windows: Tensor, drawn: slice, random: torch.Generator) -> Views:
    """Choose what the critics see.

    Args:
        source: (batch, 3, height, width).
        real: (batch, time, 3, height, width), the drawn frames.
        windows: (batch, clip time, window_samples), the sound of the whole clip.
        drawn: which frames of the clip were drawn.
        random: source of the draws, on the CPU.
    """
    batch, time = real.shape[:2]
    clip_time = windows.shape[1]
    start = torch.randint(0, time - SYNC_FRAMES + 1, (batch,), generator=random)
    middle = start + SYNC_FRAMES // 2 + (drawn.start or 0)
    # Any other moment of the clip, at least three frames away, counted around its end.
    span = max(1, clip_time - 2 * SMALLEST_SHIFT_FRAMES + 1)
    offset = SMALLEST_SHIFT_FRAMES + torch.randint(0, span, (batch,), generator=random)
    shifted = windows[torch.arange(batch), ((middle + offset) % clip_time).to(windows.device)]
    return Views(source, real, windows[:, drawn], start.to(real.device), shifted)


def build_critics(config: TrainConfig) -> nn.ModuleDict:
    """The discriminators that have a weight in the losses, by name: frame, sync, sequence."""
    sizes, weights = config.critics, config.losses
    critics = nn.ModuleDict()
    if weights.frame:
        critics["frame"] = FrameDiscriminator(config.model, sizes.frame_channels)
    if weights.sync:
        critics["sync"] = SyncDiscriminator(config.model, sizes.sync_channels)
    if weights.sequence:
        critics["sequence"] = SequenceDiscriminator(config.model, sizes.sequence_channels)
    return critics


def discriminator_loss(name: str, critic: nn.Module, views: Views, generated: Tensor) -> Tensor:
    """What a discriminator minimises (paper, equations 1 to 4).

    The sync discriminator's negatives are generated pairs and real pairs shifted in time, one half each.
    """
    if name == "frame":
        real, fake = critic(views.real, views.source), critic(generated, views.source)
        return (adversarial_loss(real, True) + adversarial_loss(fake, False)) / 2
    if name == "sequence":
        return (adversarial_loss(critic(views.real), True) + adversarial_loss(critic(generated), False)) / 2
    frames, window = views.sync_frames(views.real), views.sync_window()
    together = adversarial_loss(critic(frames, window), True)
    made = adversarial_loss(critic(views.sync_frames(generated), window), False)
    apart = adversarial_loss(critic(frames, views.shifted), False)
    return together / 2 + (made + apart) / 4


def generator_loss(name: str, critic: nn.Module, views: Views, generated: Tensor) -> Tensor:
    """What the generator minimises against one discriminator: its output taken for real."""
    if name == "frame":
        return adversarial_loss(critic(generated, views.source), True)
    if name == "sequence":
        return adversarial_loss(critic(generated), True)
    return adversarial_loss(critic(views.sync_frames(generated), views.sync_window()), True)
