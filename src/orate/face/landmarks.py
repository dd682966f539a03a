"""Landmarks and blendshapes of faces: MediaPipe's FaceLandmarker without MediaPipe.

Coordinates are MediaPipe's normalised ones times the picture's size: pixels, x right, y down, (0, 0) the outer corner
of the first pixel, so pixel centres lie at integer + 0.5; z in the same unit, smaller towards the viewer.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from orate.errors import OrateError
from orate.face.blendshapes import BLENDSHAPE_NAMES, BLENDSHAPE_POINTS
from orate.face.detector import FaceDetector, overlap
from orate.face.networks import load_networks
from orate.face.regions import (
    OUTER_EYE_CORNERS,
    Pyramid,
    Region,
    as_mediapipe_samples,
    region_from_landmarks,
    transform_points,
)
from orate.face.search import search

__all__ = ["BLENDSHAPE_NAMES", "MIN_FACE_PX", "Face", "FaceLandmarker", "choose_face", "face_width", "largest_face"]

LANDMARKS = 478
INPUT_SIDE = 256
MIN_PRESENCE = 0.5
# Upright faces score 0.9999 and more, faces seen the wrong way round 0.4 to 0.998.
SURE_PRESENCE = 0.999
CHEEKS = (234, 454)  # outermost points of the face, left and right
MIN_FACE_PX = 24.0
MAX_LOOKS = 5
MAX_DISAGREEMENT = 0.04  # of the eye distance, between two looks at a face from different regions
SAME_FACE_OVERLAP = 0.3
MAX_THREADS = 2


@dataclass(frozen=True)
class Face:
    """One face in one picture.

    Attributes:
        box: (4,) x0, y0, x1, y1 px, around the landmarks.
        score: Probability in [0, 1] that there is a face, by the landmark network.
        landmarks: (478, 3) float32 px.
        blendshapes: (52,) float32 in [0, 1], in the order of ``BLENDSHAPE_NAMES``.
    """

    box: np.ndarray
    score: float
    landmarks: np.ndarray
    blendshapes: np.ndarray


class FaceLandmarker:
    """Finds faces and their 478 landmarks in pictures and, faster, in video. One per process is enough."""

    def __init__(self, threads: int | None = None):
        """Load the networks, with ``threads`` threads each (default: up to two); OrateError when a file is damaged."""
        networks = load_networks(threads or min(MAX_THREADS, os.cpu_count() or 1))
        self._detector = FaceDetector(networks["face_detector"])
        self._landmarks = networks["face_landmarks_detector"]
        self._blendshapes = networks["face_blendshapes"]

    def detect(self, image: np.ndarray) -> list[Face]:
        """Every face in ``image`` (H, W, 3) uint8 RGB, largest first; an empty list when there is none."""
        picture = Pyramid(image)
        unsure: list[Face] = []
        for candidates in search(self._detector, picture):
            found = [
                face for candidate in candidates if (face := self._verified(picture, candidate.region)) is not None
            ]
            if sure := [face for face in found if face.score >= SURE_PRESENCE]:
                return sorted(distinct(sure), key=face_width, reverse=True)
            unsure += found
        return sorted(distinct(unsure), key=face_width, reverse=True)

    def track(self, image: np.ndarray, previous: Face | None) -> Face | None:
        """The face in one frame of a video, given the same face in the frame before (None: look for the largest).

        As MediaPipe's video mode: the region comes from the previous landmarks, and the detector runs only when the
        network says that no face is there. None when there is no face.
        """
        picture = Pyramid(image)
        if previous is not None:
            face = self._look(picture, region_from_landmarks(previous.landmarks))
            if face is not None:
                return face
        regions = [detection.region for detection in self._detector.whole(picture)]
        faces = [face for region in regions if (face := self._look(picture, region)) is not None]
        return largest_face(faces or self.detect(image))

    def _look(self, picture: Pyramid, region: Region) -> Face | None:
        """Run the landmark network on one region."""
        matrix = region.matrix(INPUT_SIDE)
        sample = picture.sample(as_mediapipe_samples(matrix), (INPUT_SIDE, INPUT_SIDE))
        points, presence, _ = self._landmarks(sample[None].astype(np.float32) / 255)
        score = float(1 / (1 + np.exp(-np.float64(presence.ravel()[0]))))
        if score < MIN_PRESENCE:
            return None
        local = points.reshape(LANDMARKS, 3).astype(np.float64)
        landmarks = np.empty((LANDMARKS, 3), np.float32)
        landmarks[:, :2] = transform_points(cv2.invertAffineTransform(matrix), local[:, :2])
        landmarks[:, 2] = local[:, 2] * region.size / INPUT_SIDE
        box = np.concatenate([landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)])
        (blendshapes,) = self._blendshapes(landmarks[None, BLENDSHAPE_POINTS, :2])
        return Face(box, score, landmarks, blendshapes.ravel())

    def _verified(self, picture: Pyramid, region: Region) -> Face | None:
        """The face in ``region``, the right way up.

        The detector sometimes takes a face that stands on its head for an upright one: what the network is not sure of
        is looked at the other way round too.
        """
        face = self._settled(picture, region)
        if face is None or face.score < SURE_PRESENCE:
            turned = self._settled(picture, replace(region, angle=region.angle + np.pi))
            return max((look for look in (face, turned) if look), key=lambda look: look.score, default=None)
        return face

    def _settled(self, picture: Pyramid, region: Region) -> Face | None:
        """Look again from the region of the last look's landmarks until two looks agree; None when they never do.

        When the second look agrees with the first, the first is returned, as MediaPipe does.
        """
        face = self._look(picture, region)
        for _ in range(MAX_LOOKS - 1):
            again = face and self._look(picture, region_from_landmarks(face.landmarks))
            if not (face and again):
                return None
            if disagreement(face, again) < MAX_DISAGREEMENT:
                return face
            face = again
        return None


def distinct(faces: Iterable[Face]) -> list[Face]:
    """One of each group that overlaps, the surest."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if not kept or overlap(face.box, np.array([other.box for other in kept])).max() < SAME_FACE_OVERLAP:
            kept.append(face)
    return kept


def eye_distance(face: Face) -> float:
    """Distance of the outer eye corners in px."""
    left, right = (face.landmarks[index, :2] for index in OUTER_EYE_CORNERS)
    return float(np.linalg.norm(left - right))


def disagreement(first: Face, second: Face) -> float:
    """Mean distance of two faces' landmarks, in eye distances of the second."""
    distances = np.linalg.norm(first.landmarks[:, :2] - second.landmarks[:, :2], axis=1)
    return float(distances.mean()) / max(eye_distance(second), 1e-6)


def face_width(face: Face) -> float:
    """Distance of the outer cheek points in px."""
    left, right = (face.landmarks[index, :2] for index in CHEEKS)
    return float(np.linalg.norm(left - right))


def largest_face(faces: Iterable[Face]) -> Face | None:
    """The widest of ``faces``, or None when there are none."""
    return max(faces, key=face_width, default=None)


def choose_face(faces: list[Face], index: int, name: str, *, min_size_px: float = MIN_FACE_PX) -> Face:
    """Face number ``index`` (1 is the largest) of the picture called ``name`` in messages.

    Raises:
        OrateError: no face in the picture, fewer faces than ``index``, or the chosen one narrower than ``min_size_px``.
    """
    if not faces:
        raise OrateError(
            f"No face was found in {name}: use a picture in which a face looks roughly towards the camera."
        )
    if not 1 <= index <= len(faces):
        count = "only one face" if len(faces) == 1 else f"only {len(faces)} faces"
        raise OrateError(f"Face {index} was asked for, but {name} shows {count}: choose --face from 1 to {len(faces)}.")
    face = sorted(faces, key=lambda face: -face_width(face))[index - 1]
    width = face_width(face)
    if width < min_size_px:
        raise OrateError(
            f"The face in {name} is too small: {width:.0f} px wide, but at least {min_size_px:.0f} px are needed; "
            "use a larger picture or one taken from nearer."
        )
    return face
