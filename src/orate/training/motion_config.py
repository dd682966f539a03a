"""What a training of the motion model is made of: read from one YAML file, written beside its results."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from orate.models.motion_config import MotionConfig
from orate.training.supervised_config import read_recipe, recipe_kind


class MotionTrainConfig(BaseModel):
    """One training run of the motion model.

    Attributes:
        kind: tells the file from those of other models.
        model: dimensions.
        seed: of weights, batches and noise.
        steps: generator steps in all.
        batch_size: stretches in a batch.
        sway_batch: longer stretches in a batch, for head and brows.
        shares: of the batches, by kind: ``tracks``, ``grid``, ``rest`` (no speech, mouth at rest).
        learning_rate, critic_rate: of the generator (falls as a cosine) and of the critics.
        weight_decay: of the generator.
        ema: decay of the moving average.
        adversarial_from: part of the run after which the critics join in; 1 for never.
        sequence, sync, sway: weights of the critics' verdicts on the mouth's movement, on mouth and sound together, and
            on the movement of head and brows.
        moments: weight of the deviations of head and brows and of their speed.
        warm_frames: first frames of a stretch, which lack their past and count less.
        varieties: varied encodings of each clip's sound (`orate.training.motion_speech`).
        rest_stretches: with silence, noise, breath and music.
        mirror: learn from the mirror images of all people too.
        align: take away constant offsets between sound and picture of the tracks (`orate.training.sound_offset`).
        correlation: weight of the concordance of the lips' gap over a stretch.
        log_every, save_every, validate_every: in steps; 0 for never.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["motion"] = "motion"
    model: MotionConfig = MotionConfig()
    seed: int = 0
    steps: int = Field(1500, ge=1)
    batch_size: int = Field(48, ge=2)
    sway_batch: int = Field(16, ge=1)
    shares: dict[str, float] = {"tracks": 0.5, "grid": 0.4, "rest": 0.1}
    learning_rate: float = Field(1e-3, gt=0)
    critic_rate: float = Field(4e-4, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    ema: float = Field(0.99, ge=0, lt=1)
    adversarial_from: float = Field(0.5, ge=0, le=1)
    sequence: float = Field(0.05, ge=0)
    sync: float = Field(0.05, ge=0)
    sway: float = Field(0.1, ge=0)
    moments: float = Field(0.1, ge=0)
    warm_frames: int = Field(6, ge=0)
    varieties: int = Field(3, ge=0)
    rest_stretches: int = Field(300, ge=0)
    mirror: bool = True
    align: bool = True
    correlation: float = Field(1.0, ge=0)
    log_every: int = Field(20, ge=0)
    save_every: int = Field(100, ge=0)
    validate_every: int = Field(250, ge=0)


KIND = "motion"


def is_motion_file(path: Path) -> bool:
    """Whether a YAML file says ``kind: motion``; False where it cannot be read."""
    return path.is_file() and recipe_kind(path) == KIND


def load_motion_config(path: Path | None = None, overrides: list[str] | None = None) -> MotionTrainConfig:
    """Read a config; the bundled one by default.

    Args:
        path: of a YAML file.
        overrides: ``field=value`` or ``section.field=value`` assignments, values as YAML.

    Raises:
        OrateError: no such file, no YAML, unknown fields, values out of range.
    """
    return read_recipe(MotionTrainConfig, path or Path(__file__).parent / "default-motion.yaml", overrides or [])
