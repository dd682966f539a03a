"""Prepared clips for training and evaluation: random access into shards, exact to repeat."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from orate.corpora.clip import TEST, TRAIN, VALIDATION
from orate.corpora.clip_reader import ClipReader
from orate.corpora.mirror import mirror_landmarks
from orate.corpora.shards import Sample, read_member
from orate.errors import OrateError

UNSEEN, ALL = "unseen", "all"
SPLITS = (TRAIN, VALIDATION, TEST, UNSEEN, ALL)


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
        split: "train"; "validation" (held-out sentences and speakers never seen); "test" (what the corpus keeps for
            the figures of a paper); "unseen" (validation clips of speakers never seen); "all".
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
        self._folders = [ClipReader(path, audio_rate, cache, cache_folder) for path in paths]
        self.fps, self.height, self.width = self._common_form()
        self.audio_rate = audio_rate
        self._frames_per_clip = frames_per_clip
        self._mirror = mirror
        self._seed = seed
        # shared, so that worker processes that outlive an epoch see the next one
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()  # type: ignore[no-untyped-call]
        chosen = [
            (place, number, sample.frames)
            for place, folder in enumerate(self._folders)
            for number, sample in enumerate(folder.samples)
            if _belongs(sample, split) and sample.frames >= (frames_per_clip or 1)
        ]
        self._items = np.array(chosen, np.int32).reshape(-1, 3)

    def _common_form(self) -> tuple[float, int, int]:
        forms = {(folder.fps, folder.height, folder.width) for folder in self._folders}
        if len(forms) != 1:
            raise OrateError(
                f"The prepared folders {', '.join(str(f.path) for f in self._folders)} differ in frame rate or "
                "crop size: prepare them alike."
            )
        return forms.pop()

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose draws the next items have."""
        self._epoch.fill_(epoch)

    @property
    def folders(self) -> list[Path]:
        """The prepared folders."""
        return [folder.path for folder in self._folders]

    @property
    def decoded_bytes(self) -> int:
        """What the pictures of all items take when decoded, whole clips counted."""
        return int(self._items[:, 2].sum(dtype=np.int64)) * self.height * self.width * 3

    def sample(self, index: int) -> Sample:
        """What the index file says of an item."""
        reader, number = self._place(index)
        return reader.samples[number]

    def folder(self, index: int) -> int:
        """Which of the folders an item comes from."""
        return int(self._items[index, 0])

    def meta(self, index: int) -> dict[str, Any]:
        """KEY.json of an item: transcript, words, source file, split and more."""
        reader, number = self._place(index)
        meta: dict[str, Any] = json.loads(read_member(reader.path, reader.samples[number], "json"))
        return meta

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> ClipItem:
        if not -len(self) <= index < len(self):
            raise IndexError(index)  # ends a loop over the items
        return self.item(index % len(self), int(self._epoch))

    def item(self, index: int, epoch: int) -> ClipItem:
        """An item with the draws of an epoch."""
        reader, number = self._place(index)
        sample = reader.samples[number]
        first, length, mirrored = self._draw(index, sample.frames, epoch)
        video = reader.video(number, first, length)
        landmarks = reader.landmarks(number, first, length)
        if mirrored:
            video, landmarks = video[..., ::-1], mirror_landmarks(landmarks, self.width)
        return ClipItem(
            video=torch.from_numpy(np.array(video, order="C")),
            audio=torch.from_numpy(np.array(reader.audio(number, first, length))),
            landmarks=torch.from_numpy(np.array(landmarks)),
            key=sample.key,
            speaker=sample.speaker,
        )

    def _place(self, index: int) -> tuple[ClipReader, int]:
        """The folder an item comes from, and its number there."""
        folder, number, _ = self._items[index].tolist()
        return self._folders[folder], number

    def _draw(self, index: int, frames: int, epoch: int) -> tuple[int, int, bool]:
        """First frame, number of frames, and whether to mirror."""
        random = np.random.default_rng([self._seed, epoch, index])
        length = self._frames_per_clip or frames
        return int(random.integers(frames - length + 1)), length, self._mirror and bool(random.integers(2))


def _belongs(sample: Sample, split: str) -> bool:
    if split == UNSEEN:
        return sample.split == VALIDATION and sample.unseen_speaker
    return split in (ALL, sample.split)
