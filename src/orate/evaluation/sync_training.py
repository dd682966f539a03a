"""What the sync network learns from: for each mouth, which of a clip's sounds is its own.

Not SyncNet's pairs but a choice among many, as in Perfect Match (Chung, Chung, Kang, 2019, section 2.2): the
cross-entropy of the right one over all windows of the clip, from mouth to sound and back. Every window is an example
of everything that it does not belong to, and there is no plateau at ln 2 as with pairs. Far offsets come first:
neighbours, whose sound overlaps, are left out of the choice at the beginning and come nearer step by step.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional as F

from orate.evaluation.mouth_clips import RATE_HZ, MouthClips, SpeakerOrder
from orate.evaluation.mouth_crops import network_input, varied_input
from orate.evaluation.sync_metric import SyncFigures, figures_of
from orate.evaluation.sync_network import SyncConfig, SyncNet, save_sync_network, sync_spectra
from orate.training.supervised_config import SupervisedRun

SYNC_RECIPE = Path(__file__).parent / "sync-network.yaml"
NOISE_DB = (15.0, 45.0)  # of white noise below the sound's deviation
SPEED = 0.12  # half range of the factor by which the bands are moved: voices of larger and smaller people


class SyncRecipe(BaseModel):
    """A training of the sync network.

    Attributes:
        kind: tells recipes apart.
        model: dimensions.
        clip_frames: frames of a clip; longer ones are cut, shorter ones padded with their last frame.
        vary: strength of the changes of place, size and light, see `varied_input`; 0 also leaves the sound.
        gap: offsets nearer than this, in frames, are left out of the choice at the beginning.
        gap_until: part of the run at which all offsets are in it.
        evenness: of the draw of speakers, see `SpeakerOrder`.
        run: steps and their size.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["sync-network"] = "sync-network"
    model: SyncConfig = SyncConfig()
    clip_frames: int = Field(75, ge=24)
    vary: float = Field(1.0, ge=0)
    gap: int = Field(5, ge=1)
    gap_until: float = Field(0.3, gt=0, le=1)
    evenness: float = Field(0.5, ge=0, le=1)
    run: SupervisedRun = SupervisedRun()


class SyncTask:
    """A `SupervisedTask`.

    Args:
        recipe: the recipe.
        clips: to learn from.
        held_out: to validate on.
    """

    def __init__(self, recipe: SyncRecipe, clips: MouthClips, held_out: MouthClips) -> None:
        self._recipe, self._clips, self._held_out = recipe, clips, held_out
        self._order = SpeakerOrder(clips.speakers, recipe.evenness)
        torch.manual_seed(recipe.run.seed)
        self.net: nn.Module = SyncNet(recipe.model)

    def losses(self, step: int, random: torch.Generator, device: torch.device) -> dict[str, Tensor]:
        """The choice's cross-entropy in one batch."""
        recipe, net = self._recipe, _known(self.net)
        chosen = self._order.draw(recipe.run.batch_size, random)
        regions = torch.stack([self._clips.padded_region(index, recipe.clip_frames) for index in chosen])
        samples = round(recipe.clip_frames * RATE_HZ / self._clips.fps)
        sounds = torch.stack([_fitted(torch.from_numpy(self._clips.sound(index)), samples) for index in chosen])
        mouths = varied_input(regions, recipe.vary, random)
        spectra = sync_spectra(noisy(sounds, random) if recipe.vary else sounds, recipe.clip_frames)
        spectra = other_voice(spectra, random) if recipe.vary else spectra
        pictures, heard = net.embed_pictures(mouths.to(device)), net.embed_sounds(spectra.to(device))
        done = step / (recipe.gap_until * recipe.run.steps)
        gap = max(1, round(recipe.gap * (1 - done)))
        loss, right = choice_loss(pictures, heard, net.scale, gap)
        return {"loss": loss, "right": right}

    @torch.inference_mode()
    def validate(self, net: nn.Module, device: torch.device) -> dict[str, float]:
        """By speaker, of held-out clips: share with the right offset within one frame, mean LSE-C and LSE-D."""
        figures = {}
        for group, members in self._held_out.groups():
            measured = [self._measured(_known(net), index, device) for index in members]
            count = max(len(measured), 1)
            figures[f"within_1/{group}"] = sum(abs(clip.offset) <= 1 for clip in measured) / count
            figures[f"confidence/{group}"] = sum(clip.confidence for clip in measured) / count
            figures[f"distance/{group}"] = sum(clip.distance for clip in measured) / count
        return figures

    def write(self, net: nn.Module, folder: Path, metadata: dict[str, object]) -> None:
        """Write the network."""
        save_sync_network(_known(net), folder, metadata)

    def _measured(self, net: SyncNet, index: int, device: torch.device) -> SyncFigures:
        region = torch.from_numpy(self._held_out.region(index).copy())[None]
        spectra = sync_spectra(torch.from_numpy(self._held_out.sound(index))[None], region.shape[1])
        pictures = net.embed_pictures(network_input(region).to(device))
        return figures_of(torch.cdist(pictures, net.embed_sounds(spectra.to(device)))[0].cpu().numpy())


def choice_loss(pictures: Tensor, sounds: Tensor, scale: Tensor, gap: int) -> tuple[Tensor, Tensor]:
    """Cross-entropy of the right window among those of its clip, both ways.

    Args:
        pictures: (batch, windows, embedding) of length 1.
        sounds: the same shape.
        scale: logarithm of the factor of their products.
        gap: windows nearer to the right one than this, but not it, are left out; 1 leaves out none.

    Returns:
        The loss, and the share of mouths whose own sound is the nearest, as one number each.
    """
    windows = pictures.shape[1]
    scores = (pictures.float() @ sounds.float().transpose(1, 2)) * scale.exp().clamp(max=100)
    places = torch.arange(windows, device=scores.device)
    apart = (places[:, None] - places).abs()
    scores = scores.masked_fill((apart > 0) & (apart < gap), -torch.inf)
    target = places.expand(len(scores), windows)
    there = F.cross_entropy(scores.transpose(1, 2), target)  # classes, the sounds, stand second
    back = F.cross_entropy(scores, target)
    return (there + back) / 2, (scores.detach().argmax(2) == target).float().mean()


def noisy(sounds: Tensor, random: torch.Generator) -> Tensor:
    """Sounds (batch, samples) with white noise of a random level."""
    low, high = NOISE_DB
    level_db = low + (high - low) * torch.rand(len(sounds), 1, generator=random)
    noise = torch.randn(sounds.shape, generator=random)
    return sounds + noise * sounds.std(1, keepdim=True) * 10 ** (-level_db / 20)


def other_voice(spectra: Tensor, random: torch.Generator) -> Tensor:
    """Spectra (batch, bands, time) with their bands moved up or down by a factor, tilted, and made louder or softer."""
    batch, bands, time = spectra.shape
    factor = 1 + SPEED * (2 * torch.rand(batch, generator=random) - 1)
    tilt = 0.3 * torch.randn(batch, 1, 1, generator=random) * torch.linspace(-1, 1, bands)[None, :, None]
    rows = torch.linspace(0, 2, bands) * factor[:, None] - 1
    columns = torch.linspace(-1, 1, time)
    grid = torch.stack([columns.expand(batch, bands, time), rows[..., None].expand(batch, bands, time)], -1)
    moved = F.grid_sample(spectra[:, None], grid, padding_mode="border", align_corners=True)[:, 0]
    return (moved + tilt) * (1 + 0.1 * torch.randn(batch, 1, 1, generator=random).clamp(-2, 2))


def _fitted(sound: Tensor, samples: int) -> Tensor:
    return F.pad(sound[:samples], (0, max(samples - len(sound), 0)))


def _known(net: nn.Module) -> SyncNet:
    if not isinstance(net, SyncNet):
        raise TypeError("not a sync network")
    return net
