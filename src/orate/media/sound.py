"""Decoding sound at its own rate and channels, on the presentation clock of its file."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

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

FULL_SCALE = {"u8": 2.0**7, "s16": 2.0**15, "s32": 2.0**31, "s64": 2.0**63, "flt": 1.0, "dbl": 1.0}
# Timestamps jitter by rounding; only a larger jump is a gap in the sound (filled) or an overlap (dropped).
CLOCK_JITTER_S = Fraction(1, 20)
# A larger jump is a clock that was reset, not an hour of silence.
LARGEST_GAP_S = 60
# Samples; two AAC frames with doubled rate. More is a wrong duration, not padding.
LONGEST_PADDING = 4096
# A file whose sound ends this much before the length it declares was cut off.
TRUNCATION_SLACK_S = Fraction(1, 4)
SEEKABLE_SOUND = frozenset({"wav", "flac"})
WAV_SIZE_UNKNOWN = (0, 0xFFFFFFFF)


class SoundDecoder:
    """The sound of a file at its own rate, in blocks of (channels, samples) float32; memory is flat.

    Sample 0 of the first block is time 0 of the presentation, or ``start_s``: a late start is padded with silence, what
    lies before it is cut (and not decoded, where the file allows that), and so is what an encoder added to fill its
    last packet. Packets that cannot be decoded are silence.

    Attributes:
        rate: samples per second.
        channels: how many, at the start of the file.

    Raises:
        OrateError: no such file, not a media file, no sound in it, nothing that can be decoded.
    """

    def __init__(self, path: str | Path, start_s: int = 0) -> None:
        self.path = path
        self._start_s = start_s
        self._open()
        if start_s >= SEEK_FROM_S and not self._seek():
            self._container.close()
            self._open()
        if self._first is None:
            self._container.close()
            raise OrateError(f"{path} holds no sound that can be decoded: it is empty, truncated or damaged.")
        self.rate: int = self._first.sample_rate
        self.channels: int = len(self._first.layout.channels)
        self._finite = False
        self._begun = False
        self._passed = 0  # samples before the start

    def _open(self) -> None:
        self._container = open_media(self.path, "sound")
        if not self._container.streams.audio:
            self._container.close()
            raise OrateError(f"{self.path} holds no sound.")
        self._stream = self._container.streams.audio[0]
        self._zero = clock_zero(self._container)
        self._frames = self._decoded()
        self._first = next(self._frames, None)

    def _seek(self) -> bool:
        """Go to a packet before the start; False where the file does not tell where that is."""
        # elementary streams (MP3, AAC) guess the time from the bytes
        known = is_zero_based(self._container) or picture_stream(self._container) is not None
        if not (known or self._container.format.name in SEEKABLE_SOUND) or self._first is None:
            return False
        if self._zero is None and self._first.pts is not None and self._first.time_base:
            self._zero = self._first.pts * self._first.time_base
        if self._zero is None or not seek_before(self._container, self._start_s, self._zero):
            return False
        self._frames = self._decoded()
        self._first = next(self._frames, None)
        if self._first is None or self._first.pts is None or not self._first.time_base:
            return False
        return self._first.pts * self._first.time_base - self._zero <= self._start_s

    def _decoded(self) -> Iterator[av.AudioFrame]:
        for packet in read_packets(self._container, self._stream):
            try:
                frames = self._stream.decode(packet) if packet is not None else []
            except av.FFmpegError:
                continue
            yield from (frame for frame in frames if frame.samples)

    def blocks(self) -> Iterator[tuple[np.ndarray, tuple[str, ...]]]:
        """Blocks of (channels, samples) float32 with the names of their channels; to be called once.

        Raises:
            OrateError: the file breaks off before the length it declares, changes its rate, or holds nothing but
                samples that are no finite number (single ones become silence).
        """
        position = self._start_s * self.rate  # of the next sample
        frame = self._first
        with self._container:
            while frame is not None:
                samples = self._cleaned(to_float(frame))
                names = tuple(channel.name for channel in frame.layout.channels)
                gap = self._gap(frame, position)
                if gap > 0:
                    samples = np.pad(samples, ((0, 0), (gap, 0)))
                elif gap < 0:
                    samples = samples[:, -gap:]
                self._begun = self._begun or samples.shape[1] > 0
                self._passed += frame.samples
                position += samples.shape[1]
                frame = next(self._frames, None)
                if frame is None:
                    samples = samples[:, : max(0, samples.shape[1] - self._padding(position))]
                if samples.shape[1]:
                    yield samples, names
        if not self._finite and self._begun:
            raise OrateError(f"{self.path} holds not one finite sample, only NaN or infinity.")
        if not self._begun and not self._start_s:
            raise OrateError(f"{self.path} holds no samples of sound.")

    def _cleaned(self, samples: np.ndarray) -> np.ndarray:
        good = np.isfinite(samples)
        self._finite = self._finite or bool(good.any())
        return samples if good.all() else np.where(good, samples, np.float32(0))

    def _gap(self, frame: av.AudioFrame, position: int) -> int:
        """Samples of silence missing before this frame; negative: samples of it that were already given."""
        if frame.sample_rate != self.rate:
            raise OrateError(f"{self.path} changes its sample rate half-way: convert it to one rate first.")
        if frame.pts is None or not frame.time_base:
            return 0 if self._begun else max(self._passed - position, -frame.samples)
        time = frame.pts * frame.time_base
        if self._zero is None:
            self._zero = time
        gap = round((time - self._zero) * self.rate) - position
        jitter = CLOCK_JITTER_S * self.rate if self._begun else 0
        inside = self._begun or not self._start_s or gap > 0
        reset = inside and abs(gap) > LARGEST_GAP_S * self.rate
        if abs(gap) <= jitter or reset:
            return 0
        return max(gap, -frame.samples)

    def _padding(self, position: int) -> int:
        """Samples at the end that only fill the last packet: MP4 says so by a duration that ends before them.

        Raises:
            OrateError: the sound ends before the length that its file declares.
        """
        end = self._declared_end()
        if end is None:
            return 0
        excess = position - round(end * self.rate)
        if excess < -TRUNCATION_SLACK_S * self.rate:
            raise OrateError(
                f"{self.path} breaks off: of its {float(end):.2f} s of sound only {position / self.rate:.2f} s can be"
                " decoded; it is truncated or damaged, copy or export it again."
            )
        return excess if 0 < excess < LONGEST_PADDING and is_zero_based(self._container) else 0

    def _declared_end(self) -> Fraction | None:
        """Seconds of presentation, where the format knows them rather than guesses from what is left of the file."""
        stream, kind = self._stream, self._container.format.name
        if kind == "wav" and stream.codec_context.name.startswith("pcm_"):
            size = wav_data_size(Path(self.path))
            bits = stream.codec_context.bit_rate
            return Fraction(size * 8, bits) if size and bits else None
        # an MP3 has a start time if it has the header of its encoder, which counts its packets
        counted = kind == "flac" or "mp4" in kind or (kind == "mp3" and stream.start_time)
        if not counted or not stream.duration or not stream.time_base:
            return None
        return ((stream.start_time or 0) + stream.duration) * stream.time_base - (self._zero or 0)


def wav_data_size(path: Path) -> int | None:
    """Bytes of sound that the header of a RIFF file declares; None where it leaves them open. FFmpeg hides it."""
    with path.open("rb") as file:
        if not re.fullmatch(rb"RIFF....WAVE", file.read(12), re.DOTALL):
            return None
        while len(head := file.read(8)) == 8:
            name, size = struct.unpack("<4sI", head)
            if name == b"data":
                return None if size in WAV_SIZE_UNKNOWN else size
            file.seek(size + size % 2, 1)
    return None


def to_float(frame: av.AudioFrame) -> np.ndarray:
    """(channels, samples) float32 of a frame of any sample format, full scale at 1."""
    array = frame.to_ndarray()
    if not frame.format.is_planar:
        array = array.reshape(-1, len(frame.layout.channels)).T
    samples = array.astype(np.float32) / np.float32(FULL_SCALE[frame.format.name.removesuffix("p")])
    return samples - 1 if array.dtype == np.uint8 else samples
