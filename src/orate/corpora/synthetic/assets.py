"""ICT-FaceKit's head as users have it: one npz with the mesh and its axes, one npy with the landmarks."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orate.corpora.synthetic import parts
from orate.corpora.synthetic.attachment import Attachment, attach_landmarks
from orate.errors import OrateError

MESH_FILE, LANDMARK_FILE = "ict_facekit_light.npz", "landmarks_478.npy"
ADVICE = (
    "download ICT-FaceKit (https://github.com/ICT-VGL/ICT-FaceKit, MIT) and convert it as docs/synthetic.md says, "
    "or give --assets the folder that holds both files"
)
Array = NDArray[np.float32]
Index = NDArray[np.int32]


@dataclass(frozen=True)
class Assets:
    """The head that all people are made of. Head space: cm, x to the image's right, y up, z to the viewer.

    Attributes:
        neutral: (26719, 3) the mean head at rest.
        identity: (100, 26719, 3) cm a standard deviation, axes of identity, the largest first.
        expression: (57, 26719, 3) cm at weight 1.
        expression_names: 57 names, as ARKit's (``jawOpen``, ``mouthSmile_L``) and two for the pupils.
        quads: (n, 4) vertices, counter-clockwise as seen from outside.
        quads_uv: (n, 4) rows of ``uv``.
        uv: (m, 2) texture coordinates; the integer part of u tells the part's tile.
        landmarks: where FaceLandmarker's points sit on the mesh.
    """

    neutral: Array
    identity: Array
    expression: Array
    expression_names: tuple[str, ...]
    quads: Index
    quads_uv: Index
    uv: Array
    landmarks: Attachment

    @classmethod
    def load(cls, folder: str | Path) -> Assets:
        """Read and check ``ict_facekit_light.npz`` and ``landmarks_478.npy``; OrateError when either is not right."""
        mesh_file, landmark_file = Path(folder) / MESH_FILE, Path(folder) / LANDMARK_FILE
        for file in (mesh_file, landmark_file):
            if not file.is_file():
                raise OrateError(f"The synthetic people's head is not complete: {file} is missing; {ADVICE}.")
        try:
            with np.load(mesh_file, allow_pickle=False) as kit:
                arrays = {name: kit[name] for name in kit.files}
            points = np.load(landmark_file, allow_pickle=False)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise OrateError(f"The head in {folder} cannot be read ({error}); {ADVICE}.") from error
        _check(arrays, points, mesh_file, landmark_file)
        neutral, expression = arrays["neutral"].astype(np.float32), arrays["expression"].astype(np.float32)
        names = tuple(str(name) for name in arrays["exp_names"])
        quads = arrays["quads"].astype(np.int32)
        return cls(
            neutral,
            arrays["identity"].astype(np.float32),
            expression,
            names,
            quads,
            arrays["quads_uv"].astype(np.int32),
            arrays["uv"].astype(np.float32),
            attach_landmarks(points, neutral, quads, expression[names.index("jawOpen")]),
        )

    def axis(self, name: str) -> int:
        """Row of the expression called ``name``."""
        return self.expression_names.index(name)


def _check(arrays: dict[str, NDArray[np.generic]], points: NDArray[np.generic], mesh: Path, landmarks: Path) -> None:
    """OrateError unless the arrays have the names, shapes and ranges of ICT-FaceKit's light model."""
    vertices = parts.VERTICES
    wanted: dict[str, tuple[int | None, ...]] = {
        "neutral": (vertices, 3),
        "identity": (parts.IDENTITY_AXES, vertices, 3),
        "expression": (parts.EXPRESSION_AXES, vertices, 3),
        "exp_names": (parts.EXPRESSION_AXES,),
        "quads": (None, 4),
        "quads_uv": (None, 4),
        "uv": (None, 2),
    }
    for name, shape in wanted.items():
        if name not in arrays:
            raise OrateError(f"{mesh} has no array called {name!r}; {ADVICE}.")
        _check_shape(arrays[name], shape, f"{name!r} in {mesh}")
    _check_shape(points, (parts.LANDMARKS, 3), str(landmarks))
    if len(arrays["quads"]) != len(arrays["quads_uv"]):
        raise OrateError(f"'quads' and 'quads_uv' in {mesh} differ in length; {ADVICE}.")
    for name, end in (("quads", vertices), ("quads_uv", len(arrays["uv"]))):
        index = arrays[name].astype(np.int64)
        if len(index) == 0 or index.min() < 0 or index.max() >= end:
            raise OrateError(f"{name!r} in {mesh} points at vertices that do not exist; {ADVICE}.")
    if "jawOpen" not in arrays["exp_names"]:
        raise OrateError(f"'exp_names' in {mesh} does not hold ARKit's names, such as jawOpen; {ADVICE}.")
    for array, where in ((arrays["neutral"], str(mesh)), (points, str(landmarks))):
        if not np.isfinite(array.astype(np.float64)).all():
            raise OrateError(f"{where} holds numbers that are not finite; {ADVICE}.")


def _check_shape(array: NDArray[np.generic], shape: tuple[int | None, ...], where: str) -> None:
    if array.ndim != len(shape) or any(want not in (None, has) for want, has in zip(shape, array.shape, strict=True)):
        expected = " x ".join("n" if side is None else str(side) for side in shape)
        raise OrateError(f"{where} is {' x '.join(map(str, array.shape))}, but {expected} was expected; {ADVICE}.")
