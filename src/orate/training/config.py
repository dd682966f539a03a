"""What a training run is made of: read from one YAML file, written beside its results."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from orate.errors import OrateError
from orate.models.config import ModelConfig

BUNDLED_CONFIGS = Path(__file__).parent / "configs"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataConfig(_Section):
    """What one batch holds.

    Attributes:
        batch_size: clips in a batch, over all processes together.
        clip_frames: frames of a clip whose sound the recurrent nets see; shorter clips are left out.
        draw_frames: successive frames of it that are drawn and judged; ``None`` for all (the paper).
        mirror: whether clips are mirrored at random (the paper's augmentation).
        workers: loader processes; 0 loads in the training process.
        cache: keep decoded clips in files beside the shards (1 MB a second of video) instead of decoding them anew.
        stream: read shards from front to end, shuffled within a window, instead of clips at random; ``auto`` does so
            where weights are given, or the training clips are more than 32 GB when decoded (about 10 hours).
        shuffle: clips among which a stream shuffles; the system keeps them in its page cache as they are stored.
        weights: share of each corpus in a stream: a list, one for each ``--data`` in order, or ``{corpus: weight}``;
            ``None`` takes each clip once in an epoch.
    """

    batch_size: int = Field(16, ge=1)
    clip_frames: int = Field(75, ge=6)  # fewer have no two moments three frames apart, as the sync critic needs
    draw_frames: int | None = Field(None, ge=5)
    mirror: bool = True
    workers: int = Field(4, ge=0)
    cache: bool = False
    stream: bool | Literal["auto"] = "auto"
    shuffle: int = Field(4096, ge=1)
    weights: list[float] | dict[str, float] | None = None

    @model_validator(mode="after")
    def _check_weights(self) -> DataConfig:
        if self.weights is not None and self.stream is False:
            raise ValueError("weights mix a stream: make stream true or auto")
        return self


class AugmentConfig(_Section):
    """Strength of augmentation beyond the paper's mirroring; 0 switches a kind off.

    Attributes:
        colour: deviation of the logarithm of each channel's gain and gamma; one draw for a clip.
        permute: probability that a clip's colour channels are permuted.
        warp: half range of a clip's random stretch, shear and turn, as a fraction; five times that in pixels of shift.
        elastic: deviation of a clip's smooth random bending, as a fraction of half a picture.
        gain_db: half range of the sound's gain in decibels.
        noise_db: loudest level of white noise added to the sound, in dB below its peak; 0 for none.
        bandlimit: probability that a clip's sound is low-passed at random between 2.5 kHz and half the rate.
    """

    colour: float = Field(0.0, ge=0)
    permute: float = Field(0.0, ge=0, le=1)
    warp: float = Field(0.0, ge=0, le=0.3)
    elastic: float = Field(0.0, ge=0, le=0.1)
    gain_db: float = Field(0.0, ge=0)
    noise_db: float = Field(0.0, ge=0)
    bandlimit: float = Field(0.0, ge=0, le=1)


class LossConfig(_Section):
    """Weights of the losses (paper, section 3.3); 0 removes a term, and its discriminator with it.

    Attributes:
        l1: reconstruction of the lower half of the face.
        l1_upper: reconstruction of the upper half, relative to `l1`; the paper has 0 and leaves it to the critics.
        l1_mouth: extra weight of pixels around the lips, relative to `l1`; the paper has 0.
        lips: auxiliary regression of the lips' landmarks from the content code by a linear map that is not part of
            the generator; helps a short training to listen. The paper has 0.
        pixels_from: first step that draws; before it the audio encoder alone learns, from the lips' landmarks, at a
            fraction of the cost. The paper draws from the beginning.
        frame, sync, sequence: adversarial terms.
        adversarial_from: first step with adversarial terms.
    """

    l1: float = Field(600.0, ge=0)
    l1_upper: float = Field(0.0, ge=0)
    l1_mouth: float = Field(0.0, ge=0)
    lips: float = Field(0.0, ge=0)
    pixels_from: int = Field(0, ge=0)
    frame: float = Field(1.0, ge=0)
    sync: float = Field(0.8, ge=0)
    sequence: float = Field(0.2, ge=0)
    adversarial_from: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _check_listening(self) -> LossConfig:
        if self.pixels_from and not self.lips:
            raise ValueError("pixels_from needs the loss of the lips: without it nothing would be learned before it")
        return self


class CriticConfig(_Section):
    """Size of the discriminators: feature maps of the first layer, doubled by each following one."""

    frame_channels: int = Field(64, ge=1)
    sequence_channels: int = Field(64, ge=1)
    sync_channels: int = Field(64, ge=1)


class OptimiserConfig(_Section):
    """Adam and its learning rates.

    Attributes:
        generator_lr, frame_lr, sequence_lr, sync_lr: learning rates.
        picture_lr: another learning rate for the parts of the generator that draw, that is all but the audio encoder.
        beta1, beta2: Adam's decay rates.
        decay_from_epoch: epoch from which the rates decay.
        decay_per_epoch: factor for each epoch after that.
        clip_norm: largest norm of a network's gradient; larger ones are scaled down.
        ema: decay of the moving average of the generator's weights, for each step.
        noise_std: deviation of the noise in training (paper: 0.6).
    """

    generator_lr: float = Field(1e-4, gt=0)
    picture_lr: float | None = Field(None, gt=0)
    frame_lr: float = Field(1e-4, gt=0)
    sequence_lr: float = Field(1e-5, gt=0)
    sync_lr: float = Field(1e-5, gt=0)
    beta1: float = Field(0.5, ge=0, lt=1)
    beta2: float = Field(0.999, ge=0, lt=1)
    decay_from_epoch: float = Field(20.0, ge=0)
    decay_per_epoch: float = Field(0.9, gt=0, le=1)
    clip_norm: float = Field(1000.0, gt=0)
    ema: float = Field(0.999, ge=0, lt=1)
    noise_std: float = Field(0.6, ge=0)


class RunConfig(_Section):
    """How long, how precise, what is written when.

    Attributes:
        steps: generator steps in all.
        seed: seed of weights, order, windows, noise and augmentation.
        precision: ``auto`` takes bf16 where the device computes in it.
        accelerator, devices: as Lightning Fabric names them; several devices train in step (DDP).
        log_every, save_every, validate_every, sample_every: in steps; 0 for never.
        validation_clips, sample_clips: how many of the validation clips are measured, and drawn as video.
    """

    steps: int = Field(100_000, ge=1)
    seed: int = 0
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    accelerator: str = "auto"
    devices: int | Literal["auto"] = "auto"
    log_every: int = Field(20, ge=0)
    save_every: int = Field(500, ge=0)
    validate_every: int = Field(1000, ge=0)
    sample_every: int = Field(1000, ge=0)
    validation_clips: int = Field(16, ge=1)
    sample_clips: int = Field(4, ge=1)


class TrainConfig(_Section):
    """One training run; the defaults are the paper's recipe."""

    model: ModelConfig = ModelConfig()
    data: DataConfig = DataConfig()
    augment: AugmentConfig = AugmentConfig()
    losses: LossConfig = LossConfig()
    critics: CriticConfig = CriticConfig()
    optimiser: OptimiserConfig = OptimiserConfig()
    run: RunConfig = RunConfig()


def bundled_configs() -> list[str]:
    """Names of the configs in the package, such as ``paper`` and ``ablation/no-l1``."""
    return sorted(
        path.relative_to(BUNDLED_CONFIGS).with_suffix("").as_posix() for path in BUNDLED_CONFIGS.rglob("*.yaml")
    )


def load_config(name: str, overrides: list[str] | None = None) -> TrainConfig:
    """Read a config.

    Args:
        name: path of a YAML file, or the name of a config in the package (`bundled_configs`).
        overrides: ``section.field=value`` assignments, values as YAML.

    Raises:
        OrateError: no such config, no YAML, unknown fields, values out of range.
    """
    path = Path(name)
    if not path.is_file():
        path = BUNDLED_CONFIGS / f"{name}.yaml"
    if not path.is_file():
        raise OrateError(f"There is no config '{name}': give a YAML file or one of {', '.join(bundled_configs())}.")
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except UnicodeDecodeError as error:
        raise OrateError(f"The config {path} is not a text file in UTF-8.") from error
    except yaml.YAMLError as error:
        raise OrateError(f"The config {path} is not valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(values, dict):
        raise OrateError(f"The config {path} must hold sections such as 'model:' and 'data:', not a bare value.")
    for override in overrides or []:
        assign(values, override, nested=True)
    try:
        return TrainConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise OrateError(f"The config {path} is wrong at '{place}': {first['msg']}.") from error


def assign(values: dict[str, Any], override: str, nested: bool = False) -> None:
    """Carry out ``section.field=value``, the value as YAML; with `nested`, there must be a section.

    Raises:
        OrateError: it is not an assignment, or assigns to a part of a value.
    """
    key, equals, text = override.partition("=")
    *sections, field = key.split(".")
    if not equals or not field or not (sections or not nested):
        raise OrateError(f"'{override}' is not an assignment such as run.steps=1000.")
    for section in sections:
        if values.get(section) is None:  # not there, or a section without a line in it
            values[section] = {}
        values = values[section]
        if not isinstance(values, dict):
            raise OrateError(f"'{override}' assigns to a part of '{section}', which is a value and not a section.")
    try:
        values[field] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise OrateError(f"The value in '{override}' is not valid YAML.") from error
