"""CREMA-D (Cao, Cooper, Keutmann, Gur, Nenkova, Verma, 2014): 91 actors say twelve sentences in six emotions.

As published: ``VideoFlash/1001_DFA_ANG_XX.flv`` (actor, sentence, emotion, level), the sound once more in
``AudioWAV/1001_DFA_ANG_XX.wav`` and ``AudioMP3``, and who the actors are in ``VideoDemographics.csv``.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from orate.corpora.clip import Clip
from orate.corpora.layout import SOUND_SUFFIXES, Found, Sidecars, first_of_each, safe_key, videos_in
from orate.corpora.splits import HashSplit, Split, published_split
from orate.errors import OrateError

CORPUS = "crema-d"
VIDEO_SUFFIXES = (".flv", ".mp4", ".mov", ".mkv", ".avi")
VIDEO_FOLDER = "VideoFlash"
AUDIO_FOLDERS = ("AudioWAV", "AudioMP3")
DEMOGRAPHICS = "VideoDemographics.csv"
LFS_POINTER = b"version https://git-lfs"

SENTENCES = {
    "IEO": "it's eleven o'clock",
    "TIE": "that is exactly what happened",
    "IOM": "i'm on my way to the meeting",
    "IWW": "i wonder what this is about",
    "TAI": "the airplane is almost full",
    "MTI": "maybe tomorrow it will be cold",
    "IWL": "i would like a new alarm clock",
    "ITH": "i think i have a doctor's appointment",
    "DFA": "don't forget a jacket",
    "ITS": "i think i've seen this before",
    "TSI": "the surface is slick",
    "WSI": "we'll stop in a couple of minutes",
}
EMOTIONS = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happiness",
    "NEU": "neutral",
    "SAD": "sadness",
}
LEVELS = {"LO": "low", "MD": "medium", "HI": "high", "XX": "", "X": ""}  # one file of the corpus ends in a single X
NAME = re.compile(rf"(\d{{4}})_({'|'.join(SENTENCES)})_({'|'.join(EMOTIONS)})_({'|'.join(LEVELS)})$")


def find_clips(
    source: Path, speakers: Sequence[str] | None = None, rule: Split | None = None, limit: int | None = None
) -> Found:
    """Every clip of SOURCE, or of the folder VideoFlash in it or one level deeper.

    Args:
        source: the corpus, or its folder of videos.
        speakers: only these actors, such as 1001.
        rule: who is trained on; None: `published_split`.
        limit: at most so many clips of each actor.

    Raises:
        OrateError: there is nothing to read, no clip of one of ``speakers``, or the videos were not downloaded.
    """
    rule = rule or published_split(CORPUS, otherwise=HashSplit())
    folder = _video_folder(source)
    actors = _actors(folder)
    named, misnamed = {}, []
    for video in videos_in(folder, VIDEO_SUFFIXES):
        name = NAME.match(video.stem)
        if name and name.group(1) in actors:
            named[video] = name
        else:
            misnamed.append(video)
    if not named:
        raise OrateError(_expected(source))
    known = {name.group(1) for name in named.values()}
    if missing := [actor for actor in speakers or () if actor not in known]:
        raise OrateError(f"{source} holds no clips of {', '.join(missing)}: check --speakers.")
    _check_downloaded(next(iter(named)))
    sounds = [Sidecars(root / name) for root in (folder.parent, folder) for name in AUDIO_FOLDERS] + [Sidecars(folder)]
    clips = [
        _clip(video, name, sounds, rule, actors[name.group(1)])
        for video, name in named.items()
        if not speakers or name.group(1) in speakers
    ]
    return Found(first_of_each(clips, limit), misnamed)


def _video_folder(source: Path) -> Path:
    """The folder with videos of the corpus, or SOURCE itself."""
    if not source.is_dir():
        raise OrateError(f"{source} is not a folder: give the folder that holds CREMA-D's {VIDEO_FOLDER}.")
    nested = (source / VIDEO_FOLDER, source, *sorted(source.glob(f"*/{VIDEO_FOLDER}")))
    holds = (folder for folder in nested if folder.is_dir() and any(NAME.match(p.stem) for p in _videos(folder)))
    return next(holds, source)


def _videos(folder: Path) -> list[Path]:
    return videos_in(folder, VIDEO_SUFFIXES)


def _expected(source: Path) -> str:
    return (
        f"{source} holds no clip of CREMA-D, {VIDEO_FOLDER}/1001_DFA_ANG_XX.flv or the like: "
        f"give the folder that holds {VIDEO_FOLDER} and AudioWAV."
    )


def _check_downloaded(video: Path) -> None:
    with video.open("rb") as file:
        pointer = file.read(len(LFS_POINTER)) == LFS_POINTER
    if pointer:
        raise OrateError(
            f"{video} only points to the video, which is in Git LFS: run 'git lfs pull' in the corpus first."
        )


def _actors(folder: Path) -> dict[str, tuple[tuple[str, str], ...]]:
    """What is told of each actor, from VideoDemographics.csv where it is; the actors of the split are known anyhow."""
    actors: dict[str, tuple[tuple[str, str], ...]] = dict.fromkeys(published_split(CORPUS).table, ())
    for path in (folder.parent / DEMOGRAPHICS, folder / DEMOGRAPHICS):
        if path.is_file():
            text = path.read_text(encoding="utf-8-sig", errors="replace")
            for row in csv.DictReader(text.splitlines()):
                told = ((key.lower(), value) for key, value in row.items() if key and isinstance(value, str))
                details = tuple((key, value.strip()) for key, value in told if key != "actorid")
                actors[(row.get("ActorID") or "").strip()] = details
    return actors


def _clip(
    video: Path, name: re.Match[str], sounds: Sequence[Sidecars], rule: Split, details: tuple[tuple[str, str], ...]
) -> Clip:
    actor, sentence, emotion, level = name.groups()
    return Clip(
        key=safe_key(video.stem),
        speaker=actor,
        video=video,
        audio=next((found for beside in sounds if (found := beside.find(video.stem, SOUND_SUFFIXES))), None),
        sentence_id=sentence,
        transcript=SENTENCES[sentence],
        split=rule.split(actor, [video.stem])[video.stem],
        unseen_speaker=rule.is_unseen(actor),
        corpus=CORPUS,
        emotion=EMOTIONS[emotion],
        emotion_level=LEVELS[level],
        details=details,
    )
