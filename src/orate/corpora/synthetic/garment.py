"""What people wear: a surface round the shoulders, painted from the front."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.corpora.synthetic import parts

Array = NDArray[np.float32]

ANGLES, SIDE = 72, 512
AXIS_Z_CM = -2.5
# From the collar down: y, half the width, depth to the front, depth to the back, all in cm.
ROWS = np.array(
    [
        (-8.0, 6.0, 5.6, 5.6), (-9.5, 6.2, 5.8, 5.9), (-11.0, 6.5, 6.2, 6.3), (-12.5, 7.6, 6.8, 7.0),
        (-14.0, 10.2, 7.6, 7.8), (-15.5, 13.6, 8.4, 8.6), (-17.0, 16.6, 9.2, 9.2), (-18.5, 18.8, 9.9, 9.7),
        (-20.5, 20.4, 10.6, 10.2), (-24.0, 21.8, 11.6, 10.8), (-30.0, 22.6, 12.4, 11.2), (-50.0, 23.0, 13.0, 11.5),
    ]
)  # fmt: skip
COLLAR_Z_CM = 4.0  # the collar rises from here to the back
GAP_CM = 0.3  # between skin and cloth
PAINTED_CM = (-25.0, 25.0, -50.0, -5.0)  # x and y that the painted picture covers
COLOURS = (
    (0.03, 0.03, 0.035), (0.7, 0.7, 0.68), (0.25, 0.26, 0.28), (0.02, 0.035, 0.09), (0.10, 0.16, 0.30),
    (0.28, 0.03, 0.035), (0.05, 0.10, 0.06), (0.30, 0.22, 0.14), (0.45, 0.36, 0.27), (0.35, 0.10, 0.18),
    (0.55, 0.42, 0.08), (0.06, 0.25, 0.27), (0.16, 0.10, 0.25), (0.5, 0.32, 0.32), (0.25, 0.33, 0.22),
)  # fmt: skip


@dataclass(frozen=True)
class Garment:
    """Clothes.

    Attributes:
        kind: "crew", "v", "roll", "shirt" or "jacket".
        colour, second: (3,) linear RGB of the cloth, and of stripes, shirt or tie.
        pattern: "plain", "stripes" or "checks".
        neckline: y in cm of the collar's front.
        slope: (2,) cm by which the shoulders are broader and lower than usual.
        seed: of folds and weave.
    """

    kind: str
    colour: tuple[float, float, float]
    second: tuple[float, float, float]
    pattern: str
    neckline: float
    slope: tuple[float, float]
    seed: int

    @classmethod
    def random(cls, rng: np.random.Generator, *, feminine: bool) -> Garment:
        """Something to wear."""
        kinds = {"crew": 0.34, "v": 0.24, "roll": 0.08, "shirt": 0.2, "jacket": 0.14}
        kind = str(rng.choice(list(kinds), p=list(kinds.values())))
        first, second = (
            np.array(COLOURS[k]) * rng.uniform(0.7, 1.3) for k in rng.choice(len(COLOURS), 2, replace=False)
        )
        if kind == "jacket":
            first, second = first * 0.5, np.array([0.62, 0.62, 0.6]) * rng.uniform(0.8, 1.05)
        front = {"crew": -15.2, "v": -18.2, "roll": -10.5, "shirt": -15.0, "jacket": -15.0}[kind]
        broad = rng.normal(-1.5 if feminine else 1.0, 1.0)
        return cls(
            kind=kind,
            colour=(float(first[0]), float(first[1]), float(first[2])),
            second=(float(second[0]), float(second[1]), float(second[2])),
            pattern=str(rng.choice(["plain", "stripes", "checks"], p=[0.72, 0.16, 0.12]))
            if kind != "jacket"
            else "plain",
            neckline=float(front + rng.normal(0, 0.4)),
            slope=(float(np.clip(broad, -3.5, 3)), float(rng.normal(0, 0.8))),
            seed=int(rng.integers(2**31)),
        )

    def painting(self) -> Array:
        """(512, 512, 4) square roots of linear RGB as seen from the front, and whether there is cloth; row 0 lowest."""
        rng = np.random.default_rng(self.seed)
        left, right, low, high = PAINTED_CM
        x, y = np.meshgrid(
            np.linspace(left, right, SIDE, dtype=np.float32), np.linspace(low, high, SIDE, dtype=np.float32)
        )
        colour = np.broadcast_to(np.array(self.colour, np.float32), (SIDE, SIDE, 3)).copy()
        second = np.array(self.second, np.float32)
        if self.pattern != "plain":
            period = rng.uniform(0.8, 3.0)
            stripes = ((x if rng.random() < 0.3 else y) / period % 1 < rng.uniform(0.15, 0.5)).astype(np.float32)
            if self.pattern == "checks":
                stripes = 0.5 * stripes + 0.5 * (x / period % 1 < 0.3)
            colour = colour * (1 - stripes[..., None]) + second * stripes[..., None]
        side = np.abs(x)
        edge = self.neckline + self._neckline(side)
        if self.kind == "jacket":
            inner = side < 0.42 * np.clip(y + 27.5, 0, None)
            colour[inner] = second
            lapel = np.abs(side - 0.42 * np.clip(y + 27.5, 0, None) - 1.4) < 1.4
            colour[lapel & (y > -27)] *= 0.8
            if rng.random() < 0.5:
                tie = np.array(COLOURS[rng.integers(len(COLOURS))], np.float32) * 0.7
                colour[(side < 0.9 + 0.03 * np.abs(y + 14)) & (y < -14.8)] = tie
        if self.kind in ("shirt", "jacket"):
            # Collar: two flaps that meet in front.
            flap = (y > edge - 2.2 + 0.9 * np.abs(side - 2.2)) & (side > 0.35) & (side < 7)
            colour[flap] = second * 1.02 if self.kind == "jacket" else colour[flap] * 1.15
            rim = np.exp(-(((y - (edge - 2.2 + 0.9 * np.abs(side - 2.2))) / 0.22) ** 2)) * (side < 5)
            colour *= 1 - 0.5 * rim[..., None]
            if self.kind == "shirt":
                colour *= 1 - 0.35 * (np.exp(-((side - 0.9) ** 2) / 0.02) * (y < edge))[..., None]
        hem = np.exp(-(((y - edge + 0.9) / 0.12) ** 2))
        colour *= 1 - 0.25 * hem[..., None]
        weave = 1 + 0.10 * rng.standard_normal((SIDE, SIDE, 1)).astype(np.float32)
        folds = cv2.resize(rng.standard_normal((9, 12)).astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        colour = colour * weave * (1 + 0.05 * folds[..., None])
        cloth = np.clip((edge - y) / 0.15 + 0.5, 0, 1)
        return np.concatenate([np.sqrt(np.clip(colour, 0, 1)), cloth[..., None]], axis=-1).astype(np.float32)

    def rise(self) -> float:
        """How far in cm the collar lies higher at the back than in front."""
        return 0.3 if self.kind == "roll" else 2.6 if self.kind in ("shirt", "jacket") else 3.4

    def _neckline(self, side: Array) -> Array:
        """How far in cm the neckline rises above its front, by the distance from the middle."""
        if self.kind == "v":
            return np.asarray(np.clip(side / 5.2, 0, 1.5) * (-self.neckline - 14.0))
        if self.kind in ("shirt", "jacket"):
            return np.asarray(np.clip(side / 2.5, 0, 1) * 1.4 + np.clip((side - 2.5) / 4, 0, 1) * 2.4)
        return np.asarray(np.clip(side / 6.5, 0, 1.3) ** 2 * (0.2 if self.kind == "roll" else 3.2))

    def surface(self, shape: Array) -> tuple[Array, NDArray[np.int64]]:
        """Vertices (n, 3) cm round the shoulders of the head ``shape`` at rest, and triangles (t, 3)."""
        angle = np.linspace(0, 2 * np.pi, ANGLES, endpoint=False)
        heights = np.append(np.linspace(ROWS[0, 0], ROWS[-1, 0] + 20, 26), ROWS[-1, 0])
        width, front, back = (np.interp(-heights, -ROWS[:, 0], ROWS[:, k]) for k in (1, 2, 3))
        grown = np.clip((-heights - 12) / 8, 0, 1)
        width = width + self.slope[0] * grown
        body = shape[parts.SKIN]
        body = body[(body[:, 1] < -6) & (body[:, 1] > -22)]
        radius = np.empty((len(heights), ANGLES))
        round_body = np.arctan2(body[:, 0], body[:, 2] - AXIS_Z_CM) % (2 * np.pi)
        reach = np.hypot(body[:, 0], body[:, 2] - AXIS_Z_CM)
        for row, height in enumerate(heights):
            depth = np.where(np.cos(angle) > 0, front[row], back[row])
            power = 2.0 + 0.6 * grown[row]
            loft = (np.abs(np.sin(angle) / width[row]) ** power + np.abs(np.cos(angle) / depth) ** power) ** (
                -1 / power
            )
            near = np.abs(body[:, 1] - height) < 1.2
            inner = np.zeros(ANGLES)
            bins = (round_body[near] / (2 * np.pi) * ANGLES).astype(int) % ANGLES
            np.maximum.at(inner, bins, reach[near])
            spread = np.maximum(inner, np.maximum(np.roll(inner, 1), np.roll(inner, -1)))
            inner = np.where(inner > 0, 0.5 * (inner + spread), spread)
            # The neck and the shoulders' ridge are the person's own; below them the cloth hangs from the loft.
            hanging = np.clip((-14.5 - height) / 3, 0, 1)
            radius[row] = np.maximum(loft * np.where(inner > 0, hanging, 1), inner + GAP_CM + 0.4 * grown[row])
        smooth = np.asarray(cv2.GaussianBlur(np.tile(radius, 3).astype(np.float32), (0, 0), 0.8), np.float32)
        radius = smooth[:, ANGLES : 2 * ANGLES].astype(np.float64)
        y = np.broadcast_to(heights[:, None] + self.slope[1] * grown[:, None] * np.abs(np.sin(angle)), radius.shape)
        points = np.stack([radius * np.sin(angle), y, AXIS_Z_CM + radius * np.cos(angle)], axis=-1)
        corner = np.arange(len(heights) * ANGLES).reshape(len(heights), ANGLES)
        right = np.roll(corner, -1, axis=1)
        a, b, c, d = corner[:-1], right[:-1], right[1:], corner[1:]
        triangles = np.stack([np.stack([a, d, c], -1), np.stack([a, c, b], -1)]).reshape(-1, 3)
        return points.reshape(-1, 3).astype(np.float32), triangles


def off_torso(points: NDArray[np.float64], before: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Points (n, 3) cm pushed out of the usual shoulders, to the chest where ``before`` (n,) says so, else the back."""
    width, front, back = (np.interp(-points[:, 1], -ROWS[:, 0], ROWS[:, k]) for k in (1, 2, 3))
    x, z = points[:, 0] / width, points[:, 2] - AXIS_Z_CM
    depth = 0.9 + np.where(before, front, back) * np.sqrt(np.clip(1 - x * x, 0, 1))
    inside = np.where(before, z < depth, z > -depth) & (points[:, 1] < -12) & (np.abs(x) < 1)
    pushed = np.where(before, depth, -depth) + AXIS_Z_CM
    moved = points.copy()
    moved[:, 2] = np.where(inside, pushed, points[:, 2])
    return moved
