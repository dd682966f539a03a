"""A photo made ready to speak."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orate.face.landmarks import Face

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Source:
    """A photo made ready to speak, its face found and aligned; one serves any number of videos, also at a time.

    What else an animator makes of it once, it keeps for as long as this object lives. Two of them are equal only where
    they are the same object.

    Attributes:
        photo: (height, width, 3) uint8 RGB.
        crop: the canonical crop of the face, (crop height, crop width, 3) uint8; what the paper's generator sees.
        matrix: (2, 3), the similarity transform from photo to crop.
        face: the face in the photo.
        file: that the photo was read from; None where it was not.
    """

    photo: Pixels
    crop: Pixels
    matrix: NDArray[np.float64]
    face: Face
    file: Path | None = None
