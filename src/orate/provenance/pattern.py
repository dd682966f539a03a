"""The pattern that the watermark adds: a tile of pseudo-random chips, repeated over the frame.

A spread-spectrum mark (Cox, Kilian, Leighton and Shamoon, 1997). The tile holds one pattern that every marked file
has, the pilot, and one for each symbol of the code word. A symbol's value is a cyclic shift of its pattern, as in JAWS
(Kalker, Depovere, Haitsma and Maes, 1999): all 256 values are compared by one Fourier transform, and shifts stay
shifts when a picture is cropped. The pilot says where the tile begins. That the tile repeats lets it survive scaling
and cropping (Kutter, 1998; Voloshynovskiy, Deguillaume and Pun, 2001).

A tile has 64 x 64 cells, and a frame as many tiles as fit: its shorter side has 160 cells, so that a video that is only
scaled keeps that number. Frames under 480 px have fewer, because cells of few pixels do not survive encoding. The
pattern is the same in every frame. What stands still in the photo stands still in the video: nothing can flicker, the
encoder spends next to nothing on it after the first frame, and any cut of the video holds the whole mark.
"""

from __future__ import annotations

from functools import cache
from hashlib import shake_256
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.provenance.code import SYMBOLS, VALUES, Symbols

TILE = 64  # cells, the tile's width and height
SHIFTS = 16  # shifts along each axis: 16 x 16 values of a symbol
SHIFT_CELLS = TILE // SHIFTS
CELLS = 160  # along the shorter side of a frame
CELL_MIN_PX = 2.0  # in the smallest frames; it grows with the fourth root of the size
SMALL_PX = 96
PILOT_WEIGHT = 2.0  # against 1 of each symbol: the pilot is looked for at every scale and place
SEED = "orate watermark 1"  # a change makes all marks made before unreadable
MARGIN = 4  # cells beyond the frame's edge, for interpolation

Floats = NDArray[np.float32]


def cell_size(height: int, width: int) -> float:
    """Width of a cell in pixels of a frame of that size."""
    side = min(height, width)
    return float(max(side / CELLS, CELL_MIN_PX * max(1.0, side / SMALL_PX) ** 0.25))


@cache
def chips() -> Floats:
    """(17, 64, 64), each -1 or 1: the pilot, then a pattern for each symbol. The same bits on every machine."""
    patterns = 1 + SYMBOLS
    stream = shake_256(SEED.encode()).digest(patterns * TILE * TILE // 8)
    bits = np.unpackbits(np.frombuffer(stream, np.uint8)).reshape(patterns, TILE, TILE)
    return np.asarray(bits.astype(np.float32) * 2 - 1, np.float32)


def tile(word: Symbols) -> Floats:
    """(64, 64), variance 1 on average: the pilot and the shifted patterns of a code word (16,)."""
    pilot, *patterns = chips()
    total = np.asarray(PILOT_WEIGHT * pilot, np.float32)
    for pattern, value in zip(patterns, word.tolist(), strict=True):
        total = total + np.roll(pattern, shift_of(value), (0, 1))
    return np.asarray(total / np.sqrt(PILOT_WEIGHT**2 + SYMBOLS), np.float32)


def shift_of(value: int) -> tuple[int, int]:
    """Cells down and to the right by which a symbol's value, 0 to 255, shifts its pattern."""
    if not 0 <= value < VALUES:
        raise ValueError(f"{value} is no value of a symbol")
    down, right = divmod(value, SHIFTS)
    return down * SHIFT_CELLS, right * SHIFT_CELLS


def repeat(cells: Floats, height: int, width: int, cell_px: float) -> Floats:
    """The tile repeated over a frame, from its upper left corner on.

    Args:
        cells: (64, 64).
        height: of the frame, px.
        width: of the frame, px.
        cell_px: px, width of a cell.

    Returns:
        (height, width), interpolated between the middles of cells.
    """
    rows, columns = (ceil(side / cell_px) + 2 * MARGIN for side in (height, width))
    grid = np.pad(cells, ((MARGIN, rows), (MARGIN, columns)), mode="wrap")[:rows, :columns]
    start = 0.5 / cell_px - 0.5 + MARGIN  # the cell at the middle of the first pixel
    matrix = np.array([[1 / cell_px, 0, start], [0, 1 / cell_px, start]])
    over = cv2.warpAffine(grid, matrix, (width, height), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)
    return np.asarray(over, np.float32)
