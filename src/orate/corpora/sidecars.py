"""Transcripts that lie beside a video: .txt, .srt, .vtt, and .json as speech recognisers write it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orate.corpora.clip import Word

TRANSCRIPT_SUFFIXES = (".json", ".srt", ".vtt", ".txt")
TIME = r"(?:(\d+):)?(\d{1,2}):(\d{2})[.,](\d{1,3})"
CUE_TIMES = re.compile(rf"^\s*{TIME}\s*-->\s*{TIME}")
MARKUP = re.compile(r"<[^>]*>|\{\\[^}]*\}")


class UnreadableError(Exception):
    """The file is not of the form that its suffix promises."""


@dataclass(frozen=True)
class Transcript:
    """What is said in a recording; times in seconds of it.

    ``text`` is all of it. ``cues`` are lines with their times; ``words`` single words with theirs, where they are told.
    """

    text: str = ""
    cues: tuple[Word, ...] = ()
    words: tuple[Word, ...] = ()

    def part(self, start_s: float, end_s: float) -> Transcript:
        """What is said in a piece, times from the piece's beginning.

        A word or line belongs to the piece in which its middle is. Text without times cannot be divided: the piece gets
        none.
        """
        words, cues = _within(self.words, start_s, end_s), _within(self.cues, start_s, end_s)
        return Transcript(" ".join(said.text for said in words or cues), cues, words)


def read_transcript(path: Path) -> Transcript:
    """A transcript, by the file's suffix.

    .srt and .vtt hold timed lines. .json is an object with "transcript" or "text", "words" (each "word" or "text",
    "start" or "start_s", "end" or "end_s") and "segments" (the same, as lines; they may hold words).

    Raises:
        UnreadableError: it is not of that form.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableError(path) from error
    if path.suffix.lower() == ".json":
        try:
            return _from_json(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UnreadableError(path) from error
    if path.suffix.lower() in (".srt", ".vtt"):
        cues = _cues(text)
        if text.strip() and not cues:
            raise UnreadableError(path)
        return Transcript(" ".join(cue.text for cue in cues), cues)
    return Transcript(" ".join(text.split()))


def _within(said: Iterable[Word], start_s: float, end_s: float) -> tuple[Word, ...]:
    length_s = end_s - start_s
    return tuple(
        Word(max(word.start_s - start_s, 0.0), min(word.end_s - start_s, length_s), word.text)
        for word in said
        if start_s <= (word.start_s + word.end_s) / 2 < end_s
    )


def _cues(text: str) -> tuple[Word, ...]:
    """Blocks of a line with times and lines of text, parted by empty lines."""
    cues = []
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n")):
        lines = block.strip().split("\n")
        for number, line in enumerate(lines):
            times = CUE_TIMES.match(line)
            if times:
                said = " ".join(MARKUP.sub("", " ".join(lines[number + 1 :])).split())
                cues.append(Word(_seconds(times.groups()[:4]), _seconds(times.groups()[4:]), said))
                break
    return tuple(cue for cue in cues if cue.text)


def _seconds(parts: Sequence[str | None]) -> float:
    hours, minutes, seconds, fraction = (part or "0" for part in parts)
    return int(hours) * 3600 + int(minutes) * 60 + float(f"{seconds}.{fraction}")


def _from_json(told: dict[str, Any]) -> Transcript:
    segments = told.get("segments") or []
    cues = tuple(_timed(segment) for segment in segments)
    words = told.get("words") or [word for segment in segments for word in segment.get("words") or []]
    timed = tuple(_timed(word) for word in words)
    text = told.get("transcript") or told.get("text") or " ".join(said.text for said in cues or timed)
    return Transcript(" ".join(str(text).split()), cues, timed)


def _timed(told: dict[str, Any]) -> Word:
    start, end = (float(told[key] if key in told else told[f"{key}_s"]) for key in ("start", "end"))
    return Word(start, end, " ".join(str(told.get("word") or told.get("text") or "").split()))
