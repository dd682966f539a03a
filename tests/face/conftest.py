from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from orate.face.landmarks import Face, FaceLandmarker

DATA = Path(__file__).parent / "data"
FRAME_HEIGHT_PX = 288


def read_picture(name: str) -> np.ndarray:
    with Image.open(DATA / f"{name}.jpg") as picture:
        return np.asarray(picture.convert("RGB"))


@pytest.fixture(scope="session")
def landmarker() -> FaceLandmarker:
    return FaceLandmarker()


@pytest.fixture(scope="session")
def pictures() -> dict[str, np.ndarray]:
    return {name: read_picture(name) for name in ("astronaut", "mona_lisa", "lady_agnew")}


@pytest.fixture(scope="session")
def astronaut(pictures: dict[str, np.ndarray]) -> np.ndarray:
    return pictures["astronaut"]


@pytest.fixture(scope="session")
def astronaut_face(landmarker: FaceLandmarker, astronaut: np.ndarray) -> Face:
    return landmarker.detect(astronaut)[0]


@pytest.fixture(scope="session")
def clip() -> np.ndarray:
    strip = read_picture("grid_s1")
    return strip.reshape(-1, FRAME_HEIGHT_PX, *strip.shape[1:])


@pytest.fixture(scope="session")
def reference() -> dict[str, np.ndarray]:
    with np.load(DATA / "reference.npz") as recorded:
        return dict(recorded)
