"""Sound as mono float32 at the rate asked for; whole or in blocks; from anything that FFmpeg decodes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr

from orate.errors import OrateError
from orate.media.container import SEEK_FROM_S
from orate.media.files import whole_file
from orate.media.sound import SoundDecoder

RESAMPLING_QUALITY = "VHQ"


def stream_audio(path: str | Path, rate: int, block_s: float = 1.0) -> Iterator[np.ndarray]:
    """Mono sound at ``rate`` Hz in blocks of (n,) float32 in [-1, 1]; memory is flat.

    n is ``block_s * rate``, less in the last block. Sample k is at k / rate of the presentation clock of the file: a
    sound that starts late begins with silence. Channels are averaged, the rate is converted by soxr, what exceeds full
    scale is clipped, single samples that are no finite number are silence.

    Raises:
        OrateError: no such file, no sound in it, nothing decodable, no finite sample, a file that breaks off.
    """
    if rate <= 0 or not block_s > 0:
        raise ValueError(f"rate {rate} Hz and blocks of {block_s} s: both must be above 0")
    return _regrouped(_resampled(SoundDecoder(path), rate), max(1, round(block_s * rate)))


def _resampled(decoder: SoundDecoder, rate: int) -> Iterator[np.ndarray]:
    same = decoder.rate == rate
    resampler = None if same else soxr.ResampleStream(decoder.rate, rate, 1, quality=RESAMPLING_QUALITY)
    for samples, _ in decoder.blocks():
        mono = samples.mean(axis=0, dtype=np.float32)
        yield np.clip(mono if resampler is None else resampler.resample_chunk(mono), -1, 1)
    if resampler is not None:
        yield np.clip(resampler.resample_chunk(np.zeros(0, np.float32), last=True), -1, 1)


def _regrouped(pieces: Iterator[np.ndarray], size: int) -> Iterator[np.ndarray]:
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

    A part late in a long file does not cost the decoding of what lies before it, where the file allows to seek.

    Raises:
        OrateError: as ``stream_audio``; nothing lies between ``start_s`` and ``start_s + duration_s``.
    """
    if start_s < 0 or (duration_s is not None and not duration_s > 0):
        raise ValueError(f"from {start_s} s for {duration_s} s: the start must not be below 0, the duration above it")
    # Whole seconds are whole samples at every rate; the one before is for the filter of the resampling to settle.
    first_s = int(start_s) - 1 if start_s >= SEEK_FROM_S else 0
    start = round(start_s * rate)
    end = None if duration_s is None else start + round(duration_s * rate)
    parts: list[np.ndarray] = []
    position = first_s * rate
    for block in _regrouped(_resampled(SoundDecoder(path, first_s), rate), rate):
        parts.append(block[max(0, start - position) : None if end is None else end - position])
        position += len(block)
        if end is not None and position >= end:
            break
    samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    if not len(samples):
        length = f": it is {position / rate:.2f} s long" if not first_s else ""
        raise OrateError(f"{path} holds no sound from {start_s:g} s on{length}.")
    return samples


def audio_duration(path: str | Path) -> float:
    """Length of the sound in seconds, counted in decoded samples: what containers say is often an estimate.

    Raises:
        OrateError: as ``stream_audio``.
    """
    decoder = SoundDecoder(path)
    count: int = sum(samples.shape[1] for samples, _ in decoder.blocks())
    return count / decoder.rate


def write_audio(path: str | Path, samples: np.ndarray, rate: int) -> None:
    """Writes (n,) or (n, channels) float samples in [-1, 1] as 16-bit ``.wav`` or ``.flac``, whole or not at all.

    Raises:
        OrateError: another suffix, the folder is missing or not writable, the disk is full.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (".wav", ".flac"):
        raise OrateError(f"{path} cannot be written: name it .wav or .flac.")
    encoded = io.BytesIO()  # written by Python, for libsndfile calls a full disk a "system error"
    soundfile.write(encoded, samples, rate, subtype="PCM_16", format=suffix[1:].upper())
    with whole_file(path) as temporary:
        temporary.write_bytes(encoded.getbuffer())
