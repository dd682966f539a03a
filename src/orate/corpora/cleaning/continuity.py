"""Cuts, and streams with damaged frames: whether every picture follows from the one before.

Moving heads, panning cameras and lamps change a picture too, but in ways that can be undone. So two successive crops
are compared with the light evened out locally and the first moved along the optical flow: what then still differs was
not there before. Where that stands out from the rest of the clip but less plainly, it must also last, which the light
of a flash does not. A cut that leaves the crop nearly as it was shows in where the face is and in the whole picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.corpora.cleaning.reasons import Dropped, DropReason

Floats = NDArray[np.float32]

SURELY_ALIKE = 0.98  # correlation of the lumas of two crops as they are: then no flow is needed
LEVELLING_PX = 8.0  # deviation of the Gaussian that evens out the light
LEAST_SPREAD = 4.0  # grey levels
BLOCK_PX = 16
STRANGE_ERROR = 0.8  # of a block: mean square, where unrelated blocks have 2
MAX_STRANGE = 0.12  # of the blocks; a flash that saturates a face makes 0.06, a cut between two people 0.23 and more
# One minus the correlation, of the crops or after levelling and flow: under 0.027 in 976 clips of GRID.
DIFFERENCE = 0.035
STANDS_OUT = 3.9  # times the clip's other differences (their 95% quantile), at least
USUAL_DIFFERENCE = 0.009
LASTS = 0.7  # of the difference is left a frame before and a frame after
SATURATED = 250
# The face's way from one frame to the next in its own widths, or the change of its size, and the whole picture.
MAX_LEAP, MAX_GROWTH = 0.25, 0.15
PICTURE_SIZE = (32, 24)  # width, height
SAME_PICTURE = 0.9
CHEEKS = (234, 454)


@dataclass
class Pictures:
    """The whole pictures of a clip, very small: 768 bytes each."""

    small: list[NDArray[np.uint8]] = field(default_factory=list)

    def add(self, image: NDArray[np.uint8]) -> None:
        """Take in the next frame, (H, W, 3) uint8 RGB."""
        grey = cv2.cvtColor(cv2.resize(image, PICTURE_SIZE, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
        self.small.append(grey.astype(np.uint8))

    def likeness(self) -> NDArray[np.float64]:
        """Correlation of each picture with the one before, (T - 1,)."""
        return np.array([_correlation(a, b) for a, b in pairwise(self.small)])


def check_place(landmarks: NDArray[np.floating], pictures: Pictures) -> None:
    """Raise Dropped where the face leaps, or changes its size, while the picture changes too.

    ``landmarks`` are (T, 478, 3) in picture pixels, of the frames of ``pictures``.
    """
    points = np.asarray(landmarks[..., :2], np.float64)
    width = np.maximum(np.linalg.norm(points[:, CHEEKS[0]] - points[:, CHEEKS[1]], axis=-1), 1e-6)
    leap = np.linalg.norm(np.diff(points.mean(1), axis=0), axis=-1) / np.minimum(width[1:], width[:-1])
    growth = np.abs(np.diff(np.log(width)))
    cut = ((leap > MAX_LEAP) | (growth > MAX_GROWTH)) & (pictures.likeness() < SAME_PICTURE)
    if cut.any():
        raise Dropped(DropReason.CUT, f"at frame {int(cut.argmax()) + 1}: the face is elsewhere at once")


def check_continuity(frames: NDArray[np.uint8]) -> None:
    """Raise Dropped at a cut or at damaged frames in canonical crops (T, height, width, 3).

    Damaged frames are often shown as grey or smeared blocks, in which a landmarker may well find a face.
    """
    compared = [difference(first, second) for first, second in pairwise(frames)]
    if not compared:
        return
    differences, strange = np.array(compared).T
    worst = int(strange.argmax())
    if strange[worst] <= MAX_STRANGE:
        worst = int(differences.argmax())
        usual = max(USUAL_DIFFERENCE, float(np.quantile(np.delete(differences, worst), 0.95)) if worst else 0.0)
        if differences[worst] < DIFFERENCE or differences[worst] < STANDS_OUT * usual or not _lasts(frames, worst):
            return
    raise Dropped(DropReason.JUMPS, f"at frame {worst + 1}: a cut, or a damaged stream")


def difference(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> tuple[float, float]:
    """What is new in the second of two pictures (H, W, 3) uint8 RGB.

    Returns:
        One minus the correlation, and the share of blocks that have nothing to do with those before, both in [0, 1].
    """
    grey, next_grey = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (first, second))
    plain = _correlation(grey, next_grey)
    if plain >= SURELY_ALIKE:
        return 1 - plain, 0.0
    before, after = _levelled(grey), _levelled(next_grey)
    told = np.maximum(first, second).max(-1) < SATURATED
    moved = np.where(told, _moved(before, after), after)  # what is overexposed shows nothing
    height, width = (side // BLOCK_PX * BLOCK_PX for side in after.shape)
    error = ((moved - after) ** 2)[:height, :width]
    blocks = error.reshape(height // BLOCK_PX, BLOCK_PX, width // BLOCK_PX, BLOCK_PX).mean((1, 3))
    return min(1 - plain, max(0.0, 1 - _correlation(moved, after))), float((blocks > STRANGE_ERROR).mean())


def _lasts(frames: NDArray[np.uint8], place: int) -> bool:
    """Whether the pictures around also are unlike across the change; at an end of the clip they are taken to be."""
    here = difference(frames[place], frames[place + 1])[0]
    across = ((place - 1, place + 1), (place, place + 2))
    return all(
        difference(frames[first], frames[second])[0] > LASTS * here
        for first, second in across
        if first >= 0 and second < len(frames)
    )


def _levelled(grey: NDArray[np.generic]) -> Floats:
    """Local mean 0 and deviation about 1."""
    picture = grey.astype(np.float32)
    picture -= cv2.GaussianBlur(picture, (0, 0), LEVELLING_PX)
    spread = np.sqrt(cv2.GaussianBlur(picture * picture, (0, 0), LEVELLING_PX))
    return np.asarray(picture / (spread + LEAST_SPREAD), np.float32)


def _moved(before: Floats, after: Floats) -> Floats:
    """The first picture moved along the optical flow to where the second shows the same."""
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    way = np.asarray(flow.calc(_eight_bit(after), _eight_bit(before), None))  # type: ignore[call-overload]
    y, x = np.mgrid[: after.shape[0], : after.shape[1]].astype(np.float32)
    moved = cv2.remap(before, x + way[..., 0], y + way[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


def _eight_bit(levelled: Floats) -> NDArray[np.uint8]:
    return np.clip(40 * levelled + 128, 0, 255).astype(np.uint8)


def _correlation(first: NDArray[np.generic], second: NDArray[np.generic]) -> float:
    a, b = (np.asarray(picture, np.float32).ravel() for picture in (first, second))
    a, b = a - a.mean(), b - b.mean()
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / size if size > 1e-6 else 1.0 if np.array_equal(first, second) else 0.0
