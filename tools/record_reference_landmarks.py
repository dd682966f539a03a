"""Record what MediaPipe's own FaceLandmarker finds in the test pictures, for tests/face/test_reference.py.

Needs an environment of its own: ``pip install mediapipe==0.10.35 pillow`` (and libGL, libEGL, libGLESv2), and the
bundle ``face_landmarker.task``. Run from the repository's root:

    python tools/record_reference_landmarks.py face_landmarker.task
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import mediapipe
import numpy as np
from mediapipe.tasks.python import vision
from mediapipe.tasks.python.core.base_options import BaseOptions
from PIL import Image

DATA = Path("tests/face/data")
PICTURES = ("astronaut", "mona_lisa", "lady_agnew")
CLIP = "grid_s1"
FRAME_HEIGHT_PX = 288
FRAME_MS = 40


def landmarker(bundle: Path, mode: vision.RunningMode) -> vision.FaceLandmarker:
    """MediaPipe's landmarker with its default thresholds, one face; in video it smooths over time."""
    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(bundle)),
        running_mode=mode,
        output_face_blendshapes=True,
    )
    return vision.FaceLandmarker.create_from_options(options)


def measured(result: Any, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """(478, 3) landmarks in px (z by the width, as MediaPipe normalises it) and (52,) blendshapes of the first face."""
    points = np.array([[p.x * width, p.y * height, p.z * width] for p in result.face_landmarks[0]], np.float32)
    return points, np.array([category.score for category in result.face_blendshapes[0]], np.float32)


def as_input(pixels: np.ndarray) -> mediapipe.Image:
    """(H, W, 3) uint8 RGB as MediaPipe takes it."""
    return mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(pixels))


def main() -> None:
    """Record every test picture and the test clip."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path, help="face_landmarker.task")
    bundle = parser.parse_args().bundle
    recorded: dict[str, np.ndarray] = {}

    with landmarker(bundle, vision.RunningMode.IMAGE) as images:
        for name in PICTURES:
            pixels = np.asarray(Image.open(DATA / f"{name}.jpg").convert("RGB"))
            found = measured(images.detect(as_input(pixels)), pixels.shape[1], pixels.shape[0])
            recorded[f"{name}_landmarks"], recorded[f"{name}_blendshapes"] = found

    strip = np.asarray(Image.open(DATA / f"{CLIP}.jpg").convert("RGB"))
    frames = strip.reshape(-1, FRAME_HEIGHT_PX, *strip.shape[1:])
    with landmarker(bundle, vision.RunningMode.VIDEO) as video:
        found_frames = [
            measured(video.detect_for_video(as_input(frame), index * FRAME_MS), frame.shape[1], frame.shape[0])
            for index, frame in enumerate(frames)
        ]
    recorded[f"{CLIP}_landmarks"] = np.stack([points for points, _ in found_frames])
    recorded[f"{CLIP}_blendshapes"] = np.stack([scores for _, scores in found_frames])
    np.savez_compressed(DATA / "reference.npz", **recorded)


if __name__ == "__main__":
    main()
