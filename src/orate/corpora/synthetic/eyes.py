"""A person's eyes: the picture on the eyeball, and where they look."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.corpora.synthetic import parts

TEXTURE_SIDE = 256
IRIS_SINE = 0.375  # of the angle between the gaze and the iris' edge, seen from the eyeball's centre
# Linear RGB of the iris' outer and inner parts.
COLOURS = {
    "dark brown": ((0.035, 0.015, 0.007), (0.06, 0.025, 0.01)),
    "brown": ((0.08, 0.035, 0.014), (0.14, 0.065, 0.022)),
    "hazel": ((0.11, 0.085, 0.04), (0.17, 0.085, 0.03)),
    "green": ((0.10, 0.13, 0.08), (0.17, 0.14, 0.06)),
    "blue": ((0.10, 0.16, 0.25), (0.20, 0.26, 0.31)),
    "grey": ((0.16, 0.19, 0.21), (0.24, 0.26, 0.26)),
}
LIGHT_SKIN_SHARES = (0.12, 0.25, 0.15, 0.12, 0.24, 0.12)
DARK_SKIN_SHARES = (0.75, 0.22, 0.03, 0.0, 0.0, 0.0)
LIGHT_SKIN = 0.035  # melanin below which all colours are usual


@dataclass(frozen=True)
class Eyes:
    """What the eyes are made of.

    Attributes:
        outer, inner: (3,) linear RGB of the iris.
        pupil: radius of the pupil as a share of the iris'.
        redness, yellowness: of the white, in [0, 1].
        seed: of fibres and veins.
    """

    outer: tuple[float, float, float]
    inner: tuple[float, float, float]
    pupil: float
    redness: float
    yellowness: float
    seed: int

    @classmethod
    def random(cls, rng: np.random.Generator, melanin: float, age: float) -> Eyes:
        """Eyes of a colour that goes with the skin's ``melanin``."""
        shares = LIGHT_SKIN_SHARES if melanin < LIGHT_SKIN else DARK_SKIN_SHARES
        names = list(COLOURS)
        outer, inner = (np.array(part) * rng.uniform(0.75, 1.3) for part in COLOURS[names[rng.choice(6, p=shares)]])
        return cls(
            outer=(float(outer[0]), float(outer[1]), float(outer[2])),
            inner=(float(inner[0]), float(inner[1]), float(inner[2])),
            pupil=float(rng.uniform(0.26, 0.46)),
            redness=float(rng.beta(1.5, 4)),
            yellowness=float(np.clip(rng.beta(1.5, 4) + 0.004 * (age - 40) + 1.2 * melanin, 0, 1)),
            seed=int(rng.integers(2**31)),
        )

    def texture(self) -> NDArray[np.float32]:
        """(256, 256, 3) linear RGB of the eyeball's front, seen along its axis; the border is its equator."""
        rng = np.random.default_rng(self.seed)
        axis = (np.arange(TEXTURE_SIDE) + 0.5) / TEXTURE_SIDE * 2 - 1
        x, y = np.meshgrid(axis, -axis)
        radius, angle = np.hypot(x, y), np.arctan2(y, x)
        part = radius / IRIS_SINE
        white = np.array([0.50, 0.455, 0.42]) * (1 - 0.12 * self.yellowness * np.array([0, 0.5, 2.0]))
        veins = _smooth_noise(rng, 40) * _smooth_noise(rng, 12)
        red = self.redness * np.clip((radius - 0.45) * 1.5, 0, 1) * (0.35 + 0.9 * np.clip(veins, 0, 1))
        picture = white[None, None] * (1 - red[..., None] * np.array([0.05, 0.45, 0.5]))
        fibres = _fibres(rng, angle, part)
        blend = np.clip((part - 0.35) / 0.45 + 0.25 * fibres, 0, 1)[..., None]
        iris = np.array(self.inner) * (1 - blend) + np.array(self.outer) * blend
        iris = iris * (1 + 0.45 * fibres[..., None]) * (1 - 0.65 * _step(part, 0.86, 1.0))[..., None]
        iris = iris * (1 - _step(self.pupil + 0.02 * fibres - part, -0.035, 0.035))[..., None] + 0.002
        inside = (1 - _step(part, 0.95, 1.09))[..., None]
        return np.asarray(iris * inside + picture * (1 - inside), np.float32)


def _fibres(rng: np.random.Generator, angle: NDArray[np.floating], part: NDArray[np.floating]) -> NDArray[np.floating]:
    """Radial streaks in [-1, 1]."""
    rows, columns = 24, 360
    noise = rng.standard_normal((rows, columns)).astype(np.float32)
    streaks = np.asarray(cv2.GaussianBlur(noise, (0, 0), sigmaX=1.2, sigmaY=4.0))
    streaks = streaks / np.abs(streaks).max()
    column = (angle / (2 * np.pi) % 1 * (columns - 1)).astype(np.float32)
    row = np.clip(part * (rows - 1), 0, rows - 1).astype(np.float32)
    return np.asarray(cv2.remap(streaks, column, row, cv2.INTER_LINEAR))


def _smooth_noise(rng: np.random.Generator, cells: int) -> NDArray[np.floating]:
    grid = rng.standard_normal((cells, cells)).astype(np.float32)
    return np.asarray(cv2.resize(grid, (TEXTURE_SIDE, TEXTURE_SIDE), interpolation=cv2.INTER_CUBIC))


def _step(values: NDArray[np.floating], low: float, high: float) -> NDArray[np.floating]:
    t = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def eye_centres(neutral: NDArray[np.float32], shape: NDArray[np.float32]) -> NDArray[np.float32]:
    """(2, 3) cm centres of the left and right eyeball of the head ``shape`` (26719, 3)."""
    centres = []
    for eyeball in parts.EYEBALLS:
        rest = neutral[eyeball]
        round_part = rest[rest[:, 2] < 0.5 * (rest[:, 2].min() + rest[:, 2].max())].astype(np.float64)
        # Least squares for a sphere: 2 p.c + (r^2 - c^2) = p^2.
        system = np.concatenate([2 * round_part, np.ones((len(round_part), 1))], axis=1)
        solution = np.linalg.lstsq(system, (round_part**2).sum(axis=1), rcond=None)[0]
        centres.append(solution[:3] + (shape[eyeball] - rest).mean(axis=0))
    return np.array(centres, np.float32)


def gaze_rotation(gaze: NDArray[np.floating]) -> NDArray[np.float32]:
    """(3, 3) that turns an eyeball by ``gaze`` (2,) degrees: to the image's right, up."""
    yaw, pitch = np.radians(np.asarray(gaze, np.float64))
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    return np.asarray(about_y @ about_x, np.float32)


def axis_rotation(neutral: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """(3, 3) that turns the axis of the left (0) or right (1) eyeball, through the top of its cornea, to z."""
    cornea = neutral[parts.CORNEAS[side]]
    z = cornea[cornea[:, 2].argmax()] - eye_centres(neutral, neutral)[side]
    z = z / np.linalg.norm(z)
    x = np.cross([0, 1, 0], z)
    x = x / np.linalg.norm(x)
    return np.asarray(np.stack([x, np.cross(z, x), z]), np.float32)
