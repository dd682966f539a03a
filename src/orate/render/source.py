"""What the layers know of a photo: its pixels, its face's landmarks, where the head stands, and the face at rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orate.render.pose import HeadPose


@dataclass(frozen=True)
class FaceSource:
    """A photo and the geometry of the face in it.

    Attributes:
        photo: (H, W, 3) uint8 RGB.
        landmarks: (478, 3) px, x right, y down, z away; pixel centres at integer + 0.5.
        blendshapes: (52,) in [0, 1], FaceLandmarker's scores of the photo.
        pose: where the generic head stands in the photo.
        shape: (478, 3) cm, the landmarks in head space: exactly ``pose.unproject(landmarks)``.
        rest: (478, 3) cm, the same face at rest: lips closed, eyes as open as in the photo, the photo's own expression
            kept as far as closed lips allow. Speech is a displacement from here.
    """

    photo: NDArray[np.uint8]
    landmarks: NDArray[np.float64]
    blendshapes: NDArray[np.float32]
    pose: HeadPose
    shape: NDArray[np.float64]
    rest: NDArray[np.float64]

    def pixels(self, shape: NDArray[np.floating]) -> NDArray[np.float64]:
        """(478, 2) px: a face in head space as it lies in the photo; `shape` itself gives the photo's landmarks."""
        return self.pose.project(shape)[:, :2]


@dataclass(frozen=True)
class FaceMotion:
    """One frame of motion, what the layers draw.

    Attributes:
        expression: (478, 3) cm in head space, displacement from the face at rest; of eyelids and irises zero.
        lids: (2,) closure of the person's right (image left) and left eye: 0 as in the photo, 1 closed.
        gaze: (2,) degrees that the eyes turn away from where they look in the photo: to the image's right, and down.
        rotation: (3,) radians, rotation vector of the head away from the photo's pose, in head axes.
        translation: (3,) cm, in head axes.
    """

    expression: NDArray[np.float32]
    lids: NDArray[np.float32]
    gaze: NDArray[np.float32]
    rotation: NDArray[np.float32]
    translation: NDArray[np.float32]
