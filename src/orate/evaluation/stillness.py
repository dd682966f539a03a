"""Does what should stand still do so: change of the picture outside the part that moves."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.face.masks import CHIN, FACE_OVAL, FOREHEAD

# How far hair, neck and collar follow a turning head beyond the face's oval, in heights from chin to forehead.
BESIDE, ABOVE, BELOW = 0.7, 1.0, 1.1


def change_outside(photo: NDArray[np.uint8], frame: NDArray[np.uint8], moving: NDArray[np.bool_]) -> tuple[int, int]:
    """How a frame differs from the photo where nothing should move.

    Args:
        photo: (height, width, 3) uint8, before any compression of video.
        frame: the same shape.
        moving: (height, width), true where movement is allowed.

    Returns:
        The largest difference of a pixel's channel, 0 to 255, and the number of pixels that differ at all.
    """
    difference = cv2.absdiff(photo, frame)
    difference[moving] = 0
    return int(difference.max()), int(np.count_nonzero(difference.any(-1)))


def head_box(landmarks: NDArray[np.floating], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The part of a photo in which a speaking and turning head may move what it shows: (height, width) bool.

    A generous box around the face for models that do not say themselves what they move.

    Args:
        landmarks: (478, 2 or more) px of the photo.
        shape: (height, width, ...) of the photo.
    """
    oval = landmarks[FACE_OVAL, :2]
    size = float(np.linalg.norm(landmarks[CHIN, :2] - landmarks[FOREHEAD, :2]))
    low, high = oval.min(0) - size * np.array([BESIDE, ABOVE]), oval.max(0) + size * np.array([BESIDE, BELOW])
    left, top = (int(max(0, value)) for value in np.floor(low))
    right, bottom = (int(max(0, value)) for value in np.ceil(high))
    moving = np.zeros(shape[:2], bool)
    moving[top:bottom, left:right] = True
    return moving
