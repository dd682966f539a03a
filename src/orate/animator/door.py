"""The animator: streaming is the primitive; a whole video is what `Animator.stream` yields, written as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from functools import cached_property, partial
from math import ceil
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from orate.animator.ahead import ahead
from orate.animator.controls import Controls, checked_seed
from orate.animator.driver import Driver
from orate.animator.layered import LayeredDriver
from orate.animator.paper import PaperDriver
from orate.animator.resampling import Samples, resampled
from orate.animator.source import Pixels, Source
from orate.errors import OrateError
from orate.face.alignment import align, canonical_crop
from orate.face.landmarks import FaceLandmarker, choose_face
from orate.media.audio import audio_duration, stream_audio
from orate.media.image import read_image
from orate.media.video import VideoWriter
from orate.media.video_writer import ENCODER_THREADS
from orate.models.checkpoint import find_model, load_model
from orate.models.generator import Generator
from orate.models.layered import LayeredModel, is_layered, load_layered
from orate.provenance.marks import Marking, Marks, Origin

DEFAULT_MODEL = "default"
BLOCK_S = 1.0
FRAMES_AHEAD = 3
MIN_FPS, MAX_FPS = 1.0, 120.0
MAX_RATE_HZ = 10_000_000

Progress = Callable[[int, int], None]
Engine = Literal["auto", "torch", "openvino"]


class Animator:
    """Makes photos speak with one model.

    Args:
        model: a model in evaluation mode: a `Generator` of the paper's, or a `LayeredModel`.
        device: ``cpu``, ``cuda`` or ``mps``; ``auto`` takes a GPU where there is one.
        engine: what computes on a CPU: ``openvino``, ``torch``, or ``auto`` for the faster one.
        name: the model's name, noted in the videos' metadata.

    Raises:
        OrateError: the device is not there.
    """

    def __init__(
        self, model: Generator | LayeredModel, *, device: str = "auto", engine: Engine = "auto", name: str = ""
    ) -> None:
        self.name = name
        self._driver: Driver
        if isinstance(model, Generator):
            self._driver = PaperDriver(model, device=device, engine=engine)
        else:
            self._driver = LayeredDriver(model, device=device, engine=engine)

    @classmethod
    def from_pretrained(
        cls, model: str | Path = DEFAULT_MODEL, device: str = "auto", engine: Engine = "auto"
    ) -> Animator:
        """Load a model.

        Args:
            model: a bundled model's name, a folder with ``config.json`` and weights, or a Hub id.
            device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
            engine: ``auto``, ``openvino`` or ``torch``.

        Raises:
            OrateError: no such model, damaged weights, no such device.
        """
        # Of a folder only the name: where it lies on somebody's disk is nobody else's business.
        name = Path(model).name if Path(model).is_dir() else str(model)
        folder = find_model(model)
        loaded = load_layered(folder) if is_layered(folder) else load_model(folder)
        return cls(loaded, device=device, engine=engine, name=name)

    @property
    def config(self) -> Any:
        """The model's dimensions: `orate.models.config.ModelConfig` or `orate.models.layered.LayeredConfig`."""
        return self._driver.config

    @property
    def look_ahead_s(self) -> float:
        """Seconds of sound after a frame's time that must be there before a stream can draw the frame."""
        return self._driver.look_ahead_s

    def prepare(self, photo: str | Path | Pixels, face: int = 1) -> Source:
        """Find and align the face of a photo, and make what all its videos share: a stream of it then starts at once.

        Args:
            photo: a picture file, or (height, width, 3) uint8 RGB.
            face: which face, 1 for the largest.

        Raises:
            OrateError: unreadable picture, no face, face too small, fewer faces than `face`.
        """
        picture = read_image(photo)
        file = Path(photo) if isinstance(photo, str | Path) else None
        chosen = choose_face(self._landmarker.detect(picture), face, str(file or "the picture"))
        size = self._driver.image_size
        matrix = align(chosen.landmarks, size, self._driver.mean_points)
        source = Source(picture, canonical_crop(picture, matrix, size), matrix, chosen, file)
        self._driver.prepare(source)
        return source

    def moving(self, source: Source, **controls: Any) -> NDArray[np.bool_] | None:
        """Where a video may differ from its photo; everywhere else each frame is the photo, bit for bit.

        Args:
            source: what `prepare` made of a picture.
            **controls: as in `stream`; shoulders that follow move more.

        Returns:
            (height, width) of the photo; None for the paper's model, which does not know beforehand.

        Raises:
            OrateError: a control out of range.
        """
        return self._driver.moving(source, self._checked(None, controls))

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
        **controls: Any,
    ) -> Iterator[Pixels]:
        """Yield frames as sound arrives.

        Frame k shows the time k / fps; it comes once the sound ``look_ahead_s`` after that time is there (0.05 s or so
        later where it must be resampled), and when the chunks end, up to the last frame that the sound reaches. How the
        sound is cut into chunks makes no difference.

        Args:
            photo: a picture, or what `prepare` made of one.
            chunks: mono sound in [-1, 1], (samples,) each.
            rate: samples a second of the chunks.
            seed: chooses blinks and other movement that sound does not tell; same inputs, seed and device, same frames.
            face: which face, when `photo` is not prepared.
            crop: yield the bare canonical crop instead of the photo with the face in it.
            fps: frames a second; the model's own rate by default.
            **controls: of the movement, see `orate.animator.Controls`; the paper's model has none.

        Yields:
            (height, width, 3) uint8 RGB, the photo's size, or the crop's.

        Raises:
            OrateError: as `prepare`; a rate, frame rate, seed or control out of range.
        """
        if not 1 <= rate <= MAX_RATE_HZ:  # for ever would soxr wait for a rate that is no number
            raise OrateError(f"{rate} samples a second are no sound.")
        wanted, seed = self._checked(fps, controls), checked_seed(seed)
        source = photo if isinstance(photo, Source) else self.prepare(photo, face)
        # Checked above, before the first frame is asked for: what follows runs when the iterator does.
        sound = resampled(chunks, rate, self._driver.audio_rate)
        return self._driver.frames(source, sound, seed=seed, crop=crop, fps=fps, controls=wanted)

    def whole(
        self, photo: str | Path | Pixels | Source, sound: Samples, *, seed: int = 0, face: int = 1, **controls: Any
    ) -> Iterator[Pixels]:
        """Frames of sound that is all there: what `animate` writes, without a file.

        Args:
            photo: a picture, or what `prepare` made of one.
            sound: (samples,) in [-1, 1], mono, at the model's ``config.audio_rate``.
            seed: as in `stream`.
            face: as in `stream`.
            **controls: as in `stream`.

        Yields:
            (height, width, 3) uint8 RGB, at the model's own frame rate.

        Raises:
            OrateError: as `stream`.
        """
        wanted, seed = self._checked(None, controls), checked_seed(seed)
        source = photo if isinstance(photo, Source) else self.prepare(photo, face)
        rate = self._driver.audio_rate
        blocks = resampled((sound[start : start + rate] for start in range(0, len(sound), rate)), rate, rate)
        total = self._driver.frame_count(len(sound), None)
        return self._driver.frames(source, blocks, seed=seed, crop=False, fps=None, controls=wanted, total=total)

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
        marks: Marks | None = None,
        one_thread: bool = False,
        **controls: Any,
    ) -> Path:
        """Write a video of the photo saying the sound: H.264 and AAC, as long as the sound to within one frame.

        Memory does not grow with the length. The file appears whole, or not at all. It says what it is: in its
        metadata, a signed manifest and a watermark.

        Args:
            photo: a picture, or what `prepare` made of one.
            audio: a file with sound, also a video.
            output: the video to write, ``.mp4``.
            seed: as in `stream`.
            face: as in `stream`.
            crop: as in `stream`.
            fps: frames a second.
            progress: called with the frames done and the frames in all.
            marks: which marks it gets and what they say beside, see `orate.provenance.marks.Marks`; by default all but
                the visible label.
            one_thread: draw and encode by turns, for processes that have one core each. Encodes slightly other bytes.
            **controls: as in `stream`.

        Returns:
            The path of the video.

        Raises:
            OrateError: as `stream`; unreadable sound; an output that cannot be written, or is one of the inputs; a
                certificate or label that does not serve.
        """
        wanted, seed = self._checked(fps, controls), checked_seed(seed)
        _refuse_overwriting(Path(output), {"photo": photo.file if isinstance(photo, Source) else photo, "sound": audio})
        rate = self._driver.audio_rate
        total = self._driver.frame_count(ceil(audio_duration(audio) * rate), fps)
        source = photo if isinstance(photo, Source) else self.prepare(photo, face)
        picture = source.crop if crop else source.photo
        across, down = source.face.landmarks[:, :2].mean(0).round().astype(int)  # which face of several
        settings = {"fps": float(fps), "crop": crop, "face_at": f"{across},{down}", **controls}
        marking = Marking(marks or Marks(), Origin(picture, source.file, audio, self.name, seed, settings), fps)
        done = partial(marking.sign, name=output)
        height, width = picture.shape[:2]
        threads = 1 if one_thread else ENCODER_THREADS
        out = partial(VideoWriter, output, width, height, fps, audio=audio, metadata=marking.tags, finish=done)
        with out(threads=threads) as video:
            sound = resampled(stream_audio(audio, rate, BLOCK_S), rate, rate)
            frames = self._driver.frames(source, sound, seed=seed, crop=crop, fps=fps, controls=wanted, total=total)
            # While one frame is encoded the next ones are drawn.
            with closing((frame for frame in frames) if one_thread else ahead(frames, FRAMES_AHEAD)) as drawn:
                for frame in drawn:
                    video.write(marking.frame(frame, video.frames_written))
                    if progress:
                        progress(video.frames_written, max(total, video.frames_written))
        return Path(output)

    @cached_property
    def _landmarker(self) -> FaceLandmarker:
        return FaceLandmarker()

    def _checked(self, fps: float | None, given: dict[str, Any]) -> Controls:
        """The controls asked for.

        Raises:
            OrateError: the frame rate or a control is out of range, or there is no such control.
        """
        if fps is not None and not MIN_FPS <= fps <= MAX_FPS:
            raise OrateError(f"{fps:g} frames a second cannot be made: choose from {MIN_FPS:g} to {MAX_FPS:g}.")
        known = Controls.__dataclass_fields__
        if unknown := [name for name in given if name not in known]:
            raise TypeError(f"there is no control {unknown[0]!r}: known are {', '.join(known)}")
        controls = Controls(**given)
        self._driver.check(controls)
        return controls


def _refuse_overwriting(output: Path, inputs: dict[str, object]) -> None:
    """Raise `OrateError` where the video would take the place of what it is made of."""
    for what, given in inputs.items():
        same = False
        if isinstance(given, str | Path):
            with suppress(OSError, ValueError):  # one of them is not there, or no name: said where it is opened
                same = output.samefile(given)
        if same:
            raise OrateError(f"{output} is the {what} itself, which the video would replace: name another output.")
