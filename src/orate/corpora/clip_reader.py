"""One prepared folder as pictures, landmarks and sound: decoded from its shards, or taken from a cache of them."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import av
import av.error
import numpy as np
import soxr
from numpy.typing import NDArray

from orate.corpora.cache import SharedCache
from orate.corpora.codec import MemberError, decode_array, decode_audio
from orate.corpora.packed_samples import PackedSamples
from orate.corpora.shards import INDEX_NAME, Sample, damaged, read_index, read_member

CACHE_FOLDER = ".cache"
LANDMARKS = 478
NAME_OF_INDEX = 16  # characters of the index' digest in the name of its cache
STORED_FORMAT = "gbrp"  # what the crops' videos decode to: H.264 in RGB
PLANE_OF_CHANNEL = (2, 0, 1)  # of red, green, blue in it


class ClipReader:
    """Reads the clips of one folder.

    Args:
        path: a folder written by `orate prepare`.
        audio_rate: samples a second of the sound given out.
        cache: keep what is decoded in files that all processes share; the first to need a clip puts it there.
        cache_folder: where; by default .cache in the folder.

    Raises:
        OrateError: the folder is not prepared, a shard is missing, cut short or, while reading, damaged; the cache
            cannot be written.
    """

    def __init__(self, path: Path, audio_rate: int, cache: bool = False, cache_folder: Path | None = None) -> None:
        index = read_index(path)
        self.path, self._rate = path, audio_rate
        self.fps, self.height, self.width = index.fps, index.height, index.width
        self._stored_rate = index.rate
        self.samples = PackedSamples(index.samples)
        self._video_cache: SharedCache | None = None
        self._audio_cache: SharedCache | None = None
        self._landmark_cache: SharedCache | None = None
        if cache and index.samples:
            name = hashlib.sha256((path / INDEX_NAME).read_bytes()).hexdigest()[:NAME_OF_INDEX]
            where = cache_folder or path / CACHE_FOLDER
            lengths = [sample.frames for sample in index.samples]
            pixels = self.height * self.width * 3
            self._video_cache = SharedCache(where / f"video-{name}.u8", np.uint8, [n * pixels for n in lengths])
            self._audio_cache = SharedCache(
                where / f"audio-{name}-{audio_rate}.f32", np.float32, [self.audio_samples(n) for n in lengths]
            )
            self._landmark_cache = SharedCache(
                where / f"landmarks-{name}.f32", np.float32, [n * LANDMARKS * 2 for n in lengths]
            )

    def audio_samples(self, frames: int) -> int:
        """Samples of sound that a number of frames lasts."""
        return round(frames * self._rate / self.fps)

    def video(self, number: int, first: int, length: int) -> NDArray[np.uint8]:
        """Frames `first` to `first + length` of a clip, (length, 3, H, W) uint8 RGB."""
        sample = self.samples[number]
        shape = (sample.frames, 3, self.height, self.width)
        cached = self._video_cache.get(number) if self._video_cache else None
        if cached is not None:
            return cached.reshape(shape).view(np.uint8)[first : first + length]
        wanted = sample.frames if self._video_cache else first + length
        try:
            planes = decode_planes(read_member(self.path, sample, "mp4"), (wanted, *shape[1:]))
        except MemberError as error:
            raise self._damaged(sample, "mp4", error) from error
        if self._video_cache:
            self._video_cache.put(number, planes)
        return planes[first : first + length]

    def audio(self, number: int, first: int, length: int) -> NDArray[np.float32]:
        """The sound of those frames, (audio_samples(length),) float32 at the rate asked for."""
        sample = self.samples[number]
        cached = self._audio_cache.get(number) if self._audio_cache else None
        sound = cached.view(np.float32) if cached is not None else self._decoded_audio(number, sample)
        begin = round(first * self._rate / self.fps)
        return sound[begin : begin + self.audio_samples(length)]

    def landmarks(self, number: int, first: int, length: int) -> NDArray[np.float32]:
        """The landmarks of those frames, (length, 478, 2) float32 in pixels."""
        sample = self.samples[number]
        cached = self._landmark_cache.get(number) if self._landmark_cache else None
        if cached is not None:
            points = cached.reshape(sample.frames, LANDMARKS, 2).view(np.float32)
        else:
            points = self._decoded_landmarks(number, sample)
        return points[first : first + length]

    def _decoded_audio(self, number: int, sample: Sample) -> NDArray[np.float32]:
        try:
            audio, _ = decode_audio(read_member(self.path, sample, "flac"))
        except MemberError as error:
            raise self._damaged(sample, "flac", error) from error
        if self._rate != self._stored_rate:
            audio = soxr.resample(audio, self._stored_rate, self._rate)
        fitted = np.zeros(self.audio_samples(sample.frames), np.float32)
        fitted[: len(audio)] = audio[: len(fitted)]
        if self._audio_cache:
            self._audio_cache.put(number, fitted)
        return fitted

    def _decoded_landmarks(self, number: int, sample: Sample) -> NDArray[np.float32]:
        try:
            landmarks = decode_array(read_member(self.path, sample, "npz"), "landmarks")[..., :2].astype(np.float32)
            if landmarks.shape != (sample.frames, LANDMARKS, 2):
                raise MemberError(f"landmarks of the form {landmarks.shape}")
        except MemberError as error:
            raise self._damaged(sample, "npz", error) from error
        if self._landmark_cache:
            self._landmark_cache.put(number, landmarks)
        return landmarks

    def _damaged(self, sample: Sample, suffix: str, error: MemberError) -> Exception:
        return damaged(self.path / sample.shard, sample.key, suffix, str(error))


def decode_planes(data: bytes, shape: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """The first frames of a crop's MP4, as the decoder has them: a third less time than by interleaved pixels.

    Args:
        data: the MP4, H.264 in RGB.
        shape: (frames, 3, height, width) to decode; what comes after is left alone.

    Returns:
        Frames of that shape, uint8 RGB.

    Raises:
        MemberError: it does not decode, has fewer frames, or frames of another form.
    """
    video = np.empty(shape, np.uint8)
    done = 0
    try:
        with av.open(io.BytesIO(data), mode="r") as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1  # one process a core already
            for frame in container.decode(stream):
                if frame.format.name != STORED_FORMAT or (frame.height, frame.width) != shape[2:]:
                    raise MemberError(f"a frame of {frame.height} x {frame.width} in {frame.format.name}")
                for channel, number in enumerate(PLANE_OF_CHANNEL):
                    plane = frame.planes[number]
                    pixels = np.frombuffer(plane, np.uint8)  # type: ignore[call-overload]  # it is a buffer
                    video[done, channel] = pixels.reshape(-1, plane.line_size)[: shape[2], : shape[3]]
                done += 1
                if done == shape[0]:
                    break
    except (av.error.FFmpegError, IndexError) as error:
        raise MemberError(f"its video does not decode ({error})") from error
    if done < shape[0]:
        raise MemberError(f"its video has {done} frames instead of {shape[0]}")
    return video
