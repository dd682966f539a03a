"""The `default` model as a folder: config, speech encoder and motion generator, loaded together."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orate.errors import OrateError
from orate.models.checkpoint import CONFIG_FILE, SUMS_FILE, check_sums, file_sha256
from orate.models.motion_generator import MotionGenerator, load_motion
from orate.models.refiner import RefinerNet, load_refiner
from orate.models.speech_encoder import SpeechEncoder, load_speech_encoder

LAYERED_FORMAT_VERSION: Final = 1
SPEECH_WEIGHTS = "speech_encoder.safetensors"
REFINER_FILE = "refiner.safetensors"


class LayeredConfig(BaseModel):
    """What ``config.json`` of a layered model says.

    Attributes:
        format_version: version of the layout of the folder.
        decoder: ``layers``: motion moves the layers of `orate.render`.
        audio_rate: samples a second of the driving audio.
        centred_speech: whether the motion model was trained on speech features less the mean of their position in the
            window (`orate.models.speech_means`).
        fps: frames of motion a second; video at another rate is interpolated from them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1] = LAYERED_FORMAT_VERSION
    decoder: Literal["layers"] = "layers"
    audio_rate: Literal[16_000] = 16_000
    centred_speech: bool = True
    fps: float = Field(25.0, ge=25, le=25)


@dataclass(frozen=True)
class LayeredModel:
    """A loaded model: its config and its networks, in eval mode, fp32, on the CPU.

    Attributes:
        config: its dimensions.
        speech: the encoder of speech.
        motion: the generator of motion.
        refiner: the network that refines the mouth's patch; None for layers alone.
    """

    config: LayeredConfig
    speech: SpeechEncoder
    motion: MotionGenerator
    refiner: RefinerNet | None = None


def is_layered(folder: Path) -> bool:
    """Whether a folder holds a layered model rather than the paper's; False where ``config.json`` is unreadable."""
    try:
        fields = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False  # the paper's loader says what is wrong
    return isinstance(fields, dict) and fields.get("decoder") == "layers"


def load_layered(folder: Path) -> LayeredModel:
    """Load a layered model.

    Raises:
        OrateError: files are missing, damaged, or of another version.
    """
    path = folder / CONFIG_FILE
    try:
        config = LayeredConfig.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "values"
        raise OrateError(f"{path} does not fit this version of orate ({place}: {first['msg']}).") from None
    check_sums(folder)
    refiner = load_refiner(folder / REFINER_FILE) if (folder / REFINER_FILE).is_file() else None
    return LayeredModel(config, load_speech_encoder(folder / SPEECH_WEIGHTS), load_motion(folder), refiner)


def write_sums(folder: Path) -> None:
    """Write the checksums of a folder's files, all but texts for people."""
    names = sorted(p.name for p in folder.iterdir() if p.suffix in (".safetensors", ".json"))
    lines = (f"{file_sha256(folder / name)}  {name}\n" for name in names)
    (folder / SUMS_FILE).write_text("".join(lines), encoding="utf-8")
