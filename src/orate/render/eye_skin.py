"""What the skin around an eye looks like: its colour across the eye, and its grain."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.render.eye_shape import COLUMNS, EyeShape, Floats, luma

COLOUR_SPREAD = 5.0  # of the columns' smoothing
GRAIN_CM = 0.12  # structure finer than this is grain
GRAIN_CM_BELOW = (0.25, 0.7)  # where it is taken, below the lower lid's edge and its lashes
GRAIN_LIMIT = 2.5  # robust deviations; what goes beyond is a wrinkle or a lash


@dataclass(frozen=True)
class Colours:
    """A colour that changes across the eye: (n, 3) at `COLUMNS`."""

    values: Floats

    def at(self, u: Floats) -> Floats:
        """(h, w) places to (h, w, 3) colours."""
        channels = [np.interp(u, COLUMNS, self.values[:, channel]) for channel in range(3)]
        return np.stack(channels, axis=-1).astype(np.float32)


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


def fine_grain(patch: Floats, shape: EyeShape) -> Floats:
    """(h, w, 3) grain for the lid: the fine structure under the eye, mirrored upwards."""
    blurred = cv2.GaussianBlur(patch, (0, 0), max(GRAIN_CM * shape.scale, 0.8))
    fine = patch - blurred
    # Up the lid the source goes to and fro within its strip.
    low, high = (value * shape.scale for value in GRAIN_CM_BELOW)
    phase = np.mod(np.abs(shape.v - shape.lower) / np.float32(high - low), 2)
    distance = np.float32(low) + np.float32(high - low) * np.minimum(phase, 2 - phase)
    move = shape.lower + distance - shape.v
    height, width = shape.u.shape
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    grain = cv2.remap(
        fine,
        columns + move * shape.down[0],
        rows + move * shape.down[1],
        cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    spread = 1.48 * np.median(np.abs(grain)) + 1e-3
    result: Floats = np.clip(grain, -GRAIN_LIMIT * spread, GRAIN_LIMIT * spread)
    return result


def _smooth(colours: NDArray[np.float32]) -> Floats:
    """Gaussian over the columns; the ends carry on."""
    pad = len(COLUMNS)
    extended = np.pad(colours, ((pad, pad), (0, 0)), mode="edge")
    spread = cv2.GaussianBlur(extended[:, None], (1, 4 * int(COLOUR_SPREAD) + 1), 0.1, sigmaY=COLOUR_SPREAD)
    return np.asarray(spread, np.float32).reshape(-1, 3)[pad:-pad]
