"""The dimensions of a model, saved as ``config.json`` beside its weights."""

from __future__ import annotations

from math import log2
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

FORMAT_VERSION: Final = 1


class ModelConfig(BaseModel):
    """Everything that is needed to build a generator and to feed it.

    The defaults are the paper's model for 128x96 faces and 50 kHz sound (Vougioukas et al. 2019, section 3.1;
    exact sizes as in the authors' released inference code).

    Attributes:
        format_version: version of the layout of ``config.json`` and the names in ``model.safetensors``.
        decoder: which frame decoder draws; ``paper`` is the U-Net of the publication.
        image_height, image_width: canonical crop in pixels; the longer side is a power of two.
        base_channels: feature maps of the identity encoder's first layer; doubled by each following layer.
        identity_code: length of the identity code.
        audio_rate: samples a second of the driving audio.
        fps: video frames a second.
        window_s: seconds of sound that one frame sees.
        audio_channels: feature maps of the audio encoder's first layer.
        audio_code: length of the code of one audio window, before the recurrent net.
        content_code: length of the content code, after the recurrent net.
        noise_code: length of the noise code; 0 for a model without noise.
        noise_std: standard deviation of the noise drawn when a video is generated.
        sequential_noise: whether a recurrent net smooths the noise in time.
        mean_points: canonical position (x, y in pixels) of the five stable points (base of the nose, then the
            eye corners from left to right in the picture); ``None`` for orate's own mean face.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1] = FORMAT_VERSION
    decoder: Literal["paper"] = "paper"
    image_height: int = Field(128, ge=32)
    image_width: int = Field(96, ge=24)
    base_channels: int = Field(64, ge=1)
    identity_code: int = Field(128, ge=1)
    audio_rate: int = Field(50_000, ge=8_000)
    fps: float = Field(25.0, gt=0)
    window_s: float = Field(0.2, gt=0)
    audio_channels: int = Field(16, ge=1)
    audio_code: int = Field(256, ge=1)
    content_code: int = Field(256, ge=1)
    noise_code: int = Field(10, ge=0)
    noise_std: float = Field(0.33, ge=0)
    sequential_noise: bool = True
    mean_points: tuple[tuple[float, float], ...] | None = None

    @model_validator(mode="after")
    def _check_image_size(self) -> ModelConfig:
        longer, shorter = max(self.image_size), min(self.image_size)
        if longer & (longer - 1):
            raise ValueError(f"the longer side of the crop must be a power of two, not {longer}")
        if 4 * shorter % longer:
            raise ValueError(f"the shorter side of the crop must be a multiple of {longer // 4}, not {shorter}")
        if self.mean_points is not None and len(self.mean_points) != 5:
            raise ValueError("mean_points needs five points")
        return self

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the canonical crop in pixels."""
        return self.image_height, self.image_width

    @property
    def coarse_size(self) -> tuple[int, int]:
        """Height and width of the coarsest feature map: the longer side is 4."""
        longer = max(self.image_size)
        return 4 * self.image_height // longer, 4 * self.image_width // longer

    @property
    def encoder_channels(self) -> tuple[int, ...]:
        """Feature maps of the identity encoder's halvings, from fine to coarse (64 to 1024 in the paper)."""
        halvings = int(log2(max(self.image_size))) - 2
        return tuple(self.base_channels * 2**level for level in range(halvings))

    @property
    def window_samples(self) -> int:
        """Samples of sound that one frame sees."""
        return int(self.window_s * self.audio_rate)

    @property
    def hop_samples(self) -> int:
        """Samples of sound from one frame to the next."""
        return int(self.audio_rate / self.fps)

    @property
    def lookahead_s(self) -> float:
        """Seconds of sound, counted from a frame's own time, that must be there before it can be drawn."""
        return (self.hop_samples + self.window_samples) / 2 / self.audio_rate
