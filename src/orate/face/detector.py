"""BlazeFace, short range: boxes of faces with their eyes in a 128 x 128 sample of a picture.

Source: Bazarevsky et al., BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs (2019); anchors, decoding and
weighted suppression as MediaPipe's FaceDetectorGraph sets them.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from orate.face.networks import Network
from orate.face.regions import REGION_SCALE, Pyramid, Region, as_mediapipe_samples, eye_angle, transform_points

INPUT_SIDE = 128
# (stride in px, anchors per cell): one layer of stride 8 with two anchors, three of stride 16 with two each.
ANCHOR_LAYERS = ((8, 2), (16, 6))
MIN_SCORE = 0.5
MIN_SUPPRESSION_OVERLAP = 0.3
KEYPOINTS = 6
MEDIAPIPE_SKIP = 4.0  # MediaPipe never smooths before shrinking; beyond this factor chance decides what it sees


@dataclass(frozen=True)
class Detection:
    """A face in the picture's coordinates: centre and side of its square box, two eyes (2, 2), a score in [0, 1]."""

    centre: np.ndarray
    size: float
    eyes: np.ndarray
    score: float

    @property
    def box(self) -> np.ndarray:
        """(4,) x0, y0, x1, y1 in px."""
        return np.concatenate([self.centre - self.size / 2, self.centre + self.size / 2])

    @property
    def region(self) -> Region:
        """Where the landmark network should look."""
        x, y = self.centre
        return Region(float(x), float(y), self.size * REGION_SCALE, eye_angle(self.eyes[0], self.eyes[1]))


def anchor_centres() -> np.ndarray:
    """(896, 2) centres of the anchors in [0, 1], in the order of the network's outputs."""
    layers = []
    for stride, per_cell in ANCHOR_LAYERS:
        cells = (np.arange(INPUT_SIDE // stride) + 0.5) * stride / INPUT_SIDE
        y, x = np.meshgrid(cells, cells, indexing="ij")
        layers.append(np.repeat(np.column_stack([x.ravel(), y.ravel()]), per_cell, axis=0))
    return np.concatenate(layers)


def decode(regressors: np.ndarray, logits: np.ndarray, anchors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Network outputs (896, 16) and (896,) to rows of what scores at least ``MIN_SCORE``.

    Returns (n, 16) values in [0, 1]: x0, y0, x1, y1, then six keypoints x, y; and (n,) scores.
    """
    scores = 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -100, 100)))
    keep = scores >= MIN_SCORE
    values = regressors[keep].astype(np.float64) / INPUT_SIDE
    centre, half = values[:, :2] + anchors[keep], values[:, 2:4] / 2
    keypoints = values[:, 4:].reshape(-1, KEYPOINTS, 2) + anchors[keep][:, None]
    rows = np.concatenate([centre - half, centre + half, keypoints.reshape(-1, 2 * KEYPOINTS)], axis=1)
    sound = (half > 0).all(axis=1)
    return rows[sound], scores[keep][sound]


def overlap(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Intersection over union of one box (4,) with several (n, 4): (n,) in [0, 1]."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    shared = np.prod(np.maximum(sides, 0), axis=1)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    union = np.prod(box[2:] - box[:2]) + areas - shared
    ratio: np.ndarray = shared / np.maximum(union, 1e-12)
    return ratio


def weighted_suppression(rows: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Join overlapping rows into their mean weighted by score, best first; the best score stays."""
    joined, best = [], []
    order = np.argsort(-scores, kind="stable")
    rows, scores = rows[order], scores[order]
    while len(rows):
        near = overlap(rows[0, :4], rows[:, :4]) > MIN_SUPPRESSION_OVERLAP
        near[0] = True
        joined.append(np.average(rows[near], axis=0, weights=scores[near]))
        best.append(scores[0])
        rows, scores = rows[~near], scores[~near]
    return np.array(joined).reshape(-1, 4 + 2 * KEYPOINTS), np.array(best)


class FaceDetector:
    """Finds faces that fill about a fifth to the whole of a square region."""

    def __init__(self, network: Network):
        self._network = network
        self._anchors = anchor_centres()

    def __call__(
        self, picture: Pyramid, region: Region, border: int = cv2.BORDER_REPLICATE, skip: float = 1.0
    ) -> list[Detection]:
        """Faces seen in ``region``, best first; ``border`` and ``skip`` as in ``Pyramid.sample``."""
        matrix = region.matrix(INPUT_SIDE)
        sample = picture.sample(as_mediapipe_samples(matrix), (INPUT_SIDE, INPUT_SIDE), border, skip)
        regressors, logits = self._network(sample[None].astype(np.float32) / 127.5 - 1)
        rows, scores = weighted_suppression(*decode(regressors[0], logits[0, :, 0], self._anchors))
        back = cv2.invertAffineTransform(matrix)
        return [self._detection(row, score, region, back) for row, score in zip(rows, scores, strict=True)]

    def whole(self, picture: Pyramid) -> list[Detection]:
        """Faces seen in the whole picture, letterboxed in black and sampled without smoothing, as MediaPipe does."""
        height, width = picture.image.shape[:2]
        region = Region(width / 2, height / 2, float(max(width, height)))
        return self(picture, region, cv2.BORDER_CONSTANT, skip=MEDIAPIPE_SKIP)

    @staticmethod
    def _detection(row: np.ndarray, score: float, region: Region, back: np.ndarray) -> Detection:
        points = row.reshape(-1, 2) * INPUT_SIDE
        centre = transform_points(back, (points[:1] + points[1:2]) / 2)[0]
        size = float((row[2:4] - row[:2]).max()) * region.size
        return Detection(centre, size, transform_points(back, points[2:4]), float(score))
