"""What is behind people: studio colours, walls, rooms out of focus."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 256
STUDIO = (
    (0.03, 0.36, 0.45),
    (0.02, 0.05, 0.45),
    (0.03, 0.35, 0.08),
    (0.55, 0.55, 0.55),
    (0.18, 0.18, 0.19),
    (0.75, 0.74, 0.72),
)
WALLS = (
    (0.6, 0.56, 0.5),
    (0.5, 0.53, 0.55),
    (0.35, 0.30, 0.26),
    (0.42, 0.47, 0.42),
    (0.25, 0.28, 0.33),
    (0.7, 0.7, 0.68),
)


@dataclass(frozen=True)
class Backdrop:
    """A picture behind the head.

    Attributes:
        kind: "studio", "wall" or "room".
        colour: (3,) linear RGB.
        blur: standard deviation as a share of the picture's side.
        seed: of what is there.
    """

    kind: str
    colour: tuple[float, float, float]
    blur: float
    seed: int

    @classmethod
    def random(cls, rng: np.random.Generator) -> Backdrop:
        """Anything."""
        kind = str(rng.choice(["studio", "wall", "room"], p=[0.3, 0.25, 0.45]))
        choices = STUDIO if kind == "studio" else WALLS
        colour = np.array(choices[rng.integers(len(choices))]) * rng.uniform(0.6, 1.2) * rng.normal(1, 0.08, 3)
        red, green, blue = (float(channel) for channel in np.clip(colour, 0.01, 1))
        return cls(
            kind, (red, green, blue), float(np.exp(rng.uniform(np.log(0.008), np.log(0.06)))), int(rng.integers(2**31))
        )

    def picture(self) -> NDArray[np.float32]:
        """(256, 256, 3) square roots of linear RGB, row 0 lowest."""
        rng = np.random.default_rng(self.seed)
        x, y = np.meshgrid(np.linspace(-1, 1, SIDE), np.linspace(-1, 1, SIDE))
        colour = np.broadcast_to(np.array(self.colour, np.float32), (SIDE, SIDE, 3)).copy()
        centre = rng.uniform(-0.8, 0.8, 2)
        fall = rng.uniform(0.1, 0.5) * np.hypot(x - centre[0], y - centre[1])
        slant = rng.normal(0, 0.15) * x + rng.normal(0, 0.15) * y
        if self.kind == "room":
            self._furnish(colour, rng)
        elif self.kind == "wall":
            for cells in (6, 20, 60):
                spots = cv2.resize(rng.standard_normal((cells, cells)).astype(np.float32), (SIDE, SIDE))
                colour *= 1 + 0.05 * spots[..., None]
        colour = colour * np.clip(1 - fall + slant, 0.15, 1.6)[..., None]
        colour = cv2.GaussianBlur(
            colour.astype(np.float32), (0, 0), max(self.blur * SIDE, 0.6), borderType=cv2.BORDER_REPLICATE
        )
        return np.asarray(np.sqrt(np.clip(colour, 0, 1)), np.float32)

    def _furnish(self, colour: NDArray[np.float32], rng: np.random.Generator) -> None:
        """Windows, shelves, pictures and lamps, as boxes and discs."""
        for _ in range(int(rng.integers(3, 16))):
            corner = rng.integers(-40, SIDE, 2)
            size = (SIDE * np.exp(rng.uniform(np.log(0.05), np.log(0.6), 2))).astype(int)
            fill = np.array(WALLS[rng.integers(len(WALLS))]) * rng.choice([0.15, 0.4, 0.8, 1.2]) * rng.normal(1, 0.2, 3)
            if rng.random() < 0.12:
                fill = np.array([1.0, 0.97, 0.92]) * rng.uniform(1, 2.5)
            fill = np.clip(fill, 0.005, 3)
            if rng.random() < 0.75:
                end = corner + size
                cv2.rectangle(colour, corner.tolist(), end.tolist(), fill.tolist(), -1)
                if rng.random() < 0.3:
                    for step in range(int(corner[0]), int(end[0]), max(int(size[0] // rng.integers(3, 12)), 2)):
                        cv2.line(colour, (step, int(corner[1])), (step, int(end[1])), (fill * 0.5).tolist(), 2)
            else:
                cv2.circle(colour, corner.tolist(), int(size[0] // 3), fill.tolist(), -1)
