"""Prepared clips as the measuring networks learn from them, read once into files that are mapped into memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from torch import Tensor

from orate.corpora.clip import Word
from orate.corpora.dataset import ClipDataset
from orate.evaluation.mouth_crops import REGION, REGION_LEFT, REGION_TOP, mouth_region
from orate.media.files import whole_file

RATE_HZ = 16_000
NAME_DIGITS = 12
FULL_SCALE = 32767


class MouthClips:
    """Mouths and sound of clips.

    Args:
        clips: whole clips of canonical crops, with the sound at 16 kHz.
        folder: where the files are kept; files of other clips there are left alone.

    Attributes:
        keys, speakers: (n,) of the clips.
        unseen: (n,) whether training never saw the speaker.
        transcripts: (n,) the sentence, empty where none is known.
        words: (n,) the words with their times, empty where none are known.
        fps: frames a second.

    Raises:
        OrateError: crops of another size, a damaged shard.
    """

    def __init__(self, clips: ClipDataset, folder: Path) -> None:
        count = len(clips)
        samples = [clips.sample(index) for index in range(count)]
        metas = [clips.meta(index) for index in range(count)]
        self.fps = clips.fps
        self.keys = [sample.key for sample in samples]
        self.speakers = [sample.speaker for sample in samples]
        self.unseen = [sample.unseen_speaker for sample in samples]
        self.transcripts = [str(meta.get("transcript") or "") for meta in metas]
        self.words = [tuple(Word(**word) for word in meta.get("words") or ()) for meta in metas]
        self._frame_ends = np.cumsum([0, *(sample.frames for sample in samples)])
        self._sound_ends = np.cumsum([0, *(round(sample.frames * RATE_HZ / clips.fps) for sample in samples)])
        told = [REGION, REGION_TOP, REGION_LEFT, clips.audio_rate, *(sample.model_dump_json() for sample in samples)]
        name = hashlib.sha256(repr(told).encode()).hexdigest()[:NAME_DIGITS]
        pictures, sounds = folder / f"mouths-{name}.npy", folder / f"sounds-{name}.npy"
        if not (pictures.is_file() and sounds.is_file()):
            folder.mkdir(parents=True, exist_ok=True)
            self._read(clips, pictures, sounds)
        self._pictures = np.load(pictures, mmap_mode="r")
        self._sounds = np.load(sounds, mmap_mode="r")

    def __len__(self) -> int:
        return len(self.keys)

    def region(self, index: int) -> NDArray[np.uint8]:
        """(time, 48, 64) uint8, as `mouth_region` gives it."""
        return np.asarray(self._pictures[self._frame_ends[index] : self._frame_ends[index + 1]])

    def sound(self, index: int) -> NDArray[np.float32]:
        """(samples,) in [-1, 1] at 16 kHz."""
        sound = self._sounds[self._sound_ends[index] : self._sound_ends[index + 1]]
        scaled: NDArray[np.float32] = sound.astype(np.float32) / np.float32(FULL_SCALE)
        return scaled

    def padded_region(self, index: int, frames: int) -> Tensor:
        """(frames, 48, 64) uint8: cut, or the last picture repeated."""
        region = self.region(index)
        return torch.from_numpy(region[np.minimum(np.arange(frames), len(region) - 1)])

    def groups(self) -> Iterator[tuple[str, list[int]]]:
        """Indices by speaker, and those of speakers that training never saw together as ``unseen``."""
        names = ["unseen" if unseen else who for who, unseen in zip(self.speakers, self.unseen, strict=True)]
        for name in sorted(set(names)):
            yield name, [index for index, other in enumerate(names) if other == name]

    def _read(self, clips: ClipDataset, pictures: Path, sounds: Path) -> None:
        """Both files are written as clips are decoded: memory does not grow with the corpus."""
        shape = (int(self._frame_ends[-1]), *REGION)
        with whole_file(pictures) as picture_file, whole_file(sounds) as sound_file:
            picture_map = open_memmap(picture_file, "w+", np.uint8, shape)
            sound_map = open_memmap(sound_file, "w+", np.int16, (int(self._sound_ends[-1]),))
            for index in range(len(clips)):
                item = clips[index]
                frames = item["video"].numpy().transpose(0, 2, 3, 1)
                picture_map[self._frame_ends[index] : self._frame_ends[index + 1]] = mouth_region(frames)
                sound = np.rint(item["audio"].numpy().clip(-1, 1) * FULL_SCALE)
                sound_map[self._sound_ends[index] : self._sound_ends[index + 1]] = sound
            picture_map.flush()
            sound_map.flush()


class SpeakerOrder:
    """Draws clips so that rare speakers come up more often than their clips are many.

    Args:
        speakers: (n,) of the clips.
        evenness: 0 draws every clip alike, 1 every speaker alike.
    """

    def __init__(self, speakers: list[str], evenness: float) -> None:
        counts = {speaker: speakers.count(speaker) for speaker in set(speakers)}
        self._weights = torch.tensor([counts[speaker] ** -evenness for speaker in speakers])

    def draw(self, count: int, random: torch.Generator) -> list[int]:
        """Indices of a batch, none twice where there are enough."""
        enough = len(self._weights) >= count
        chosen: list[int] = torch.multinomial(self._weights, count, replacement=not enough, generator=random).tolist()
        return chosen
