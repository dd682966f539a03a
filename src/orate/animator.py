"""The public door: one photo and one clip of speech in, a talking video out.

Streaming is the primitive: `Animator.stream` turns pieces of sound into frames as they come, and `Animator.animate`
writes what it yields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from pathlib import Path
from typing import Literal

import numpy as np
import soxr
from numpy.typing import NDArray

from orate.errors import OrateError
from orate.face.alignment import align, canonical_crop
from orate.face.compositing import Compositor
from orate.face.landmarks import Face, FaceLandmarker, choose_face
from orate.media.audio import audio_duration, stream_audio
from orate.media.image import read_image
from orate.media.video import VideoWriter
from orate.models.checkpoint import load_model
from orate.models.config import ModelConfig
from orate.models.generator import Generator
from orate.models.runtime import Runtime, Session
from orate.models.windows import frame_count, window_starts

DEFAULT_MODEL = "paper-small"
BLOCK_S = 1.0
RESAMPLED_BLOCK_S = 0.02
RESAMPLING_QUALITY = "HQ"  # exact to 20 bits; the next better one doubles the delay of a stream
REST_FRAMES = 8
MIN_FPS, MAX_FPS = 1.0, 120.0

Pixels = NDArray[np.uint8]
Samples = NDArray[np.float32]
Progress = Callable[[int, int], None]
Engine = Literal["auto", "torch", "openvino"]


@dataclass(frozen=True)
class Source:
    """A photo made ready to speak, its face found and aligned; one serves any number of videos.

    Attributes:
        photo: (height, width, 3) uint8 RGB.
        crop: the canonical crop that the generator sees, (crop height, crop width, 3) uint8.
        matrix: (2, 3), the similarity transform from photo to crop.
        face: the face in the photo.
    """

    photo: Pixels
    crop: Pixels
    matrix: NDArray[np.float64]
    face: Face


class Animator:
    """Makes photos speak with one model.

    Args:
        generator: the network, in evaluation mode.
        device: ``cpu``, ``cuda`` or ``mps``; ``auto`` takes a GPU where there is one.
        engine: what computes on a CPU: ``openvino``, ``torch``, or ``auto`` for the faster one.
        name: the model's name, noted in the videos' metadata.

    Raises:
        OrateError: the device is not there.
    """

    def __init__(self, generator: Generator, *, device: str = "auto", engine: Engine = "auto", name: str = "") -> None:
        self.config: ModelConfig = generator.config
        self.name = name
        self._runtime = Runtime(generator, engine=engine, device=device)

    @classmethod
    def from_pretrained(
        cls, model: str | Path = DEFAULT_MODEL, device: str = "auto", engine: Engine = "auto"
    ) -> Animator:
        """Load a model.

        Args:
            model: a bundled model's name, a folder with ``model.safetensors`` and ``config.json``, or a Hub id.
            device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
            engine: ``auto``, ``openvino`` or ``torch``.

        Raises:
            OrateError: no such model, damaged weights, no such device.
        """
        # Of a folder only the name: where it lies on somebody's disk is nobody else's business.
        name = Path(model).name if Path(model).is_dir() else str(model)
        return cls(load_model(model), device=device, engine=engine, name=name)

    def prepare(self, photo: str | Path | Pixels, face: int = 1) -> Source:
        """Find and align the face of a photo.

        Args:
            photo: a picture file, or (height, width, 3) uint8 RGB.
            face: which face, 1 for the largest.

        Raises:
            OrateError: unreadable picture, no face, face too small, fewer faces than `face`.
        """
        picture = read_image(photo)
        name = "the picture" if isinstance(photo, np.ndarray) else str(photo)
        chosen = choose_face(self._landmarker.detect(picture), face, name)
        points = None if self.config.mean_points is None else np.array(self.config.mean_points)
        matrix = align(chosen.landmarks, self.config.image_size, points)
        return Source(picture, canonical_crop(picture, matrix, self.config.image_size), matrix, chosen)

    def stream(
        self,
        photo: str | Path | Pixels | Source,
        chunks: Iterable[Samples],
        *,
        rate: int,
        seed: int = 0,
        face: int = 1,
        crop: bool = False,
        fps: float | None = None,
    ) -> Iterator[Pixels]:
        """Yield frames as sound arrives.

        Frame k shows the time k / fps; it comes once the sound ``look_ahead_s`` after that time is there (0.05 s or so
        later where it must be resampled), and when the chunks end, up to the last frame that the sound reaches. How the
        sound is cut into chunks makes no difference.

        Args:
            photo: a picture, or what `prepare` made of one.
            chunks: mono sound in [-1, 1], (samples,) each.
            rate: samples a second of the chunks.
            seed: chooses blinks and small movements; same inputs, seed and device, same frames.
            face: which face, when `photo` is not prepared.
            crop: yield the bare canonical crop instead of the photo with the face in it.
            fps: frames a second; the model's own rate by default.

        Yields:
            (height, width, 3) uint8 RGB, the photo's size, or the crop's.

        Raises:
            OrateError: as `prepare`; a rate or frame rate out of range.
        """
        if fps is not None and not MIN_FPS <= fps <= MAX_FPS:
            raise OrateError(f"{fps:g} frames a second cannot be made: choose from {MIN_FPS:g} to {MAX_FPS:g}.")
        if rate < 1:
            raise OrateError(f"{rate} samples a second are no sound.")
        source = photo if isinstance(photo, Source) else self.prepare(photo, face)
        # Checked above, before the first frame is asked for: what follows runs when the iterator does.
        return self._frames(source, chunks, rate, seed, crop, fps)

    def animate(
        self,
        photo: str | Path | Pixels | Source,
        audio: str | Path,
        output: str | Path,
        *,
        seed: int = 0,
        face: int = 1,
        crop: bool = False,
        fps: float = 25.0,
        progress: Progress | None = None,
    ) -> Path:
        """Write a video of the photo saying the sound: H.264 and AAC, as long as the sound to within one frame.

        Memory does not grow with the length. The file appears whole, or not at all.

        Args:
            photo: a picture, or what `prepare` made of one.
            audio: a file with sound, also a video.
            output: the video to write, ``.mp4``.
            seed: as in `stream`.
            face: as in `stream`.
            crop: as in `stream`.
            fps: frames a second.
            progress: called with the frames done and the frames in all.

        Returns:
            The path of the video.

        Raises:
            OrateError: as `stream`; unreadable sound; an output that cannot be written.
        """
        rate = self.config.audio_rate
        total = frame_count(ceil(audio_duration(audio) * rate), self.config, fps)
        source = photo if isinstance(photo, Source) else self.prepare(photo, face)
        height, width = (source.crop if crop else source.photo).shape[:2]
        with VideoWriter(output, width, height, fps, audio=audio, metadata=self._metadata(seed)) as video:
            sound = stream_audio(audio, rate, BLOCK_S)
            for frame in self.stream(source, sound, rate=rate, seed=seed, crop=crop, fps=fps):
                video.write(frame)
                if progress:
                    progress(video.frames_written, max(total, video.frames_written))
        return Path(output)

    @property
    def look_ahead_s(self) -> float:
        """Seconds of sound after a frame's time that must be there before the frame can be drawn."""
        return self.config.lookahead_s

    @cached_property
    def _landmarker(self) -> FaceLandmarker:
        return FaceLandmarker()

    def _frames(
        self, source: Source, chunks: Iterable[Samples], rate: int, seed: int, crop: bool, fps: float | None
    ) -> Iterator[Pixels]:
        session = self._runtime.session(source.crop, seed)
        compositor = None if crop else self._compositor(source, seed)
        for windows in self._windows(resampled(chunks, rate, self.config.audio_rate), fps):
            for frame in session.frames(windows):
                yield frame if compositor is None else compositor(frame)

    def _compositor(self, source: Source, seed: int) -> Compositor:
        """The paste-back, told how the generator draws this face in silence."""
        silence = np.zeros((REST_FRAMES, self.config.window_samples), np.float32)
        still: Session = self._runtime.session(source.crop, seed)
        rest = still.frames(silence)[-1]
        return Compositor(source.photo, source.matrix, self.config.image_size, source.face.landmarks, rest=rest)

    def _windows(self, blocks: Iterable[Samples], fps: float | None) -> Iterator[Samples]:
        """Windows of sound, (frames, window_samples), for all frames that each block completes."""
        config, size = self.config, self.config.window_samples
        done = received = 0
        lead = -window_starts(0, 1, config, fps)[0]
        buffer, offset = np.zeros(lead, np.float32), -lead
        for block in blocks:
            received += len(block)
            buffer = np.concatenate([buffer, block])
            complete = done
            while window_starts(complete, 1, config, fps)[0] + size <= received:
                complete += 1
            if complete > done:
                starts = window_starts(done, complete - done, config, fps)
                yield np.stack([buffer[start - offset : start - offset + size] for start in starts])
                done = complete
                keep = min(window_starts(done, 1, config, fps)[0], received)  # at few frames a second it begins later
                buffer, offset = buffer[keep - offset :], keep
        rest = frame_count(received, config, fps) - done if received else 0
        if rest > 0:
            buffer = np.pad(buffer, (0, size + lead + config.hop_samples))
            starts = window_starts(done, rest, config, fps)
            yield np.stack([buffer[start - offset : start - offset + size] for start in starts])

    def _metadata(self, seed: int) -> dict[str, str]:
        from orate import __version__

        return {
            "comment": f"Generated by orate {__version__} from one photo; not a recording.",
            "encoder_model": self.name,
            "seed": str(seed),
        }


def resampled(chunks: Iterable[Samples], rate: int, wanted: int) -> Iterator[Samples]:
    """Sound at another rate, the same samples however it is cut.

    Args:
        chunks: mono sound, (samples,) each, float in [-1, 1].
        rate: its samples a second.
        wanted: samples a second to give out.

    Raises:
        OrateError: a chunk is not one-dimensional, or not of floating point.
    """
    resampler = None if rate == wanted else soxr.ResampleStream(rate, wanted, 1, quality=RESAMPLING_QUALITY)
    size = max(1, round(RESAMPLED_BLOCK_S * rate))
    waiting = np.zeros(0, np.float32)
    for chunk in chunks:
        sound = np.asarray(chunk)
        if sound.ndim != 1 or not np.issubdtype(sound.dtype, np.floating):
            raise OrateError("Sound must come as one-dimensional arrays of floating point in [-1, 1], one channel.")
        if resampler is None:
            yield np.nan_to_num(sound.astype(np.float32, copy=False), posinf=0.0, neginf=0.0)
            continue
        waiting = np.concatenate([waiting, np.nan_to_num(sound.astype(np.float32), posinf=0.0, neginf=0.0)])
        while len(waiting) >= size:
            yield resampler.resample_chunk(waiting[:size])
            waiting = waiting[size:]
    if resampler is not None:
        yield resampler.resample_chunk(waiting, last=True)
