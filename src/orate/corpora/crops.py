"""One clip to canonical crops: track the face, align every frame, smooth the alignment in time, cut the crops.

On the way it is examined (`orate.corpora.cleaning`, one file a check). The video is read twice, once to track and once
to cut, so that memory does not grow with the length of the recording or the size of its picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from orate.corpora.cleaning.continuity import Pictures, check_continuity, check_place
from orate.corpora.cleaning.duplicates import fingerprint
from orate.corpora.cleaning.faces import LOOK_EVERY_S, Rivals, others_than
from orate.corpora.cleaning.figures import ClipFigures, OffsetState
from orate.corpora.cleaning.mouth import check_mouth
from orate.corpora.cleaning.offset import OffsetMeter, Overlap, overlap_of, settle
from orate.corpora.cleaning.reasons import Dropped, DropReason
from orate.corpora.cleaning.turn import check_turn, head_angles
from orate.corpora.cleaning.voice import Voice, check_voice, find_voice
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
MAX_OUTSIDE_FRACTION = 0.1  # of the landmarks of a frame, beyond the picture's edge
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
    figures: what cleaning measured; sound_start_s: where in the clip's own sound this sound begins, which is not 0 when
    an offset was taken away: times of words, less this, are times in here.
    """

    frames: NDArray[np.uint8]
    audio: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    matrices: NDArray[np.float32]
    blendshapes: NDArray[np.float32]
    interpolated_frames: int
    figures: ClipFigures = field(default_factory=ClipFigures)
    sound_start_s: float = 0.0


@dataclass(frozen=True)
class _Track:
    """The face of every frame, None where it was lost; the picture's (height, width)."""

    faces: list[Face | None]
    pictures: Pictures
    size: tuple[int, int]


def prepare_clip(
    clip: Clip, settings: PrepareSettings, landmarker: Landmarker, meter: OffsetMeter | None = None
) -> PreparedClip:
    """Track, align and cut one clip. Raises Dropped when it does not qualify.

    ``meter`` measures the audio-visual offset; without one, or with ``settings.offset`` off, the sound stays as it is.
    """
    audio = _read_sound(clip, settings)
    voice = _voice(audio, settings)
    track = _track(_frames(clip, settings), landmarker, settings)
    audio = _fit_audio(audio, len(track.faces), settings)
    landmarks, blendshapes = fill_gaps(track.faces)
    _check_inside(landmarks, track.size)
    check_place(landmarks, track.pictures)
    angles = head_angles(landmarks)
    check_turn(angles, settings.largest_turn_deg)
    aligned = np.stack([align(points, settings.crop_size) for points in landmarks])
    matrices = smooth_alignment(aligned, settings.crop_size, settings.fps)
    magnification = np.median(np.hypot(matrices[:, 0, 0], matrices[:, 1, 0]))
    if magnification > MAX_MAGNIFICATION:
        raise Dropped(DropReason.TOO_SMALL, f"would have to be magnified {magnification:.1f} times")
    if voice:
        check_mouth(landmarks, voice.frames(len(landmarks), settings.fps))
    frames = _cut(clip, matrices, settings)
    check_continuity(frames)
    yaw, pitch, roll = np.median(angles, 0)
    return _in_time(
        PreparedClip(
            frames=frames,
            audio=audio,
            landmarks=_to_crop(landmarks, matrices),
            matrices=matrices.astype(np.float32),
            blendshapes=blendshapes.astype(np.float32),
            interpolated_frames=sum(face is None for face in track.faces),
            figures=ClipFigures(
                voiced=voice.share if voice else -1.0,
                yaw_deg=float(yaw),
                pitch_deg=float(pitch),
                roll_deg=float(roll),
                fingerprint=fingerprint(frames, audio, settings.rate),
            ),
        ),
        settings,
        meter if settings.offset else None,
    )


def _frames(clip: Clip, settings: PrepareSettings) -> Iterator[NDArray[np.uint8]]:
    """The clip's frames; what the media layer cannot read becomes a reason to drop the clip."""
    try:
        yield from read_video_at(clip.video, settings.fps, start_s=clip.start_s, end_s=clip.end_s)
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
    duration_s = None if clip.end_s is None else clip.end_s - clip.start_s
    try:
        audio = read_audio(path, settings.rate, start_s=clip.start_s, duration_s=duration_s)
    except OrateError as error:
        raise Dropped(DropReason.UNREADABLE_SOUND, str(error)) from error
    if not audio.size or float(np.abs(audio).max()) < SILENCE_PEAK:
        raise Dropped(DropReason.NO_SOUND, "silent from end to end")
    return audio


def _voice(audio: NDArray[np.float32], settings: PrepareSettings) -> Voice | None:
    """Where a voice is heard, which must be for long enough; None where that is not asked."""
    if not settings.voice:
        return None
    voice = find_voice(audio, settings.rate)
    check_voice(voice, settings.least_voiced)
    return voice


def _track(frames: Iterator[NDArray[np.uint8]], landmarker: Landmarker, settings: PrepareSettings) -> _Track:
    """Follow the largest face of the first frame, and look around every so often."""
    faces: list[Face | None] = []
    pictures, rivals = Pictures(), Rivals()
    previous: Face | None = None
    size = (0, 0)
    look_every = max(1, round(LOOK_EVERY_S * settings.fps))
    for frame in frames:
        size = frame.shape[:2]
        pictures.add(frame)
        if previous is None:
            found = landmarker.detect(frame)
            if found:
                previous = found[0]
                rivals.look(found[1:], previous)
        else:
            previous = landmarker.track(frame, previous)
            if previous is not None and len(faces) % look_every == 0:
                rivals.look(others_than(previous, landmarker.detect(frame)), previous)
        faces.append(previous)
        _check_gap(faces)
    if len(faces) < MIN_DURATION_S * settings.fps:
        raise Dropped(DropReason.TOO_SHORT, f"{len(faces)} frames")
    _check_lost(faces)
    rivals.check()
    return _Track(faces, pictures, size)


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


def _cut(clip: Clip, matrices: NDArray[np.float64], settings: PrepareSettings) -> NDArray[np.uint8]:
    frames = islice(_frames(clip, settings), len(matrices))
    return np.stack(
        [canonical_crop(frame, matrix, settings.crop_size) for frame, matrix in zip(frames, matrices, strict=True)]
    )


def _to_crop(landmarks: NDArray[np.float64], matrices: NDArray[np.float64]) -> NDArray[np.float32]:
    """Landmarks (T, 478, 3) from image to crop pixels; depth keeps the picture's scale."""
    scale = np.hypot(matrices[:, 0, 0], matrices[:, 1, 0])
    points = np.einsum("tij,tnj->tni", matrices[:, :, :2], landmarks[..., :2]) + matrices[:, None, :, 2]
    return np.concatenate([points, landmarks[..., 2:] * scale[:, None, None]], -1).astype(np.float32)


def _in_time(clip: PreparedClip, settings: PrepareSettings, meter: OffsetMeter | None) -> PreparedClip:
    """The clip with its sound moved to the picture, where a meter says so."""
    if meter is None:
        return clip
    reading = meter(clip.frames, clip.landmarks[..., :2], clip.audio, settings.rate, settings.fps)
    state, offset_s = settle(reading)
    figures = replace(clip.figures, offset=state, offset_s=offset_s, offset_confidence=reading.confidence)
    if state is not OffsetState.CORRECTED:
        return replace(clip, figures=figures)
    left = overlap_of(offset_s, len(clip.frames), settings.fps)
    if left.end - left.first < MIN_DURATION_S * settings.fps:
        raise Dropped(DropReason.TOO_SHORT, f"{left.end - left.first} frames when the sound is moved")
    return _part(replace(clip, figures=figures), left, settings)


def _part(clip: PreparedClip, left: Overlap, settings: PrepareSettings) -> PreparedClip:
    kept = slice(left.first, left.end)
    first = round(left.sound_start_s * settings.rate)
    samples = round((left.end - left.first) * settings.rate / settings.fps)
    audio = np.zeros(samples, np.float32)
    there = clip.audio[first : first + samples]
    audio[: len(there)] = there  # the last sample may be missing by rounding
    return replace(
        clip,
        frames=clip.frames[kept],
        audio=audio,
        landmarks=clip.landmarks[kept],
        matrices=clip.matrices[kept],
        blendshapes=clip.blendshapes[kept],
        sound_start_s=left.sound_start_s,
    )
