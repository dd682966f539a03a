"""Real clips that lend synthetic people their motion and their voice."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orate.corpora.clip import TRAIN, Word
from orate.corpora.codec import MemberError, decode_array, decode_audio
from orate.corpora.shards import Index, Sample, damaged, read_index, read_member
from orate.corpora.synthetic.motion import ActionMotion, measure_motion
from orate.errors import OrateError
from orate.face.alignment import invert, scale_of
from orate.face.regions import transform_points


@dataclass(frozen=True)
class Source:
    """A part of a real clip: T frames of motion with their sound.

    Attributes:
        motion: T frames.
        audio: (round(T * rate / fps),) float32 in [-1, 1], frame k at k / fps.
        words: of the part, times from its beginning.
        meta: KEY.json of the clip.
        start_s: where the part begins in it.
    """

    motion: ActionMotion
    audio: NDArray[np.float32]
    words: tuple[Word, ...]
    meta: dict[str, Any]
    start_s: float


def training_samples(folder: Path, index: Index, least_frames: int) -> list[Sample]:
    """Samples of the training split that are long enough, in sorted order.

    Raises:
        OrateError: there are none.
    """
    train = [sample for sample in index.samples if sample.split == TRAIN and not sample.unseen_speaker]
    if not train:
        raise OrateError(
            f"{folder} holds no training clips: synthetic people move as training clips do, so that nothing held out "
            "is learned from; prepare a corpus with a training split."
        )
    chosen = sorted((sample for sample in train if sample.frames >= least_frames), key=lambda sample: sample.key)
    if not chosen:
        longest = max(sample.frames for sample in train) / index.fps
        raise OrateError(f"The longest training clip of {folder} lasts {longest:.2f} s: give a smaller --seconds.")
    return chosen


def motion_index(folder: Path) -> Index:
    """The index of a prepared folder. Raises OrateError where there is none."""
    return read_index(folder)


def picture_landmarks(folder: Path, sample: Sample) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Landmarks (T, 478, 3) in px of the picture that the crops were cut from, and scores (T, 52)."""
    arrays = {name: _array(folder, sample, name) for name in ("landmarks", "matrices", "blendshapes")}
    points = []
    for crop, matrix in zip(arrays["landmarks"].astype(np.float64), arrays["matrices"], strict=True):
        back = invert(matrix)
        points.append(np.column_stack([transform_points(back, crop[:, :2]), scale_of(back) * crop[:, 2]]))
    return np.stack(points), arrays["blendshapes"].astype(np.float32)


def speech_span(folder: Path, sample: Sample) -> tuple[float, float] | None:
    """From the first word's beginning to the last one's end, in seconds of the clip; None where words are unknown."""
    words = json.loads(read_member(folder, sample, "json")).get("words", [])
    return (float(words[0]["start_s"]), float(words[-1]["end_s"])) if words else None


def read_source(folder: Path, index: Index, sample: Sample, first: int = 0, frames: int | None = None) -> Source:
    """A clip's motion and sound from frame `first` on.

    The motion is measured over the whole clip, so that the face at rest is the same for all of its parts.

    Raises:
        OrateError: a shard is damaged.
    """
    landmarks, blendshapes = picture_landmarks(folder, sample)
    count = len(landmarks) - first if frames is None else frames
    motion = measure_motion(landmarks, blendshapes).part(first, count)
    audio = _audio(folder, sample)
    begin = round(first * index.rate / index.fps)
    fitted = np.zeros(round(count * index.rate / index.fps), np.float32)
    part = audio[begin : begin + len(fitted)]
    fitted[: len(part)] = part
    meta: dict[str, Any] = json.loads(read_member(folder, sample, "json"))
    return Source(motion, fitted, _words(meta, first / index.fps, count / index.fps), meta, first / index.fps)


def _words(meta: dict[str, Any], begin_s: float, length_s: float) -> tuple[Word, ...]:
    """Words that lie in a part of a clip for the most part, with times from the part's beginning."""
    words = []
    for word in meta.get("words", []):
        start, end = float(word["start_s"]) - begin_s, float(word["end_s"]) - begin_s
        middle = (start + end) / 2
        if 0 <= middle <= length_s:
            words.append(Word(max(start, 0.0), min(end, length_s), str(word["text"])))
    return tuple(words)


def _array(folder: Path, sample: Sample, name: str) -> NDArray[np.generic]:
    try:
        return decode_array(read_member(folder, sample, "npz"), name)
    except MemberError as error:
        raise damaged(folder / sample.shard, sample.key, "npz", str(error)) from error


def _audio(folder: Path, sample: Sample) -> NDArray[np.float32]:
    try:
        return decode_audio(read_member(folder, sample, "flac"))[0].astype(np.float32)
    except MemberError as error:
        raise damaged(folder / sample.shard, sample.key, "flac", str(error)) from error
