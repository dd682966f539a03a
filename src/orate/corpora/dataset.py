"""Prepared clips for training and evaluation: random access into shards, exact to repeat."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from orate.corpora.cache import SharedCache
from orate.corpora.clip import VALIDATION
from orate.corpora.codec import MemberError, decode_array, decode_audio, decode_video
from orate.corpora.mirror import mirror_frames, mirror_landmarks
from orate.corpora.shards import INDEX_NAME, Index, Sample, damaged, read_index, read_member
from orate.errors import OrateError

SPLITS = ("train", VALIDATION, "unseen", "all")
CACHE_FOLDER = ".cache"
LANDMARKS = 478
NAME_OF_INDEX = 16  # characters of the index' digest in the name of its cache


class ClipItem(TypedDict):
    """One item: T frames that belong together, the first at time 0 of the sound."""

    video: Tensor  # (T, 3, H, W) uint8 RGB
    audio: Tensor  # (round(T * rate / fps),) float32 in [-1, 1]; frame k is at k / fps seconds
    landmarks: Tensor  # (T, 478, 2) float32, pixels of the frames, pixel centres at integer + 0.5
    key: str
    speaker: str


class ClipDataset(Dataset[ClipItem]):
    """Clips of prepared folders.

    Args:
        folders: folders written by `orate prepare`, all of one frame rate and crop size.
        split: "train"; "validation" (held-out sentences and speakers never seen); "unseen" (only those speakers);
            "all".
        audio_rate: samples a second of the sound given out.
        frames_per_clip: frames of an item, a window drawn anew each epoch; clips that are shorter are left out. None:
            whole clips.
        mirror: mirror half of the items, drawn anew each epoch.
        seed: with the epoch and the item's index, all that the draws depend on: neither the number of worker
            processes nor what was read before matters.
        cache: keep decoded frames, landmarks and resampled sound in files that all worker processes share.
        cache_folder: where; by default .cache in each prepared folder.

    Raises:
        OrateError: a folder is not prepared, or a shard is missing or damaged (also while reading); the folders do not
            fit together; the cache cannot be written.
    """

    def __init__(
        self,
        folders: Path | str | Sequence[Path | str],
        split: str,
        audio_rate: int,
        frames_per_clip: int | None = None,
        mirror: bool = False,
        seed: int = 0,
        *,
        cache: bool = False,
        cache_folder: Path | None = None,
    ) -> None:
        if split not in SPLITS:
            raise OrateError(f"There is no split '{split}': choose one of {', '.join(SPLITS)}.")
        paths = [Path(folders)] if isinstance(folders, Path | str) else [Path(folder) for folder in folders]
        self._folders = [_Folder(path, audio_rate, cache, cache_folder) for path in paths]
        self.fps, self.height, self.width = self._common_form()
        self.audio_rate = audio_rate
        self._frames_per_clip = frames_per_clip
        self._mirror = mirror
        self._seed = seed
        # shared, so that worker processes that outlive an epoch see the next one
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()  # type: ignore[no-untyped-call]
        self._items = [
            (folder, number)
            for folder in self._folders
            for number, sample in enumerate(folder.index.samples)
            if _belongs(sample, split) and sample.frames >= (frames_per_clip or 1)
        ]

    def _common_form(self) -> tuple[float, int, int]:
        forms = {(f.index.fps, f.index.height, f.index.width) for f in self._folders}
        if len(forms) != 1:
            raise OrateError(
                f"The prepared folders {', '.join(str(f.path) for f in self._folders)} differ in frame rate or "
                "crop size: prepare them alike."
            )
        return forms.pop()

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose draws the next items have."""
        self._epoch.fill_(epoch)

    def sample(self, index: int) -> Sample:
        """What the index file says of an item."""
        folder, number = self._items[index]
        return folder.index.samples[number]

    def meta(self, index: int) -> dict[str, Any]:
        """KEY.json of an item: transcript, words, source file, split and more."""
        folder, number = self._items[index]
        meta: dict[str, Any] = json.loads(read_member(folder.path, folder.index.samples[number], "json"))
        return meta

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> ClipItem:
        folder, number = self._items[index]
        sample = folder.index.samples[number]
        first, length, mirrored = self._draw(index, sample.frames)
        frames = folder.frames(number)[first : first + length]
        landmarks = folder.landmarks(number)[first : first + length]
        if mirrored:
            frames, landmarks = mirror_frames(frames), mirror_landmarks(landmarks, self.width)
        begin = round(first * self.audio_rate / self.fps)
        audio = folder.audio(number)[begin : begin + round(length * self.audio_rate / self.fps)]
        return ClipItem(
            video=torch.from_numpy(np.array(frames.transpose(0, 3, 1, 2), order="C")),
            audio=torch.from_numpy(np.array(audio)),
            landmarks=torch.from_numpy(np.array(landmarks)),
            key=sample.key,
            speaker=sample.speaker,
        )

    def _draw(self, index: int, frames: int) -> tuple[int, int, bool]:
        """First frame, number of frames, and whether to mirror."""
        random = np.random.default_rng([self._seed, int(self._epoch), index])
        length = self._frames_per_clip or frames
        return int(random.integers(frames - length + 1)), length, self._mirror and bool(random.integers(2))


class _Folder:
    """One prepared folder: decodes its samples, or takes them from the cache."""

    def __init__(self, path: Path, audio_rate: int, cache: bool, cache_folder: Path | None) -> None:
        self.path = path
        self.index: Index = read_index(path)
        self._rate = audio_rate
        self._frame_cache: SharedCache | None = None
        self._audio_cache: SharedCache | None = None
        self._landmark_cache: SharedCache | None = None
        if cache and self.index.samples:
            name = hashlib.sha256((path / INDEX_NAME).read_bytes()).hexdigest()[:NAME_OF_INDEX]
            where = cache_folder or path / CACHE_FOLDER
            pixels = self.index.height * self.index.width * 3
            lengths = [sample.frames for sample in self.index.samples]
            self._frame_cache = SharedCache(where / f"frames-{name}.u8", np.uint8, [n * pixels for n in lengths])
            self._audio_cache = SharedCache(
                where / f"audio-{name}-{audio_rate}.f32", np.float32, [self._samples(n) for n in lengths]
            )
            self._landmark_cache = SharedCache(
                where / f"landmarks-{name}.f32", np.float32, [n * LANDMARKS * 2 for n in lengths]
            )

    def _samples(self, frames: int) -> int:
        return round(frames * self._rate / self.index.fps)

    def frames(self, number: int) -> NDArray[np.uint8]:
        """(T, H, W, 3) uint8."""
        sample = self.index.samples[number]
        shape = (sample.frames, self.index.height, self.index.width, 3)
        cached = self._frame_cache.get(number) if self._frame_cache else None
        if cached is not None:
            return cached.reshape(shape).view(np.uint8)
        frames = self._decoded(sample, "mp4")
        if frames.shape != shape:
            raise damaged(self.path / sample.shard, sample.key, "mp4", f"its frames have the form {frames.shape}")
        if self._frame_cache:
            self._frame_cache.put(number, frames)
        return frames.view(np.uint8)

    def audio(self, number: int) -> NDArray[np.float32]:
        """(samples,) float32 at the rate asked for, exactly as long as the frames."""
        sample = self.index.samples[number]
        cached = self._audio_cache.get(number) if self._audio_cache else None
        if cached is not None:
            return cached.view(np.float32)
        audio = self._decoded(sample, "flac").astype(np.float32, copy=False)
        if self._rate != self.index.rate:
            audio = soxr.resample(audio, self.index.rate, self._rate)
        fitted = np.zeros(self._samples(sample.frames), np.float32)
        fitted[: len(audio)] = audio[: len(fitted)]
        if self._audio_cache:
            self._audio_cache.put(number, fitted)
        return fitted

    def landmarks(self, number: int) -> NDArray[np.float32]:
        """(T, 478, 2) float32."""
        sample = self.index.samples[number]
        cached = self._landmark_cache.get(number) if self._landmark_cache else None
        if cached is not None:
            return cached.reshape(sample.frames, LANDMARKS, 2).view(np.float32)
        landmarks = self._decoded(sample, "npz")[..., :2].astype(np.float32)
        if landmarks.shape != (sample.frames, LANDMARKS, 2):
            raise damaged(self.path / sample.shard, sample.key, "npz", f"landmarks of the form {landmarks.shape}")
        if self._landmark_cache:
            self._landmark_cache.put(number, landmarks)
        return landmarks

    def _decoded(self, sample: Sample, suffix: str) -> NDArray[Any]:
        data = read_member(self.path, sample, suffix)
        try:
            if suffix == "mp4":
                return decode_video(data)
            return decode_audio(data)[0] if suffix == "flac" else decode_array(data, "landmarks")
        except MemberError as error:
            raise damaged(self.path / sample.shard, sample.key, suffix, str(error)) from error


def _belongs(sample: Sample, split: str) -> bool:
    if split == "unseen":
        return sample.split == VALIDATION and sample.unseen_speaker
    return split in ("all", sample.split)
