"""A photo with open lips, for the layers that close or fill them."""

from pathlib import Path

import numpy as np
import pytest

from orate.face.landmarks import FaceLandmarker
from orate.media.image import read_image
from orate.render.pose import fit_pose
from orate.render.rest import expression_from_blendshapes, face_at_rest
from orate.render.source import FaceSource

PORTRAIT = Path(__file__).parents[2] / "examples" / "portrait.jpg"


@pytest.fixture(scope="module")
def smiling() -> FaceSource:
    """The example's portrait, which smiles with its teeth; its face at rest has closed lips."""
    photo = read_image(PORTRAIT)
    face = FaceLandmarker().detect(photo)[0]
    landmarks = np.asarray(face.landmarks, np.float64)
    pose = fit_pose(landmarks)
    shape = pose.unproject(landmarks)
    rest = face_at_rest(shape, expression_from_blendshapes(face.blendshapes))
    return FaceSource(photo, landmarks, face.blendshapes, pose, shape, rest)
