"""Prepared clips (`orate prepare`) as motion tracks: landmarks in head space, head pose, and encoded speech."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from orate.corpora.clip import VALIDATION
from orate.corpora.codec import decode_array, decode_audio
from orate.corpora.motion_tracks import MotionTrack, relative_poses
from orate.corpora.shards import Sample, read_member
from orate.face.alignment import invert
from orate.face.regions import transform_points
from orate.render.pose import fit_pose

SPEECH_RATE_HZ = 16_000
SpeechEncodings = Callable[[NDArray[np.float32], int], "tuple[NDArray[np.float32], ...]"]
"""Sound (n,) at 16 kHz and the number of its frames to encodings, each (frames, 2, 384)."""


def read_grid_track(folder: Path, sample: Sample, encode: SpeechEncodings) -> MotionTrack:
    """One clip as a track.

    Args:
        folder: written by `orate prepare`.
        sample: of its index.
        encode: makes the encodings of the clip's sound.

    Raises:
        OrateError: the folder is damaged.
    """
    data = read_member(folder, sample, "npz")
    landmarks = decode_array(data, "landmarks").astype(np.float64)
    inverses = [invert(matrix) for matrix in decode_array(data, "matrices")]
    poses, shapes = [], []
    for points, matrix in zip(landmarks, inverses, strict=True):
        scale = np.hypot(matrix[0, 0], matrix[1, 0])
        image = np.column_stack([transform_points(matrix, points[:, :2]), scale * points[:, 2]])
        pose = fit_pose(image)
        poses.append(pose)
        shapes.append(pose.unproject(image))
    rotation, translation = relative_poses(poses)
    return MotionTrack(
        person=_person(sample),
        shape=np.stack(shapes).astype(np.float32),
        blendshapes=decode_array(data, "blendshapes").astype(np.float32),
        rotation=rotation,
        translation=translation,
        speech=encode(read_speech(folder, sample), len(landmarks)),
        validation=sample.split == VALIDATION,
        unseen=sample.unseen_speaker,
    )


def read_speech(folder: Path, sample: Sample) -> NDArray[np.float32]:
    """A clip's sound, mono at 16 kHz."""
    audio, rate = decode_audio(read_member(folder, sample, "flac"))
    audio = audio.astype(np.float32)
    return audio if rate == SPEECH_RATE_HZ else soxr.resample(audio, rate, SPEECH_RATE_HZ).astype(np.float32)


def _person(sample: Sample) -> str:
    """The speaker; clips of the folder of unseen speakers are of one person each, as far as their names tell."""
    return f"unseen/{sample.key}" if sample.unseen_speaker else f"grid/{sample.speaker}"
