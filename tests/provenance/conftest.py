"""A video with all marks, and one without any."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from edited_files import remux

from orate.media.image import read_image
from orate.media.video import VideoWriter
from orate.provenance.marks import Marking, Marks, Origin

ROOT = Path(__file__).parents[2]
SIZE = 320
FRAMES = 12
Write = Callable[..., Path]


@pytest.fixture(scope="session")
def picture() -> np.ndarray:
    """(320, 320, 3) uint8: a face."""
    return np.ascontiguousarray(read_image(ROOT / "examples" / "portrait.jpg")[20 : 20 + SIZE, 60 : 60 + SIZE])


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second of a tone."""
    path = tmp_path_factory.mktemp("sound") / "tone.wav"
    soundfile.write(path, 0.3 * np.sin(np.arange(8000) * 0.2), 16_000)
    return path


@pytest.fixture(scope="session")
def write(picture: np.ndarray, sound: Path) -> Write:
    """Write a video of a picture that moves a little, with marks or None: (path, marks, frames, seed) -> path."""

    def video(path: Path, marks: Marks | None, frames: int = FRAMES, seed: int = 3) -> Path:
        made = None
        if marks is not None:
            origin = Origin(picture, ROOT / "examples" / "portrait.jpg", sound, "default", seed, {"fps": 25.0})
            made = Marking(marks, origin, 25)
        with VideoWriter(path, SIZE, SIZE, Fraction(25), audio=sound, metadata=made.tags if made else None) as writer:
            for number in range(frames):
                frame = picture.copy()
                frame[150 + number % 5 : 190, 130:200] = picture[150 : 190 - number % 5, 130:200]
                writer.write(made.frame(frame, number) if made else frame)
        if made:
            made.sign(path, path)
        return path

    return video


@pytest.fixture(scope="session")
def marked(write: Write, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With metadata, manifest and watermark; not to be changed."""
    marks = Marks(consent="Jane Doe, signed release of 1 May", time=datetime(2026, 5, 2, 12, tzinfo=UTC))
    return write(tmp_path_factory.mktemp("marked") / "marked.mp4", marks)


@pytest.fixture(scope="session")
def real(write: Write, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a camera would write: the same picture without a mark, with a camera's tags."""
    path = tmp_path_factory.mktemp("real") / "real.mp4"
    plain = write(path.with_name("plain.mp4"), None)
    tags = {"make": "Acme", "model": "Camera 1", "comment": "Birthday", "creation_time": "2026-05-02T12:00:00Z"}
    return remux(plain, path, tags)
