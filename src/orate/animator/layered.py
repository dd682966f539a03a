"""The `default` model at work: sound to speech features, to motion, to layers at the photo's own resolution."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from math import ceil
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray

from orate.animator.controls import Controls
from orate.animator.movement import Movement
from orate.animator.resampling import Samples
from orate.animator.source import Pixels, Source
from orate.face.alignment import CROP_SIZE, canonical_crop
from orate.models.engines.refiner_engine import Refiner, compile_refiner
from orate.models.engines.speech_engine import speech_engine
from orate.models.layered import LayeredConfig, LayeredModel
from orate.models.motion_session import Motion, MotionSession
from orate.models.runtime import choose_device
from orate.models.speech_features import BANDS
from orate.models.speech_stream import SPECTRA, WINDOWS, Mode, SpeechStream
from orate.models.voice_gate import VoiceGate
from orate.render.composition import Composition, Layers
from orate.render.pose import fit_pose
from orate.render.rest import face_at_rest
from orate.render.source import FaceMotion, FaceSource


@dataclass(frozen=True, eq=False)
class PreparedPhoto:
    """What is made of a photo once and serves all its videos; nothing of a frame is in it.

    Attributes:
        layers: the layers of its pixels.
        refiner: the refinement of its mouth; None for a model without.
    """

    layers: Layers
    refiner: Refiner | None

    def composition(self, controls: Controls) -> Composition:
        """What draws the frames of one video."""
        refiner = self.refiner
        if refiner is None:
            return Composition(self.layers, controls.body)
        return Composition(self.layers, controls.body, lambda canvas, target, motion: [refiner(canvas, target)])

    def moving(self, controls: Controls) -> NDArray[np.bool_]:
        """(height, width), where frames may differ from the photo."""
        moving = self.layers.moving(controls.body)
        if self.refiner is not None:
            x0, y0, x1, y1 = self.refiner.box
            moving[y0:y1, x0:x1] = True
        return moving


class LayeredDriver:
    """Runs a `LayeredModel`; see `orate.animator.driver.Driver`."""

    def __init__(self, model: LayeredModel, *, device: str = "auto", engine: str = "auto") -> None:
        self.config: LayeredConfig = model.config
        self._motion = model.motion
        device = choose_device(device)
        self._speech = speech_engine(model.speech, engine, device)
        self._refiner = None
        if model.refiner is not None:
            exact = engine == "torch" or device != "cpu"
            self._refiner = compile_refiner(model.refiner, "torch" if exact else "openvino")
        self._photos: WeakKeyDictionary[Source, PreparedPhoto] = WeakKeyDictionary()
        for windows in WINDOWS.values():  # a first run is slow: now, not while somebody waits for a frame
            self._speech.encode(torch.zeros(BANDS, SPECTRA * windows.length))

    @property
    def audio_rate(self) -> int:
        """Samples a second that the model hears."""
        return self.config.audio_rate

    @property
    def look_ahead_s(self) -> float:
        """Seconds of sound after a frame's time that a stream needs."""
        return WINDOWS["streaming"].look_ahead_s + self._motion.config.look_ahead / self._motion.config.fps

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the canonical crop."""
        return CROP_SIZE

    @property
    def mean_points(self) -> NDArray[np.float64] | None:
        """Alignment is to the mean face."""
        return None

    def frame_count(self, samples: int, fps: float | None) -> int:
        """Frames that so many samples at `audio_rate` make."""
        return max(1, ceil(samples * (fps or self.config.fps) / self.audio_rate - 1e-6))

    def check(self, controls: Controls) -> None:
        """Every control is known here."""

    def prepare(self, source: Source) -> PreparedPhoto:
        """What the videos of a photo share, made at its first video or before, and kept for as long as `source` is."""
        photo = self._photos.get(source)
        if photo is None:
            layers = Layers(self.face_source(source))
            layers.head("rest")
            refiner = None if self._refiner is None else Refiner(layers.source, self._refiner)
            photo = self._photos.setdefault(source, PreparedPhoto(layers, refiner))
        return photo

    def moving(self, source: Source, controls: Controls) -> NDArray[np.bool_]:
        """(height, width), where frames may differ from the photo."""
        return self.prepare(source).moving(controls)

    @torch.inference_mode()
    def face_source(self, source: Source) -> FaceSource:
        """A prepared photo as the layers need it, with its face at rest."""
        landmarks = source.face.landmarks.astype(np.float64)
        pose = fit_pose(landmarks)
        shape = pose.unproject(landmarks)
        scores = source.face.blendshapes.astype(np.float32)
        expression = self._motion.face_encoder.expression(torch.from_numpy(shape).float(), torch.from_numpy(scores))
        rest = face_at_rest(shape, expression.numpy())
        return FaceSource(source.photo, landmarks, scores, pose, shape, rest)

    def frames(
        self,
        source: Source,
        sound: Iterable[Samples],
        *,
        seed: int,
        crop: bool,
        fps: float | None,
        controls: Controls,
        total: int | None = None,
    ) -> Iterator[Pixels]:
        """Frames from sound at `audio_rate`, as in `orate.animator.driver.Driver`."""
        photo = self.prepare(source)
        composition, face = photo.composition(controls), photo.layers.source
        rate = fps or self.config.fps
        length_s = None if total is None else total / rate
        for motion in self.motion(face, sound, seed=seed, fps=rate, controls=controls, length_s=length_s):
            frame = composition(motion)
            yield canonical_crop(frame, source.matrix, CROP_SIZE) if crop else frame

    def motion(
        self,
        face: FaceSource,
        sound: Iterable[Samples],
        *,
        seed: int,
        fps: float,
        controls: Controls,
        length_s: float | None = None,
    ) -> Iterator[FaceMotion]:
        """Motion of each frame, the controls applied; `length_s` where the sound is that of a file."""
        movement = Movement(face, controls, seed, length_s)
        blinks = 0.0 if controls.keep_eyes_open else controls.blink_rate
        session = MotionSession(self._motion, face.rest, seed, blinks)
        mode: Mode = "streaming" if length_s is None else "offline"
        stream = SpeechStream(self._speech, mode, centred=self.config.centred_speech)
        gate = VoiceGate()
        received = 0

        def steps() -> Iterator[FaceMotion]:
            nonlocal received
            for block in sound:
                received += len(block)
                gate.push(block)
                yield from moved(stream.push(block))
            if received:
                yield from moved(stream.finish())
                yield from played(session.finish())

        def moved(features: NDArray[np.float32]) -> Iterator[FaceMotion]:
            if len(features):
                yield from played(session.push(features))

        def played(motion: Motion) -> Iterator[FaceMotion]:
            if len(motion.coefficients):
                share = gate.take(len(motion.coefficients))[:, None]
                yield from movement(motion, session.expression(session.gated(motion.coefficients, share)))

        yield from interpolated(steps(), self.config.fps, fps, lambda: self.frame_count(received, fps))


def interpolated(
    steps: Iterator[FaceMotion], given_fps: float, wanted_fps: float, count: Callable[[], int]
) -> Iterator[FaceMotion]:
    """Motion at another frame rate, linear between the steps; the last step lasts to the end.

    Args:
        steps: motion at `given_fps`.
        given_fps: its frames a second.
        wanted_fps: frames a second to give out.
        count: called when the steps have ended: how many frames there must be in all.
    """
    if wanted_fps == given_fps:
        yield from steps
        return
    made, index = 0, -1
    before = now = None
    for index, now in enumerate(steps):
        while before is not None and made * given_fps / wanted_fps <= index:
            share = made * given_fps / wanted_fps - (index - 1)
            yield blend(before, now, share)
            made += 1
        before = now
    if now is None:
        return
    while made < count():
        yield now
        made += 1


def blend(first: FaceMotion, second: FaceMotion, share: float) -> FaceMotion:
    """Motion between two frames: `share` 0 gives the first, 1 the second."""
    part = np.float32(share)
    names = ("expression", "lids", "gaze", "rotation", "translation")
    return replace(first, **{name: getattr(first, name) * (1 - part) + getattr(second, name) * part for name in names})
