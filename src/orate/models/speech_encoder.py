"""The encoder of Whisper tiny.en (Radford et al. 2022, section 2.2; weights: OpenAI, MIT): speech as rows at 50 Hz."""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from orate.errors import OrateError
from orate.models.speech_features import BANDS, HOP_SAMPLES, RATE_HZ, log_mel
from orate.models.speech_means import position_means

WIDTH = 384
HEADS = 6
LAYERS = 4
POSITIONS = 1500
"""Rows that there are positions for: 30 s."""
ROW_SAMPLES = 2 * HOP_SAMPLES
FRAME_ROWS = 2
FRAME_SAMPLES = FRAME_ROWS * ROW_SAMPLES
"""Samples of a video frame at 25 frames a second."""

SILENCE_SAMPLES = RATE_HZ // 2
WINDOW_SAMPLES = 28 * RATE_HZ
OVERLAP_SAMPLES = 2 * RATE_HZ


class SpeechEncoder(nn.Module):
    """Two convolutions, sinusoidal positions, four pre-norm transformer layers, a norm."""

    positions: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(BANDS, WIDTH, 3, padding=1)
        self.conv2 = nn.Conv1d(WIDTH, WIDTH, 3, stride=2, padding=1)
        self.layers = nn.ModuleList(EncoderLayer() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)
        self.register_buffer("positions", sinusoids(POSITIONS, WIDTH), persistent=False)

    def forward(self, mel: Tensor) -> Tensor:
        """Encode log-mel spectra.

        Args:
            mel: (batch, 80, 2T), from `orate.models.speech_features.log_mel`, T at most 1500.

        Returns:
            (batch, T, 384): row r is centred on mel frame 2r, that is on r / 50 s, and knows of all the others.
        """
        rows = self.embed(mel)
        for layer in self.layers:
            rows = layer(rows)
        normed: Tensor = self.norm(rows)
        return normed

    def embed(self, mel: Tensor) -> Tensor:
        """What goes into the first layer: (batch, 80, 2T) to (batch, T, 384), with positions from 0 on."""
        convolved = F.gelu(self.conv2(F.gelu(self.conv1(mel))))
        return convolved.transpose(1, 2) + self.positions[: convolved.shape[2]]


class EncoderLayer(nn.Module):
    """Self-attention of six heads, then a feed-forward net of four times the width; each on the norm of its input."""

    def __init__(self) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(WIDTH)
        self.query_key_value = nn.Linear(WIDTH, 3 * WIDTH)
        self.attention_out = nn.Linear(WIDTH, WIDTH)
        self.ffn_norm = nn.LayerNorm(WIDTH)
        self.ffn_in = nn.Linear(WIDTH, 4 * WIDTH)
        self.ffn_out = nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, rows: Tensor) -> Tensor:
        """(batch, T, 384) to the same."""
        joined: Tensor = self.query_key_value(self.attention_norm(rows))
        heads = joined.view(*joined.shape[:2], 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        query, key, value = heads.unbind()
        attended = F.scaled_dot_product_attention(query, key, value)
        rows = rows + self.attention_out(attended.transpose(1, 2).flatten(2))
        added: Tensor = self.ffn_out(F.gelu(self.ffn_in(self.ffn_norm(rows))))
        return rows + added


def sinusoids(length: int, channels: int) -> Tensor:
    """(length, channels) of positions: sines, then cosines, wavelengths from 2 pi to 20000 pi (Vaswani et al. 2017)."""
    half = channels // 2
    rates = torch.exp(-math.log(10_000) / (half - 1) * torch.arange(half, dtype=torch.float64))
    angles = torch.arange(length, dtype=torch.float64)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1).float()


def weights_path() -> Path:
    """The bundled weights."""
    return Path(str(resources.files("orate"))) / "weights" / "default" / "speech_encoder.safetensors"


def load_speech_encoder(path: Path | None = None) -> SpeechEncoder:
    """The encoder with the bundled weights (or those of `path`), in eval mode and fp32 on the CPU.

    Raises:
        OrateError: the weights are missing, damaged, or another network's.
    """
    path = path or weights_path()
    try:
        weights = load_file(path)
    except FileNotFoundError:
        raise OrateError(f"{path} is missing: install orate again.") from None
    except SafetensorError as error:
        raise OrateError(f"{path} is damaged or not a safetensors file ({error}): install orate again.") from None
    encoder = SpeechEncoder()
    expected = {name: value.shape for name, value in encoder.state_dict().items()}
    if {name: value.shape for name, value in weights.items()} != expected:
        raise OrateError(f"{path} does not hold the weights of the speech encoder: install orate again.")
    encoder.load_state_dict(weights)  # copies into fp32
    return encoder.eval()


def speech_frames(samples: int) -> int:
    """Video frames (25 a second) that cover so many samples at 16 kHz; at least one."""
    return max(1, -(-samples // FRAME_SAMPLES))


@torch.inference_mode()
def encode_speech(encoder: SpeechEncoder, samples: NDArray[np.float32] | Tensor, *, centred: bool = False) -> Tensor:
    """Features of a whole sound: half a second of silence is appended, none is put before.

    Sound over 28 s is encoded in windows of 28 s that overlap by 2 s; each gives way to the next in the middle of the
    overlap.

    Args:
        encoder: on any device.
        samples: (n,) mono in [-1, 1] at 16 kHz.
        centred: take away the mean row of each position, see `orate.models.speech_means`.

    Returns:
        (2 * frames, 384) float32 on the encoder's device, frames = ceil(25 n / 16000) but at least 1: the rows 2k and
        2k + 1 belong to video frame k.
    """
    device = encoder.norm.weight.device
    sound = torch.as_tensor(samples, dtype=torch.float32).to(device)
    if sound.dim() != 1:
        raise ValueError(f"samples must be (n,), not {tuple(sound.shape)}")
    rows = FRAME_ROWS * speech_frames(len(sound))
    sound = F.pad(sound, (0, SILENCE_SAMPLES))
    parts = []
    for start, first, last in _windows(len(sound)):
        window = sound[start : start + WINDOW_SAMPLES]
        window = window[: len(window) // ROW_SAMPLES * ROW_SAMPLES]  # whole rows
        encoded = encoder(log_mel(window)[None])[0]
        if centred:
            encoded = encoded - position_means()[: len(encoded)].to(device)
        parts.append(encoded[first:last])
    return torch.cat(parts)[:rows].clone()


def whole_means(rows: int) -> Tensor:
    """(rows, 384): what `encode_speech` takes away from the rows of a whole sound when it centres them."""
    places = [
        torch.arange(first, POSITIONS if last is None else last)
        for _, first, last in _windows(rows * ROW_SAMPLES + SILENCE_SAMPLES)
    ]
    return position_means()[torch.cat(places)[:rows]]


def _windows(length: int) -> Iterator[tuple[int, int, int | None]]:
    """Start sample of each window, and the rows from and to (of the window) that are taken of it."""
    step = WINDOW_SAMPLES - OVERLAP_SAMPLES
    half = OVERLAP_SAMPLES // 2 // ROW_SAMPLES
    start, first = 0, 0
    while start + WINDOW_SAMPLES < length:
        yield start, first, WINDOW_SAMPLES // ROW_SAMPLES - half
        start, first = start + step, half
    yield start, first, None
