"""Several faces: whether a clip shows a second person who might be the one that speaks.

The first frame alone does not tell: people walk in. So the whole picture is looked at again every so often. A second
face counts when it is about as large as the tracked one, is there for some time, and lives: a portrait on the wall or
on a screen in the background keeps its expression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from orate.corpora.cleaning.reasons import Dropped, DropReason
from orate.face.alignment import STABLE_478, similarity
from orate.face.detector import overlap
from orate.face.landmarks import Face, eye_distance
from orate.face.regions import transform_points

LOOK_EVERY_S = 1.0
RIVAL_AREA_FRACTION = 0.5  # a second face this large, relative to the tracked one, makes the choice a guess
SAME_FACE_OVERLAP = 0.2
MAX_RIVAL_LOOKS = 0.15  # of all looks
# Mean way of the landmarks between two looks, in eye distances, when both faces are laid upon each other.
ALIVE = 0.01


@dataclass
class Rivals:
    """Collects the second faces of a clip."""

    tracked: list[Face] = field(default_factory=list)
    seen: list[tuple[Face, float]] = field(default_factory=list)

    def look(self, others: Sequence[Face], tracked: Face) -> None:
        """Take in a frame: the face that is followed, and the others."""
        self.tracked.append(tracked)
        ratios = [_area(face.box) / max(_area(tracked.box), 1e-6) for face in others]
        if ratios and max(ratios) > RIVAL_AREA_FRACTION:
            best = int(np.argmax(ratios))
            self.seen.append((others[best], ratios[best]))

    def check(self) -> None:
        """Raise Dropped where a second person is there for more than a moment."""
        looks = len(self.tracked)
        if len(self.seen) <= MAX_RIVAL_LOOKS * looks or self._is_picture():
            return
        largest = max(ratio for _, ratio in self.seen)
        raise Dropped(
            DropReason.SEVERAL_FACES, f"a second one, {largest:.0%} of the first, in {len(self.seen)} of {looks} looks"
        )

    def _is_picture(self) -> bool:
        """Whether the second face never changes, while the first does; one that is seen once is taken to be alive."""
        faces = [face for face, _ in self.seen]
        return len(faces) > 1 and _liveliness(faces) < ALIVE <= _liveliness(self.tracked)


def others_than(tracked: Face, faces: Sequence[Face]) -> list[Face]:
    """The faces of a frame that are not the one that is followed."""
    return [face for face in faces if overlap(face.box, tracked.box[None]).max() < SAME_FACE_OVERLAP]


def _liveliness(faces: Sequence[Face]) -> float:
    """The largest change between one look and the next."""
    return max((_change(first, second) for first, second in pairwise(faces)), default=0.0)


def _area(box: NDArray[np.floating]) -> float:
    return float((box[2] - box[0]) * (box[3] - box[1]))


def _change(first: Face, second: Face) -> float:
    """How much two faces' landmarks differ when one is moved upon the other, in eye distances."""
    a, b = (np.asarray(face.landmarks[:, :2], np.float64) for face in (first, second))
    moved = transform_points(similarity(a[list(STABLE_478)], b[list(STABLE_478)]), a)
    return float(np.linalg.norm(moved - b, axis=1).mean()) / max(eye_distance(second), 1e-6)
