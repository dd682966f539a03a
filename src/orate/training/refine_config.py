"""What a training of the refinement is made of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from orate.models.refiner import RefinerConfig
from orate.training.supervised_config import read_recipe, recipe_kind

DEFAULT_REFINER = Path(__file__).parent / "default-refiner.yaml"
KIND = "refiner"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RefinePairs(_Section):
    """Which pairs are made of a corpus.

    Attributes:
        clips: at most so many of each speaker and split, spread evenly; 0 for all.
        spread: frames of a clip, evenly spread, that each source is drawn as.
        sources: frames of a clip that are drawn from.
        sources_of: the same for single speakers, of whom there are fewer clips.
        frames: of a stretch of neighbouring frames for each source, which the discriminators need; 0 for none.
        hold_out: speakers that nothing is learned from; all their clips measure, as people whom it never saw.
    """

    clips: int = Field(80, ge=0)
    spread: int = Field(12, ge=3)
    sources: int = Field(1, ge=1)
    sources_of: dict[str, int] = {}
    frames: int = Field(0, ge=0)
    hold_out: tuple[str, ...] = ()


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
    """Weights of the losses; 0 leaves one out.

    Attributes:
        l1: of the mean absolute difference at three scales.
        gradient: of the differences of neighbours, at the same scales.
        lips: how much more a pixel of lips and mouth counts than one of skin.
        perceptual: of the differences of features of a network trained on photographs.
        frame, sequence, sync: of the three discriminators.
    """

    l1: float = Field(1.0, ge=0)
    gradient: float = Field(1.0, ge=0)
    lips: float = Field(4.0, ge=0)
    perceptual: float = Field(0.0, ge=0)
    frame: float = Field(0.0, ge=0)
    sequence: float = Field(0.0, ge=0)
    sync: float = Field(0.0, ge=0)


class RefineCritics(_Section):
    """The discriminators, and what keeps them from learning two people by heart.

    Attributes:
        channels: feature maps of their first layers.
        code: length of their codes.
        rate: of Adam.
        brightness, contrast: half ranges of an offset and of a factor that a clip is changed by before it is judged.
        shift: half range of its displacement, px of what they see (half the patch's resolution).
        r1: weight of the penalty on the slope of their judgement at real clips (Mescheder et al., 2018).
        r1_every: steps between two such penalties, each that much heavier.
    """

    channels: int = Field(12, ge=1)
    code: int = Field(32, ge=1)
    rate: float = Field(2e-4, gt=0)
    brightness: float = Field(0.1, ge=0)
    contrast: float = Field(0.2, ge=0, lt=1)
    shift: float = Field(2.0, ge=0)
    r1: float = Field(1.0, ge=0)
    r1_every: int = Field(4, ge=1)


class RefineRun(_Section):
    """Steps and their size.

    Attributes:
        steps: the last step's number.
        adversarial_from: the first step of the joint tuning, on clips instead of single pairs.
        batch_size: pairs of a step before it.
        clips, clip_frames: clips of a step from then on, and their frames.
        rate: of Adam; it falls along a cosine to a tenth.
        ema: decay of the moving average that is kept as the model.
        seed: of everything random.
        precision: ``auto`` takes bf16 where the device computes in it.
        log_every, save_every, validate_every: in steps; 0 for never.
    """

    steps: int = Field(1500, ge=0)
    adversarial_from: int = Field(400, ge=0)
    batch_size: int = Field(16, ge=1)
    clips: int = Field(4, ge=2)
    clip_frames: int = Field(8, ge=5)
    rate: float = Field(1e-3, gt=0)
    ema: float = Field(0.995, ge=0, lt=1)
    seed: int = 0
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    log_every: int = Field(10, ge=0)
    save_every: int = Field(100, ge=0)
    validate_every: int = Field(50, ge=0)


class RefineTraining(_Section):
    """The whole recipe."""

    kind: Literal["refiner"] = "refiner"
    model: RefinerConfig = RefinerConfig()
    pairs: RefinePairs = RefinePairs()
    augment: RefineAugment = RefineAugment()
    losses: RefineLosses = RefineLosses()
    critics: RefineCritics = RefineCritics()
    run: RefineRun = RefineRun()

    @model_validator(mode="after")
    def _check_frames(self) -> RefineTraining:
        losses = self.losses
        if (losses.frame or losses.sequence or losses.sync) and self.run.clip_frames > self.pairs.frames:
            raise ValueError("the discriminators see neighbouring frames: pairs.frames must be run.clip_frames or more")
        return self


def is_refiner_file(path: Path) -> bool:
    """Whether a YAML file says ``kind: refiner``; False where it cannot be read."""
    return path.is_file() and recipe_kind(path) == KIND


def load_refine_config(path: Path | None = None, overrides: Sequence[str] = ()) -> RefineTraining:
    """Read a recipe, by default the one that the shipped refinement was made with.

    Args:
        path: a YAML file.
        overrides: ``section.field=value`` assignments, values as YAML.

    Raises:
        OrateError: the file cannot be read, or a value is unknown or out of range.
    """
    return read_recipe(RefineTraining, path or DEFAULT_REFINER, overrides)
