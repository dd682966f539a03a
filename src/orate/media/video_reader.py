"""Reading video: frames with their presentation times, or resampled to a steady rate."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import Type as SideDataType
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

from orate.errors import OrateError
from orate.media.container import (
    SEEK_FROM_S,
    clock_zero,
    is_zero_based,
    open_media,
    picture_stream,
    read_packets,
    seek_before,
)

AVCOL_SPC_UNSPECIFIED = 2
SWS_CS_BT709, SWS_CS_BT601, SWS_CS_BT2020 = 1, 5, 9
# AVColorSpace of the stream -> matrix of swscale; what is not here (RGB, YCgCo) needs no choice.
MATRICES = {1: SWS_CS_BT709, 4: 4, 5: SWS_CS_BT601, 6: SWS_CS_BT601, 7: 7, 9: SWS_CS_BT2020, 10: SWS_CS_BT2020}
# What players assume of untagged video: BT.601 up to the size of PAL, BT.709 above.
LARGEST_SD = (1024, 576)
EXACT_RGB = Interpolation.BILINEAR | Interpolation.FULL_CHR_H_INT | Interpolation.ACCURATE_RND
DEFAULT_FPS = 25
CLOCK_SLACK = 1e-4  # of a frame: timestamps in whole milliseconds and 90 kHz ticks are rounded


@dataclass(frozen=True)
class VideoFrame:
    """One frame: ``image`` (H, W, 3) uint8 RGB, upright; ``time_s`` from the start of the presentation."""

    image: np.ndarray
    time_s: float


@dataclass(frozen=True)
class VideoInfo:
    """What a video file says of itself; ``frames`` is None where the container does not count them."""

    width: int
    height: int
    fps: float
    frames: int | None
    duration_s: float
    has_audio: bool
    metadata: dict[str, str] = field(default_factory=dict)


class _Decoder:
    """Decoded frames with times, in order; counts what could not be decoded and goes on."""

    def __init__(self, path: str | Path, start_s: float = 0.0) -> None:
        self.path = path
        self._open()
        if start_s >= SEEK_FROM_S and not self._seek(start_s):
            self.container.close()
            self._open()

    def _open(self) -> None:
        self.skipped = 0
        self.container = open_media(self.path, "video")
        stream = picture_stream(self.container)
        if stream is None:
            self.container.close()
            raise OrateError(f"{self.path} holds no video.")
        self.stream = stream
        self.stream.thread_type = "AUTO"
        rate = stream.guessed_rate or stream.average_rate
        self.fps = rate if rate and rate > 0 else Fraction(DEFAULT_FPS)
        self.zero = clock_zero(self.container) or Fraction(0)
        self._reformatter = VideoReformatter()
        self._source = self._decoded()

    def _seek(self, start_s: float) -> bool:
        """Go to a frame at or before a time; False where the file does not tell where that is."""
        if not seek_before(self.container, start_s, self.zero):
            return False
        first = next(self._source, None)
        if first is None or first.pts is None or not first.time_base:
            return False
        self._source = chain([first], self._source)
        self.skipped = 0
        return first.pts * first.time_base - self.zero <= start_s

    def frames(self) -> Generator[tuple[Fraction, Fraction, av.VideoFrame], None, None]:
        """(time, duration, frame), times growing, in seconds."""
        step = 1 / self.fps
        last: Fraction | None = None
        with self.container:
            for frame in self._source:
                time = last + step if last is not None else Fraction(0)
                if frame.pts is not None and frame.time_base:
                    stamp = frame.pts * frame.time_base - self.zero
                    time = stamp if last is None or stamp > last else time
                last = time
                duration = frame.duration * frame.time_base if frame.duration and frame.time_base else step
                yield time, duration, frame
            if last is None:
                raise OrateError(f"{self.path} holds no frame that can be decoded.")
            self.skipped += self._missing(last + duration)

    def _missing(self, end: Fraction) -> int:
        """Frames between ``end`` and the end that the container declares: those of a file that was cut off."""
        stream = self.stream
        if not is_zero_based(self.container) or not stream.duration or not stream.time_base:
            return 0
        declared = ((stream.start_time or 0) + stream.duration) * stream.time_base - self.zero
        return max(0, round((declared - end) * self.fps))

    def _decoded(self) -> Iterator[av.VideoFrame]:
        for packet in read_packets(self.container, self.stream):
            try:
                frames = self.stream.decode(packet) if packet is not None else None
            except av.FFmpegError:
                frames = None
            if frames is None:
                self.skipped += 1
                continue
            for frame in frames:
                self.skipped += bool(frame.is_corrupt)
                yield frame

    def image(self, frame: av.VideoFrame) -> np.ndarray:
        """(H, W, 3) uint8 RGB, turned upright."""
        space = int(frame.colorspace)
        if space == AVCOL_SPC_UNSPECIFIED:
            sd = frame.width <= LARGEST_SD[0] and frame.height <= LARGEST_SD[1]
            space = 5 if sd else 1
        matrix = MATRICES.get(space)
        full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
        rgb = self._reformatter.reformat(
            frame,
            format="rgb24",
            src_colorspace=matrix,
            src_color_range=ColorRange.JPEG if full or frame.format.is_rgb else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            interpolation=EXACT_RGB,
            threads=1,
        )
        return _upright(rgb.to_ndarray(), frame)


def _upright(image: np.ndarray, frame: av.VideoFrame) -> np.ndarray:
    """Obeys the display matrix of the container: the four turns and their mirror images."""
    a, b, c, d = _display_matrix(frame)
    if abs(b) > abs(a):  # x' = c y, y' = b x: the axes change places
        image, x_sign, y_sign = image.transpose(1, 0, 2), c, b
    else:
        x_sign, y_sign = a, d
    return np.ascontiguousarray(image[:: -1 if y_sign < 0 else 1, :: -1 if x_sign < 0 else 1])


def _display_matrix(frame: av.VideoFrame) -> tuple[int, int, int, int]:
    """a, b, c, d of x' = a x + c y, y' = b x + d y, in steps of 1 / 65,536."""
    try:
        blocks: Any = frame.side_data  # PyAV's stubs and its objects differ
        side = blocks.get(SideDataType.DISPLAYMATRIX)
    except ValueError:  # PyAV stumbles over kinds of side data that it does not know; the turn it tells apart from them
        turns = round(-frame.rotation / 90) % 4
        return ((1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0))[turns]
    if side is None:
        return 1, 0, 0, 1
    a, b, _, c, d = np.frombuffer(bytes(side), np.int32)[:5].tolist()
    return a, b, c, d


class FrameReader(Iterator[VideoFrame]):
    """Frames of a video in order of presentation; ``skipped`` counts those lost to errors in the stream so far."""

    def __init__(self, path: str | Path) -> None:
        self._decoder = _Decoder(path)
        self._frames = self._decoder.frames()

    @property
    def skipped(self) -> int:
        """Packets that could not be read or decoded, frames marked as damaged, at the end those cut off; so far."""
        return self._decoder.skipped

    def __next__(self) -> VideoFrame:
        time, _, frame = next(self._frames)
        return VideoFrame(self._decoder.image(frame), float(time))


class SteadyReader(Iterator[np.ndarray]):
    """Frames at start + k/fps, each the nearest in time of the video; ``skipped`` as in ``FrameReader``."""

    def __init__(
        self, path: str | Path, fps: float | Fraction, start_s: float = 0.0, end_s: float | None = None
    ) -> None:
        if not fps > 0:
            raise OrateError(f"The frame rate must be above 0, not {fps}.")
        self._decoder = _Decoder(path, start_s)
        self._start_s = start_s
        count = None if end_s is None else round((end_s - start_s) * float(fps))
        self._images = islice(self._resample(float(fps)), count)

    @property
    def skipped(self) -> int:
        """Packets that could not be read or decoded, frames marked as damaged, at the end those cut off; so far."""
        return self._decoder.skipped

    def __next__(self) -> np.ndarray:
        return next(self._images)

    def _resample(self, fps: float) -> Iterator[np.ndarray]:
        count = 0
        shown: tuple[float, float, av.VideoFrame] | None = None
        for stamp, duration, frame in self._decoder.frames():
            time = float(stamp) - self._start_s
            if time + float(duration) <= 0:
                continue  # before the presentation, or the part of it, starts
            if shown is not None:
                # the grid's points nearer to the shown frame than to this one
                end = math.floor((shown[0] + time) / 2 * fps + CLOCK_SLACK) + 1
                yield from self._repeat(shown[2], end - count)
                count = max(count, end)
            shown = time, float(duration), frame
        if shown is None:
            raise OrateError(f"{self._decoder.path} holds no picture from {self._start_s:g} s on.")
        end = max(1, math.ceil((shown[0] + shown[1]) * fps - 0.5 - CLOCK_SLACK))
        yield from self._repeat(shown[2], end - count)

    def _repeat(self, frame: av.VideoFrame, times: int) -> Iterator[np.ndarray]:
        if times > 0:
            image = self._decoder.image(frame)
            yield image
            for _ in range(times - 1):
                yield image.copy()


def read_video(path: str | Path) -> FrameReader:
    """Every frame of a video, upright, in order, with its time; pixels as stored (their aspect is not corrected).

    Streams with errors are read through with what decodes; the reader's ``skipped`` counts what was lost.

    Raises:
        OrateError: no such file, not a video, no video stream; while iterating: not one frame can be decoded.
    """
    return FrameReader(path)


def read_video_at(
    path: str | Path, fps: float | Fraction = 25.0, *, start_s: float = 0.0, end_s: float | None = None
) -> SteadyReader:
    """Frames (H, W, 3) uint8 RGB at the times k/fps from 0 to the end, each the video's nearest in time.

    Variable frame rates are handled; before a late start the first frame is shown. Of a part of the video, frame k is
    at ``start_s + k/fps``; what lies before it is passed over without being decoded, where the file allows that.

    Raises:
        OrateError: as ``read_video``; a rate that is not positive; while iterating: no picture from ``start_s`` on.
    """
    return SteadyReader(path, fps, start_s, end_s)


def video_info(path: str | Path) -> VideoInfo:
    """Size (as shown, upright), frame rate, number of frames, duration, whether there is sound, and the tags.

    Raises:
        OrateError: no such file, not a video, no video stream, no frame that can be decoded.
    """
    decoder = _Decoder(path)
    container, stream = decoder.container, decoder.stream
    frames = decoder.frames()
    height, width = decoder.image(next(frames)[2]).shape[:2]
    if stream.duration and stream.time_base:
        duration = float(stream.duration * stream.time_base)
    else:
        duration = (container.duration or 0) / av.time_base
    info = VideoInfo(
        width=width,
        height=height,
        fps=float(decoder.fps),
        frames=stream.frames or None,
        duration_s=duration,
        has_audio=bool(container.streams.audio),
        metadata=dict(container.metadata),
    )
    frames.close()
    return info
