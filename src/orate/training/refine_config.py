"""What a training of the refinement is made of."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orate.errors import OrateError
from orate.models.refiner import RefinerConfig

DEFAULT_REFINER = Path(__file__).parent / "default-refiner.yaml"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RefineAugment(_Section):
    """Changes made alike to the layers' patch, the photo's and the truth, for more faces than there are at hand.

    Attributes:
        mirror: whether half of the pairs are mirrored.
        turn_degrees, stretch, shift: half ranges of the patch's turn, of its size (a part of it), of its place (px).
        gain, gamma: deviation of the logarithm of each channel's gain, of all channels' gamma.
        hue_degrees: half range of a turn of hue.
        grey, tint: how many of the pairs lose their colours, and how many have them replaced by one.
        blur: the largest deviation in px of a blur of half of the pairs.
    """

    mirror: bool = True
    turn_degrees: float = Field(8.0, ge=0)
    stretch: float = Field(0.15, ge=0, lt=0.5)
    shift: float = Field(4.0, ge=0)
    gain: float = Field(0.2, ge=0)
    gamma: float = Field(0.25, ge=0)
    hue_degrees: float = Field(20.0, ge=0)
    grey: float = Field(0.15, ge=0, le=1)
    tint: float = Field(0.1, ge=0, le=1)
    blur: float = Field(1.2, ge=0)


class RefineLosses(_Section):
    """Weights of the losses, and the step from which the frame discriminator takes part.

    Attributes:
        l1: of the mean absolute difference at three scales.
        gradient: of the differences of neighbours, at the same scales.
        lips: how much more a pixel of lips and mouth counts than one of skin.
        frame: of the frame discriminator.
        adversarial_from: its first step; before, the residual would be noise to it.
    """

    l1: float = Field(1.0, ge=0)
    gradient: float = Field(1.0, ge=0)
    lips: float = Field(4.0, ge=0)
    frame: float = Field(0.01, ge=0)
    adversarial_from: int = Field(400, ge=0)


class RefineRun(_Section):
    """Steps and their size.

    Attributes:
        steps: the last step's number.
        batch_size: pairs a step.
        rate, critic_rate: of Adam; the network's falls along a cosine to a tenth.
        ema: decay of the moving average that is kept as the model.
        critic_channels: of the frame discriminator's first layer.
        seed: of everything random.
        save_every: steps between two saved states.
        bf16: whether to compute in bfloat16.
    """

    steps: int = Field(1500, ge=0)
    batch_size: int = Field(16, ge=1)
    rate: float = Field(1e-3, gt=0)
    critic_rate: float = Field(2e-4, gt=0)
    ema: float = Field(0.995, ge=0, lt=1)
    critic_channels: int = Field(16, ge=1)
    seed: int = 0
    save_every: int = Field(100, ge=1)
    bf16: bool = True


class RefineTraining(_Section):
    """The whole recipe."""

    model: RefinerConfig = RefinerConfig()
    augment: RefineAugment = RefineAugment()
    losses: RefineLosses = RefineLosses()
    run: RefineRun = RefineRun()


def read_recipe(path: Path = DEFAULT_REFINER) -> RefineTraining:
    """Read a recipe from YAML.

    Raises:
        OrateError: the file cannot be read, or a value is unknown or out of range.
    """
    try:
        return RefineTraining.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise OrateError(f"The recipe {path} cannot be read: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise OrateError(f"The recipe {path} is wrong at '{place}': {first['msg']}.") from error
