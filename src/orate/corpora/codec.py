"""The members of a sample as bytes: crop video, sound, arrays. Near lossless, the same bytes for the same input."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Sequence
from fractions import Fraction
from itertools import islice
from typing import cast

import av
import av.error
import numpy as np
import soundfile
from av.video.stream import VideoStream
from numpy.typing import NDArray

# H.264 in RGB: no chroma subsampling and no colour matrix, so nothing is lost but what the quantiser takes.
VIDEO_CODEC = "libx264rgb"
VIDEO_FORMAT = "rgb24"
PRESET = "medium"
# x264's macroblock tree reads beyond small pictures: with it, the same frames give other bytes now and then. Without
# arithmetic coding (CABAC) a clip is 1% larger and decodes in about half of the time, which is most of what loading
# costs.
X264_PARAMETERS = "mbtree=0:cabac=0"
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


class MemberError(Exception):
    """A member's bytes are not what they should be; the caller knows which shard to name."""


def encode_video(frames: NDArray[np.uint8], fps: float, crf: int) -> bytes:
    """Frames (T, H, W, 3) uint8 RGB as an MP4."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        rate = Fraction(fps).limit_denominator(1001)
        options = {"crf": str(crf), "preset": PRESET, "x264-params": X264_PARAMETERS}
        stream = cast(VideoStream, container.add_stream(VIDEO_CODEC, rate=rate, options=options))
        stream.width, stream.height, stream.pix_fmt = frames.shape[2], frames.shape[1], VIDEO_FORMAT
        stream.codec_context.thread_count = 1  # one process a core already; and the bytes depend on the threads
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format=VIDEO_FORMAT)))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def decode_video(data: bytes, first: int | None = None) -> NDArray[np.uint8]:
    """Frames (T, H, W, 3) uint8 RGB of an MP4, or only so many from the beginning. Raises MemberError."""
    try:
        with av.open(io.BytesIO(data), mode="r") as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            frames = [frame.to_ndarray(format=VIDEO_FORMAT) for frame in islice(container.decode(stream), first)]
    except (av.error.FFmpegError, IndexError) as error:
        raise MemberError(f"its video does not decode ({error})") from error
    if not frames:
        raise MemberError("its video holds no frames")
    return np.stack(frames).astype(np.uint8, copy=False)


def encode_audio(audio: NDArray[np.float32], rate: int) -> bytes:
    """Mono sound (samples,) in [-1, 1] as 16-bit FLAC; louder samples are clipped."""
    buffer = io.BytesIO()
    soundfile.write(buffer, np.clip(audio, -1, 1), rate, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def decode_audio(data: bytes) -> tuple[NDArray[np.float32], int]:
    """Sound (samples,) float32 and its rate. Raises MemberError."""
    try:
        audio, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    except soundfile.SoundFileError as error:
        raise MemberError(f"its sound does not decode ({error})") from error
    return audio, int(rate)


def encode_arrays(arrays: dict[str, NDArray[np.generic]]) -> bytes:
    """Named arrays as a compressed .npz; unlike NumPy's own, without the time of day in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, array, allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=ZIP_EPOCH)
            archive.writestr(entry, content.getvalue(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def decode_array(data: bytes, name: str) -> NDArray[np.generic]:
    """One array of an .npz. Raises MemberError."""
    return _decoded_arrays(data, (name,))[name]


def decode_arrays(data: bytes) -> dict[str, NDArray[np.generic]]:
    """All arrays of an .npz by name. Raises MemberError."""
    return _decoded_arrays(data, None)


def _decoded_arrays(data: bytes, names: Sequence[str] | None) -> dict[str, NDArray[np.generic]]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in (arrays.files if names is None else names)}
    except (OSError, ValueError, KeyError, EOFError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
        raise MemberError(f"its arrays do not load ({error})") from error


def psnr_db(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio of two uint8 arrays of one shape; capped at 99 dB when they are equal."""
    error = float(np.mean((first.astype(np.float32) - second.astype(np.float32)) ** 2))
    return min(99.0, 10 * np.log10(255**2 / error)) if error else 99.0
