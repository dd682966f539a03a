"""Brows, stubble and short beards, drawn hair by hair into the skin's maps."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.corpora.synthetic.chart import Chart, smooth_curve

Array = NDArray[np.float32]

# From the nose outwards: upper and lower edge of the brows.
BROWS = (([107, 66, 105, 63, 70], [55, 65, 52, 53, 46]), ([336, 296, 334, 293, 300], [285, 295, 282, 283, 276]))
MOUSTACHE = [129, 203, 206, 216, 186, 185, 40, 39, 37, 0, 267, 269, 270, 409, 410, 436, 426, 423, 358, 327, 2, 98]
CHIN = [43, 182, 83, 18, 313, 406, 273, 424, 431, 369, 377, 152, 148, 140, 211, 204]
JAW_Y_CM, CHEEK_LINE_CM = -1.2, 1.3


@dataclass(frozen=True)
class FacialHair:
    """Hair on the face.

    Attributes:
        colour: (3,) linear RGB of brows and beard.
        brow_density, brow_width: share of the usual.
        stubble: shadow of a shaved beard, in [0, 1].
        moustache, chin, jaw: how thick a short beard is at each place, in [0, 1].
        seed: of the hairs.
    """

    colour: tuple[float, float, float]
    brow_density: float
    brow_width: float
    stubble: float
    moustache: float
    chin: float
    jaw: float
    seed: int

    @classmethod
    def random(
        cls, rng: np.random.Generator, colour: tuple[float, float, float], *, feminine: bool, age: float
    ) -> FacialHair:
        """Brows for everyone, a beard for some."""
        stubble = moustache = chin = jaw = 0.0
        if not feminine:
            stubble = float(rng.beta(1.5, 2.0))
            kind = rng.choice(["shaved", "moustache", "goatee", "full"], p=[0.62, 0.08, 0.1, 0.2])
            thick = float(rng.uniform(0.45, 1.0))
            moustache = thick if kind != "shaved" else 0.0
            chin = thick if kind in ("goatee", "full") else 0.0
            jaw = thick if kind == "full" else 0.0
        return cls(
            colour=colour,
            brow_density=float(rng.uniform(0.6, 1.2) * (1.0 if age < 60 else 0.8)),
            brow_width=float(rng.uniform(0.75, 1.1) if feminine else rng.uniform(0.95, 1.5)),
            stubble=stubble,
            moustache=moustache,
            chin=chin,
            jaw=jaw,
            seed=int(rng.integers(2**31)),
        )


def hair_cover(hair: FacialHair, chart: Chart) -> tuple[Array, Array]:
    """(side, side) in [0, 1] each: the shadow of hair under the skin, and what hairs hide of it."""
    rng = np.random.default_rng(hair.seed)
    strokes = np.zeros((chart.side, chart.side), np.uint8)
    for upper, lower in BROWS:
        _brow(strokes, hair, chart, upper, lower, rng)
    cover = chart.soft(strokes, 0.7)
    regions = beard_regions(chart)
    patchy = np.clip(0.85 + 0.15 * chart.noise(rng, 1.2), 0.4, 1.1)
    shadow = hair.stubble * 0.42 * np.clip(sum(regions), 0, 1) * patchy
    amount = np.zeros_like(cover)
    for region, thick in zip(regions, (hair.moustache, hair.chin, hair.jaw), strict=True):
        amount = np.maximum(amount, region * thick)
    if amount.max() > 0:
        grain = chart.noise(rng, 0.03) * 0.7 + chart.noise(rng, 0.07) * 0.4
        hairs = np.clip(amount * patchy * (1.05 + 0.5 * grain), 0, 1)
        cover = np.maximum(cover, np.clip((hairs - 0.1) * 1.1, 0, 0.92))
    return np.asarray(np.clip(shadow, 0, 1), np.float32), np.asarray(cover, np.float32)


def beard_regions(chart: Chart) -> tuple[Array, Array, Array]:
    """(side, side) where moustache, chin beard and the rest of a beard grow."""
    moustache, chin = chart.filled(MOUSTACHE, 9), chart.filled(CHIN, 18)
    lips = chart.filled([61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146], 4)
    x, y, z = (chart.rest[..., axis] for axis in range(3))
    side = np.abs(x)
    # Below a line from the corner of the mouth up to the ear's middle, down to the throat.
    top = -3.6 + np.clip(side - 2.2, 0, 6) ** 1.15 * 0.62
    under = _ramp(top - y, -0.3, 1.3) * _ramp(y, -10.8, -8.6) * _ramp(z, 0.8, 2.5) * _ramp(7.9 - side, 0, 0.4)
    jaw = under * _ramp(side, 1.9, 3.3) + under * _ramp(-7.0 - y, -0.6, 0.6)
    return moustache * (1 - lips), chin * (1 - lips), np.asarray(np.clip(jaw, 0, 1) * (1 - lips), np.float32)


def _ramp(values: NDArray[np.floating], low: float, high: float) -> Array:
    t = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def _brow(
    mask: NDArray[np.uint8],
    hair: FacialHair,
    chart: Chart,
    upper: list[int],
    lower: list[int],
    rng: np.random.Generator,
) -> None:
    """Draw a brow's hairs: upright near the nose, lying outwards along the brow."""
    top, bottom = smooth_curve(chart.landmarks[upper], 16), smooth_curve(chart.landmarks[lower], 16)
    middle, half = 0.5 * (top + bottom), 0.5 * (top - bottom)
    scale = chart.side / 1024
    for _ in range(int(640 * hair.brow_density)):
        along = rng.beta(1.1, 1.25)
        place = along * (len(middle) - 2)
        index = int(place)
        thin = np.sin(np.pi * np.clip(0.12 + 0.80 * along, 0, 1)) ** 0.5 * hair.brow_width
        across = rng.normal(0, 0.42)
        if abs(across) > 1:
            continue
        root = middle[index] + (middle[index + 1] - middle[index]) * (place - index) + half[index] * across * thin
        forward = middle[index + 1] - middle[index]
        forward = forward / np.linalg.norm(forward)
        up = half[index] / max(np.linalg.norm(half[index]), 1e-6)
        lean = np.clip(1.15 - 2.6 * along, -0.15, 1.1) - 0.5 * across * (along > 0.25)
        direction = forward + lean * up + rng.normal(0, 0.16, 2)
        length = rng.uniform(12, 24) * scale * (1 - 0.35 * along)
        points = root + np.outer([0, 0.5, 1.0], direction / np.linalg.norm(direction)) * length
        points[1] += 0.06 * length * forward
        strength = int(rng.uniform(160, 250))
        pixels = np.round(points * 16).astype(np.int32)
        cv2.polylines(mask, [pixels], False, strength, max(1, round(1.4 * scale)), cv2.LINE_AA, 4)
