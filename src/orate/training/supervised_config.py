"""How long and how fast a network with one loss learns, and how its recipe is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orate.errors import OrateError
from orate.training.config import assign


class SupervisedRun(BaseModel):
    """Steps and their size; AdamW, the rate rising over `warm_up` steps and then falling along a cosine to zero.

    Attributes:
        steps: in all.
        batch_size: clips in a batch.
        learning_rate: the highest.
        weight_decay: of AdamW.
        warm_up: steps over which the rate rises.
        clip_norm: largest norm of the gradient; larger ones are scaled down.
        ema: decay of the moving average that is kept as the model.
        seed: of weights, batches, augmentation and dropout.
        precision: ``auto`` takes bf16 where the device computes in it.
        log_every, save_every, validate_every: in steps; 0 for never.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(3000, ge=1)
    batch_size: int = Field(16, ge=1)
    learning_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    warm_up: int = Field(100, ge=0)
    clip_norm: float = Field(5.0, gt=0)
    ema: float = Field(0.995, ge=0, lt=1)
    seed: int = 0
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    log_every: int = Field(20, ge=0)
    save_every: int = Field(200, ge=0)
    validate_every: int = Field(500, ge=0)


Recipe = TypeVar("Recipe", bound=BaseModel)


def read_recipe(kind: type[Recipe], path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe from YAML.

    Args:
        kind: the recipe's class.
        path: the file.
        overrides: ``section.field=value`` assignments, values as YAML.

    Raises:
        OrateError: the file cannot be read, or a value is unknown or out of range.
    """
    values = _read(path)
    for override in overrides:
        assign(values, override)
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise OrateError(f"The recipe {path} is wrong at '{place}': {first['msg']}.") from error


def recipe_kind(path: Path) -> str | None:
    """What a YAML file names as its ``kind``; None where it names none or cannot be read."""
    try:
        kind = _read(path).get("kind")
    except OrateError:
        return None  # who loads it says what is wrong
    return kind if isinstance(kind, str) else None


def _read(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise OrateError(f"The recipe {path} cannot be read: {' '.join(str(error).split())}.") from error
    if not isinstance(values, dict):
        raise OrateError(f"The recipe {path} must hold sections such as 'run:', not a bare value.")
    return values
