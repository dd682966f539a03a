"""One process of preparation: a clip in, its part of a shard out, both files whole or absent."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from functools import cache
from multiprocessing import parent_process
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict

from orate.corpora.cleaning.offset import OffsetMeter
from orate.corpora.cleaning.reasons import Dropped
from orate.corpora.clip import Clip, PrepareSettings, Word
from orate.corpora.codec import (
    decode_video,
    encode_arrays,
    encode_audio,
    encode_video,
    psnr_db,
)
from orate.corpora.crops import Landmarker, PreparedClip, prepare_clip
from orate.corpora.head_motion import measure_motion
from orate.corpora.report import DroppedClip
from orate.corpora.shards import Sample, tar_fragment, to_json, write_atomically
from orate.face.alignment import scale_of
from orate.face.landmarks import FaceLandmarker

if TYPE_CHECKING:
    from orate.corpora.engine import Task

LANDMARK_STEPS_PER_PX = 256  # landmarks are rounded to this: far below their own noise, and half the bytes


class Record(BaseModel):
    """What became of one clip: a sample or a dropped clip. A sample's shard is still unnamed, its places relative.

    ``fingerprint`` is what duplicates are told by, ``source`` the video's name, of a sample.
    """

    model_config = ConfigDict(frozen=True)
    sample: Sample | None = None
    dropped: DroppedClip | None = None
    fingerprint: str = ""
    source: str = ""


def record_path(work: Path, key: str) -> Path:
    """Where a finished clip's record lies; it is written last, so what it speaks of exists."""
    return work / f"{key}.json"


def fragment_path(work: Path, key: str) -> Path:
    """Where a kept clip's part of the shard lies."""
    return work / f"{key}.tarpart"


def start_worker() -> None:
    """Set up a process of the pool: one thread, no half-written terminal on Ctrl-C, gone when the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_leave_with, args=(parent.sentinel,), daemon=True).start()


def _leave_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def prepare_to_folder(clip: Clip, task: Task) -> str:
    """Prepare one clip as the task says; returns its key. What engines call, in any process, any number of times."""
    if task.prepare is not None:
        return task.prepare(clip, task.settings, task.work)
    try:
        prepared = prepare_clip(clip, task.settings, _landmarker(), _meter(task.meter))
    except Dropped as drop:
        write_dropped(clip, drop, task.work)
    else:
        write_kept(clip, prepared, task.settings, task.work)
    return clip.key


@cache
def _landmarker() -> Landmarker:
    """Loaded once per process."""
    return FaceLandmarker(threads=1)


@cache
def _meter(load: Callable[[], OffsetMeter] | None) -> OffsetMeter | None:
    """Loaded once per process."""
    return load() if load else None


def write_dropped(clip: Clip, drop: Dropped, work: Path) -> None:
    """Write the record of a clip that does not qualify."""
    dropped = DroppedClip(key=clip.key, source=clip.video.name, reason=str(drop.reason), detail=drop.detail)
    _write_record(clip, Record(dropped=dropped), work)


def write_kept(clip: Clip, prepared: PreparedClip, settings: PrepareSettings, work: Path) -> None:
    """Write a clip's part of a shard, then its record: the same bytes for the same clip.

    The arrays of KEY.npz, of T frames: ``landmarks`` (T, 478, 3) float32, crop pixels; ``matrices`` (T, 2, 3) float32,
    picture to crop; ``blendshapes`` (T, 52) float16 in [0, 1]; ``pose`` (T, 7), ``rest`` (478, 3) and ``motion``
    (T, 478, 3), the fields of `orate.corpora.head_motion.HeadMotion`.
    """
    video = encode_video(prepared.frames, settings.fps, settings.crf)
    psnr = psnr_db(prepared.frames, decode_video(video))
    landmarks = np.round(prepared.landmarks * LANDMARK_STEPS_PER_PX) / LANDMARK_STEPS_PER_PX
    motion = measure_motion(landmarks, prepared.matrices)
    arrays = encode_arrays(
        {
            "landmarks": landmarks.astype(np.float32),
            "matrices": prepared.matrices,
            "blendshapes": prepared.blendshapes.astype(np.float16),
            "pose": motion.pose,
            "rest": motion.rest,
            "motion": motion.displacement,
        }
    )
    figures = _figures(clip, prepared)
    members = {
        "mp4": video,
        "flac": encode_audio(prepared.audio, settings.rate),
        "npz": arrays,
        "json": to_json(_meta(clip, prepared, settings) | figures),
    }
    fragment, places = tar_fragment(clip.key, members)
    write_atomically(fragment_path(work, clip.key), fragment)
    sample = Sample(key=clip.key, shard="", psnr_db=round(psnr, 3), members=places, **figures)
    fingerprint = prepared.figures.fingerprint
    _write_record(clip, Record(sample=sample, fingerprint=fingerprint, source=clip.video.name), work)


def _write_record(clip: Clip, record: Record, work: Path) -> None:
    write_atomically(record_path(work, clip.key), record.model_dump_json().encode())


def _figures(clip: Clip, prepared: PreparedClip) -> dict[str, Any]:
    """What the index and KEY.json both say of a clip."""
    figures = prepared.figures
    return {
        "frames": len(prepared.frames),
        "speaker": clip.speaker,
        "split": clip.split,
        "unseen_speaker": clip.unseen_speaker,
        "corpus": clip.corpus,
        "emotion": clip.emotion,
        "emotion_level": clip.emotion_level,
        "magnification": round(float(np.median([scale_of(matrix) for matrix in prepared.matrices])), 3),
        "offset": str(figures.offset),
        "offset_s": round(figures.offset_s, 4),
        "offset_confidence": round(figures.offset_confidence, 3),
        "voiced": round(figures.voiced, 3),
        "yaw_deg": round(figures.yaw_deg, 2),
        "pitch_deg": round(figures.pitch_deg, 2),
        "roll_deg": round(figures.roll_deg, 2),
    }


def _meta(clip: Clip, prepared: PreparedClip, settings: PrepareSettings) -> dict[str, Any]:
    return {
        "key": clip.key,
        "sentence_id": clip.sentence_id,
        "transcript": clip.transcript,
        "words": _timed(clip.words, prepared.sound_start_s),
        "phones": _timed(clip.phones, prepared.sound_start_s),
        "details": dict(clip.details),
        "source": clip.video.name,
        "source_start_s": clip.start_s,
        "source_end_s": clip.end_s,
        "fps": settings.fps,
        "rate": settings.rate,
        "interpolated_frames": prepared.interpolated_frames,
    }


def _timed(words: Sequence[Word], sound_start_s: float) -> list[dict[str, object]]:
    """Times in the prepared sound, which begins so late in the clip's own."""
    return [
        {
            "start_s": round(word.start_s - sound_start_s, 5),
            "end_s": round(word.end_s - sound_start_s, 5),
            "text": word.text,
        }
        for word in words
    ]
