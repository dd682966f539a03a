"""LRW, Lip Reading in the Wild (Chung and Zisserman, 2016): 500 words cut out of British television, 29 frames each.

As published: ``lipread_mp4/ABOUT/train/ABOUT_00001.mp4`` with ``ABOUT_00001.txt``, which tells the channel, when the
programme and the clip began, and how long the word lasts. The word is in the middle of the clip; what is said before
and after it is not told, so the transcript is that one word. The corpus keeps its own split. It does not say who
speaks: all clips have the speaker "unknown", and nobody is marked as unseen, for people may appear in several parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from orate.corpora.clip import TEST, TRAIN, VALIDATION, Clip, Word
from orate.corpora.layout import SOUND_SUFFIXES, Found, Sidecars, safe_key, videos_in, visible
from orate.errors import OrateError

CORPUS = "lrw"
ARCHIVE_FOLDER = "lipread_mp4"
VIDEO_SUFFIXES = (".mp4", ".mkv", ".mov", ".avi")
PARTS = {"train": TRAIN, "val": VALIDATION, "test": TEST}
SPEAKER = "unknown"
FRAMES = 29
FPS = 25
DURATION = "duration"
NUMBER = re.compile(r"_\d{5}$")
SECONDS = re.compile(r"\d+(?:\.\d+)?")


def find_clips(source: Path, limit: int | None = None) -> Found:
    """Every clip of SOURCE, of the folder lipread_mp4 in it, or of one word's folder.

    Args:
        source: the corpus.
        limit: at most so many clips of each word and part.

    Raises:
        OrateError: there is nothing to read.
    """
    if not source.is_dir():
        raise OrateError(f"{source} is not a folder: give LRW's folder {ARCHIVE_FOLDER}.")
    clips: list[Clip] = []
    misnamed: list[Path] = []
    for word, part, folder in _folders(source):
        beside = Sidecars(folder)
        videos = videos_in(folder, VIDEO_SUFFIXES)
        good = [video for video in videos if _is_of(video, word)]
        misnamed += [video for video in videos if not _is_of(video, word)]
        clips += [_clip(video, word, part, beside) for video in good[:limit]]
    if not clips:
        raise OrateError(
            f"{source} holds no clip of LRW, ABOUT/train/ABOUT_00001.mp4 or the like: give its folder {ARCHIVE_FOLDER}."
        )
    return Found(sorted(clips, key=lambda clip: clip.key), sorted(misnamed))


def read_metadata(path: Path) -> dict[str, str]:
    """Lines ``Name: value`` of a .txt file, names in small letters; other lines are passed over."""
    pairs = (line.partition(":") for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    return {name.strip().lower(): value.strip() for name, colon, value in pairs if colon and name.strip()}


def word_times(text: str, duration: str) -> tuple[Word, ...]:
    """The word in the middle of the clip, of "0.29 seconds"; nothing where no length is told, or none that fits."""
    seconds = SECONDS.search(duration)
    whole_s = FRAMES / FPS
    length_s = float(seconds.group()) if seconds else 0.0
    if not 0 < length_s <= whole_s:
        return ()
    return (Word(round((whole_s - length_s) / 2, 4), round((whole_s + length_s) / 2, 4), text),)


def _folders(source: Path) -> Iterator[tuple[str, str, Path]]:
    """(word, part, folder) of each part of each word, in sorted order."""
    root = source / ARCHIVE_FOLDER if (source / ARCHIVE_FOLDER).is_dir() else source
    single = any((root / part).is_dir() for part in PARTS)
    for word in [root.resolve()] if single else visible(root.iterdir()):
        for part in PARTS:
            if (word / part).is_dir():
                yield word.name, part, word / part


def _is_of(video: Path, word: str) -> bool:
    return video.stem.startswith(word) and bool(NUMBER.fullmatch(video.stem[len(word) :]))


def _clip(video: Path, word: str, part: str, beside: Sidecars) -> Clip:
    path = beside.find(video.stem, (".txt",))
    told = read_metadata(path) if path else {}
    text = word.lower()
    return Clip(
        key=safe_key(part, video.stem),  # numbers begin anew in each part
        speaker=SPEAKER,
        video=video,
        audio=beside.find(video.stem, SOUND_SUFFIXES),
        sentence_id=word,
        transcript=text,
        words=word_times(text, told.get(DURATION, "")),
        split=PARTS[part],
        corpus=CORPUS,
        details=tuple((name, value) for name, value in told.items() if value and name != DURATION),
    )
