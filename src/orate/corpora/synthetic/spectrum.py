"""Spectra to colours: what skin, blood and lamps look like to an sRGB camera."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WAVELENGTHS_NM = np.arange(400.0, 701.0, 10.0)
# Molar extinction of oxygenated and deoxygenated haemoglobin, 1/(cm M), 400 to 700 nm in steps of 10: S. Prahl's
# tabulation (Oregon Medical Laser Center, 1998) of data by Gratzer and Kollias, rounded to three digits.
# fmt: off
OXY = np.array([
    266e3, 467e3, 480e3, 246e3, 103e3, 62.8e3, 44.5e3, 33.2e3, 26.6e3, 23.7e3,
    20.9e3, 20.0e3, 24.2e3, 40.0e3, 53.2e3, 43.0e3, 32.6e3, 44.5e3, 50.1e3, 14.4e3,
    3200, 1510, 942, 610, 442, 368, 320, 294, 278, 276, 290,
])
DEOXY = np.array([
    223e3, 304e3, 408e3, 529e3, 413e3, 103e3, 23.4e3, 16.2e3, 14.6e3, 16.7e3,
    20.9e3, 25.8e3, 31.6e3, 39.0e3, 46.6e3, 53.4e3, 53.8e3, 45.1e3, 37.0e3, 28.3e3,
    14.7e3, 9440, 6510, 5150, 4350, 3750, 3230, 2800, 2410, 2050, 1790,
])
# fmt: on
HAEMOGLOBIN_G_PER_L, HAEMOGLOBIN_G_PER_MOL = 150.0, 64_500.0
XYZ_TO_RGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
DAYLIGHT_K = 6504.0


@cache
def colour_matching() -> Floats:
    """(31, 3) CIE 1931 x, y, z at `WAVELENGTHS_NM`, by the sums of Gaussians of Wyman, Sloan and Shirley (2013)."""

    def lobe(peak: float, below: float, above: float) -> Floats:
        width = np.where(peak > WAVELENGTHS_NM, below, above)
        return np.asarray(np.exp(-0.5 * ((WAVELENGTHS_NM - peak) * width) ** 2))

    x = 0.362 * lobe(442.0, 0.0624, 0.0374) + 1.056 * lobe(599.8, 0.0264, 0.0323) - 0.065 * lobe(501.1, 0.0490, 0.0382)
    y = 0.821 * lobe(568.8, 0.0213, 0.0247) + 0.286 * lobe(530.9, 0.0613, 0.0322)
    z = 1.217 * lobe(437.0, 0.0845, 0.0278) + 0.681 * lobe(459.0, 0.0385, 0.0725)
    return np.stack([x, y, z], axis=1)


def planck(kelvin: float) -> Floats:
    """(31,) relative power of a black body at `WAVELENGTHS_NM`."""
    metres = WAVELENGTHS_NM * 1e-9
    return np.asarray(1e-30 / (metres**5 * np.expm1(1.438777e-2 / (metres * kelvin))))


def linear_rgb(spectra: NDArray[np.floating], light: Floats | None = None) -> Floats:
    """Reflectances (..., 31) to linear sRGB (..., 3): a white sheet under ``light`` (default: 6504 K) is 1, 1, 1.

    What lies outside sRGB is cut at 0.
    """
    weights = colour_matching() * (planck(DAYLIGHT_K) if light is None else light)[:, None]
    white = XYZ_TO_RGB @ weights.sum(axis=0)
    return np.asarray(np.maximum((np.asarray(spectra) @ weights) @ XYZ_TO_RGB.T / white, 0), np.float64)


def lamp_rgb(kelvin: float, camera_kelvin: float = DAYLIGHT_K) -> Floats:
    """(3,) linear sRGB of a lamp of that colour temperature, luminance 1, to a camera balanced for another."""
    colour = XYZ_TO_RGB @ (planck(kelvin) @ colour_matching())
    white = XYZ_TO_RGB @ (planck(camera_kelvin) @ colour_matching())
    balanced = colour / white
    balanced = np.maximum(balanced / (balanced @ LUMINANCE), 0.02)
    return np.asarray(balanced / (balanced @ LUMINANCE))


def encode_srgb(linear: NDArray[np.floating]) -> NDArray[np.float32]:
    """Linear [0, 1] to the sRGB curve, [0, 1]."""
    clipped = np.clip(linear, 0, 1)
    return np.asarray(np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * clipped ** (1 / 2.4) - 0.055), np.float32)


def decode_srgb(encoded: NDArray[np.floating]) -> NDArray[np.float32]:
    """The inverse of `encode_srgb`."""
    clipped = np.clip(encoded, 0, 1)
    return np.asarray(np.where(clipped <= 0.04045, clipped / 12.92, ((clipped + 0.055) / 1.055) ** 2.4), np.float32)
