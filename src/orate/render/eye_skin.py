"""What the skin around an eye looks like: its colour across the eye, and its grain."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.render.eye_shape import COLUMNS, EyeShape, Floats, luma

COLOUR_SPREAD = 5.0  # of the columns' smoothing
UNDER_EYE_CM = (0.15, 0.6)  # below the lower lid, where skin is free of lashes
GRAIN_CM = 0.12  # structure finer than this is grain
GRAIN_FROM_CM = 0.35  # the grain's cheek begins so far below the lower lid's edge
GRAIN_LIMIT, NO_GRAIN = 2.0, 5.0  # robust deviations; beyond the second lie lashes and the rims of glasses


@dataclass(frozen=True)
class Colours:
    """A colour that changes across the eye: (n, 3) at `COLUMNS`."""

    values: Floats

    def at(self, u: Floats) -> Floats:
        """(h, w) places to (h, w, 3) colours."""
        channels = [np.interp(u, COLUMNS, self.values[:, channel]) for channel in range(3)]
        return np.stack(channels, axis=-1).astype(np.float32)


def skin_colours(patch: Floats, shape: EyeShape) -> tuple[Colours, Colours, Colours]:
    """Colours across the eye: just above the crease, of the skin above the eye, and of that under the eye."""
    curves = shape.curves
    near = 0.15 * shape.scale
    top = mean_between(sample(patch, shape, curves.crease - near, curves.crease, 8), 0.2, 0.9)
    # The brighter part between brow and lashes is skin; the darkest is brow, crease, lashes; the brightest gloss.
    above = mean_between(sample(patch, shape, curves.brow, curves.upper, 24), 0.65, 0.95)
    low, high = (value * shape.scale for value in UNDER_EYE_CM)
    under = mean_between(sample(patch, shape, curves.lower + low, curves.lower + high, 16), 0.3, 0.8)
    return Colours(top), Colours(above), Colours(under)


def sample(patch: Floats, shape: EyeShape, start: Floats, end: Floats, count: int) -> Floats:
    """(n, count, 3) colours at `COLUMNS`, in `count` steps from the curve `start` to the curve `end`."""
    steps = np.linspace(0, 1, count, dtype=np.float32)
    x, y = shape.patch_places(start[:, None] + steps * (end - start)[:, None])
    return np.asarray(cv2.remap(patch, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)


def mean_between(samples: Floats, low: float, high: float) -> Floats:
    """(n, 3) mean colour of each column's samples whose brightness ranks from `low` to `high`; smooth across."""
    count = samples.shape[1]
    order = np.argsort(luma(samples), axis=1, kind="stable")
    chosen = order[:, int(low * count) : max(int(np.ceil(high * count)), int(low * count) + 1)]
    colours = np.take_along_axis(samples, chosen[..., None], axis=1).mean(axis=1)
    return _smooth(colours)


def fine_grain(photo: NDArray[np.uint8], shape: EyeShape) -> Floats:
    """(h, w, 3) grain for the lid: the fine structure of the cheek below the eye, moved up as a whole."""
    x0, y0, x1, y1 = shape.box
    away = float(np.max(shape.curves.lower) - np.min(shape.curves.brow)) + GRAIN_FROM_CM * shape.scale
    # By whole pixels: grain that is resampled is grain no more.
    dx, dy = (round(float(away * part)) for part in shape.down)
    height, width = photo.shape[:2]
    edge = int(np.ceil(4 * GRAIN_CM * shape.scale)) + 2
    columns = _within(np.arange(x0 - edge, x1 + edge) + dx, width)
    rows = _within(np.arange(y0 - edge, y1 + edge) + dy, height)
    cheek = photo[np.ix_(rows, columns)].astype(np.float32)
    fine = cheek - cv2.GaussianBlur(cheek, (0, 0), max(GRAIN_CM * shape.scale, 0.8))
    fine = fine[edge:-edge, edge:-edge]
    spread = 1.48 * np.median(np.abs(fine)) + 1e-3
    strange = cv2.dilate((np.abs(fine).max(axis=2) > NO_GRAIN * spread).astype(np.uint8), np.ones((5, 5), np.uint8))
    grain: Floats = np.clip(fine, -GRAIN_LIMIT * spread, GRAIN_LIMIT * spread)
    grain[strange > 0] = 0
    return grain


def _within(places: NDArray[np.int_], size: int) -> NDArray[np.int_]:
    """Indices mirrored at the ends of an axis of `size`."""
    around = np.mod(places, 2 * size)
    inside: NDArray[np.int_] = np.minimum(around, 2 * size - 1 - around)
    return inside


def _smooth(colours: NDArray[np.float32]) -> Floats:
    """Gaussian over the columns; the ends carry on."""
    pad = len(COLUMNS)
    extended = np.pad(colours, ((pad, pad), (0, 0)), mode="edge")
    spread = cv2.GaussianBlur(extended[:, None], (1, 4 * int(COLOUR_SPREAD) + 1), 0.1, sigmaY=COLOUR_SPREAD)
    return np.asarray(spread, np.float32).reshape(-1, 3)[pad:-pad]
