"""The folder of a report: a finished clip is kept there, and the same command goes on with the others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import soundfile
from numpy.typing import NDArray

from orate.evaluation.clip_record import ClipFigures
from orate.evaluation.report import ClipEvaluation, MeasuredClip
from orate.evaluation.resumable import begin, read_json, write_json
from orate.media.files import temporary_beside
from orate.media.image import write_image
from orate.media.video import VideoWriter

BEGUN_FILE = "begun.json"
FIGURES_FILE, TABLE_FILE, PAGE_FILE = "report.json", "report.md", "index.html"
CLIPS_FOLDER = "clips"
VIDEO_SCALE, VIDEO_CRF = 2, 20
SHEET_COLUMNS = 12
GAP_PX = 4

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class KeptClip:
    """A measured clip, and the name of its files in `CLIPS_FOLDER`, without their endings."""

    name: str
    figures: ClipFigures


class ReportFolder:
    """Makes the folder, or finds one to go on with.

    Args:
        folder: where; its parent must be there.
        told: by words for people, what must be the same for clips to belong together.

    Raises:
        OrateError: the folder holds something else, or a report that was begun with other values.
    """

    def __init__(self, folder: Path, told: dict[str, Any]) -> None:
        self.goes_on = begin(folder, BEGUN_FILE, told)
        self.folder = folder
        self._clips = folder / CLIPS_FOLDER
        self._clips.mkdir(exist_ok=True)

    def kept(self, index: int, key: str) -> KeptClip | None:
        """A clip that was measured before; None where it was not, or not to the end."""
        name = _name(index, key)
        value = read_json(self._clips / f"{name}.json")
        if value is None or not (self._clips / f"{name}.mp4").is_file():
            return None
        try:
            return KeptClip(name, ClipFigures.from_json(value))
        except (KeyError, TypeError):
            return None

    def keep(self, index: int, clip: MeasuredClip, rate: int) -> KeptClip:
        """Write a clip's video, contact sheet and figures, each whole or not at all, the figures last.

        Args:
            index: of the clip in its corpus.
            clip: what was measured.
            rate: samples a second of its sound.

        Raises:
            OrateError: the folder is not writable, the disk is full.
        """
        name = _name(index, clip.figures.key)
        self._write_video(self._clips / f"{name}.mp4", clip, rate)
        write_image(self._clips / f"{name}.jpg", contact_sheet(clip.real, clip.generated))
        write_image(self._clips / f"{name}-first.jpg", _enlarged(np.hstack([clip.real[0], clip.generated[0]])))
        write_json(self._clips / f"{name}.json", clip.figures.as_json())
        return KeptClip(name, clip.figures)

    def _write_video(self, path: Path, clip: MeasuredClip, rate: int) -> None:
        """Real and generated side by side, with the sound."""
        sound = temporary_beside(path)
        try:
            soundfile.write(sound, clip.audio, rate, format="WAV")
            height, width = clip.real.shape[1:3]
            size = (2 * width * VIDEO_SCALE, height * VIDEO_SCALE)
            with VideoWriter(path, *size, clip.figures.fps, audio=sound, crf=VIDEO_CRF) as video:
                for pair in zip(clip.real, clip.generated, strict=True):
                    video.write(_enlarged(np.hstack(pair)))
        finally:
            sound.unlink(missing_ok=True)


def measured_clips(
    evaluation: ClipEvaluation, indices: Iterable[int], folder: ReportFolder | None = None
) -> Iterator[KeptClip]:
    """Measure clips, or find them in the folder.

    Args:
        evaluation: of a model on a corpus.
        indices: of the clips.
        folder: where finished clips are kept; None to keep nothing.

    Raises:
        OrateError: as `ClipEvaluation`; the folder cannot be written.
    """
    clips = evaluation.clips
    for index in indices:
        key = clips.sample(index).key
        kept = folder.kept(index, key) if folder else None
        if kept is None:
            measured = evaluation(index)
            kept = folder.keep(index, measured, clips.audio_rate) if folder else KeptClip(key, measured.figures)
        yield kept


def contact_sheet(real: Pixels, generated: Pixels) -> Pixels:
    """Frames of a real clip above those of a generated one, at the same times.

    Args:
        real: (time, height, width, 3) uint8.
        generated: the same shape.

    Returns:
        (2 height + 4, 12 width or less, 3) uint8.
    """
    shown = np.unique(np.linspace(0, len(real) - 1, SHEET_COLUMNS).round().astype(int))
    rows = [np.concatenate(list(video[shown]), axis=1) for video in (real, generated)]
    gap = np.full((GAP_PX, rows[0].shape[1], 3), 255, np.uint8)
    return np.concatenate([rows[0], gap, rows[1]])


def _enlarged(picture: Pixels) -> Pixels:
    size = (picture.shape[1] * VIDEO_SCALE, picture.shape[0] * VIDEO_SCALE)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def _name(index: int, key: str) -> str:
    return f"{index:05d}-{re.sub(r'[^A-Za-z0-9_.-]', '_', key)}"
