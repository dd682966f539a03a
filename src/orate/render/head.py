"""The generic head that layers and motion share, from ICT-FaceKit (MIT): its landmarks, named actions and proxy mesh.

Head space: centimetres, x to the image's right, y up, z to the viewer, on the scale of an adult's head.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HEAD_FILE = Path(__file__).parent / "data" / "head.npz"
LANDMARKS = 478
IRIS = slice(468, 478)  # the last ten points are the irises'; motion leaves them out


@dataclass(frozen=True)
class Head:
    """The generic head.

    Attributes:
        landmarks: (478, 3) cm, FaceLandmarker's points on the neutral head.
        stable_points: (14,) indices of points that speech hardly moves; poses are fitted to these.
        reference: (478, 3), the face that the motion tracks' poses were fitted to, in their canonical units.
        canonical_scale, canonical_rotation, canonical_shift: canonical units to head space:
            ``head = scale * canonical @ rotation + shift``.
        actions: named facial actions (ARKit's names with ``_L`` and ``_R`` for the person's left and right), each
            (478, 3) cm of displacement at full strength.
        identity: (100, 478, 3) cm, axes of the shape of faces, each at one standard deviation.
        proxy: (n, 3) cm, vertices of head and neck.
        proxy_stiffness: (n,) in [0, 1]: 1 moves with the head, 0 stays with the collar.
    """

    landmarks: NDArray[np.float32]
    stable_points: NDArray[np.int64]
    reference: NDArray[np.float32]
    canonical_scale: float
    canonical_rotation: NDArray[np.float64]
    canonical_shift: NDArray[np.float64]
    actions: dict[str, NDArray[np.float32]]
    identity: NDArray[np.float32]
    proxy: NDArray[np.float32]
    proxy_stiffness: NDArray[np.float32]

    def from_canonical(self, displacement: NDArray[np.float32]) -> NDArray[np.float32]:
        """Displacements (..., 3) in the tracks' canonical axes and units as displacements in head space, cm."""
        return (self.canonical_scale * displacement @ self.canonical_rotation).astype(np.float32)


@cache
def load_head() -> Head:
    """The generic head, read once."""
    with np.load(HEAD_FILE) as file:
        names = [str(name) for name in file["expression_names"]]
        axes = file["expression_axes"].astype(np.float32)
        return Head(
            landmarks=file["landmarks"],
            stable_points=file["stable_points"],
            reference=file["reference"],
            canonical_scale=float(file["canonical_scale"]),
            canonical_rotation=file["canonical_rotation"],
            canonical_shift=file["canonical_shift"],
            actions=dict(zip(names, axes, strict=True)),
            identity=file["identity_axes"].astype(np.float32),
            proxy=file["proxy"],
            proxy_stiffness=file["proxy_stiffness"],
        )
