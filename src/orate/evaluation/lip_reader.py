"""The lip reader: what a mouth says, from pictures alone.

LipNet's form (Assael, Shillingford, Whiteson, de Freitas, 2016, section 3.3): three spatio-temporal convolutions, two
bidirectional GRUs, CTC over characters. Smaller, and with two outputs for each frame: at 25 frames a second GRID's
short words have more letters than frames. It knows the 51 words of GRID and measures clips of that corpus only. It is
an instrument: no generator is trained against it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from orate.evaluation.grid_grammar import CHARACTERS, greedy_text, likely_sentence
from orate.evaluation.mouth_crops import SEEN, mouth_region, network_input
from orate.evaluation.network_files import load_network, save_network

LIP_READER = "lip-reader"
SHRINKING = 8  # of the picture's sides by the convolutions' strides


class LipReaderConfig(BaseModel):
    """Dimensions, saved with the weights.

    Attributes:
        format_version: of the meaning of inputs and outputs.
        channels: of the three convolutions.
        features: of a frame, what the recurrent nets see.
        hidden: of each direction of each GRU.
        steps_per_frame: outputs for each frame.
        dropout: in training, of the convolutions' channels (half of it) and of features.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1] = 1
    channels: tuple[int, int, int] = (24, 64, 96)
    features: int = Field(256, ge=1)
    hidden: int = Field(192, ge=1)
    steps_per_frame: int = Field(2, ge=1)
    dropout: float = Field(0.25, ge=0, lt=1)


class LipReaderNet(nn.Module):
    """From mouths to log-probabilities of characters."""

    def __init__(self, config: LipReaderConfig) -> None:
        super().__init__()
        self.config = config
        first, second, third = config.channels
        half = config.dropout / 2
        self.convolutions = nn.Sequential(
            *_convolution(1, first, 5, half),
            *_convolution(first, second, 3, half),
            *_convolution(second, third, 3, half),
        )
        pixels = (SEEN[0] // SHRINKING) * (SEEN[1] // SHRINKING)
        self.features = nn.Sequential(nn.Linear(third * pixels, config.features), nn.ReLU(), nn.Dropout(config.dropout))
        self.recurrent = nn.GRU(
            config.features, config.hidden, 2, batch_first=True, bidirectional=True, dropout=config.dropout
        )
        self.characters = nn.Linear(2 * config.hidden, config.steps_per_frame * len(CHARACTERS))

    def states(self, mouths: Tensor) -> Tensor:
        """States of the recurrent nets: (batch, 1, time, 40, 56) to (batch, time, 2 * hidden)."""
        maps = self.convolutions(mouths)
        features = self.features(maps.transpose(1, 2).flatten(2))
        with torch.autocast(mouths.device.type, enabled=False):  # not every device has a GRU in bf16
            states: Tensor = self.recurrent(features.float())[0]
        return states

    def read_states(self, states: Tensor) -> Tensor:
        """Log-probabilities of `CHARACTERS`, (batch, steps_per_frame * time, 28), from the states."""
        outputs: Tensor = self.characters(states)
        batch, time, _ = outputs.shape
        steps = time * self.config.steps_per_frame
        return outputs.float().view(batch, steps, len(CHARACTERS)).log_softmax(-1)

    def forward(self, mouths: Tensor) -> Tensor:
        """Log-probabilities of `CHARACTERS`.

        Args:
            mouths: (batch, 1, time, 40, 56), as `network_input` gives them.

        Returns:
            (batch, steps_per_frame * time, 28).
        """
        return self.read_states(self.states(mouths))


def _convolution(before: int, after: int, size: int, dropout: float) -> list[nn.Module]:
    """Three frames at a time, half the picture's sides; LipNet pools instead, which on a CPU costs as much again."""
    kernel, stride, padding = (3, size, size), (1, 2, 2), (1, size // 2, size // 2)
    convolution = nn.Conv3d(before, after, kernel, stride, padding, bias=False)
    return [convolution, nn.BatchNorm3d(after), nn.ReLU(), nn.Dropout3d(dropout)]


class LipReader:
    """Reads the sentence of a clip.

    Args:
        net: the network; by default the one that comes with the package.

    Raises:
        OrateError: its files are missing or damaged.
    """

    def __init__(self, net: LipReaderNet | None = None) -> None:
        self._net = (net or load_lip_reader()).eval()

    def __call__(self, frames: NDArray[np.uint8]) -> str:
        """The likeliest sentence of GRID's grammar.

        Args:
            frames: (time, 128, 96, 3) uint8 RGB, canonical crops at 25 frames a second.

        Returns:
            Six words, the likeliest even where nothing is said.

        Raises:
            OrateError: crops of another size.
        """
        return likely_sentence(self.logarithms(frames))

    def greedy(self, frames: NDArray[np.uint8]) -> str:
        """The likeliest character of each step, without a grammar; arguments as above."""
        return greedy_text(self.logarithms(frames))

    @torch.inference_mode()
    def logarithms(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Log-probabilities of `CHARACTERS`, (2 * time, 28); arguments as above."""
        regions = torch.from_numpy(mouth_region(frames))[None]
        device = next(self._net.parameters()).device
        return np.asarray(self._net(network_input(regions).to(device))[0].cpu().numpy(), np.float32)


def save_lip_reader(net: LipReaderNet, folder: Path, metadata: dict[str, object]) -> None:
    """Write a lip reader's folder, as `save_network` does."""
    save_network(net, net.config, folder, metadata)


def load_lip_reader(folder: Path | None = None) -> LipReaderNet:
    """Read a lip reader, in eval mode and fp32 on the CPU; by default the one that comes with the package.

    Raises:
        OrateError: files are missing, damaged, or of another version.
    """
    return load_network(LIP_READER, LipReaderConfig, LipReaderNet, folder)
