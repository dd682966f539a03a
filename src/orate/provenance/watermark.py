"""Writing the watermark: a fixed pattern of a few grey levels added to each frame."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.provenance.code import Symbols, encode
from orate.provenance.pattern import TILE, Floats, cell_size, repeat, tile
from orate.provenance.residual import CELL_PX, TINY, correlations, fold, residual

FLAT_LEVELS = 0.7  # standard deviation of the mark where the photo is smooth, in grey levels of 255
FLAT_TEXTURE = 0.4  # mean deviation that counts as smooth, in grey levels: the steps of a gradient
LEVELS_A_ROOT = 0.8  # from there it grows with the square root of the photo's own texture
TEXTURED_LEVELS = 2.0  # and no further than this
EVEN_LEVELS = 1.0  # where texture moves, and nothing hides the mark all the time
TEXTURE_MAX = 12.0
SMALLEST_PSNR_DB = 42.3
COARSE_CELLS = 1.0  # the pattern has nothing coarser: the content hides it from the detector, but not from the eye

Pixels = NDArray[np.uint8]


class Watermark:
    """Marks the frames of one video, each by itself and all alike.

    The same number is added to a pixel's three channels: a grey photo stays grey. Where the photo has texture the mark
    is stronger, because the eye sees it less there (Voloshynovskiy, Herrigel, Baumgaertner and Pun, 1999). Where the
    tile begins is chosen so that the photo itself agrees with the mark as far as it can (informed coding: Miller, Doerr
    and Cox, 2004).

    Args:
        content_id: 8 bytes, which the detector gives back.
        photo: (H, W, 3) uint8 RGB, what the frames mostly look like.
        even: the mark has the same strength everywhere: for videos whose texture moves.

    Raises:
        ValueError: an id of another length, a picture of another kind.
    """

    def __init__(self, content_id: bytes, photo: Pixels, *, even: bool = False) -> None:
        if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3:
            raise ValueError(f"picture of {photo.dtype} {photo.shape}, expected uint8 (height, width, 3)")
        self.shape = photo.shape
        levels = _levels(photo, encode(content_id), even)
        self._above = cv2.merge([np.maximum(levels, 0).astype(np.uint8)] * 3)
        self._below = cv2.merge([np.maximum(-levels, 0).astype(np.uint8)] * 3)

    def __call__(self, frame: Pixels, out: Pixels | None = None) -> Pixels:
        """A marked frame.

        Args:
            frame: (H, W, 3) uint8 RGB, of the photo's size.
            out: where to write it, also `frame` itself; a new array by default.

        Returns:
            (H, W, 3) uint8, with a PSNR to the frame of at least 42.3 dB.

        Raises:
            ValueError: another size or type.
        """
        if frame.shape != self.shape or frame.dtype != np.uint8:
            raise ValueError(f"frame of {frame.dtype} {frame.shape}, expected uint8 {self.shape}")
        marked = cv2.add(frame, self._above, dst=out)
        return np.asarray(cv2.subtract(marked, self._below, dst=marked), np.uint8)

    @cached_property
    def levels(self) -> NDArray[np.int16]:
        """(H, W): what is added to each pixel, in grey levels."""
        return np.asarray(self._above[..., 0].astype(np.int16) - self._below[..., 0], np.int16)


def _levels(photo: Pixels, word: Symbols, even: bool) -> NDArray[np.int16]:
    height, width = photo.shape[:2]
    cell_px = cell_size(height, width)
    cells = tile(word)
    begun = np.roll(cells, _origin(photo, cells, cell_px), (0, 1))
    wrapped = np.pad(begun, TILE // 2, mode="wrap")
    coarse = cv2.GaussianBlur(wrapped, (0, 0), COARSE_CELLS)[TILE // 2 : -TILE // 2, TILE // 2 : -TILE // 2]
    pattern = repeat(begun - coarse, height, width, cell_px)
    pattern *= _strength(photo, cell_px, even) / max(float(pattern.std()), TINY)
    largest = 255 / 10 ** (SMALLEST_PSNR_DB / 20)
    while True:
        levels = np.rint(pattern)
        error = float(np.sqrt((levels * levels).mean()))
        if error <= largest:
            return levels.astype(np.int16)
        pattern *= min(0.99, largest / error)


def _origin(photo: Pixels, cells: Floats, cell_px: float) -> tuple[int, int]:
    """Cells down and to the right: where the tile agrees best with what the detector sees in the bare photo."""
    short_side = round(min(photo.shape[:2]) * CELL_PX / cell_px)
    factor = short_side / min(photo.shape[:2])
    seen = fold(residual(photo, short_side), (cell_px * factor, cell_px * factor))[:1]
    fits = correlations(seen, np.fft.rfft2(cells).astype(np.complex64))
    down, right = divmod(int(fits.argmax()), TILE)
    return down, right


def _strength(photo: Pixels, cell_px: float, even: bool) -> Floats:
    """(H, W): standard deviation of the mark, grey levels."""
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY).astype(np.float32)
    if even:
        return np.full_like(grey, EVEN_LEVELS)
    size = grey.shape[1], grey.shape[0]
    factor = min(1.0, CELL_PX / cell_px)  # what follows is as wide as a cell: in large pictures it needs not all pixels
    small = max(1, round(size[0] * factor)), max(1, round(size[1] * factor))
    cell = cell_px * factor
    coarse = cv2.GaussianBlur(cv2.resize(grey, small, interpolation=cv2.INTER_AREA), (0, 0), cell)
    texture = np.minimum(np.abs(grey - cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR)), TEXTURE_MAX)
    texture = cv2.GaussianBlur(cv2.resize(texture, small, interpolation=cv2.INTER_AREA), (0, 0), 1.5 * cell)
    near = int(2 * cell) | 1
    texture = cv2.erode(texture, np.ones((near, near), np.uint8))  # not beside an edge that ends in a smooth part
    texture = cv2.GaussianBlur(texture, (0, 0), cell)
    grown = FLAT_LEVELS + LEVELS_A_ROOT * np.sqrt(np.maximum(texture - FLAT_TEXTURE, 0))
    grown = np.minimum(grown, TEXTURED_LEVELS).astype(np.float32)
    return np.asarray(cv2.resize(grown, size, interpolation=cv2.INTER_LINEAR), np.float32)
