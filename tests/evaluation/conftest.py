"""The portrait of the examples, its lips pulled apart as far as wanted."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from orate.face.alignment import align, canonical_crop
from orate.face.landmarks import FaceLandmarker

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root():
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def landmarker():
    return FaceLandmarker(threads=1)


@pytest.fixture(scope="session")
def portrait_crop(landmarker):
    """(128, 96, 3) uint8, the canonical crop of examples/portrait.jpg."""
    photo = np.asarray(Image.open(ROOT / "examples" / "portrait.jpg").convert("RGB"))
    return canonical_crop(photo, align(landmarker.detect(photo)[0].landmarks))


@pytest.fixture(scope="session")
def open_mouth(portrait_crop, landmarker):
    """The crop with what is below the line between the lips moved down by some pixels: (pixels) -> (128, 96, 3)."""
    points = landmarker.detect(portrait_crop)[0].landmarks
    line = (points[13, 1] + points[14, 1]) / 2
    height, width = portrait_crop.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32) + 0.5
    across = np.exp(-(((x - points[13, 0]) / 14) ** 2))

    def opened(pixels: float):
        gap = pixels * across
        below = np.clip((y - line) / np.maximum(gap, 1e-6), 0, 1) * (y > line)
        fade = np.clip((height - y) / (height - line), 0, 1)
        there = y - gap * below * fade
        moved = cv2.remap(portrait_crop, x - 0.5, (there - 0.5).astype(np.float32), cv2.INTER_LINEAR)
        dark = ((y > line) & (y < line + 0.85 * gap))[..., None]
        return np.where(dark, np.uint8(25), moved).astype(np.uint8)

    return opened


@pytest.fixture(scope="module")
def photo(root):
    return np.asarray(Image.open(root / "examples" / "portrait.jpg").convert("RGB"))


@pytest.fixture(scope="module")
def landmarks(photo, landmarker):
    return landmarker.detect(photo)[0].landmarks
