"""Where to look for faces in a still picture: whole, padded, in overlapping tiles, and turned.

The short-range detector sees only faces that fill a fair part of its 128 x 128 input, whole and not far from upright.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from orate.face.detector import Detection, FaceDetector, overlap
from orate.face.regions import Pyramid, Region

PADDED_SCALES = (1.5, 2.5)  # a face that fills the picture, or is cut by its border
TILE_DIVISORS = (2, 4)  # tile side = the picture's longer side / divisor, always tried
FINE_TILE_DIVISORS = (8, 16)  # tried only when the rest found nothing
MIN_TILE_PX = 96
TURNS = tuple(np.deg2rad([90, -90, 180, 45, -45, 135, -135]))
DUPLICATE_OVERLAP = 0.4
MAX_CANDIDATES = 64


def search(detector: FaceDetector, picture: Pyramid) -> Iterator[list[Detection]]:
    """Candidate faces in growing effort: whole and coarse tiles, then fine tiles, then turned views.

    Each batch is free of duplicates, best first; the caller stops when one holds a face.
    """
    height, width = picture.image.shape[:2]
    found = detector.whole(picture)
    for scale in PADDED_SCALES:
        found += detector(picture, whole(width, height, scale))
    for region in tiles(width, height, TILE_DIVISORS):
        found += detector(picture, region)
    yield without_duplicates(found)
    yield without_duplicates(
        [face for tile in tiles(width, height, FINE_TILE_DIVISORS) for face in detector(picture, tile)]
    )
    for angle in TURNS:
        views = [whole(width, height, scale, angle) for scale in (1.0, *PADDED_SCALES)]
        views += [Region(tile.x, tile.y, tile.size, angle) for tile in tiles(width, height, TILE_DIVISORS[:1])]
        yield without_duplicates([face for view in views for face in detector(picture, view)])


def whole(width: int, height: int, scale: float = 1.0, angle: float = 0.0) -> Region:
    """The square around the whole picture, enlarged by ``scale``."""
    return Region(width / 2, height / 2, max(width, height) * scale, angle)


def tiles(width: int, height: int, divisors: tuple[int, ...]) -> list[Region]:
    """Half-overlapping squares: a face up to half a tile wide lies whole in at least one of them."""
    regions = []
    for divisor in divisors:
        side = max(width, height) / divisor
        if side < MIN_TILE_PX:
            break
        regions += [Region(x, y, side) for y in tile_centres(height, side) for x in tile_centres(width, side)]
    return regions


def tile_centres(length: int, side: float) -> np.ndarray:
    """Centres along one axis, at most half a tile apart, the outer tiles flush with the picture's ends."""
    if length <= side:
        return np.array([length / 2])
    count = int(np.ceil((length - side) / (side / 2))) + 1
    return np.linspace(side / 2, length - side / 2, count)


def without_duplicates(detections: list[Detection]) -> list[Detection]:
    """Keep the first of those that overlap (wider views come first); at most ``MAX_CANDIDATES``."""
    kept: list[Detection] = []
    for candidate in detections:
        if not kept or overlap(candidate.box, np.array([k.box for k in kept])).max() < DUPLICATE_OVERLAP:
            kept.append(candidate)
    return kept[:MAX_CANDIDATES]
