"""Any folder of videos: who speaks is told by its folders or by a table, long recordings are cut into pieces."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import av
import av.error

from orate.corpora.clip import TRAIN, Clip
from orate.corpora.folder_metadata import METADATA_NAME, Told, read_metadata
from orate.corpora.layout import SOUND_SUFFIXES, Found, Sidecars, first_of_each, folders_below, safe_key, visible
from orate.corpora.sidecars import TRANSCRIPT_SUFFIXES, Transcript, UnreadableError, read_transcript
from orate.corpora.splits import HashSplit, Split
from orate.errors import OrateError

CORPUS = "folder"
VIDEO_SUFFIXES = (
    *(".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".flv"),
    *(".wmv", ".ogv", ".ts", ".mts", ".m2ts", ".3gp"),
)
NOT_CORPUS = frozenset({"__macosx"})
DEFAULT_PIECE_S = 10.0
LEAST_PIECE_S = 1.0
HASH_DIGITS = 8  # of a file's path: keys stay the same whatever is added, and tell a.mp4 from a.mov
KEY_LETTERS = 60  # of the path itself: names in a shard are short


@dataclass(frozen=True)
class _Video:
    path: Path
    name: str  # from SOURCE, with / between folders
    told: Told
    beside: Sidecars

    @property
    def speaker(self) -> str:
        """As the table says; else the folder in SOURCE; else, of a video straight in SOURCE, its own name."""
        first, folders, _ = self.name.partition("/")
        return self.told.speaker or (first if folders else self.path.stem)


def find_clips(
    source: Path,
    rule: Split | None = None,
    limit: int | None = None,
    *,
    piece_s: float = DEFAULT_PIECE_S,
    metadata: Path | None = None,
) -> Found:
    """Every video under SOURCE, cut into pieces of equal length.

    Args:
        source: folder of videos, nested as one likes.
        rule: who is trained on where the table does not say; None: `HashSplit`.
        limit: at most so many clips of each speaker.
        piece_s: longest piece in seconds, at least 1.
        metadata: table as `read_metadata` takes it; None: SOURCE/metadata.csv where that is.

    Raises:
        OrateError: there is no video, or the table is wrong.
    """
    if not source.is_dir():
        raise OrateError(f"{source} is not a folder: give a folder of videos.")
    if piece_s < LEAST_PIECE_S:
        raise OrateError(f"Pieces of {piece_s:g} s are too short to learn from: give at least {LEAST_PIECE_S:g} s.")
    if metadata is None and (source / METADATA_NAME).is_file():
        metadata = source / METADATA_NAME
    videos = list(_videos(source, read_metadata(metadata, source) if metadata else {}))
    if not videos:
        raise OrateError(f"{source} holds no video ({', '.join(VIDEO_SUFFIXES)}): give a folder of videos.")
    splits, unseen = _splits(videos, rule or HashSplit())
    clips: list[Clip] = []
    unread: list[Path] = []
    for video in videos:
        transcript, damaged = _transcript(video)
        unread += damaged
        whole = Clip(
            key=_key(video.name),
            speaker=video.speaker,
            video=video.path,
            audio=video.beside.find(video.path.stem, SOUND_SUFFIXES),
            sentence_id=video.path.stem,
            split=splits[video.name],
            unseen_speaker=unseen[video.speaker],
            corpus=CORPUS,
            emotion=video.told.emotion,
        )
        clips += _pieces(whole, transcript, piece_s)
    return Found(first_of_each(clips, limit), unread=sorted(unread))


def piece_times(duration_s: float, piece_s: float) -> list[tuple[float, float | None]]:
    """(start, end) of pieces of equal length, none longer than ``piece_s``; the last ends with the recording (None)."""
    count = max(math.ceil(round(duration_s / piece_s, 3)), 1)
    bounds = [round(k * duration_s / count, 3) for k in range(count)]
    return list(zip(bounds, [*bounds[1:], None], strict=True))


def _videos(source: Path, table: Mapping[str, Told]) -> Iterator[_Video]:
    for folder in folders_below(source, skip=NOT_CORPUS):
        beside = Sidecars(folder)
        for path in visible(folder.iterdir()):
            if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file():
                name = path.relative_to(source).as_posix()
                yield _Video(path, name, table.get(name, Told()), beside)


def _splits(videos: list[_Video], rule: Split) -> tuple[dict[str, str], dict[str, bool]]:
    """The split of each video, and of each speaker whether no video of theirs is trained on."""
    names: dict[str, list[str]] = {}
    for video in videos:
        names.setdefault(video.speaker, []).append(video.name)
    splits: dict[str, str] = {}
    for speaker, mine in names.items():
        splits |= rule.split(speaker, mine)
    splits |= {video.name: video.told.split for video in videos if video.told.split}
    unseen = {speaker: all(splits[name] != TRAIN for name in mine) for speaker, mine in names.items()}
    return splits, unseen


def _transcript(video: _Video) -> tuple[Transcript, list[Path]]:
    """What is said, as the table says, with the times of the file beside the video; and files that cannot be read."""
    beside, damaged = Transcript(), []
    for suffix in TRANSCRIPT_SUFFIXES:
        path = video.beside.find(video.path.stem, (suffix,))
        try:
            beside = read_transcript(path) if path and not beside.text else beside
        except UnreadableError as error:
            damaged.append(Path(error.args[0]))
    return replace(beside, text=video.told.transcript or beside.text), damaged


def _pieces(whole: Clip, transcript: Transcript, piece_s: float) -> Iterator[Clip]:
    duration_s = _duration_s(whole.video)
    times = piece_times(duration_s, piece_s)
    if len(times) == 1:
        yield replace(whole, transcript=transcript.text, words=transcript.words)
        return
    for number, (start_s, end_s) in enumerate(times):
        part = transcript.part(start_s, end_s or duration_s)
        yield replace(
            whole,
            key=f"{whole.key}_{number:04d}",
            transcript=part.text,
            words=part.words,
            start_s=start_s,
            end_s=end_s,
        )


def _duration_s(video: Path) -> float:
    """What the file says of its picture's length, 0 where it says nothing or cannot be read.

    No picture is decoded: a folder may hold a million of them. What cannot be read comes to light in preparation.
    """
    try:
        with av.open(str(video)) as container:
            stream = next(iter(container.streams.video), None)
            if stream is not None and stream.duration and stream.time_base:
                return float(stream.duration * stream.time_base)
            return (container.duration or 0) / av.time_base
    except (OSError, av.error.FFmpegError):
        return 0.0


def _key(name: str) -> str:
    plain = name.rpartition(".")[0].encode("ascii", "replace").decode()
    return safe_key(plain[:KEY_LETTERS], hashlib.sha256(name.encode()).hexdigest()[:HASH_DIGITS])
