"""GRID audiovisual sentence corpus (Cooke, Barker, Cunningham, Shao, 2006): its layouts, alignments and file names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from orate.corpora.clip import VALIDATION, Clip, Word
from orate.corpora.splits import (
    GRID_VALIDATION_EVERY,
    GRID_VALIDATION_SPEAKERS,
    SpeakerSplit,
    Split,
    SplitRule,
    published_split,
)
from orate.errors import OrateError

CORPUS = "grid"
VIDEO_SUFFIXES = (".mpg", ".mpeg", ".mp4", ".avi", ".mov", ".mkv")  # the first that exists for a name is taken
ALIGN_UNITS_PER_S = 25_000
SILENCES = frozenset({"sil", "sp"})
FLAT_ALIGN_COVERAGE = 0.9

# One letter a word: command, colour, preposition, letter, digit, adverb.
COMMANDS = {"b": "bin", "l": "lay", "p": "place", "s": "set"}
COLOURS = {"b": "blue", "g": "green", "r": "red", "w": "white"}
PREPOSITIONS = {"a": "at", "b": "by", "i": "in", "w": "with"}
LETTERS = {c: c for c in "abcdefghijklmnopqrstuvxyz"}  # every letter but w, whose name has three syllables
DIGIT_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
DIGITS = dict(zip("z123456789", DIGIT_NAMES, strict=True))
ADVERBS = {"a": "again", "n": "now", "p": "please", "s": "soon"}
SENTENCE = (COMMANDS, COLOURS, PREPOSITIONS, LETTERS, DIGITS, ADVERBS)

SPEAKER_FOLDER = re.compile(r"s\d+$")
SPEAKER_PREFIX = re.compile(r"(s\d+)_(.+)$")
GRID_SPLIT = SplitRule(every_of=GRID_VALIDATION_EVERY, validation_speakers=GRID_VALIDATION_SPEAKERS)


def paper_split() -> SpeakerSplit:
    """The paper's split by speakers; of speakers that GRID does not have, as of the folder ``unseen``, `GRID_SPLIT`."""
    return published_split(CORPUS, otherwise=GRID_SPLIT)


def decode_name(name: str) -> str | None:
    """The sentence that a six-letter file name codes ("bbaf2n": "bin blue at f two now"), or None if it codes none."""
    letters = name.lower()
    if len(letters) != len(SENTENCE):
        return None
    words = [table.get(letter) for table, letter in zip(SENTENCE, letters, strict=True)]
    return " ".join(word for word in words if word) if all(words) else None


def read_alignment(path: Path) -> tuple[Word, ...]:
    """Words of an .align file (lines ``start end word``, 25,000 units a second), silences left out.

    Raises OrateError when a line is not of that form.
    """
    words = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            start, end, text = line.split()
            word = Word(int(start) / ALIGN_UNITS_PER_S, int(end) / ALIGN_UNITS_PER_S, text.lower())
        except ValueError:
            raise OrateError(
                f"Line {number} of {path} is not 'start end word' with times in 25,000ths of a second: mend it."
            ) from None
        if word.text not in SILENCES:
            words.append(word)
    return tuple(words)


def find_clips(
    source: Path, speakers: Sequence[str] | None = None, rule: Split = GRID_SPLIT, limit: int | None = None
) -> list[Clip]:
    """Every clip under SOURCE, sorted by key.

    Layouts: SOURCE/s1/*.mpg, SOURCE/s1/video/*.mpg, or videos straight in SOURCE; .mp4 as well. A speaker is a folder's
    name, or the prefix of a loose file such as s2_pwij3p.mpg. Folders not named s1, s2, ... are read when ``speakers``
    names them. ``limit`` keeps the first clips of each speaker; the split is that of the whole speaker all the same.
    Raises OrateError when there is nothing to read.
    """
    if not source.is_dir():
        raise OrateError(f"{source} is not a folder: give the folder that holds GRID's s1, s2, ... and align.")
    folders = _speaker_folders(source, speakers)
    names: dict[str, dict[str, Path]] = {}
    for folder in folders:
        for video in _videos(folder):
            speaker, name = _speaker_and_name(video, folder)
            names.setdefault(speaker, {}).setdefault(name, video)
    # a folder chosen by name brings all its clips; otherwise --speakers also chooses among the loose files' prefixes
    whole = {folder.name for folder in folders if folder != source}
    if speakers and not whole:
        names = {speaker: videos for speaker, videos in names.items() if speaker in speakers}
    if not any(names.values()):
        raise OrateError(f"No video of GRID found in {source}: it should hold s1, s2, ... with .mpg or .mp4 files.")
    clips = []
    for speaker, videos in names.items():
        clips += _speaker_clips(source, speaker, videos, rule, limit)
    return sorted(clips, key=lambda clip: clip.key)


def _speaker_folders(source: Path, speakers: Sequence[str] | None) -> list[Path]:
    if speakers:
        wanted = [source / speaker for speaker in speakers]
        present = [folder for folder in wanted if folder.is_dir()]
        loose = {_speaker_and_name(video, source)[0] for video in _videos(source)}
        missing = [folder.name for folder in wanted if not folder.is_dir() and folder.name not in loose]
        if missing:
            raise OrateError(f"{source} holds no clips of {', '.join(missing)}: check --speakers.")
        return present or [source]
    found = sorted(entry for entry in source.iterdir() if entry.is_dir() and SPEAKER_FOLDER.match(entry.name))
    return [*found, source] if _videos(source) else found


def _videos(folder: Path) -> list[Path]:
    """Videos of a folder and of its sub-folder ``video``; the original before a conversion of the same name."""
    entries = list(folder.iterdir())
    if (folder / "video").is_dir():
        entries += (folder / "video").iterdir()
    videos = [entry for entry in entries if entry.suffix.lower() in VIDEO_SUFFIXES and not entry.name.startswith(".")]
    return sorted(videos, key=lambda path: (path.stem, VIDEO_SUFFIXES.index(path.suffix.lower())))


def _speaker_and_name(video: Path, folder: Path) -> tuple[str, str]:
    prefix = SPEAKER_PREFIX.match(video.stem)
    return (prefix.group(1), prefix.group(2)) if prefix else (folder.resolve().name, video.stem)


def _speaker_clips(source: Path, speaker: str, videos: dict[str, Path], rule: Split, limit: int | None) -> list[Clip]:
    """Clips of one speaker; a speaker found in a folder that is wholly validation is unseen too."""
    splits = rule.split(speaker, list(videos))
    unseen = rule.is_unseen(speaker)
    if not unseen and any(rule.is_unseen(video.parent.name) for video in videos.values()):
        splits, unseen = dict.fromkeys(videos, VALIDATION), True
    alignments = _alignments(source, speaker, videos)
    clips = []
    for name in sorted(videos)[:limit]:
        sentence = decode_name(name)
        words = read_alignment(alignments[name]) if name in alignments else ()
        if sentence and [word.text for word in words] != sentence.split():
            words = ()  # another sentence's alignment would teach wrong times
        clips.append(
            Clip(
                key=re.sub(r"[^\w-]", "_", f"{speaker}_{name}"),
                speaker=speaker,
                video=videos[name],
                audio=_audio_beside(source, speaker, name),
                sentence_id=name,
                transcript=sentence or " ".join(word.text for word in words),
                words=words,
                split=splits[name],
                unseen_speaker=unseen,
                corpus=CORPUS,
            )
        )
    return clips


def _alignments(source: Path, speaker: str, videos: dict[str, Path]) -> dict[str, Path]:
    """The .align file of each name: from the speaker's own folder, else from SOURCE/align.

    A flat SOURCE/align does not say whose it is, and sentences repeat between speakers at other times, so it is taken
    only for a speaker nearly all of whose clips it covers.
    """
    own = [source / speaker / "align", source / "align" / speaker]
    flat = [source / "align"] + ([source.parent / "align"] if source.resolve().name == speaker else [])
    for folder in own + flat:
        found = {name: folder / f"{name}.align" for name in videos if (folder / f"{name}.align").is_file()}
        if found and (folder in own or len(found) >= FLAT_ALIGN_COVERAGE * len(videos)):
            return found
    return {}


def _audio_beside(source: Path, speaker: str, name: str) -> Path | None:
    """The separate recording of a clip, for videos that come without sound."""
    for folder in (source / "audio_50kHz" / speaker, source / speaker / "audio", source / speaker, source):
        if (folder / f"{name}.wav").is_file():
            return folder / f"{name}.wav"
    return None
