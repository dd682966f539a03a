"""Hair on the head: its colour and cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Colour = tuple[float, float, float]
# Linear RGB.
COLOURS: dict[str, Colour] = {
    "black": (0.010, 0.008, 0.007),
    "dark brown": (0.026, 0.016, 0.011),
    "brown": (0.055, 0.032, 0.019),
    "light brown": (0.11, 0.066, 0.036),
    "blond": (0.27, 0.18, 0.095),
    "red": (0.13, 0.042, 0.016),
}
LIGHT_SHARES, DARK_SHARES = (0.1, 0.24, 0.26, 0.16, 0.17, 0.07), (0.72, 0.24, 0.04, 0, 0, 0)
LIGHT_SKIN = 0.035
GREY = np.array([0.34, 0.335, 0.325])


def random_colour(rng: np.random.Generator, melanin: float, age: float) -> Colour:
    """Linear RGB of hair that goes with the skin's melanin; grey comes with age."""
    names = list(COLOURS)
    shares = LIGHT_SHARES if melanin < LIGHT_SKIN else DARK_SHARES
    colour = np.array(COLOURS[names[rng.choice(len(names), p=shares)]]) * rng.uniform(0.9, 1.6)
    grey = float(np.clip((age - rng.normal(52, 9)) / 22, 0, 1))
    red, green, blue = (float(channel) for channel in colour * (1 - grey) + GREY * grey * rng.uniform(0.7, 1.25))
    return red, green, blue


@dataclass(frozen=True)
class Hair:
    """A cut.

    Attributes:
        style: "bald", "crop", "short", "swept", "parted", "bob", "long", "tied" or "curls".
        colour: (3,) linear RGB.
        length: cm of a strand.
        lift: how far strands stand off the head before they lie down, in [0, 1].
        layer: cm between the skin and the hair's outside.
        wave: (radius, period) cm of curls.
        parting: x in cm where hair parts.
        hairline: cm that the front hairline lies above the usual one.
        corners: how far the front hairline has corners at the temples, in [0, 1].
        recession: how far the temples are bare, in [0, 1].
        fringe: share of the forehead that hair covers, in [0, 1].
        gloss: in [0, 1].
        seed: of the strands.
    """

    style: str
    colour: Colour
    length: float = 0.0
    lift: float = 0.3
    layer: float = 0.5
    wave: tuple[float, float] = (0.0, 5.0)
    parting: float = 0.0
    hairline: float = 0.0
    corners: float = 0.0
    recession: float = 0.0
    fringe: float = 0.0
    gloss: float = 0.5
    seed: int = 0

    @classmethod
    def random(cls, rng: np.random.Generator, colour: Colour, *, feminine: bool, age: float, melanin: float) -> Hair:
        """A cut that is usual for such a person."""
        if feminine:
            styles = {
                "bob": 0.2,
                "long": 0.38,
                "tied": 0.22,
                "short": 0.04,
                "parted": 0.04,
                "curls": 0.07,
                "afro": 0.05,
            }
        else:
            styles = {
                "bald": 0.1,
                "crop": 0.24,
                "short": 0.26,
                "swept": 0.14,
                "parted": 0.16,
                "curls": 0.05,
                "afro": 0.01,
                "long": 0.04,
            }
        shares = np.array(list(styles.values()))
        style = str(rng.choice(list(styles), p=shares / shares.sum()))
        if melanin > 0.1 and style in ("short", "swept", "parted", "bob") and rng.random() < 0.7:
            style = "crop" if not feminine else str(rng.choice(["curls", "afro"]))
        lengths = {"bald": 0, "crop": 0.8, "short": 3.2, "swept": 7, "parted": 7.5, "bob": 19, "long": 36, "tied": 12}
        length = lengths.get(style, 5.0) * rng.uniform(0.75, 1.25)
        curly = style == "curls"
        tight = rng.random()
        wavy = style in ("bob", "long") and rng.random() < 0.5
        wave = (0.0, 5.0)
        if curly:
            wave = (0.2 + 0.3 * tight, 1.8 + 1.6 * tight)
        elif wavy:
            wave = (float(rng.uniform(0.15, 0.5)), float(rng.uniform(4, 9)))
        recession = 0.0 if feminine else float(rng.beta(1.2, 3) * np.clip((age - 20) / 40, 0.15, 1))
        return cls(
            style=style,
            colour=colour,
            length=float(length * (0.8 + 0.8 * tight * feminine if curly else 1)),
            lift=float(rng.uniform(0.15, 0.6)) if style != "tied" else 0.03,
            layer=float(
                {"crop": 0.25, "short": 0.7, "tied": 0.35, "curls": 1.4, "afro": 4.0}.get(style, 0.9)
                * rng.uniform(0.75, 1.3)
            ),
            wave=wave,
            parting=float(rng.choice([-1, 1]) * rng.uniform(0.3, 4.0)),
            hairline=float(rng.normal(0, 0.35) + 0.9 * recession),
            corners=float(rng.uniform(0, 0.45) if feminine else rng.uniform(0.35, 1.1)),
            recession=recession,
            fringe=float(rng.uniform(0.3, 0.9)) if style in ("short", "bob", "long") and rng.random() < 0.3 else 0.0,
            gloss=float(rng.uniform(0.3, 1.0)),
            seed=int(rng.integers(2**31)),
        )
