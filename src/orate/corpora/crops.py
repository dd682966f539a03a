"""One clip to canonical crops: track the face, align every frame, smooth the alignment in time, cut the crops.

The video is read twice, once to track and once to cut, so that memory does not grow with the length of the clip.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from orate.corpora.cleaning.figures import ClipFigures
from orate.corpora.cleaning.offset import OffsetMeter
from orate.corpora.cleaning.reasons import Dropped, DropReason
from orate.corpora.clip import Clip, PrepareSettings
from orate.corpora.smoothing import fill_gaps, smooth_alignment
from orate.errors import OrateError
from orate.face.alignment import align, canonical_crop
from orate.face.landmarks import Face
from orate.media.audio import read_audio
from orate.media.video import read_video_at, video_info

__all__ = ["DropReason", "Dropped", "Landmarker", "PreparedClip", "prepare_clip"]

MIN_DURATION_S = 0.5
MAX_DURATION_DIFFERENCE_S = 0.2  # between sound and picture
MAX_MAGNIFICATION = 2.0  # crop pixels per image pixel: beyond it the crop is invented, not seen
MAX_GAP_FRAMES = 3  # frames in a row without a face that are interpolated
MAX_LOST_FRACTION = 0.1
RIVAL_AREA_FRACTION = 0.5  # a second face this large, relative to the largest, makes the choice a guess
MAX_OUTSIDE_FRACTION = 0.1  # of the landmarks of a frame, beyond the picture's edge
# Luma of successive crops: of GRID's sound clips 99.9% stay above 0.965; streams with damaged frames, and cuts, do not.
MIN_FRAME_CORRELATION = 0.96
SILENCE_PEAK = 1e-4


class Landmarker(Protocol):
    """What preparation needs of orate.face.landmarks.FaceLandmarker."""

    def detect(self, image: NDArray[np.uint8]) -> list[Face]:
        """Every face, the largest first."""

    def track(self, image: NDArray[np.uint8], previous: Face | None) -> Face | None:
        """The face that was ``previous``."""


@dataclass(frozen=True)
class PreparedClip:
    """A clip in the canonical crop; T frames.

    frames (T, height, width, 3) uint8 RGB; audio (samples,) float32, exactly T/fps long, frame k at k/fps; landmarks
    (T, 478, 3) float32 in crop pixels; matrices (T, 2, 3) float32, image to crop; blendshapes (T, 52) float32;
    figures: what cleaning measured.
    """

    frames: NDArray[np.uint8]
    audio: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    matrices: NDArray[np.float32]
    blendshapes: NDArray[np.float32]
    interpolated_frames: int
    figures: ClipFigures = field(default_factory=ClipFigures)


def prepare_clip(
    clip: Clip, settings: PrepareSettings, landmarker: Landmarker, meter: OffsetMeter | None = None
) -> PreparedClip:
    """Track, align and cut one clip. Raises Dropped when it does not qualify.

    ``meter`` measures the audio-visual offset; without one, or with ``settings.offset`` off, the sound stays as it is.
    """
    audio = _read_sound(clip, settings)
    faces, size = _track(_frames(clip.video, settings.fps), landmarker, settings)
    audio = _fit_audio(audio, len(faces), settings)
    interpolated = sum(face is None for face in faces)
    landmarks, blendshapes = fill_gaps(faces)
    _check_inside(landmarks, size)
    aligned = np.stack([align(points, settings.crop_size) for points in landmarks])
    matrices = smooth_alignment(aligned, settings.crop_size, settings.fps)
    magnification = np.median(np.hypot(matrices[:, 0, 0], matrices[:, 1, 0]))
    if magnification > MAX_MAGNIFICATION:
        raise Dropped(DropReason.TOO_SMALL, f"would have to be magnified {magnification:.1f} times")
    frames = _cut(clip.video, matrices, settings)
    _check_continuity(frames)
    return PreparedClip(
        frames=frames,
        audio=audio,
        landmarks=_to_crop(landmarks, matrices),
        matrices=matrices.astype(np.float32),
        blendshapes=blendshapes.astype(np.float32),
        interpolated_frames=interpolated,
    )


def _frames(video: Path, fps: float) -> Iterator[NDArray[np.uint8]]:
    """The clip's frames; what the media layer cannot read becomes a reason to drop the clip."""
    try:
        yield from read_video_at(video, fps)
    except OrateError as error:
        raise Dropped(DropReason.UNREADABLE, str(error)) from error


def _read_sound(clip: Clip, settings: PrepareSettings) -> NDArray[np.float32]:
    try:
        has_audio = video_info(clip.video).has_audio
    except OrateError as error:
        raise Dropped(DropReason.UNREADABLE, str(error)) from error
    path = clip.video if has_audio else clip.audio
    if path is None:
        raise Dropped(DropReason.NO_SOUND, "no audio track, and no recording beside it")
    try:
        audio = read_audio(path, settings.rate)
    except OrateError as error:
        raise Dropped(DropReason.UNREADABLE_SOUND, str(error)) from error
    if not audio.size or float(np.abs(audio).max()) < SILENCE_PEAK:
        raise Dropped(DropReason.NO_SOUND, "silent from end to end")
    return audio


def _track(
    frames: Iterator[NDArray[np.uint8]], landmarker: Landmarker, settings: PrepareSettings
) -> tuple[list[Face | None], tuple[int, int]]:
    """The face of every frame, None where it was lost, and the picture's (height, width)."""
    faces: list[Face | None] = []
    previous: Face | None = None
    size = (0, 0)
    for frame in frames:
        size = frame.shape[:2]
        previous = landmarker.track(frame, previous) if previous else _first_face(landmarker.detect(frame))
        faces.append(previous)
        _check_gap(faces)
    if len(faces) < MIN_DURATION_S * settings.fps:
        raise Dropped(DropReason.TOO_SHORT, f"{len(faces)} frames")
    _check_lost(faces)
    return faces, size


def _first_face(faces: Sequence[Face]) -> Face | None:
    """The largest face, unless a second one is nearly as large: then nobody knows who speaks."""
    areas = [float((face.box[2] - face.box[0]) * (face.box[3] - face.box[1])) for face in faces]
    if len(areas) > 1 and areas[1] > RIVAL_AREA_FRACTION * areas[0]:
        raise Dropped(DropReason.SEVERAL_FACES, f"{len(faces)}, the second {areas[1] / areas[0]:.0%} of the first")
    return faces[0] if faces else None


def _check_gap(faces: Sequence[Face | None]) -> None:
    """Give up as soon as a gap is too long: to search every further frame for a face is slow."""
    if any(faces[-MAX_GAP_FRAMES - 1 :]) or len(faces) <= MAX_GAP_FRAMES:
        return
    first = len(faces) - MAX_GAP_FRAMES - 1
    reason = DropReason.FACE_LOST if any(faces) else DropReason.NO_FACE
    raise Dropped(reason, f"in more than {MAX_GAP_FRAMES} frames in a row from frame {first} on")


def _check_lost(faces: Sequence[Face | None]) -> None:
    lost = sum(face is None for face in faces)
    if lost > MAX_LOST_FRACTION * len(faces):
        raise Dropped(DropReason.FACE_LOST, f"in {lost} of {len(faces)} frames")


def _check_inside(landmarks: NDArray[np.float64], size: tuple[int, int]) -> None:
    points = landmarks[..., :2]
    outside = ((points < 0) | (points > (size[1], size[0]))).any(-1).mean(-1)
    if float(np.median(outside)) > MAX_OUTSIDE_FRACTION:
        raise Dropped(DropReason.OUTSIDE, f"{np.median(outside):.0%} of it")


def _fit_audio(audio: NDArray[np.float32], frames: int, settings: PrepareSettings) -> NDArray[np.float32]:
    """The sound cut, or filled with silence, to exactly the picture's length."""
    picture_s, sound_s = frames / settings.fps, len(audio) / settings.rate
    if abs(picture_s - sound_s) > MAX_DURATION_DIFFERENCE_S:
        raise Dropped(DropReason.DURATIONS_DIFFER, f"sound {sound_s:.2f} s, picture {picture_s:.2f} s")
    samples = round(frames * settings.rate / settings.fps)
    fitted = np.zeros(samples, np.float32)
    fitted[: len(audio)] = audio[:samples]
    return fitted


def _cut(video: Path, matrices: NDArray[np.float64], settings: PrepareSettings) -> NDArray[np.uint8]:
    frames = islice(_frames(video, settings.fps), len(matrices))
    return np.stack(
        [canonical_crop(frame, matrix, settings.crop_size) for frame, matrix in zip(frames, matrices, strict=True)]
    )


def _check_continuity(frames: NDArray[np.uint8]) -> None:
    """Damaged frames are often shown as grey or smeared blocks, in which a landmarker may well find a face."""
    luma = frames.mean(-1, dtype=np.float32).reshape(len(frames), -1)
    luma -= luma.mean(1, keepdims=True)
    norm = np.linalg.norm(luma, axis=1) + 1e-6
    correlation = (luma[1:] * luma[:-1]).sum(1) / (norm[1:] * norm[:-1])
    worst = int(correlation.argmin())
    if correlation[worst] < MIN_FRAME_CORRELATION:
        raise Dropped(DropReason.JUMPS, f"at frame {worst + 1}: a cut, or a damaged stream")


def _to_crop(landmarks: NDArray[np.float64], matrices: NDArray[np.float64]) -> NDArray[np.float32]:
    """Landmarks (T, 478, 3) from image to crop pixels; depth keeps the picture's scale."""
    scale = np.hypot(matrices[:, 0, 0], matrices[:, 1, 0])
    points = np.einsum("tij,tnj->tni", matrices[:, :, :2], landmarks[..., :2]) + matrices[:, None, :, 2]
    return np.concatenate([points, landmarks[..., 2:] * scale[:, None, None]], -1).astype(np.float32)
