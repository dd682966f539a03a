"""Our landmarks against those that MediaPipe itself found (recorded by tools/record_reference_landmarks.py)."""

import numpy as np
import pytest

from orate.face.landmarks import FaceLandmarker


def in_eye_distances(found: np.ndarray, expected: np.ndarray) -> np.ndarray:
    eyes = np.linalg.norm(expected[33, :2] - expected[263, :2])
    return np.linalg.norm(found[:, :2] - expected[:, :2], axis=1) / eyes


@pytest.mark.parametrize("name", ["astronaut", "mona_lisa", "lady_agnew"])
def test_pictures_give_mediapipes_points_and_blendshapes(landmarker, pictures, reference, name):
    face = landmarker.detect(pictures[name])[0]
    errors = in_eye_distances(face.landmarks, reference[f"{name}_landmarks"])
    assert errors.mean() < 0.001
    assert errors.max() < 0.003
    depth = np.abs(face.landmarks[:, 2] - reference[f"{name}_landmarks"][:, 2])
    assert depth.mean() < 0.1
    np.testing.assert_allclose(face.blendshapes, reference[f"{name}_blendshapes"], atol=0.01)


def test_tracking_follows_mediapipes_video_mode(landmarker: FaceLandmarker, clip, reference):
    """MediaPipe smooths over time in video mode and we do not: hence 1% of the eye distance, and wider blendshapes."""
    face, errors, scores = None, [], []
    for frame in clip:
        face = landmarker.track(frame, face)
        errors.append(in_eye_distances(face.landmarks, reference["grid_s1_landmarks"][len(errors)]))
        scores.append(face.blendshapes)
    assert errors[0].mean() < 0.001
    assert np.mean(errors) < 0.01
    assert max(error.mean() for error in errors) < 0.015
    assert np.abs(np.array(scores) - reference["grid_s1_blendshapes"]).mean() < 0.025
