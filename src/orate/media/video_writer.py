"""Writing video: H.264 and AAC in MP4, frame by frame, sound in step; whole under its name or not at all."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from orate.errors import OrateError
from orate.media.files import output_error, temporary_beside
from orate.media.sound import SoundDecoder
from orate.media.soundtrack import SoundTrack, track_rate

FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov"}
# x264's output depends on its number of threads: fixed, so that every machine writes the same bytes.
ENCODER_THREADS = 4
# Half the time of "fast" for 1.2 dB at the same CRF (512 x 512, 40.1 dB with chroma subsampling): cores are for frames.
PRESET = "veryfast"
# Above this x264 must not look ahead: at 4000 x 4000 it holds 1.3 GB of frames, and 0.5 GB without.
LARGE_PICTURE_PX = 4096 * 2304
AVCOL_SPC_BT709 = 1
EXACT_YUV = Interpolation.BICUBIC | Interpolation.FULL_CHR_H_INP | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
DEFAULT_TIMESCALE = 1000


class VideoWriter:
    """Context manager that writes RGB frames, and the sound of a file beside them, to an MP4 that browsers play.

    Frame k is shown at exactly k / fps. The sound keeps its rate and up to two channels, and its full length.
    The file appears under its name when the block ends without an exception, and not at all otherwise.

    Args:
        path: ``.mp4``, ``.m4v`` or ``.mov``.
        width: pixels; odd sizes are padded to even by repeating the last column.
        height: pixels; as ``width``.
        fps: frames per second; a ``Fraction`` such as 30000/1001 is kept exactly.
        audio: any file with sound in it, or None.
        crf: constant rate factor of x264, 0 (lossless) to 51; 18 is visually transparent.
        metadata: tags of the file; read back by ``video_info(path).metadata``.
        finish: called with the complete file before it gets its name; may change it, whole or not at all.
        threads: of the encoder; other numbers give slightly other bytes.

    Raises:
        OrateError: unsupported suffix, folder missing or not writable, disk full, sound that cannot be read.
    """

    def __init__(
        self,
        path: str | Path,
        width: int,
        height: int,
        fps: Fraction | float = 25,
        *,
        audio: str | Path | None = None,
        crf: int = 18,
        metadata: dict[str, str] | None = None,
        finish: Callable[[Path], None] | None = None,
        threads: int = ENCODER_THREADS,
    ) -> None:
        self.path = Path(path)
        if self.path.suffix.lower() not in FORMATS:
            raise OrateError(f"{path} cannot be written: name it {', '.join(FORMATS)}.")
        if width < 1 or height < 1 or not fps > 0:
            raise ValueError(f"no video of {width} x {height} pixels at {fps} frames/s")
        self.width, self.height = width, height
        self.fps = fps if isinstance(fps, Fraction) else Fraction(fps).limit_denominator(100_000)
        self.frames_written = 0
        self._audio, self._crf, self._metadata, self._complete = audio, crf, metadata or {}, finish
        self._threads = threads

    def __enter__(self) -> Self:
        sound = SoundDecoder(self._audio) if self._audio is not None else None
        self._temporary = temporary_beside(self.path)
        try:
            self._open(sound)
        except BaseException:
            self._discard()
            raise
        return self

    def _open(self, sound: SoundDecoder | None) -> None:
        self._container = av.open(
            f"file:{self._temporary}",
            "w",
            format=FORMATS[self.path.suffix.lower()],
            options={
                "movflags": "+faststart+use_metadata_tags",
                # the unit of edit lists: with the default of a millisecond the last samples are cut off
                "movie_timescale": str(track_rate(sound) if sound else DEFAULT_TIMESCALE),
            },
        )
        self._container.metadata.update(self._metadata)
        self._video = self._video_stream()
        self._reformatter = VideoReformatter()
        self._sound = SoundTrack(self._container, sound) if sound else None

    def _video_stream(self) -> VideoStream:
        stream = self._container.add_stream("libx264", rate=self.fps)
        context = stream.codec_context
        context.width, context.height = self.width + self.width % 2, self.height + self.height % 2
        context.pix_fmt = "yuv420p"
        context.time_base = 1 / self.fps
        # Without mbtree: with it, x264 writes other bytes from run to run at some sizes.
        context.options = {"crf": str(self._crf), "preset": PRESET, "profile": "high", "x264-params": "mbtree=0"}
        if context.width * context.height > LARGE_PICTURE_PX:
            context.options = {**context.options, "tune": "zerolatency"}
        context.thread_count = self._threads
        context.color_range = ColorRange.MPEG
        context.colorspace = AVCOL_SPC_BT709
        context.color_primaries = ColorPrimaries.BT709
        context.color_trc = ColorTrc.BT709
        return stream

    def write(self, frame: np.ndarray) -> None:
        """Appends one frame, (height, width, 3) uint8 RGB; it is shown at ``frames_written / fps``.

        Raises:
            OrateError: the disk is full, or the sound breaks off.
            ValueError: another shape or type.
        """
        if frame.shape != (self.height, self.width, 3) or frame.dtype != np.uint8:
            raise ValueError(f"frame of {frame.dtype} {frame.shape}, expected uint8 {(self.height, self.width, 3)}")
        try:
            self._container.mux(self._video.encode(self._picture(frame)))
            self.frames_written += 1
            if self._sound:
                self._sound.write_until(self.frames_written / self.fps)
        except OSError as error:
            raise output_error(self.path, error) from error

    def _picture(self, frame: np.ndarray) -> av.VideoFrame:
        pad = ((0, self.height % 2), (0, self.width % 2), (0, 0))
        padded = np.pad(frame, pad, mode="edge") if pad[0][1] or pad[1][1] else frame
        rgb = av.VideoFrame.from_ndarray(np.ascontiguousarray(padded), format="rgb24")
        picture = self._reformatter.reformat(
            rgb,
            format="yuv420p",
            src_color_range=ColorRange.JPEG,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation=EXACT_YUV,
            threads=1,
        )
        picture.pts = self.frames_written
        picture.time_base = 1 / self.fps
        return picture

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            self._finish()
        except OSError as error:
            raise output_error(self.path, error) from error
        finally:
            self._discard()

    def _finish(self) -> None:
        if not self.frames_written:
            raise OrateError(f"{self.path} was not written: there was no frame to write.")
        self._container.mux(self._video.encode(None))
        if self._sound:
            self._sound.write_until(None)
        self._container.close()
        if self._complete:
            self._complete(self._temporary)
        self._temporary.replace(self.path)

    def _discard(self) -> None:
        """Closes what is open and removes the temporary file, whatever state they are in."""
        container = getattr(self, "_container", None)
        if container is not None:
            with suppress(av.FFmpegError, OSError):
                container.close()
        with suppress(OSError):
            self._temporary.unlink()
