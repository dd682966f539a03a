"""A person and the setting they are seen in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orate.corpora.synthetic.assets import Assets
from orate.corpora.synthetic.camera import Camera
from orate.corpora.synthetic.eyes import Eyes
from orate.corpora.synthetic.identity import random_identity
from orate.corpora.synthetic.light import Light
from orate.corpora.synthetic.pose import Pose
from orate.corpora.synthetic.skin import Skin

__all__ = ["Assets", "Camera", "Light", "Person", "Pose", "Setting"]


@dataclass(frozen=True, eq=False)
class Person:
    """How somebody looks, in few numbers; the renderer makes the rest of them.

    Attributes:
        identity: (100,) weights of the identity axes.
        skin: tone, age, patterns.
        eyes: colours.
        feminine: which way hair, brows, beard and make-up are drawn from.
    """

    identity: NDArray[np.float32]
    skin: Skin
    eyes: Eyes
    feminine: bool

    @classmethod
    def random(cls, rng: np.random.Generator, assets: Assets) -> Person:
        """Somebody new; the same person for the same state of ``rng``."""
        del assets  # later: what depends on the head's shape
        feminine = bool(rng.random() < 0.5)
        skin = Skin.random(rng, feminine=feminine)
        return cls(random_identity(rng), skin, Eyes.random(rng, skin.melanin, skin.age), feminine)


@dataclass(frozen=True, eq=False)
class Setting:
    """Where somebody is seen.

    Attributes:
        light: the lamps.
        camera: framing.
    """

    light: Light
    camera: Camera

    @classmethod
    def random(cls, rng: np.random.Generator) -> Setting:
        """Somewhere new; the same setting for the same state of ``rng``."""
        return cls(Light.random(rng), Camera.random(rng))
