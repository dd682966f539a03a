"""Finding the watermark in a video, whatever was done to it, and never where it is not.

The mark is the same in all frames, so their residuals are averaged first. What is left to find is how large a cell has
become, whether the picture was mirrored, and where the tile begins. The pilot answers: for each cell size in question
all tiles are laid on each other, and one Fourier transform compares the result with the pilot at every place.

How sure it is. Of the 17 patterns' correlation with the picture one number is made, the score:

    z = <g, s> / ||g||

where s are the chips in the places that the code word gives them and g what the picture has there. If the chips are
drawn at random, independently of the picture, then P(z > t) <= exp(-t^2 / 2), whatever the picture (Hoeffding, 1963).
A picture was drawn without looking at our chips unless somebody marked it. The detector takes the best of many z: all
cell sizes, places and mirror images that it may try, and all 2^64 ids; the sum of their probabilities bounds that of a
false alarm in a file. It says "found" only where this bound is under one in a million: from a score of 12.53 on. The
chips are public: whoever wants to can take a mark away, or put it into a real video. Proof is what a signature gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import islice
from math import log, sqrt
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.media.video import read_video_at
from orate.provenance.code import ID_BYTES, SYMBOLS, Decoded, decode
from orate.provenance.pattern import CELLS, PILOT_WEIGHT, SHIFT_CELLS, TILE, chips
from orate.provenance.residual import PHASES, Floats, Spectra, correlations, fold, mirrored, residual

FRAMES_A_SECOND = Fraction(2)  # the mark stands still: more frames tell little that is new
SEGMENT_FRAMES = 20
# Shorter sides, px, that pictures are brought to, each for some numbers of cells along it: 2.4 to 4.3 px a cell.
VIEWS = {170: (40.0, 70.0), 290: (70.0, 118.0), 480: (118.0, 195.0), 800: (195.0, 330.0)}
WHOLE_VIEW = 480  # the one for frames of which nothing was cropped
CELLS_STEP = 0.75
FINE_STEPS = np.linspace(-1, 1, 5) * CELLS_STEP  # in each axis, around a candidate
ASPECT_MAX = 2.5  # of longer pictures only the middle is looked at
CANDIDATES = 6
FALSE_ALARM_MAX_LOG10 = -6.0
WRONG_ID_MAX_LOG10 = -4.0

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Reading:
    """What the detector found.

    Attributes:
        found: there is a mark.
        content_id: 8 bytes; None where there is no mark, or one too weak to be sure of its id.
        score: z of the best code word.
        false_alarm_log10: logarithm of the bound on the probability that an unmarked file gets such a score; at most 0.
        mirrored: the picture is a mirror image of what was marked.
        cells: along the shorter side; 160 in a frame that was marked at 480 px or more and not cropped.
    """

    found: bool = False
    content_id: bytes | None = None
    score: float = 0.0
    false_alarm_log10: float = 0.0
    mirrored: bool = False
    cells: float = 0.0


@dataclass(frozen=True, eq=False)
class _Place:
    """A geometry and how well the pilot fits there; `seen` (64, 33) is the spectrum of cells that begin at `start`."""

    pilot: float
    cells: tuple[float, float]
    mirrored: bool
    start: tuple[int, int]
    seen: Spectra


class _Segment:
    """Frames that are looked at together: their mean residual, in each view that is asked for."""

    def __init__(self, frames: list[Pixels]) -> None:
        self._frames = frames
        self._views: dict[int, Floats] = {}

    def view(self, side: int) -> Floats:
        """(h, w), the shorter side as given."""
        if side not in self._views:
            total = residual(self._frames[0], side)
            for frame in self._frames[1:]:
                total += residual(frame, side)
            self._views[side] = total
        return self._views[side]


def find_watermark(path: str | Path) -> Reading:
    """Look for the watermark of `orate` in a video.

    Raises:
        OrateError: no such file, not a video, not one frame can be decoded.
    """
    return find_in_frames(read_video_at(path, FRAMES_A_SECOND))


def find_in_frames(frames: Iterable[Pixels]) -> Reading:
    """Look for the watermark in frames of one video, in order; two a second are enough, and a single one may be.

    Args:
        frames: (H, W, 3) uint8 RGB each. Taken 20 at a time, a segment, until an id is read.
    """
    best = Reading()
    for number, segment in enumerate(_segments(iter(frames)), start=1):
        reading = _search(segment, number)
        if reading.content_id is not None:
            return reading
        best = max(best, reading, key=lambda one: (one.found, one.score))
    return best


def false_alarm_log10(score: float, number: int = 1) -> float:
    """Logarithm of the bound on the probability that an unmarked video gets such a score in a segment.

    Segment n is held to 1 / (n (n + 1)) of what is allowed, which adds up to all of it, however long the video.

    Args:
        score: z of a code word.
        number: of the segment, from 1.
    """
    tried = log(geometries()) + log(number * (number + 1)) + 8 * ID_BYTES * log(2)
    return min(0.0, (tried - max(score, 0.0) ** 2 / 2) / log(10))


@cache
def geometries() -> int:
    """How many cell sizes, places and mirror images the detector may try in a segment."""
    sizes = 1 + sum(len(_cell_numbers(side)) for side in VIEWS)
    return sizes * len(FINE_STEPS) ** 2 * PHASES**2 * TILE**2 * 2


def _cell_numbers(side: int) -> NDArray[np.float64]:
    return np.arange(*VIEWS[side], CELLS_STEP)


def _segments(frames: Iterator[Pixels]) -> Iterator[_Segment]:
    """Frames in grey, no larger than a view can use."""
    while chunk := [_middle(frame) for frame in islice(frames, SEGMENT_FRAMES)]:
        yield _Segment([frame for frame in chunk if frame.shape == chunk[0].shape])


def _search(segment: _Segment, number: int) -> Reading:
    """The first reading of a segment that has an id, else the best. `number`: of the segment, from 1."""
    whole = _refined(segment, WHOLE_VIEW, float(CELLS))
    reading = _read(whole, number)
    if reading.content_id is not None:
        return reading
    coarse = [
        (_best_place(segment.view(side), side, (cells, cells)).pilot, side, cells)
        for side in VIEWS
        for cells in _cell_numbers(side).tolist()
    ]
    for _, side, cells in sorted(coarse, reverse=True)[:CANDIDATES]:
        other = _read(_refined(segment, side, cells), number)
        if other.content_id is not None:
            return other
        reading = max(reading, other, key=lambda one: one.score)
    return reading


def _refined(segment: _Segment, side: int, cells: float) -> _Place:
    """The best place with about so many cells along the shorter side, each axis by itself."""
    rest = segment.view(side)
    places = (
        _best_place(rest, side, (cells + float(down), cells + float(across)))
        for down in FINE_STEPS
        for across in FINE_STEPS
    )
    return max(places, key=lambda place: place.pilot)


def _best_place(rest: Floats, side: int, cells: tuple[float, float]) -> _Place:
    """Where the pilot fits best. `cells`: what the shorter side would have by the scale of each axis."""
    seen = fold(rest, (side / cells[0], side / cells[1]))
    seen = np.concatenate([seen, mirrored(seen)])
    fits = correlations(seen, _chip_spectra()[:1])
    which, down, right = (int(k) for k in np.unravel_index(int(fits.argmax()), fits.shape))
    return _Place(float(fits[which, down, right]), cells, which >= PHASES**2, (down, right), seen[which])


def _read(place: _Place, number: int) -> Reading:
    """The code word at a place, and how sure it is."""
    shifted = np.roll(correlations(place.seen[None], _chip_spectra()[1:]), [-k for k in place.start], (1, 2))
    scores = shifted[:, ::SHIFT_CELLS, ::SHIFT_CELLS].reshape(SYMBOLS, -1)
    decoded = decode(scores)
    fit = PILOT_WEIGHT * place.pilot + float(scores[np.arange(SYMBOLS), decoded.word].sum())
    score = fit / sqrt(PILOT_WEIGHT**2 + SYMBOLS)
    bound = false_alarm_log10(score, number)
    found = bound < FALSE_ALARM_MAX_LOG10
    sure = found and wrong_id_log10(decoded) < WRONG_ID_MAX_LOG10
    return Reading(found, decoded.content_id if sure else None, score, bound, place.mirrored, sum(place.cells) / 2)


def wrong_id_log10(decoded: Decoded) -> float:
    """Logarithm of the bound on the probability that a wrong code word passes its check.

    Where the believed symbols hold an error, the others that follow from them are as good as drawn at random.
    """
    others = SYMBOLS - ID_BYTES
    return min(0.0, (log(decoded.tried) - max(decoded.check, 0.0) ** 2 / (2 * others)) / log(10))


@cache
def _chip_spectra() -> Spectra:
    return np.fft.rfft2(chips()).astype(np.complex64)


def _middle(frame: Pixels) -> Pixels:
    """What is looked at: in grey, at most `ASPECT_MAX` times as long as it is wide, no larger than a view can use."""
    grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)
    height, width = grey.shape
    long = max(1, int(ASPECT_MAX * min(height, width)))
    top, left = max(0, height - long) // 2, max(0, width - long) // 2
    part = np.ascontiguousarray(grey[top : top + long, left : left + long])
    factor = max(VIEWS) / min(part.shape)
    if factor >= 1:
        return part
    return np.asarray(cv2.resize(part, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)
