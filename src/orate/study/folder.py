"""A study on disk: ``study.json``, the clips beside it, and the answers once it is served.

The key of the study, which clip is real, is in ``study.json`` and nowhere else: the names of the clips tell nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from orate.errors import OrateError

STUDY_NAME = "study.json"
CLIPS_FOLDER = "clips"
ANSWERS_NAME = "answers.sqlite"
STUDY_VERSION = 1

FileName = Annotated[str, Field(pattern=r"^[0-9a-f]{16}\.mp4$")]
Token = Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{8,64}$")]


class StudyClip(BaseModel):
    """One clip of a corpus and what the model made of it: the same sound, length, size and encoding.

    Attributes:
        key: the clip's name in the corpus.
        speaker: who speaks.
        unseen: whether the model never saw this person in training.
        real: file name of the recording.
        generated: file name of what was generated from its first frame and its sound.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    key: str
    speaker: str
    unseen: bool
    real: FileName
    generated: FileName


class Study(BaseModel):
    """``study.json``. What a person reads (``title``, ``consent``, ``contact``) may be edited by hand.

    Attributes:
        id: distinguishes studies that are served under one name.
        model: what generated.
        seed: of the choice of clips and of the generated movement.
        seconds: length of every clip.
        fps: frames a second.
        clips_per_person: how many a person sees, half of them real.
        operator_key: the secret part of the address of the results.
        title: heading of the page.
        consent: paragraphs that a person reads and agrees to.
        contact: who runs the study, and how to reach them.
        clips: each can be shown real or generated.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    version: int = STUDY_VERSION
    id: Token
    model: str
    seed: Annotated[int, Field(ge=0)]
    seconds: Annotated[float, Field(gt=0)]
    fps: Annotated[float, Field(gt=0)]
    clips_per_person: Annotated[int, Field(ge=2, multiple_of=2)]
    operator_key: Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{20,64}$")]
    title: str
    consent: list[str]
    contact: str
    clips: list[StudyClip]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.version != STUDY_VERSION:
            raise ValueError(f"it is of version {self.version}, this release reads {STUDY_VERSION}")
        if len(self.clips) < self.clips_per_person:
            raise ValueError(f"it has {len(self.clips)} clips, a person sees {self.clips_per_person}")
        if len({clip.key for clip in self.clips}) < len(self.clips):
            raise ValueError("two clips have the same key")
        return self

    def clip(self, key: str) -> StudyClip | None:
        """The clip of that name."""
        return next((clip for clip in self.clips if clip.key == key), None)


def read_study(folder: Path) -> Study:
    """Read a study and check that its clips are there.

    Args:
        folder: from `orate study make`.

    Raises:
        OrateError: no study in the folder, a damaged one, or one with a clip missing.
    """
    path = folder / STUDY_NAME
    try:
        study = Study.model_validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise OrateError(f"{folder} holds no study (no {STUDY_NAME}): run 'orate study make' first.") from None
    except OSError as error:
        raise OrateError(f"{path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise OrateError(f"{path} is damaged at {place or 'its top'}: {_in_words(first['msg'])}.") from error
    for clip in study.clips:
        for name in (clip.real, clip.generated):
            if not clip_path(folder, name).is_file():
                raise OrateError(f"The clip {clip_path(folder, name)} is missing: make the study again.")
    return study


def clip_path(folder: Path, name: str) -> Path:
    """Where a clip of the study lies."""
    return folder / CLIPS_FOLDER / name


def _in_words(message: str) -> str:
    return message.removeprefix("Value error, ").rstrip(".")
