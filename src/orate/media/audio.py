"""Sound: anything FFmpeg decodes, on the presentation clock, as mono float32 at the rate asked for."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile
import soxr

from orate.errors import OrateError
from orate.media.container import clock_zero, open_media, read_packets
from orate.media.files import whole_file

FULL_SCALE = {"u8": 2.0**7, "s16": 2.0**15, "s32": 2.0**31, "s64": 2.0**63, "flt": 1.0, "dbl": 1.0}
# Timestamps jitter by rounding; only a larger jump is a gap in the sound (filled) or an overlap (dropped).
CLOCK_JITTER_S = Fraction(1, 20)
# A larger jump is a clock that was reset, not an hour of silence.
LARGEST_GAP_S = 60


class SoundDecoder:
    """The sound of a file at its own rate, in blocks of (channels, samples) float32.

    Sample 0 of the first block is time 0 of the presentation: a late start is padded with silence, what lies before is cut.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = path
        self._container = open_media(path, "sound")
        if not self._container.streams.audio:
            self._container.close()
            raise OrateError(f"{path} holds no sound.")
        self._stream = self._container.streams.audio[0]
        self._zero = clock_zero(self._container)
        self._frames = self._decoded()
        self._first = next(self._frames, None)
        if self._first is None:
            self._container.close()
            raise OrateError(f"{path} holds no sound that can be decoded: it is empty, truncated or damaged.")
        self.rate: int = self._first.sample_rate
        self.channels: int = len(self._first.layout.channels)

    def _decoded(self) -> Iterator[av.AudioFrame]:
        for packet in read_packets(self._container, self._stream):
            try:
                frames = self._stream.decode(packet) if packet is not None else []
            except av.FFmpegError:
                continue
            yield from (frame for frame in frames if frame.samples)

    def blocks(self) -> Iterator[tuple[np.ndarray, tuple[str, ...]]]:
        """Blocks of (channels, samples) float32 in [-1, 1] and the names of their channels."""
        position = 0  # samples given so far
        with self._container:
            frame = self._first
            while frame is not None:
                samples = to_float(frame)
                names = tuple(channel.name for channel in frame.layout.channels)
                gap = self._gap(frame, position)
                if gap > 0:
                    samples = np.pad(samples, ((0, 0), (gap, 0)))
                elif gap < 0:
                    samples = samples[:, -gap:]
                position += samples.shape[1]
                if samples.shape[1]:
                    yield samples, names
                frame = next(self._frames, None)

    def _gap(self, frame: av.AudioFrame, position: int) -> int:
        """Samples of silence missing before this frame; negative: samples of it already given."""
        if frame.sample_rate != self.rate:
            raise OrateError(f"{self.path} changes its sample rate half-way: convert it to one rate first.")
        if frame.pts is None or not frame.time_base:
            return 0
        time = frame.pts * frame.time_base
        if self._zero is None:
            self._zero = time
        gap = round((time - self._zero) * self.rate) - position
        jitter = 0 if position == 0 else CLOCK_JITTER_S * self.rate
        if abs(gap) <= jitter or abs(gap) > LARGEST_GAP_S * self.rate:
            return 0
        return max(gap, -frame.samples)


def to_float(frame: av.AudioFrame) -> np.ndarray:
    """(channels, samples) float32 in [-1, 1] of any sample format; samples that are no number become silence."""
    array = frame.to_ndarray()
    channels = len(frame.layout.channels)
    if not frame.format.is_planar:
        array = array.reshape(-1, channels).T
    scale = FULL_SCALE[frame.format.name.removesuffix("p")]
    samples = array.astype(np.float32) / np.float32(scale)
    if array.dtype == np.uint8:
        samples -= 1
    return samples


class _FiniteCheck:
    """Replaces samples that are no finite number by silence, and knows whether there was any other."""

    def __init__(self) -> None:
        self.finite = False
        self.samples = 0

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        good = np.isfinite(samples)
        self.samples += samples.shape[-1]
        self.finite = self.finite or bool(good.any())
        return samples if good.all() else np.where(good, samples, np.float32(0))


def stream_audio(path: str | Path, rate: int, block_s: float = 1.0) -> Iterator[np.ndarray]:
    """Mono sound at ``rate`` Hz in blocks of (n,) float32, n = ``block_s * rate`` but for the last; memory is flat.

    Channels are averaged, the rate is converted by soxr (very high quality); sample k is at time k / rate.

    Raises:
        OrateError: no such file, no sound in it, nothing decodable, no finite sample.
    """
    return _blocks_of(_resampled(SoundDecoder(path), rate), max(1, round(block_s * rate)))


def _resampled(decoder: SoundDecoder, rate: int) -> Iterator[np.ndarray]:
    check = _FiniteCheck()
    resampler = None if decoder.rate == rate else soxr.ResampleStream(decoder.rate, rate, 1, quality="VHQ")
    for samples, _ in decoder.blocks():
        mono = check(samples).mean(axis=0, dtype=np.float32)
        yield mono if resampler is None else resampler.resample_chunk(mono)
    if not check.finite:
        what = "not one finite sample (only NaN or infinity)" if check.samples else "no samples"
        raise OrateError(f"{decoder.path} holds {what}.")
    if resampler is not None:
        yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def _blocks_of(pieces: Iterator[np.ndarray], size: int) -> Iterator[np.ndarray]:
    waiting: list[np.ndarray] = []
    count = 0
    for piece in pieces:
        waiting.append(piece)
        count += len(piece)
        if count < size:
            continue
        joined = np.concatenate(waiting)
        whole = count - count % size
        yield from joined[:whole].reshape(-1, size)
        waiting, count = [joined[whole:]], count - whole
    if count:
        yield np.concatenate(waiting)


def read_audio(path: str | Path, rate: int, *, start_s: float = 0.0, duration_s: float | None = None) -> np.ndarray:
    """(n,) float32 mono sound in [-1, 1] at ``rate`` Hz: the samples of ``stream_audio``, or those of a part of it.

    Raises:
        OrateError: as ``stream_audio``; nothing lies between ``start_s`` and ``start_s + duration_s``.
    """
    start = round(start_s * rate)
    end = None if duration_s is None else start + round(duration_s * rate)
    parts: list[np.ndarray] = []
    position = 0
    for block in stream_audio(path, rate):
        parts.append(block[max(0, start - position) : None if end is None else max(0, end - position)])
        position += len(block)
        if end is not None and position >= end:
            break
    samples = np.concatenate(parts)
    if not len(samples):
        raise OrateError(f"{path} holds no sound from {start_s:g} s on: it is {position / rate:.2f} s long.")
    return samples


def audio_duration(path: str | Path) -> float:
    """Length of the sound in seconds, counted in decoded samples: what containers say is often an estimate.

    Raises:
        OrateError: no such file, no sound in it, nothing decodable.
    """
    decoder = SoundDecoder(path)
    return sum(samples.shape[1] for samples, _ in decoder.blocks()) / decoder.rate


def write_audio(path: str | Path, samples: np.ndarray, rate: int) -> None:
    """Writes (n,) or (n, channels) float samples in [-1, 1] as 16-bit ``.wav`` or ``.flac``.

    Raises:
        OrateError: another suffix, the folder is missing or not writable, the disk is full.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (".wav", ".flac"):
        raise OrateError(f"{path} cannot be written: name it .wav or .flac.")
    with whole_file(path) as temporary:
        soundfile.write(temporary, samples, rate, subtype="PCM_16", format=suffix[1:].upper())
