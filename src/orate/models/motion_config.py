"""The dimensions of the motion model, saved as ``motion.json`` beside its weights."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

MOTION_FORMAT_VERSION: Final = 1


class MotionConfig(BaseModel):
    """Everything that is needed to build a `MotionGenerator`.

    Attributes:
        format_version: version of the layout of ``motion.json`` and the names in ``motion.safetensors``.
        fps: frames a second.
        speech_rows, speech_width: rows of speech features a frame, and their width (Whisper tiny.en's encoder).
        channels: feature maps of the content encoder.
        dilations: of its causal convolutions of three frames; together they look back ``2 * sum(dilations)`` frames.
        content_code: length of the content code.
        components: principal components of the expression.
        identity_code: length of the identity code.
        identity_axes: coefficients of the face's shape that it is made of.
        noise_code: length of the noise code.
        noise_std: standard deviation of the noise drawn when motion is generated.
        decoder_channels: width of the decoder.
        look_ahead: frames of speech after its own that a frame's motion is made of: lips are on their way to a sound
            before it is heard.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1] = MOTION_FORMAT_VERSION
    fps: float = Field(25.0, gt=0)
    speech_rows: int = Field(2, ge=1)
    speech_width: int = Field(384, ge=1)
    channels: int = Field(192, ge=1)
    dilations: tuple[int, ...] = (1, 2, 4, 8, 1, 2, 4)
    content_code: int = Field(256, ge=1)
    components: int = Field(32, ge=1)
    identity_code: int = Field(16, ge=1)
    identity_axes: int = Field(12, ge=1)
    noise_code: int = Field(16, ge=1)
    noise_std: float = Field(1.0, ge=0)
    decoder_channels: int = Field(192, ge=1)
    look_ahead: int = Field(0, ge=0)
