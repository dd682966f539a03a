"""The marks of one output: which ones, and putting them on while it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from logging import getLogger
from mimetypes import guess_type
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orate import __version__
from orate.provenance.content_id import Value, file_sha256, make_content_id, pixels_sha256
from orate.provenance.label import Label, LabelStyle
from orate.provenance.manifest import check_signer, embed_manifest
from orate.provenance.metadata import tags_of
from orate.provenance.signer import find_signer
from orate.provenance.statement import MARKS, Statement, checked_consent, checked_producer
from orate.provenance.watermark import Watermark

Pixels = NDArray[np.uint8]

logger = getLogger(__name__)


@dataclass(frozen=True)
class Marks:
    """Which marks an output gets, and what they say beside what it was made of.

    All marks but the visible label are on by default. Leaving one out is for research; the others, and the log, say so.

    Attributes:
        metadata: tags in the container.
        credentials: a signed C2PA manifest.
        watermark: in the pixels.
        label: the visible label; None for none.
        consent: who agreed, and on what basis.
        time: when the output was made, as it is to be stated. None is not to say; the same inputs then always give the
            same file.
        certificate: the signer's certificates, PEM; None for those of the environment or of the installation.
        private_key: theirs.
        producer: who answers for the content; None for what the environment says.
    """

    metadata: bool = True
    credentials: bool = True
    watermark: bool = True
    label: LabelStyle | None = None
    consent: str | None = None
    time: datetime | None = None
    certificate: str | Path | None = None
    private_key: str | Path | None = None
    producer: str | None = None

    @property
    def left_out(self) -> tuple[str, ...]:
        """Names of the marks that are off."""
        return tuple(name for name in MARKS if not getattr(self, name))


@dataclass(frozen=True)
class Origin:
    """What an output is made of.

    Attributes:
        photo: (H, W, 3) uint8 RGB, what the frames mostly look like.
        photo_file: where it came from, if from a file.
        sound: the sound's file.
        model: name.
        seed: of the movement.
        settings: what else decides how the frames look.
        version: of orate.
    """

    photo: Pixels
    photo_file: str | Path | None
    sound: str | Path
    model: str
    seed: int
    settings: Mapping[str, Value]
    version: str = __version__


class Marking:
    """Puts the marks on one output.

    Args:
        marks: which ones.
        origin: what it is made of.
        fps: frames a second.

    Raises:
        OrateError: a certificate, label, consent or producer that does not serve; inputs that cannot be read.
    """

    def __init__(self, marks: Marks, origin: Origin, fps: float) -> None:
        self._marks, self._origin = marks, origin
        height, width = origin.photo.shape[:2]
        self._label = Label(marks.label, height, width, fps) if marks.label else None
        self._signer = None
        if marks.credentials:
            self._signer = find_signer(marks.certificate, marks.private_key)
            check_signer(self._signer)
        self.statement = self._said(checked_consent(marks.consent), checked_producer(marks.producer))
        self._watermark = Watermark(self.statement.content_id, origin.photo) if marks.watermark else None
        if marks.left_out:
            logger.info("marks left out: %s", ", ".join(marks.left_out))

    def _said(self, consent: str | None, producer: str) -> Statement:
        origin, marks = self._origin, self._marks
        settings = {
            name: value.item() if isinstance(value, np.generic) else value for name, value in origin.settings.items()
        }
        if marks.label:
            settings |= {"label": marks.label.text, "label_corner": str(marks.label.corner)}
            if marks.label.seconds is not None:
                settings["label_seconds"] = marks.label.seconds
        pixels, sound = pixels_sha256(origin.photo), file_sha256(origin.sound)
        return Statement(
            content_id=make_content_id(
                photo=pixels,
                sound=sound,
                seed=origin.seed,
                model=origin.model,
                version=origin.version,
                settings=settings,
            ),
            model=origin.model,
            version=origin.version,
            seed=origin.seed,
            photo_sha256=pixels if origin.photo_file is None else file_sha256(origin.photo_file),
            sound_sha256=sound,
            photo_is_file=origin.photo_file is not None,
            photo_type=_media_type(origin.photo_file),
            sound_type=_media_type(origin.sound),
            settings=settings,
            time=marks.time,
            consent=consent,
            left_out=marks.left_out,
            producer=producer,
        )

    @cached_property
    def tags(self) -> dict[str, str]:
        """For the container, as `orate.media.video.VideoWriter` takes them."""
        return tags_of(self.statement) if self._marks.metadata else {}

    def frame(self, frame: Pixels, number: int) -> Pixels:
        """A frame with its marks.

        Args:
            frame: (H, W, 3) uint8 RGB, of the photo's size; is not changed.
            number: of the frame, from 0.
        """
        labelled = self._label(frame, number) if self._label else frame
        return self._watermark(labelled) if self._watermark else labelled

    def sign(self, path: Path, name: str | Path) -> None:
        """Sign the finished file, if it is to be signed.

        Args:
            path: where it is.
            name: what it will be called, whose suffix tells its kind.

        Raises:
            OrateError: the certificate does not serve, the disk is full.
        """
        if self._signer:
            embed_manifest(path, self.statement, self._signer, name)


def _media_type(file: str | Path | None) -> str:
    """By the name, which is not kept."""
    return (guess_type(Path(file).name)[0] if file is not None else None) or "application/octet-stream"
