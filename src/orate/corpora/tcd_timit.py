"""TCD-TIMIT (Harte and Gillen, 2015): 59 volunteers and 3 lipspeakers read TIMIT's sentences, filmed from the front.

As published: ``volunteers/01M/Clips/straightcam/sa1.mp4`` and ``lipspeakers/Lipspkr1/Clips/straightcam/sa1.mp4``, the
sound once more in ``sa1.wav``, the sentence in ``sa1.txt``, phones in ``volunteer_labelfiles.mlf`` and
``lipspeaker_labelfiles.mlf``. The second view, ``30degcam``, is left out: crops show faces from the front.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from orate.corpora.clip import Clip, Word
from orate.corpora.layout import SOUND_SUFFIXES, Found, Sidecars, first_of_each, folders_below, safe_key, videos_in
from orate.corpora.splits import HashSplit, Split, published_split
from orate.errors import OrateError

CORPUS = "tcd-timit"
VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv", ".avi")
CAMERA = "straightcam"
OTHER_CAMERA = "30degcam"
LABELS = "*labelfiles*.mlf"
LABEL_UNITS_PER_S = 10_000_000  # HTK's: 100 ns
SILENCES = frozenset({"sil", "sp"})
LIPSPEAKER = "Lipspkr"
PARENTS_MAX = 5  # SRC/volunteers/01M/Clips/straightcam: so far above a folder its labels may lie

SPEAKER = re.compile(r"(\d\d[mf]|lipspkr\d)$", re.IGNORECASE)
SENTENCE = re.compile(r"(sa|si|sx)\d+$", re.IGNORECASE)
LABELLED = re.compile(rf"(\d\d[MF]|{LIPSPEAKER}\d)/(?:[^/]+/)*{CAMERA}/([^/.]+)\.\w+\"?$", re.IGNORECASE)
LEADING_NUMBERS = re.compile(r"^\s*(?:\d+(?:\.\d+)?\s+){1,2}")


def find_clips(
    source: Path,
    speakers: Sequence[str] | None = None,
    rule: Split | None = None,
    limit: int | None = None,
    *,
    lipspeakers: bool = True,
) -> Found:
    """Every clip of the front camera under SOURCE, at whatever depth the archives were unpacked.

    Args:
        source: the corpus, or a folder of it.
        speakers: only these, such as 01M or Lipspkr1.
        rule: who is trained on; None: `published_split`.
        limit: at most so many clips of each speaker; who is trained on does not depend on it.
        lipspeakers: whether to take the three lipspeakers too.

    Raises:
        OrateError: there is nothing to read, or no clip of one of ``speakers``.
    """
    rule = rule or published_split(CORPUS, otherwise=HashSplit())
    folders = _camera_folders(source)
    videos: dict[tuple[str, str], Path] = {}
    misnamed = []
    for folder in folders:
        speaker = _speaker_of(folder)
        for video in videos_in(folder, VIDEO_SUFFIXES):
            if speaker is None or not SENTENCE.match(video.stem):
                misnamed.append(video)
            elif lipspeakers or not speaker.startswith(LIPSPEAKER):
                videos.setdefault((speaker, video.stem.lower()), video)
    if not videos:
        raise OrateError(_expected(source))
    known = {speaker for speaker, _ in videos}
    if missing := [speaker for speaker in speakers or () if speaker not in known]:
        raise OrateError(f"{source} holds no clips of {', '.join(missing)}: check --speakers.")
    phones = _read_labels(source)
    beside = {folder: Sidecars(folder) for folder in {video.parent for video in videos.values()}}
    clips = [
        _clip(speaker, name, video, beside[video.parent], rule, phones.get((speaker, name), ()))
        for (speaker, name), video in videos.items()
        if not speakers or speaker in speakers
    ]
    return Found(first_of_each(clips, limit), sorted(misnamed))


def read_transcript(path: Path) -> str:
    """The sentence of a .txt file: the numbers that lines begin with, as TIMIT's do, are left out, and silences."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    words = [word for line in lines for word in LEADING_NUMBERS.sub("", line).split()]
    return " ".join(word for word in words if word.lower() not in SILENCES)


def read_labels(path: Path) -> dict[tuple[str, str], tuple[Word, ...]]:
    """Phones of the front camera's clips by speaker and sentence, silences left out, of an HTK master label file.

    Lines that are not ``start end phone`` are passed over: copies of these files are in use that people have mended.
    """
    phones: dict[tuple[str, str], list[Word]] = {}
    current: list[Word] | None = None
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith('"'):
            name = LABELLED.search(line.strip())
            current = phones.setdefault((_canonical(name.group(1)), name.group(2).lower()), []) if name else None
            continue
        parts = line.split()
        if current is not None and len(parts) == 3 and parts[0].isdecimal() and parts[1].isdecimal():
            start, end, phone = int(parts[0]), int(parts[1]), parts[2].lower()
            if phone not in SILENCES:
                current.append(Word(start / LABEL_UNITS_PER_S, end / LABEL_UNITS_PER_S, phone))
    return {name: tuple(labels) for name, labels in phones.items()}


def _camera_folders(source: Path) -> list[Path]:
    if not source.is_dir():
        raise OrateError(
            f"{source} is not a folder: give the folder that holds TCD-TIMIT's volunteers and lipspeakers."
        )
    return [folder for folder in folders_below(source, skip={OTHER_CAMERA}) if folder.absolute().name.lower() == CAMERA]


def _expected(source: Path) -> str:
    zipped = any(source.rglob("*.zip"))
    advice = "unpack the .zip files in it first" if zipped else "give the folder that holds volunteers and lipspeakers"
    return f"{source} holds no clip of TCD-TIMIT, volunteers/01M/Clips/{CAMERA}/sa1.mp4 or the like: {advice}."


def _speaker_of(folder: Path) -> str | None:
    """The nearest folder above that is named as a speaker."""
    return next((_canonical(above.name) for above in folder.absolute().parents if SPEAKER.match(above.name)), None)


def _canonical(speaker: str) -> str:
    return f"{LIPSPEAKER}{speaker[-1]}" if speaker.lower().startswith(LIPSPEAKER.lower()) else speaker.upper()


def _read_labels(source: Path) -> dict[tuple[str, str], tuple[Word, ...]]:
    above = [source, *source.absolute().parents[:PARENTS_MAX]]
    files = [*source.glob(f"*/{LABELS}"), *(path for folder in above for path in folder.glob(LABELS))]
    phones: dict[tuple[str, str], tuple[Word, ...]] = {}
    for path in sorted(files):
        phones |= read_labels(path)
    return phones


def _clip(speaker: str, name: str, video: Path, beside: Sidecars, rule: Split, phones: tuple[Word, ...]) -> Clip:
    text = beside.find(video.stem, (".txt",))
    return Clip(
        key=safe_key(speaker, name),
        speaker=speaker,
        video=video,
        audio=beside.find(video.stem, SOUND_SUFFIXES),
        sentence_id=name,
        transcript=read_transcript(text) if text else "",
        split=rule.split(speaker, [name])[name],
        unseen_speaker=rule.is_unseen(speaker),
        corpus=CORPUS,
        phones=phones,
    )
