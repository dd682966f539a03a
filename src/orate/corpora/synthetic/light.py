"""The light on a face: a key, a fill and a rim lamp, and the room's own light from six sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orate.corpora.synthetic.spectrum import lamp_rgb

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Lamp:
    """A distant lamp.

    Attributes:
        direction: (3,) unit, from the head towards the lamp; x to the image's right, y up, z to the camera.
        colour: linear RGB irradiance on a surface that faces it.
        softness: how far its light reaches round the head's terminator, 0 a spot, 1 a large window.
    """

    direction: Colour
    colour: Colour
    softness: float = 0.2


@dataclass(frozen=True)
class Light:
    """All light in a scene.

    Attributes:
        lamps: key, fill and rim; only the key casts a shadow.
        room: (6, 3) linear RGB irradiance from +x, -x, +y, -y, +z, -z.
    """

    lamps: tuple[Lamp, Lamp, Lamp]
    room: NDArray[np.float32]

    @classmethod
    def random(cls, rng: np.random.Generator) -> Light:
        """From an even studio to a lamp at the side, of any usual colour temperature; the mean level is about 1."""
        camera_kelvin = float(np.clip(rng.normal(5200, 500), 4000, 6500))
        key_kelvin = float(np.clip(camera_kelvin + rng.normal(0, 350), 2800, 8500))
        room_kelvin = float(np.clip(key_kelvin + rng.normal(200, 550), 2800, 9500))
        contrast = rng.beta(2, 3)  # 0 even, 1 hard
        side = rng.choice([-1.0, 1.0])
        azimuth = side * rng.uniform(5, 25 + 50 * contrast)
        key = Lamp(
            _direction(azimuth, rng.uniform(5, 50)),
            _scaled(lamp_rgb(key_kelvin, camera_kelvin), 0.5 + 0.8 * contrast),
            float(rng.uniform(0.1, 0.6)),
        )
        fill = Lamp(
            _direction(-side * rng.uniform(20, 70), rng.uniform(-10, 30)),
            _scaled(lamp_rgb(room_kelvin, camera_kelvin), (1 - contrast) * rng.uniform(0.1, 0.45)),
            0.7,
        )
        rim_strength = rng.uniform(0.2, 0.9) if rng.random() < 0.35 else 0.0
        rim = Lamp(
            _direction(-side * rng.uniform(120, 165), rng.uniform(10, 50)),
            _scaled(lamp_rgb(float(rng.uniform(3800, 7500)), camera_kelvin), rim_strength),
            0.2,
        )
        ambient = lamp_rgb(room_kelvin, camera_kelvin) * (0.44 - 0.28 * contrast) * rng.uniform(0.8, 1.2)
        room = ambient[None] * np.array([0.9, 0.9, 1.3, 0.55, 1.0, 0.8])[:, None]
        room = room * rng.normal(1, 0.12, (6, 1)) * rng.normal(1, 0.03, (6, 3))
        return cls((key, fill, rim), np.maximum(room, 0.02).astype(np.float32))


def _direction(azimuth: float, elevation: float) -> Colour:
    """Unit vector from degrees: azimuth 0 is the camera's side, positive to the image's right."""
    a, e = np.radians([azimuth, elevation])
    return float(np.sin(a) * np.cos(e)), float(np.sin(e)), float(np.cos(a) * np.cos(e))


def _scaled(colour: NDArray[np.floating], strength: float) -> Colour:
    red, green, blue = (float(channel * strength) for channel in colour)
    return red, green, blue
