"""One face speaking one clip: speech features in, motion out, step by step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from orate.models.blinks import NATURAL_RATE_PER_MINUTE, BlinkProcess
from orate.models.motion_decoder import UPPER_COMPONENTS
from orate.models.motion_generator import MotionGenerator
from orate.models.motion_step import MotionStep
from orate.models.sway import SwayProcess

Floats = NDArray[np.float32]
ACTIVITY_CM_A_FRAME = 0.06
ACTIVITY_MEMORY = 0.9
LARGEST_ROTATION = 0.26
LARGEST_TRANSLATION_CM = 2.5
NOISE_STREAM = 0x401


@dataclass(frozen=True)
class Motion:
    """Motion of n frames.

    Attributes:
        coefficients: (n, K) of the expression, in units of the generator's scale; the last `UPPER_COMPONENTS` are
            brows and forehead.
        lids: (n, 2) closure of the right and the left eye, 0 to 1.
        rotation: (n, 3) rad, rotation vectors away from the photo's pose, in head axes.
        translation: (n, 3) cm, of the pivot in the neck, in head axes.
    """

    coefficients: Floats
    lids: Floats
    rotation: Floats
    translation: Floats


class MotionSession:
    """Turns features into motion, the same numbers however the features are cut into calls.

    Motion comes `MotionConfig.look_ahead` frames after the features of its time; `finish` gives the last frames.

    Args:
        generator: from `orate.models.motion_generator.load_motion`.
        identity: (478, 3) cm, the face at rest; None for the mean face.
        seed: of blinks and sway.
        blinks_per_minute: 0 for none.

    Raises:
        ValueError: a rate of blinks outside 0 to 60.
    """

    def __init__(
        self,
        generator: MotionGenerator,
        identity: NDArray[np.floating] | None = None,
        seed: int = 0,
        blinks_per_minute: float = NATURAL_RATE_PER_MINUTE,
    ) -> None:
        encoder = generator.face_encoder
        shape = encoder.mean_shape if identity is None else torch.as_tensor(np.asarray(identity, np.float32))
        self._step = MotionStep(generator, encoder.coefficients(shape))
        self._basis = (generator.basis * generator.scale[: len(generator.basis), None, None]).numpy()
        self._noise = np.random.default_rng([seed, NOISE_STREAM])
        self._noise_code, self._noise_std = generator.config.noise_code, generator.config.noise_std
        self._sway_scale = generator.sway_scale.numpy()
        self._mouth_speed = np.abs(self._basis[:, [13, 14]]).mean(axis=(1, 2))
        self._ahead = generator.config.look_ahead
        self._heard = 0
        self._newest: NDArray[np.floating] | None = None
        self._last: Floats | None = None
        self._activity = 0.0
        self._blinks = BlinkProcess(blinks_per_minute, seed)
        self._sway = SwayProcess(generator.sway.numpy(), generator.sway_innovation.numpy(), seed)

    def push(self, features: NDArray[np.floating]) -> Motion:
        """Motion of the next frames: as many as the features, less the look-ahead at the beginning.

        Args:
            features: (n, 2, 384), the speech encoder's rows of each frame.
        """
        rows = [self._step(frame) for frame in features]
        rows = rows[max(0, self._ahead - self._heard) :]
        self._heard += len(features)
        if len(features):
            self._newest = features[-1]
        return self._moved(rows)

    def finish(self) -> Motion:
        """Motion of the frames that are left after the last features, which stand for what comes after them."""
        left = 0 if self._newest is None else self._ahead
        return self.push(np.repeat(np.asarray(self._newest)[None], left, axis=0) if left else np.zeros((0, 2, 384)))

    def _moved(self, rows: list[tuple[Floats, Floats]]) -> Motion:
        count = len(self._basis)
        coefficients = np.array([spoken for spoken, _ in rows], np.float32).reshape(len(rows), count)
        activity = self._follow(coefficients)
        slow = (self._sway.push(activity) / self._sway_scale).astype(np.float32)
        noise = self._noise_std * self._noise.standard_normal((len(rows), self._noise_code), np.float32)
        moved = [self._step.sway(content, *free) for (_, content), *free in zip(rows, noise, slow, strict=True)]
        sway = np.array(moved, np.float32).reshape(slow.shape)
        lids = np.repeat(self._blinks.push(activity)[:, None], 2, axis=1)
        joined = np.concatenate([coefficients[:, : count - UPPER_COMPONENTS], sway[:, 5:]], axis=1)
        sway = sway * self._sway_scale
        translation = np.zeros((len(rows), 3), np.float32)
        translation[:, :2] = soft_limit(sway[:, 3:5], LARGEST_TRANSLATION_CM)
        return Motion(joined, lids, soft_limit(sway[:, :3], LARGEST_ROTATION), translation)

    def expression(self, coefficients: NDArray[np.floating]) -> Floats:
        """(n, K) coefficients to displacement (n, 478, 3) cm in head space, from the face at rest."""
        moved: Floats = np.tensordot(np.asarray(coefficients, np.float32), self._basis, 1)
        return moved

    @staticmethod
    def gated(coefficients: NDArray[np.floating], share: NDArray[np.floating]) -> Floats:
        """Coefficients (n, K) with shares (n, 1) of the lower face's movement; brows keep theirs."""
        shown = np.array(coefficients, np.float32)
        shown[:, : shown.shape[1] - UPPER_COMPONENTS] *= share
        return shown

    def _follow(self, coefficients: Floats) -> Floats:
        """(n,) in [0, 1]: how much the lips have moved in the last moments."""
        followed = []
        for row in coefficients:
            speed = 0.0 if self._last is None else float(np.abs(row - self._last) @ self._mouth_speed)
            self._last = row
            self._activity = ACTIVITY_MEMORY * self._activity + (1 - ACTIVITY_MEMORY) * speed
            followed.append(min(1.0, self._activity / ACTIVITY_CM_A_FRAME))
        return np.array(followed, np.float32)


def soft_limit(values: NDArray[np.floating], largest: float) -> Floats:
    """Values kept within `largest`, those under half of it nearly as they are."""
    limited: Floats = (largest * np.tanh(np.asarray(values) / largest)).astype(np.float32)
    return limited
