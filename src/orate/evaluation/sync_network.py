"""The sync network: whether a mouth and a sound belong together.

SyncNet's form (Chung and Zisserman, Out of time: automated lip sync in the wild, 2016): two streams of convolutions,
one over five successive mouths, one over the 0.2 s of sound that go with them, meet in one space of embeddings, in
which what belongs together is near. It is an instrument: no generator is trained against it (the sync *discriminator*
is another network).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional as F

from orate.evaluation.mouth_crops import SEEN
from orate.evaluation.network_files import load_network, save_network
from orate.models.speech_features import BANDS, log_mel

SYNC_NETWORK = "sync-network"
WINDOW_FRAMES = 5  # of video: 0.2 s
SPECTRA_PER_FRAME = 4  # 100 spectra and 25 frames a second
SHRINKING = 8  # of sides of the picture, and of the bands, by the convolutions' strides


class SyncConfig(BaseModel):
    """Dimensions, saved with the weights.

    Attributes:
        format_version: of the meaning of inputs and outputs.
        picture_channels, sound_channels: of the three convolutions of each stream.
        hidden: of the layer that sees a whole window.
        embedding: dimensions of the common space.
        dropout: in training, before the last layer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1] = 1
    picture_channels: tuple[int, int, int] = (32, 64, 128)
    sound_channels: tuple[int, int, int] = (16, 32, 64)
    hidden: int = Field(192, ge=1)
    embedding: int = Field(128, ge=1)
    dropout: float = Field(0.2, ge=0, lt=1)


class SyncNet(nn.Module):
    """Embeddings of the windows of whole clips: a clip of T frames has T - 4 of them, one starting at each frame."""

    def __init__(self, config: SyncConfig) -> None:
        super().__init__()
        self.config = config
        first, second, third = config.picture_channels
        rows, columns = SEEN[0] // SHRINKING, SEEN[1] // SHRINKING
        # Time is seen by the first layer alone: all of a window at once, as in SyncNet.
        self.pictures = nn.Sequential(
            *_block(nn.Conv3d(1, first, (WINDOW_FRAMES, 5, 5), (1, 2, 2), (0, 2, 2), bias=False)),
            *_block(nn.Conv3d(first, second, (1, 3, 3), (1, 2, 2), (0, 1, 1), bias=False)),
            *_block(nn.Conv3d(second, third, (1, 3, 3), (1, 2, 2), (0, 1, 1), bias=False)),
            *_block(nn.Conv3d(third, config.hidden, (1, rows, columns), bias=False)),
            nn.Dropout(config.dropout),
            nn.Conv3d(config.hidden, config.embedding, 1),
        )
        first, second, third = config.sound_channels
        # Each of the first three layers takes one spectrum at either side; what is left of a window is the fourth's.
        left = WINDOW_FRAMES * SPECTRA_PER_FRAME - 6
        self.sounds = nn.Sequential(
            *_block(nn.Conv2d(1, first, (5, 3), (2, 1), (2, 0), bias=False)),
            *_block(nn.Conv2d(first, second, (5, 3), (2, 1), (2, 0), bias=False)),
            *_block(nn.Conv2d(second, third, (5, 3), (2, 1), (2, 0), bias=False)),
            *_block(nn.Conv2d(third, config.hidden, (BANDS // SHRINKING, left), (1, SPECTRA_PER_FRAME), bias=False)),
            nn.Dropout(config.dropout),
            nn.Conv2d(config.hidden, config.embedding, 1),
        )
        self.scale = nn.Parameter(torch.tensor(2.0))  # logarithm of the sharpness of the training's choice

    def embed_pictures(self, mouths: Tensor) -> Tensor:
        """Embeddings of length 1, (batch, time - 4, embedding), of mouths (batch, 1, time, 40, 56)."""
        return F.normalize(self.pictures(mouths).flatten(2).transpose(1, 2).float(), dim=-1)

    def embed_sounds(self, spectra: Tensor) -> Tensor:
        """Embeddings of length 1, (batch, time - 4, embedding), of log-mel spectra (batch, 80, 4 * time)."""
        return F.normalize(self.sounds(spectra[:, None]).flatten(2).transpose(1, 2).float(), dim=-1)


def _block(convolution: nn.Conv2d | nn.Conv3d) -> list[nn.Module]:
    channels = convolution.out_channels
    flat = isinstance(convolution, nn.Conv2d)
    return [convolution, nn.BatchNorm2d(channels) if flat else nn.BatchNorm3d(channels), nn.ReLU()]


def sync_spectra(sounds: Tensor, frames: int) -> Tensor:
    """Log-mel spectra of clips, as `SyncNet` hears them.

    Args:
        sounds: (batch, samples) in [-1, 1] at 16 kHz; cut or padded with silence to the frames' length.
        frames: of video, 25 a second.

    Returns:
        (batch, 80, 4 * frames) float32: `log_mel`, which is free of the clip's loudness, less its mean.
    """
    wanted = frames * SPECTRA_PER_FRAME * 160
    fitted = F.pad(sounds[:, :wanted], (0, max(wanted - sounds.shape[1], 0)))
    spectra = log_mel(fitted)
    return spectra - spectra.mean((1, 2), keepdim=True)


def save_sync_network(net: SyncNet, folder: Path, metadata: dict[str, object]) -> None:
    """Write a sync network's folder, as `save_network` does."""
    save_network(net, net.config, folder, metadata)


def load_sync_network(folder: Path | None = None) -> SyncNet:
    """Read a sync network, in eval mode and fp32 on the CPU; by default the one that comes with the package.

    Raises:
        OrateError: files are missing, damaged, or of another version.
    """
    return load_network(SYNC_NETWORK, SyncConfig, SyncNet, folder)
