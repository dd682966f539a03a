"""Is it still the same person: distances of face embeddings.

Embeddings are those of dlib's residual network (King: High Quality Face Recognition with Deep Metric Learning, 2017),
128 numbers; two photos of one person lie less than 0.6 apart. It comes with the extra ``orate[evaluate]``.

The average content distance (ACD) is that of Tulyakov et al., MoCoGAN (CVPR 2018), section 4: the mean distance of all
pairs of frames. The paper's values of it are made with another network (OpenFace) and do not compare with these.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.errors import OrateError
from orate.face.alignment import similarity
from orate.face.regions import centre_based

CHIP_SIDE_PX = 150
CHIP_PADDING = 0.25
# dlib's mean face of five points, in parts of the unpadded chip: the outer and inner corner of the eye at the picture's
# right, the same of that at its left, the base of the nose; and FaceLandmarker's points there.
MEAN_FACE = np.array([[0.8596, 0.2135], [0.6461, 0.2290], [0.1206, 0.2137], [0.3341, 0.2291], [0.4901, 0.6278]])
POINTS_478 = (263, 362, 33, 133, 2)
MODELS_PACKAGE = "face_recognition_models"
NETWORK = "dlib_face_recognition_resnet_model_v1.dat"

Embedding = NDArray[np.float64]  # (128,)


class FaceEmbedder:
    """dlib's network; a face takes 0.12 s on one core.

    Raises:
        OrateError: the extra is not installed.
    """

    def __init__(self) -> None:
        models = find_spec(MODELS_PACKAGE)  # found, not imported: it wants pkg_resources, which setuptools gave up
        try:
            dlib = import_module("dlib")
        except ModuleNotFoundError:
            dlib = None
        if dlib is None or models is None or models.origin is None:
            raise OrateError(
                "The distance of face embeddings needs dlib and its network: install them with "
                "pip install 'orate[evaluate]'."
            )
        self._network: Any = dlib.face_recognition_model_v1(str(Path(models.origin).parent / "models" / NETWORK))

    def __call__(self, picture: NDArray[np.uint8], landmarks: NDArray[np.floating]) -> Embedding:
        """Embed a face: (128,) of a picture (height, width, 3) uint8 RGB and its landmarks (478, 2 or more) px."""
        return np.array(self._network.compute_face_descriptor(face_chip(picture, landmarks)))


def face_chip(picture: NDArray[np.uint8], landmarks: NDArray[np.floating]) -> NDArray[np.uint8]:
    """The aligned face as the network wants it, (150, 150, 3) uint8; anti-aliased when shrinking."""
    target = (MEAN_FACE + CHIP_PADDING) / (1 + 2 * CHIP_PADDING) * CHIP_SIDE_PX
    matrix = similarity(landmarks[list(POINTS_478), :2].astype(np.float64), target)
    factor = max(1, int(np.ceil(1 / np.sqrt(np.linalg.det(matrix[:, :2])))))
    large = cv2.warpAffine(
        picture,
        centre_based(matrix * factor),
        (CHIP_SIDE_PX * factor, CHIP_SIDE_PX * factor),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(cv2.resize(large, (CHIP_SIDE_PX, CHIP_SIDE_PX), interpolation=cv2.INTER_AREA), np.uint8)


def identity_distance(source: Embedding, frames: list[Embedding]) -> float:
    """Mean Euclidean distance of frames' embeddings to that of the source image; NaN without frames."""
    return float(np.mean([np.linalg.norm(frame - source) for frame in frames])) if frames else float("nan")


def content_distance(frames: list[Embedding]) -> float:
    """Average content distance: mean Euclidean distance of all pairs of frames; NaN for fewer than two."""
    if len(frames) < 2:
        return float("nan")
    stacked = np.stack(frames)
    distances = np.linalg.norm(stacked[:, None] - stacked[None], axis=-1)
    return float(distances[np.triu_indices(len(frames), 1)].mean())
