"""A person's skin: how much melanin and blood, how old, how oily."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from orate.corpora.synthetic.skin_optics import skin_colour

LIGHTEST, DARKEST = 0.006, 0.45  # melanin


@dataclass(frozen=True)
class Skin:
    """What the skin's maps are made from.

    Attributes:
        melanin: volume fraction of melanosomes in the epidermis, 0.006 (very light) to 0.45 (very dark).
        blood: volume fraction in the dermis.
        age: years.
        freckles, flush, blotches: strength in [0, 1] of freckles, of red cheeks and nose, of uneven colour.
        circles: darkness in [0, 1] under the eyes.
        oil: in [0, 1], how glossy.
        lip_blood: volume fraction of blood in the lips.
        lipstick: (4,) linear RGB and how much it covers, 0 for none.
        seed: of the random pattern.
    """

    melanin: float
    blood: float
    age: float
    freckles: float
    flush: float
    blotches: float
    circles: float
    oil: float
    lip_blood: float
    lipstick: tuple[float, float, float, float]
    seed: int

    @classmethod
    def random(cls, rng: np.random.Generator, *, feminine: bool) -> Skin:
        """Skin of any tone, evenly from very light to very dark, and of any grown-up age."""
        tone = rng.random()
        melanin = float(np.exp((1 - tone) * np.log(LIGHTEST) + tone * np.log(DARKEST)))
        age = float(np.clip(18 + 62 * rng.beta(1.3, 2.0), 18, 80))
        lipstick = (0.0, 0.0, 0.0, 0.0)
        if feminine and rng.random() < 0.45:
            hue = np.array([[0.40, 0.06, 0.07], [0.42, 0.13, 0.13], [0.25, 0.04, 0.08], [0.45, 0.2, 0.16]])
            colour = hue[rng.integers(len(hue))] * rng.uniform(0.7, 1.2)
            lipstick = (float(colour[0]), float(colour[1]), float(colour[2]), float(rng.uniform(0.25, 0.8)))
        return cls(
            melanin=melanin,
            blood=float(np.exp(rng.normal(np.log(0.027), 0.22))),
            age=age,
            freckles=float(rng.beta(1, 2)) if tone < 0.45 and rng.random() < 0.3 else 0.0,
            flush=float(rng.beta(1.5, 3)),
            blotches=float(rng.beta(1.5, 3)),
            circles=float(rng.beta(1.5, 3)),
            oil=float(rng.beta(2, 3)),
            lip_blood=float(np.exp(rng.normal(np.log(0.095), 0.2))),
            lipstick=lipstick,
            seed=int(rng.integers(2**31)),
        )

    def base_colour(self) -> np.ndarray:
        """(3,) linear sRGB of the forehead."""
        return skin_colour(np.array(self.melanin), np.array(self.blood))
