"""A person and the setting they are seen in."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from orate.corpora.synthetic.assets import Assets
from orate.corpora.synthetic.backdrop import Backdrop
from orate.corpora.synthetic.camera import Camera
from orate.corpora.synthetic.eyes import Eyes
from orate.corpora.synthetic.facial_hair import FacialHair
from orate.corpora.synthetic.garment import Garment
from orate.corpora.synthetic.hair import Hair, random_colour
from orate.corpora.synthetic.identity import random_identity
from orate.corpora.synthetic.light import Light
from orate.corpora.synthetic.pose import Pose
from orate.corpora.synthetic.sensor import Sensor
from orate.corpora.synthetic.skin import Skin

__all__ = ["Assets", "Camera", "Light", "Person", "Pose", "Setting"]


@dataclass(frozen=True, eq=False)
class Person:
    """How somebody looks, in few numbers; the renderer makes the rest of them.

    Attributes:
        identity: (100,) weights of the identity axes.
        skin: tone, age, patterns.
        eyes: colours.
        hair: cut and colour.
        facial_hair: brows and beard.
        garment: clothes.
        teeth: (3,) linear RGB.
        teeth_low: cm that upper and lower teeth sit lower than the model's, which a speaker's lips hide.
        rest: (57,) weights added to every expression: how wide open the eyes are when nothing moves.
        feminine: which way hair, brows, beard and make-up are drawn from.
    """

    identity: NDArray[np.float32]
    skin: Skin
    eyes: Eyes
    hair: Hair
    facial_hair: FacialHair
    garment: Garment
    teeth: tuple[float, float, float]
    teeth_low: tuple[float, float]
    rest: NDArray[np.float32]
    feminine: bool

    @classmethod
    def random(cls, rng: np.random.Generator, assets: Assets) -> Person:
        """Somebody new; the same person for the same state of ``rng``."""
        feminine = bool(rng.random() < 0.5)
        skin = Skin.random(rng, feminine=feminine)
        colour = random_colour(rng, skin.melanin, skin.age)
        rest = np.zeros(len(assets.expression_names), np.float32)
        for name, low, high in (("eyeBlink", 0.04, 0.2), ("eyeSquint", 0.0, 0.4), ("browInnerUp", 0.0, 0.15)):
            share = rng.uniform(low, high)
            for side in ("L", "R"):
                rest[assets.axis(f"{name}_{side}")] = share * rng.uniform(0.85, 1.15)
        sag = float(np.clip((skin.age - 35) / 45, 0, 1)) * rng.uniform(0.3, 1.0)
        for name, weight in (("mouthFrown", 0.35), ("browDown", 0.18), ("mouthPress", 0.3), ("eyeBlink", 0.08)):
            for side in ("L", "R"):
                rest[assets.axis(f"{name}_{side}")] += weight * sag
        stain = float(np.clip(rng.beta(1.5, 3) + 0.006 * (skin.age - 40), 0, 1))
        tooth = np.array([0.60, 0.555, 0.48]) * (1 - 0.25 * stain * np.array([0.4, 0.8, 1.8])) * rng.uniform(0.85, 1.05)
        return cls(
            identity=random_identity(rng, feminine=feminine),
            skin=skin,
            eyes=Eyes.random(rng, skin.melanin, skin.age),
            hair=Hair.random(rng, colour, feminine=feminine, age=skin.age, melanin=skin.melanin),
            facial_hair=FacialHair.random(rng, colour, feminine=feminine, age=skin.age),
            garment=Garment.random(rng, feminine=feminine),
            teeth=(float(tooth[0]), float(tooth[1]), float(tooth[2])),
            teeth_low=(float(rng.uniform(0.05, 0.3)), float(rng.uniform(0.1, 0.3))),
            rest=rest,
            feminine=feminine,
        )


@dataclass(frozen=True, eq=False)
class Setting:
    """Where somebody is seen.

    Attributes:
        light: the lamps.
        camera: framing.
        backdrop: what is behind.
        sensor: what the camera makes of it.
    """

    light: Light
    camera: Camera
    backdrop: Backdrop = field(default_factory=lambda: Backdrop("studio", (0.18, 0.18, 0.19), 0.03, 0))
    sensor: Sensor = field(default_factory=Sensor)

    @classmethod
    def random(cls, rng: np.random.Generator) -> Setting:
        """Somewhere new; the same setting for the same state of ``rng``."""
        return cls(Light.random(rng), Camera.random(rng), Backdrop.random(rng), Sensor.random(rng))
