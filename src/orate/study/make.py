"""Making a study: real clips and generated ones through the same encoder, so that nothing but the face tells.

Both versions of a clip have the same first frame, sound, length, size, encoder and tags. Unlike every other video of
`orate`, the generated ones carry no note that they are: the note would answer the question. ``study.json`` keeps it.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import soundfile
from numpy.typing import NDArray

from orate.corpora.dataset import ClipDataset
from orate.errors import OrateError
from orate.evaluation.generators import ClipGenerator
from orate.media.files import check_input
from orate.media.video import VideoWriter
from orate.study.folder import CLIPS_FOLDER, STUDY_NAME, Study, StudyClip, clip_path
from orate.study.words import CONSENT, TITLE

SOUND_RATE = 48_000
DISPLAY_HEIGHT = 384  # px: shown at this size by the same interpolation, whatever the browser does with small videos
CRF = 18
SAME_TIME = (0, 0)  # of all files: when a clip was written would tell which are of a pair
MIN_CLIPS = 2

Pixels = NDArray[np.uint8]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class StudySettings:
    """How a study is made.

    Attributes:
        clips: how many of the corpus to use.
        per_person: how many a person sees, half of them real; even, at most ``clips``.
        seconds: length of every clip; longer ones are cut, shorter ones left out.
        split: part of the corpus: ``validation``, ``unseen``, ``train`` or ``all``.
        seed: of the choice of clips and of the generated movement.
        contact: who runs the study, shown on the page.
        consent: paragraphs that people agree to.
    """

    clips: int = 24
    per_person: int = 24
    seconds: float = 3.0
    split: str = "validation"
    seed: int = 0
    contact: str = ""
    consent: Sequence[str] = CONSENT

    def check(self) -> None:
        """Raise OrateError where a value makes no study."""
        if self.per_person < MIN_CLIPS or self.per_person % 2:
            raise OrateError(f"A person cannot see {self.per_person} clips, half of them real: choose an even number.")
        if self.clips < self.per_person:
            raise OrateError(f"{self.clips} clips are too few for {self.per_person} a person: choose more clips.")
        if not (np.isfinite(self.seconds) and self.seconds > 0):
            raise OrateError(f"Clips cannot be {self.seconds:g} seconds long.")


def make_study(
    generator: ClipGenerator,
    model: str,
    data: Sequence[Path],
    output: Path,
    settings: StudySettings,
    progress: Progress | None = None,
) -> tuple[Study, list[str]]:
    """Write a study's folder, whole or not at all.

    Args:
        generator: the model to be tested.
        model: its name, for the results.
        data: folders from `orate prepare`.
        output: the folder to make.
        settings: how.
        progress: called with the clips done and the clips in all.

    Returns:
        The study, and a line for each clip that could not be generated and was replaced by another.

    Raises:
        OrateError: a folder of that name, too few clips, shards that are missing or damaged, a full disk.
    """
    settings.check()
    check_output(output)
    seen = ClipDataset(data, settings.split, generator.audio_rate)
    heard = ClipDataset(data, settings.split, SOUND_RATE)
    if round(settings.seconds * seen.fps) < 1:
        raise OrateError(f"Clips of {settings.seconds:g} seconds are shorter than a frame.")
    unfinished = output.with_name(f".{output.name}.{secrets.token_hex(4)}.part")
    try:
        (unfinished / CLIPS_FOLDER).mkdir(parents=True)
        clips, left_out = _write_clips(generator, seen, heard, unfinished, settings, progress)
        study = Study(
            id=secrets.token_hex(4),
            model=model,
            seed=settings.seed,
            seconds=settings.seconds,
            fps=seen.fps,
            clips_per_person=settings.per_person,
            operator_key=secrets.token_urlsafe(18),
            title=TITLE,
            consent=list(settings.consent),
            contact=settings.contact,
            clips=clips,
        )
        (unfinished / STUDY_NAME).write_text(study.model_dump_json(indent=1) + "\n", encoding="utf-8")
        unfinished.rename(output)
    except OSError as error:
        raise OrateError(f"{output} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return study, left_out


def check_output(folder: Path) -> None:
    """Raise OrateError where no study can be made: answers must not be overwritten."""
    if folder.exists():
        raise OrateError(f"{folder} is there already, and answers may be in it: name another folder.")
    if not folder.parent.is_dir():
        raise OrateError(f"There is no folder {folder.parent}: make it first.")


def _write_clips(
    generator: ClipGenerator,
    seen: ClipDataset,
    heard: ClipDataset,
    folder: Path,
    settings: StudySettings,
    progress: Progress | None,
) -> tuple[list[StudyClip], list[str]]:
    """Write as many clips as asked for, both versions of each; `seen` has the model's rate, `heard` the videos'."""
    frames = round(settings.seconds * seen.fps)
    random = np.random.default_rng(settings.seed)
    clips: list[StudyClip] = []
    left_out: list[str] = []
    for index in candidates(seen, frames, random):
        if len(clips) == settings.clips:
            break
        clip = seen[index]
        real = clip["video"][:frames].permute(0, 2, 3, 1).contiguous().numpy()
        audio = clip["audio"].numpy()[: round(frames * seen.audio_rate / seen.fps)]
        try:
            generated = generator.generate(real[0], audio, frames, settings.seed + index)
            if generated.shape != real.shape:
                raise OrateError(f"{len(generated)} frames were generated instead of {len(real)}.")
        except OrateError as error:
            left_out.append(f"{clip['key']} is left out: {error}")
            continue
        sound = heard[index]["audio"].numpy()[: round(frames * SOUND_RATE / seen.fps)]
        names = [f"{random.bytes(8).hex()}.mp4" for _ in range(2)]
        for name, video in zip(names, (real, generated), strict=True):
            _write(clip_path(folder, name), video, sound, seen.fps)
        unseen = seen.sample(index).unseen_speaker
        clips.append(
            StudyClip(key=clip["key"], speaker=clip["speaker"], unseen=unseen, real=names[0], generated=names[1])
        )
        if progress:
            progress(len(clips), settings.clips)
    if len(clips) < settings.clips:
        reason = f" The last that failed: {left_out[-1]}" if left_out else ""
        raise OrateError(
            f"Only {len(clips)} of {settings.clips} clips could be made from the {settings.split} clips of "
            f"{settings.seconds:g} s or more: give more data, or ask for fewer clips or shorter ones.{reason}"
        )
    return clips, left_out


def read_consent(path: Path) -> list[str]:
    """The paragraphs of a text file, which empty lines part.

    Raises:
        OrateError: no such file, no text in it.
    """
    try:
        text = check_input(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise OrateError(f"{path} is no text in UTF-8.") from None
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", text) if part.strip()]
    if not paragraphs:
        raise OrateError(f"{path} holds no text: people must know what they agree to.")
    return paragraphs


def candidates(clips: ClipDataset, frames: int, random: np.random.Generator) -> Iterator[int]:
    """Indices of the clips that are long enough, in random order; speakers take turns, so that many faces are seen."""
    turns: dict[str, list[int]] = defaultdict(list)
    keys: set[str] = set()
    for index in random.permutation(len(clips)):
        sample = clips.sample(int(index))
        if sample.frames >= frames and sample.key not in keys:  # the same clip may be in two folders
            keys.add(sample.key)
            turns[sample.speaker].append(int(index))
    while turns:
        for speaker in list(turns):
            yield turns[speaker].pop()
            if not turns[speaker]:
                del turns[speaker]


def enlarged(frame: Pixels) -> Pixels:
    """A frame, (height, width, 3) uint8, by the whole factor that brings it nearest to `DISPLAY_HEIGHT`."""
    factor = max(1, round(DISPLAY_HEIGHT / frame.shape[0]))
    size = (frame.shape[1] * factor, frame.shape[0] * factor)
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def _write(path: Path, frames: Pixels, sound: NDArray[np.float32], fps: float) -> None:
    """One clip as H.264 and AAC; real and generated ones alike."""
    wav = path.with_suffix(".wav")
    height, width = enlarged(frames[0]).shape[:2]
    try:
        soundfile.write(wav, np.clip(sound, -1, 1), SOUND_RATE, subtype="PCM_16")
        with VideoWriter(path, width, height, fps, audio=wav, crf=CRF) as video:
            for frame in frames:
                video.write(enlarged(frame))
    finally:
        wav.unlink(missing_ok=True)
    os.utime(path, SAME_TIME)
