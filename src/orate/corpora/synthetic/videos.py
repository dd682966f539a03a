"""Whole pictures of synthetic people: an MP4 with sound, and the exact landmarks beside it.

FOLDER/KEY.mp4 and FOLDER/KEY.npz: ``landmarks`` (T, 478, 3) px of the picture, ``blendshapes`` (T, 52). Trainings that
look at whole photos read such folders (`orate train default-refiner --data FOLDER`).
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
from numpy.typing import NDArray

from orate.corpora.codec import encode_arrays
from orate.corpora.shards import write_atomically
from orate.corpora.synthetic.recipe import CORPUS
from orate.errors import OrateError
from orate.face.landmarks import Face
from orate.media.video_writer import VideoWriter

CRF = 12  # of x264: the pictures are to be learned from


def write_video(
    folder: Path,
    key: str,
    frames: NDArray[np.uint8],
    fps: float,
    audio: NDArray[np.float32],
    rate: int,
    landmarks: NDArray[np.floating],
    blendshapes: NDArray[np.floating],
) -> None:
    """Write FOLDER/KEY.mp4 and FOLDER/KEY.npz, each whole or not at all.

    Args:
        folder: is made where it does not exist.
        key: name of the clip.
        frames: (T, H, W, 3) uint8 RGB.
        fps: frames a second.
        audio: (n,) mono in [-1, 1].
        rate: samples a second.
        landmarks: (T, 478, 3) px of the picture.
        blendshapes: (T, 52).

    Raises:
        OrateError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OrateError(f"Cannot create {folder}: {error.strerror}. Choose another folder for --videos.") from error
    arrays: dict[str, NDArray[np.generic]] = {
        "landmarks": landmarks.astype(np.float32),
        "blendshapes": blendshapes.astype(np.float32),
    }
    write_atomically(folder / f"{key}.npz", encode_arrays(arrays))
    height, width = frames.shape[1:3]
    with TemporaryDirectory(prefix="orate-") as temporary:
        sound = Path(temporary) / "sound.wav"
        soundfile.write(sound, audio, rate, subtype="PCM_16")
        with VideoWriter(folder / f"{key}.mp4", width, height, fps, audio=sound, crf=CRF) as video:
            for frame in frames:
                video.write(frame)


def synthetic_videos(folder: Path) -> list[Path]:
    """The videos of a folder that have exact landmarks beside them, in sorted order; empty for other folders."""
    return [path for path in sorted(folder.glob(f"{CORPUS}-*.mp4")) if path.with_suffix(".npz").is_file()]


def exact_faces(video: Path) -> list[Face]:
    """The face of each frame, from the landmarks beside the video.

    Raises:
        OrateError: they cannot be read.
    """
    path = video.with_suffix(".npz")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            landmarks, scores = arrays["landmarks"], arrays["blendshapes"]
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise OrateError(f"{path} cannot be read ({error}): prepare the synthetic people again.") from error
    boxes = np.concatenate([landmarks[..., :2].min(axis=1), landmarks[..., :2].max(axis=1)], axis=1)
    return [Face(box, 1.0, points, row) for box, points, row in zip(boxes, landmarks, scores, strict=True)]
