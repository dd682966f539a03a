"""Opening sound and video files with PyAV, and the clock on which their streams are presented."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from orate.errors import OrateError
from orate.media.files import check_input

# These formats have a presentation clock that starts at 0; others (MPEG streams) start their clock anywhere.
ZERO_BASED_FORMATS = frozenset({"mov", "mp4", "matroska", "webm"})
# A later start than this is a piece cut from a live stream, not silence that anybody meant.
LATEST_START_S = 60
# FFmpeg would "decode" any text as a terminal session.
TEXT_FORMATS = frozenset({"tty", "bin", "xbin", "adf", "idf"})
MAX_READ_ERRORS = 100
# Before this time a file is simply read from its beginning.
SEEK_FROM_S = 10.0
# Frames and packets need some before them to be decoded right, and some formats seek to about the time.
SEEK_MARGIN_S = 2.0


def open_media(path: str | Path, kind: str) -> InputContainer:
    """Opens a local file; ``kind`` ("sound", "video") is the word used when it is something else.

    Raises:
        OrateError: no such file, empty, or not a media file.
    """
    path = check_input(path)
    try:
        # "file:" keeps names such as "take:2.wav" from being read as a protocol; the whitelist keeps playlists local.
        container = av.open(f"file:{path}", metadata_errors="replace", options={"protocol_whitelist": "file"})
    except (av.FFmpegError, OSError, ValueError) as error:
        raise OrateError(f"{path} is not a {kind} file that can be read: it is damaged or another kind.") from error
    what = "text" if container.format.name in TEXT_FORMATS else None
    if container.format.name.endswith("_pipe") or container.format.name == "image2":
        what = "a single picture"
    if what:
        container.close()
        raise OrateError(f"{path} is not a {kind} file: it holds {what}.")
    return container


def picture_stream(container: InputContainer) -> VideoStream | None:
    """The first moving picture of a file; the cover art of a song is none."""
    for stream in container.streams.video:
        if not stream.disposition & (Disposition.attached_pic | Disposition.still_image):
            return stream
    return None


def is_zero_based(container: InputContainer) -> bool:
    """Whether the format counts presentation time from 0 and has edit lists or the like to say what is presented."""
    return not ZERO_BASED_FORMATS.isdisjoint(container.format.name.split(","))


def clock_zero(container: InputContainer) -> Fraction | None:
    """Where on the timestamps of the file presentation time 0 is, in seconds; None: at its first sample of sound."""
    start = Fraction(container.start_time or 0, av.time_base)
    if is_zero_based(container):
        return start if start > LATEST_START_S else Fraction(0)
    return start if picture_stream(container) else None


def read_packets(container: InputContainer, stream: Stream) -> Iterator[Packet[Stream] | None]:
    """The packets of one stream, the flushing one included; None for each stretch that could not be read."""
    errors = 0
    while True:
        try:
            yield from container.demux(stream)
        except (av.FFmpegError, OSError):
            errors += 1
            yield None
            if errors < MAX_READ_ERRORS:
                continue
        return


def seek_before(container: InputContainer, start_s: float, zero: Fraction) -> bool:
    """Move on to somewhat before a time of the presentation; False where that failed.

    Where it succeeded, what is decoded next has timestamps, which say where the file now stands.
    """
    try:
        container.seek(int((start_s - SEEK_MARGIN_S + zero) * av.time_base), backward=True)
    except (av.FFmpegError, OSError):
        return False
    return True
