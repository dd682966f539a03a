"""One process of preparation: a clip in, its part of a shard out, both files whole or absent."""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing import parent_process
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict

from orate.corpora.clip import Clip, PrepareSettings
from orate.corpora.codec import (
    decode_video,
    encode_arrays,
    encode_audio,
    encode_video,
    psnr_db,
)
from orate.corpora.crops import Dropped, Landmarker, PreparedClip, prepare_clip
from orate.corpora.report import DroppedClip
from orate.corpora.shards import Sample, tar_fragment, to_json, write_atomically
from orate.face.landmarks import FaceLandmarker

if TYPE_CHECKING:
    from orate.corpora.engine import Task

LANDMARK_STEPS_PER_PX = 256  # landmarks are rounded to this: far below their own noise, and half the bytes

_landmarker: Landmarker | None = None


class Record(BaseModel):
    """What became of one clip: exactly one of the two. A sample's shard is still unnamed, its places relative."""

    model_config = ConfigDict(frozen=True)
    sample: Sample | None = None
    dropped: DroppedClip | None = None


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
    return _prepare_video(clip, task.settings, task.work)


def _prepare_video(clip: Clip, settings: PrepareSettings, work: Path) -> str:
    """The usual way, from a video. The face landmarker is loaded once per process."""
    global _landmarker
    if _landmarker is None:
        _landmarker = FaceLandmarker(threads=1)
    try:
        prepared = prepare_clip(clip, settings, _landmarker)
    except Dropped as drop:
        dropped = DroppedClip(key=clip.key, source=clip.video.name, reason=str(drop.reason), detail=drop.detail)
        record = Record(dropped=dropped)
    else:
        record = Record(sample=_write_fragment(clip, prepared, settings, work))
    write_atomically(record_path(work, clip.key), record.model_dump_json().encode())
    return clip.key


def _write_fragment(clip: Clip, prepared: PreparedClip, settings: PrepareSettings, work: Path) -> Sample:
    video = encode_video(prepared.frames, settings.fps, settings.crf)
    psnr = psnr_db(prepared.frames, decode_video(video))
    landmarks = np.round(prepared.landmarks * LANDMARK_STEPS_PER_PX) / LANDMARK_STEPS_PER_PX
    arrays = encode_arrays(
        {
            "landmarks": landmarks.astype(np.float32),
            "matrices": prepared.matrices,
            "blendshapes": prepared.blendshapes.astype(np.float16),
        }
    )
    members = {
        "mp4": video,
        "flac": encode_audio(prepared.audio, settings.rate),
        "npz": arrays,
        "json": to_json(_meta(clip, prepared, settings)),
    }
    fragment, places = tar_fragment(clip.key, members)
    write_atomically(fragment_path(work, clip.key), fragment)
    return Sample(
        key=clip.key,
        shard="",
        frames=len(prepared.frames),
        speaker=clip.speaker,
        split=clip.split,
        unseen_speaker=clip.unseen_speaker,
        psnr_db=round(psnr, 3),
        members=places,
    )


def _meta(clip: Clip, prepared: PreparedClip, settings: PrepareSettings) -> dict[str, object]:
    return {
        "key": clip.key,
        "speaker": clip.speaker,
        "unseen_speaker": clip.unseen_speaker,
        "split": clip.split,
        "sentence_id": clip.sentence_id,
        "transcript": clip.transcript,
        "words": [{"start_s": word.start_s, "end_s": word.end_s, "text": word.text} for word in clip.words],
        "source": clip.video.name,
        "fps": settings.fps,
        "rate": settings.rate,
        "frames": len(prepared.frames),
        "interpolated_frames": prepared.interpolated_frames,
    }
