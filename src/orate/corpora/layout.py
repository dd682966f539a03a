"""What the layouts of corpora have in common: what they found, how keys are made, which files count."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from orate.corpora.clip import Clip

SOUND_SUFFIXES = (".wav", ".flac", ".mp3", ".m4a", ".aac", ".ogg")


@dataclass(frozen=True)
class Found:
    """What a corpus folder holds.

    Attributes:
        clips: sorted by key.
        misnamed: videos left out because their names are not of the corpus; sorted.
        unread: files beside clips that say something, but not in the form that they should have; sorted.
    """

    clips: list[Clip]
    misnamed: list[Path] = field(default_factory=list)
    unread: list[Path] = field(default_factory=list)


def safe_key(*parts: str) -> str:
    """A clip's key of its parts: letters, digits, _ and - only."""
    return re.sub(r"[^\w-]", "_", "_".join(parts))


def visible(entries: Iterable[Path]) -> list[Path]:
    """Entries in sorted order without hidden ones, such as the ._NAME that macOS leaves on other disks."""
    return sorted(entry for entry in entries if not entry.name.startswith("."))


def videos_in(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """Videos of a folder sorted by name; of two with one name only that whose suffix stands first in ``suffixes``."""
    videos = [entry for entry in visible(folder.iterdir()) if entry.suffix.lower() in suffixes]
    videos.sort(key=lambda video: (video.stem, suffixes.index(video.suffix.lower())))
    return [next(same) for _, same in groupby(videos, key=lambda video: video.stem)]


def folders_below(source: Path, skip: Collection[str] = ()) -> Iterator[Path]:
    """SOURCE and all folders in it in sorted order, through links too, but none twice; hidden ones are left out.

    ``skip`` are names, in small letters, of folders that are passed over with all that is in them.
    """
    seen: set[str] = set()
    for folder, inner, _ in os.walk(source, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            inner.clear()
            continue
        seen.add(real)
        inner[:] = sorted(name for name in inner if not name.startswith(".") and name.lower() not in skip)
        yield Path(folder)


class Sidecars:
    """The files of a folder by stem and suffix, in any case: what lies beside a clip."""

    def __init__(self, folder: Path) -> None:
        entries = visible(folder.iterdir()) if folder.is_dir() else []
        self._files = {(entry.stem.lower(), entry.suffix.lower()): entry for entry in entries}

    def find(self, stem: str, suffixes: Sequence[str]) -> Path | None:
        """The file of this stem with the first of these suffixes that there is."""
        return next((self._files[key] for suffix in suffixes if (key := (stem.lower(), suffix)) in self._files), None)


def first_of_each(clips: Iterable[Clip], limit: int | None) -> list[Clip]:
    """Clips sorted by key, of each speaker at most ``limit``."""
    taken: dict[str, int] = {}
    kept = []
    for clip in sorted(clips, key=lambda clip: clip.key):
        taken[clip.speaker] = taken.get(clip.speaker, 0) + 1
        if limit is None or taken[clip.speaker] <= limit:
            kept.append(clip)
    return kept
