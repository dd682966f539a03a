"""Motion of a clip's face: the head's pose in every frame, and what the face does away from rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orate.corpora.motion_tracks import CLOSED_SHARE, lip_gap, rotation_vectors
from orate.face.alignment import invert
from orate.face.regions import transform_points
from orate.render.pose import HeadPose, fit_pose, rotation_matrix

HEAD_TO_IMAGE = np.diag([1.0, -1.0, -1.0])  # y up, z to the viewer; y down, z away
STEPS_PER_CM = 256  # displacements are rounded to this: half the noise of landmarks from one frame to the next


@dataclass(frozen=True)
class HeadMotion:
    """T frames.

    Attributes:
        pose: (T, 7) float32: rotation vector in rad (3) away from facing the viewer, in head axes (x to the image's
            right, y up, z to the viewer); scale, picture pixels a centimetre of the head; shift in px (3), where the
            head's origin lies in the picture.
        rest: (478, 3) float32 cm in head space: the face with closed lips, the median over the `CLOSED_SHARE` of the
            frames whose lips are closest together.
        displacement: (T, 478, 3) float16 cm in head space, away from rest, in steps of 1 / `STEPS_PER_CM`.
    """

    pose: NDArray[np.float32]
    rest: NDArray[np.float32]
    displacement: NDArray[np.float16]

    def landmarks(self) -> NDArray[np.float64]:
        """(T, 478, 3) px: the landmarks in the picture that this motion was measured on, up to rounding."""
        shapes = self.rest + self.displacement.astype(np.float64)
        return np.stack([head_pose(row).project(shape) for row, shape in zip(self.pose, shapes, strict=True)])


def measure_motion(landmarks: NDArray[np.floating], matrices: NDArray[np.floating]) -> HeadMotion:
    """Motion from landmarks (T, 478, 3) in crop pixels and the matrices (T, 2, 3) from picture to crop."""
    poses, shapes = [], []
    for points, matrix in zip(np.asarray(landmarks, np.float64), matrices, strict=True):
        inverse = invert(matrix)
        scale = np.hypot(inverse[0, 0], inverse[1, 0])
        picture = np.column_stack([transform_points(inverse, points[:, :2]), scale * points[:, 2]])
        poses.append(fit_pose(picture))
        shapes.append(poses[-1].unproject(picture))
    shape = np.stack(shapes)
    gap = lip_gap(shape)
    rest = np.median(shape[gap <= np.quantile(gap, CLOSED_SHARE)], axis=0).astype(np.float32)
    vectors = rotation_vectors(np.stack([pose.rotation @ HEAD_TO_IMAGE for pose in poses]))
    pose = np.column_stack([vectors, [pose.scale for pose in poses], np.stack([pose.shift for pose in poses])])
    displacement = np.round((shape - rest) * STEPS_PER_CM) / STEPS_PER_CM
    return HeadMotion(pose.astype(np.float32), rest, displacement.astype(np.float16))


def head_pose(row: NDArray[np.floating]) -> HeadPose:
    """One frame of `HeadMotion.pose` as the pose that maps head space to the picture."""
    values = np.asarray(row, np.float64)
    return HeadPose(float(values[3]), rotation_matrix(values[:3]) @ HEAD_TO_IMAGE, values[4:])
