"""The colour of skin from what is in it: melanin above, blood below.

Two layers, after S. L. Jacques, "Skin optics" (Oregon Medical Laser Center News, 1998) and "Optical properties of
biological tissues: a review" (Phys. Med. Biol. 58, 2013): light passes the epidermis, is scattered back by the dermis
and passes the epidermis again.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from orate.corpora.synthetic.spectrum import (
    DEOXY,
    HAEMOGLOBIN_G_PER_L,
    HAEMOGLOBIN_G_PER_MOL,
    OXY,
    WAVELENGTHS_NM,
    linear_rgb,
)

Floats = NDArray[np.float64]

EPIDERMIS_CM = 0.006
# Diffuse light goes through it twice and not straight.
EPIDERMIS_PATH = 4.0
OXYGENATION = 0.7
MELANIN_RANGE = (0.003, 0.6)  # volume fraction of melanosomes in the epidermis: 1.3-6.3% light, 11-16%, 18-43% dark
BLOOD_RANGE = (0.001, 0.12)  # volume fraction in the dermis, seen as evenly spread
TABLE_SIDE = 64
CLUMPS = 1.6  # melanin lies in clumps and light finds ways between them: shape of the gamma distribution of paths
EPIDERMIS_REFLECTANCE = 0.022  # scattered back before it meets melanin, which dark skin owes its grey to
MEAN_REFRACTION = 0.55  # what the inner surface sends back into the skin


def reflectance(melanin: NDArray[np.floating], blood: NDArray[np.floating], oxygenation: float = OXYGENATION) -> Floats:
    """(..., 31) diffuse reflectance of skin with these volume fractions (...,)."""
    nm = WAVELENGTHS_NM
    melanosome = 6.6e11 * nm**-3.33  # 1/cm
    baseline = 0.244 + 85.3 * np.exp(-(nm - 154) / 66.2)  # 1/cm, skin without blood and melanin
    whole_blood = 2.303 * HAEMOGLOBIN_G_PER_L / HAEMOGLOBIN_G_PER_MOL * (oxygenation * OXY + (1 - oxygenation) * DEOXY)
    m, b = np.asarray(melanin, np.float64)[..., None], np.asarray(blood, np.float64)[..., None]
    depth = EPIDERMIS_PATH * EPIDERMIS_CM * (m * melanosome + (1 - m) * baseline)
    through = (1 + depth / CLUMPS) ** -CLUMPS
    absorption = b * whole_blood + (1 - b) * baseline
    scattering = 46.0 * (nm / 500) ** -1.421  # 1/cm, reduced (Jacques 2013, skin)
    albedo = scattering / (scattering + absorption)
    # Diffuse reflectance of a half space by diffusion theory with an inner surface (Jensen et al. 2001, eq. 8, 9).
    mirror = (1 + MEAN_REFRACTION) / (1 - MEAN_REFRACTION)
    root = np.sqrt(3 * (1 - albedo))
    dermis = albedo / 2 * (1 + np.exp(-4 / 3 * mirror * root)) * np.exp(-root)
    return np.asarray(EPIDERMIS_REFLECTANCE + through * dermis)


@cache
def colour_table() -> NDArray[np.float32]:
    """(64, 64, 3) linear sRGB: rows by melanin, columns by blood, both spaced evenly in the logarithm."""
    melanin = np.geomspace(*MELANIN_RANGE, TABLE_SIDE)[:, None]
    blood = np.geomspace(*BLOOD_RANGE, TABLE_SIDE)[None, :]
    return linear_rgb(reflectance(melanin, blood)).astype(np.float32)


def skin_colour(melanin: NDArray[np.floating], blood: NDArray[np.floating]) -> NDArray[np.float32]:
    """(..., 3) linear sRGB albedo, by bilinear look-up in `colour_table`; fractions are cut to their ranges."""
    table = colour_table()
    axes = []
    for values, (low, high) in ((melanin, MELANIN_RANGE), (blood, BLOOD_RANGE)):
        place = np.log(np.clip(values, low, high) / low) / np.log(high / low) * (TABLE_SIDE - 1)
        axes.append(np.clip(place, 0, TABLE_SIDE - 1.001))
    row, column = (axis.astype(np.intp) for axis in axes)
    down, across = ((axis - np.floor(axis))[..., None].astype(np.float32) for axis in axes)
    above = table[row, column] * (1 - across) + table[row, column + 1] * across
    below = table[row + 1, column] * (1 - across) + table[row + 1, column + 1] * across
    return np.asarray(above * (1 - down) + below * down, np.float32)
