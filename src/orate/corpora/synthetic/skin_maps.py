"""The maps of a person's skin, made from few numbers: colour, gloss, relief."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.corpora.synthetic.chart import Chart
from orate.corpora.synthetic.facial_hair import FacialHair, hair_cover
from orate.corpora.synthetic.hair import Hair
from orate.corpora.synthetic.scalp import hairline_distance
from orate.corpora.synthetic.skin import Skin
from orate.corpora.synthetic.skin_optics import skin_colour
from orate.corpora.synthetic.wrinkles import Relief

Array = NDArray[np.float32]

OUTER_LIPS = [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146]
RIGHT_EYE = [33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7]
LEFT_EYE = [263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249]
UNDER_EYES = ([228, 229, 230, 231, 232, 233], [448, 449, 450, 451, 452, 453])
UPPER_LIDS = ([247, 30, 29, 27, 28, 56, 190], [467, 260, 259, 257, 258, 286, 414])


@dataclass(frozen=True)
class SkinMaps:
    """What the skin's shader reads.

    Attributes:
        albedo: (side, side, 3) linear RGB.
        gloss: (side, side) in [0, 1], how much it mirrors; lips are wet.
        slope: (side, side, 2) of the relief, cm a cm along u and v.
    """

    albedo: Array
    gloss: Array
    slope: Array


def make_maps(skin: Skin, hair: FacialHair, scalp_hair: Hair, chart: Chart) -> SkinMaps:
    """Draw the maps; the same for the same person."""
    rng = np.random.default_rng(skin.seed)
    lips = chart.filled(OUTER_LIPS, 3.5)
    melanin, blood = _contents(skin, chart, lips, rng)
    albedo = skin_colour(melanin, blood)
    shade = 1 - (0.10 + 0.30 * skin.circles) * _under_eyes(chart)
    albedo = albedo * np.stack([shade, shade**1.15, shade**1.05], axis=-1)
    albedo = _painted(skin, albedo, lips, chart)
    relief = Relief(skin, chart, rng, lips)
    crease = 0.42 * relief.shade
    albedo = albedo * (1 - np.stack([0.8 * crease, crease, crease], axis=-1))
    height = relief.height
    stubble, brows = hair_cover(hair, chart)
    within = hairline_distance(chart.rest.reshape(-1, 3), scalp_hair).reshape(chart.covered.shape)
    roots = np.clip((within + 0.9 + 0.3 * chart.noise(rng, 0.1)) / 1.3, 0, 1) * (chart.rest[..., 1] > -2)
    stubble = np.maximum(stubble, roots * (0.0 if scalp_hair.style == "bald" else 0.9))
    albedo = albedo * (1 - stubble[..., None] * np.array([0.62, 0.58, 0.52]) * (1 - 2 * np.array(hair.colour)))
    cover = brows[..., None]
    albedo = albedo * (1 - cover) + np.array(hair.colour, np.float32) * cover
    gloss = 0.42 + 0.12 * chart.blob(4, (1.2, 1.0)) + 0.10 * chart.blob(151, (3.0, 1.4)) + 0.3 * lips
    gloss = gloss - 0.22 * np.maximum(brows, 0.6 * stubble) + 0.05 * chart.noise(rng, 0.2)
    across, along = chart.texel_cm
    slope = np.stack([np.gradient(height, axis=1) / across, np.gradient(height, axis=0) / along], axis=-1)
    slope *= chart.inside[..., None]
    return SkinMaps(albedo.astype(np.float32), np.clip(gloss, 0, 1), np.clip(slope, -1, 1).astype(np.float32))


def _contents(skin: Skin, chart: Chart, lips: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Volume fractions of melanin and blood at each texel."""
    uneven = sum(chart.noise(rng, cell) / scale for cell, scale in ((4.5, 1.5), (1.7, 2), (0.7, 3)))
    mottled = chart.noise(rng, 0.25) * 0.6 + chart.noise(rng, 0.11) * 0.4
    log_melanin = (0.04 + 0.10 * skin.blotches) * uneven + 0.03 * mottled
    if skin.freckles > 0:
        log_melanin = log_melanin + _freckles(skin, chart, rng)
    moles = _spots(chart, rng, int(rng.poisson(3 + 0.06 * skin.age)), (0.04, 0.11), (-8, 8), (-9, 9))
    old = _spots(chart, rng, int(rng.poisson(max(skin.age - 45, 0) * 0.5)), (0.1, 0.35), (-8, 8), (-4, 9))
    log_melanin = log_melanin + 1.3 * moles + 0.35 * old
    # Sun and blood: cheeks, nose, ears and chin are redder, the forehead is not; lids are thin.
    flush = sum(chart.blob(cheek, (1.7, 1.4)) for cheek in (50, 280))
    flush = flush + 0.9 * chart.blob(4, (0.9, 0.8)) + 0.35 * chart.blob(199, (1.4, 0.9))
    flush = flush + 0.6 * (np.abs(chart.rest[..., 0]) > 7.6).astype(np.float32) * chart.inside
    lids = sum(
        chart.filled(lid + ring[::-1], 14) for lid, ring in zip(UPPER_LIDS, ([33, 133], [263, 362]), strict=True)
    )
    mottle = np.clip(chart.noise(rng, 0.9) * chart.noise(rng, 0.35), -0.6, 2)
    log_blood = (0.25 + 0.85 * skin.flush) * flush + 0.25 * lids + 0.10 * chart.noise(rng, 2.5)
    log_blood = log_blood + (0.06 + 0.12 * skin.blotches) * mottle
    blood = skin.blood * np.exp(log_blood)
    edge = np.clip(lips + 0.06 * chart.noise(rng, 0.2) * (lips > 0.02), 0, 1)
    lip_melanin = skin.melanin * (0.7 if skin.melanin < 0.06 else 0.75)
    melanin = np.exp(np.log(skin.melanin) * (1 - edge) + np.log(lip_melanin) * edge + log_melanin * (1 - 0.5 * edge))
    rims = chart.filled(RIGHT_EYE, 7) + chart.filled(LEFT_EYE, 7)
    return np.asarray(melanin, np.float32), np.asarray(
        blood * (1 - edge) + skin.lip_blood * edge + 0.02 * rims * (1 - edge), np.float32
    )


def _under_eyes(chart: Chart) -> Array:
    """(side, side) where skin under the eyes is thin and dark."""
    total = np.zeros((chart.side, chart.side), np.float32)
    for points, inner in zip(UNDER_EYES, (133, 362), strict=True):
        total += chart.line(chart.landmarks[points], 26, 16)
        total += 0.5 * chart.blob(inner, (0.55, 0.6))
    return np.asarray(np.clip(total, 0, 1), np.float32)


def _painted(skin: Skin, albedo: Array, lips: Array, chart: Chart) -> Array:
    """Lipstick and a line between the lips."""
    red, green, blue, cover = skin.lipstick
    if cover > 0:
        paint = np.array([red, green, blue], np.float32)
        albedo = albedo * (1 - cover * lips[..., None]) + paint * (cover * lips[..., None])
    seam = chart.line(chart.landmarks[[61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291]], 1.5, 2.0)
    return np.asarray(albedo * (1 - 0.08 * seam[..., None]), np.float32)


def _freckles(skin: Skin, chart: Chart, rng: np.random.Generator) -> Array:
    count = int(250 + 900 * skin.freckles)
    spots = _spots(chart, rng, count, (0.03, 0.09), (-6.5, 6.5), (-3, 7))
    where = np.clip(sum(chart.blob(place, (3.0, 1.6)) for place in (5, 50, 280)) + 0.2, 0, 1)
    return np.asarray(0.9 * skin.freckles * spots * where, np.float32)


def _spots(
    chart: Chart,
    rng: np.random.Generator,
    count: int,
    radii: tuple[float, float],
    across: tuple[float, float],
    along: tuple[float, float],
) -> Array:
    """(side, side) soft round spots of ``radii`` cm, spread over part of the face from the front."""
    mask = np.zeros((chart.side, chart.side), np.uint8)
    rows, columns = np.nonzero(chart.covered & (chart.rest[..., 2] > 1))
    if count == 0 or len(rows) == 0:
        return np.zeros(mask.shape, np.float32)
    for pick in rng.integers(len(rows), size=3 * count)[:count]:
        row, column = rows[pick], columns[pick]
        x, y = chart.rest[row, column, :2]
        if not (across[0] < x < across[1] and along[0] < y < along[1]):
            continue
        radius, strength = rng.uniform(*radii), int(rng.uniform(60, 255))
        axes = [max(int(16 * radius / size[row, column]), 8) for size in chart.texel_cm]
        cv2.ellipse(mask, (int(column * 16), int(row * 16)), axes, 0, 0, 360, strength, -1, cv2.LINE_AA, 4)
    return chart.soft(mask, 1.2)
