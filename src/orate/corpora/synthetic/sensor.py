"""What a camera makes of the light: exposure, colour, softness, grain."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Sensor:
    """A camera's habits.

    Attributes:
        exposure: multiplies the light.
        tint: (3,) gains of red, green and blue that white balance left over.
        saturation, contrast: 1 leaves colours and contrast as they are.
        black: of 255, the darkest value.
        blur: px, standard deviation of the lens' softness at 256 px of height.
        sharpening: how much of the picture's detail is added again.
        grain: of 255, standard deviation of the noise in the middle of the range.
        vignette: how much darker the corners are.
        seed: of the noise.
    """

    exposure: float = 1.5
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    saturation: float = 1.0
    contrast: float = 1.0
    black: float = 0.0
    blur: float = 0.0
    sharpening: float = 0.0
    grain: float = 0.0
    vignette: float = 0.0
    seed: int = 0

    @classmethod
    def random(cls, rng: np.random.Generator) -> Sensor:
        """From a studio's camera to an old webcam."""
        poor = float(rng.beta(1.3, 2.5))
        red, blue = rng.normal(1, 0.02 + 0.03 * poor, 2)
        return cls(
            exposure=float(1.55 * np.exp(rng.normal(0, 0.18))),
            tint=(float(red), 1.0, float(blue)),
            saturation=float(np.clip(rng.normal(0.99, 0.1), 0.75, 1.3)),
            contrast=float(np.clip(rng.normal(1.12, 0.1), 0.9, 1.3)),
            black=float(max(rng.normal(3, 5), 0)),
            blur=float(0.2 + 0.8 * poor * rng.random()),
            sharpening=float(max(rng.normal(0.15, 0.3), 0)),
            grain=float(0.8 + 5.0 * poor * rng.random()),
            vignette=float(max(rng.normal(0.08, 0.1), 0)),
            seed=int(rng.integers(2**31)),
        )

    def capture(self, picture: NDArray[np.uint8], frame: int = 0) -> NDArray[np.uint8]:
        """``picture`` (h, w, 3) uint8 as this camera gives it; the grain differs from ``frame`` to frame."""
        height, width = picture.shape[:2]
        values: NDArray[np.floating] = picture.astype(np.float32)
        scale = height / 256
        if self.blur > 0:
            values = _blurred(values, max(self.blur * scale, 0.15))
        if self.sharpening > 0:
            values = values + self.sharpening * (values - _blurred(values, 1.2 * scale))
        grey = (values @ LUMA)[..., None]
        values = (grey + self.saturation * (values - grey)) * np.array(self.tint, np.float32)
        values = (values - 118) * self.contrast + 118
        if self.vignette > 0:
            values = values * _corners(height, width, self.vignette)
        if self.grain > 0:
            values = values + self._noise(height, width, frame) * (
                0.5 + 0.5 * np.sqrt(np.clip(255 - values, 0, 255) / 255)
            )
        values = self.black + values * (255 - self.black) / 255
        return np.clip(np.round(values), 0, 255).astype(np.uint8)

    def _noise(self, height: int, width: int, frame: int) -> NDArray[np.float32]:
        """(h, w, 3): noise of light and, smoother, of colour."""
        rng = np.random.default_rng((self.seed, frame))
        luma = rng.standard_normal((height, width, 1), dtype=np.float32)
        chroma = rng.standard_normal((height // 2 + 1, width // 2 + 1, 3), dtype=np.float32)
        colour = np.asarray(cv2.resize(chroma, (width, height), interpolation=cv2.INTER_LINEAR))
        return np.asarray(self.grain * (0.8 * luma + 0.6 * colour), np.float32)


def _corners(height: int, width: int, strength: float) -> NDArray[np.float32]:
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return np.asarray(1 - strength * 0.5 * (x * x + y * y), np.float32)[..., None]


def _blurred(values: NDArray[np.floating], sigma: float) -> Array:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma), np.float32)
