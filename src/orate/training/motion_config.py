"""What a training of the motion model is made of: read from one YAML file, written beside its results."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orate.errors import OrateError
from orate.models.motion_config import MotionConfig


class MotionTrainConfig(BaseModel):
    """One training run of the motion model.

    Attributes:
        model: dimensions.
        seed: of weights, batches and noise.
        steps: generator steps in all.
        batch_size: stretches in a batch.
        shares: of the batches, by kind: ``tracks``, ``grid``, ``rest`` (no speech, mouth at rest).
        learning_rate, critic_rate: of the generator (falls as a cosine) and of the critics.
        weight_decay: of the generator.
        ema: decay of the moving average.
        adversarial_from: part of the run after which the critics join in; 1 for never.
        sequence, sync, moments: weights of the critics' verdicts, and of the deviations of brows, lids and pose.
        warm_frames: first frames of a stretch, which lack their past and count less.
        log_every, save_every: in steps; 0 for never.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: MotionConfig = MotionConfig()
    seed: int = 0
    steps: int = Field(1500, ge=1)
    batch_size: int = Field(48, ge=2)
    shares: dict[str, float] = {"tracks": 0.5, "grid": 0.4, "rest": 0.1}
    learning_rate: float = Field(1e-3, gt=0)
    critic_rate: float = Field(4e-4, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    ema: float = Field(0.99, ge=0, lt=1)
    adversarial_from: float = Field(0.5, ge=0, le=1)
    sequence: float = Field(0.05, ge=0)
    sync: float = Field(0.05, ge=0)
    moments: float = Field(0.2, ge=0)
    warm_frames: int = Field(6, ge=0)
    log_every: int = Field(20, ge=0)
    save_every: int = Field(100, ge=0)


def load_motion_config(path: Path | None = None) -> MotionTrainConfig:
    """Read a config; the bundled one by default.

    Raises:
        OrateError: no such file, no YAML, unknown fields, values out of range.
    """
    path = path or Path(__file__).parent / "default-motion.yaml"
    try:
        return MotionTrainConfig.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise OrateError(f"The config {path} cannot be read: {' '.join(str(error).split())}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise OrateError(f"The config {path} is wrong at '{place}': {first['msg']}.") from error
