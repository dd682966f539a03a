"""Pairs for the refinement: what the head does is undone, what the lips do stays."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from orate.corpora import mouth_pairs
from orate.corpora.clip import Clip
from orate.face.landmarks import Face
from orate.render.head import load_head
from orate.render.lips import LOWER_RINGS
from orate.render.pose import HeadPose

SIDE, SCALE = 300, 10.0
MOVES = ((0.0, 1.0, 0.0), (4.0, 1.05, 6.0), (-5.0, 0.95, -4.0), (3.0, 1.0, 9.0))  # degrees, size, px


def moving_face() -> tuple[list[np.ndarray], list[Face]]:
    """A painted face that turns in the picture's plane; in the last frame its lower lip is let down."""
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    photo = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 4), np.empty(0), 60, 220, cv2.NORM_MINMAX)
    pose = HeadPose(SCALE, np.diag([1.0, -1.0, -1.0]), np.array([SIDE / 2, SIDE / 2, 0.0]))
    landmarks = pose.project(load_head().landmarks)
    images, faces = [], []
    for number, (turn, size, shift) in enumerate(MOVES):
        matrix = cv2.getRotationMatrix2D((SIDE / 2 - 0.5, SIDE / 2 - 0.5), turn, size)
        matrix[:, 2] += shift
        images.append(cv2.warpAffine(photo, matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT))
        points = landmarks.copy()
        if number == len(MOVES) - 1:
            points[LOWER_RINGS.ravel(), 1] += 8
        points[:, :2] = (points[:, :2] - 0.5) @ matrix[:, :2].T + matrix[:, 2] + 0.5
        points[:, 2] *= size
        faces.append(Face(np.zeros(4), 1.0, points.astype(np.float32), np.zeros(52, np.float32)))
    return images, faces


@pytest.fixture
def pairs(monkeypatch: pytest.MonkeyPatch) -> mouth_pairs.MouthPairs:
    images, faces = moving_face()
    found = iter(faces)
    landmarker = SimpleNamespace(track=lambda image, previous: next(found))
    monkeypatch.setattr(mouth_pairs, "read_video", lambda path: [SimpleNamespace(image=image) for image in images])
    made = mouth_pairs.clip_pairs(Clip("s9-a", "s9", Path("a.mp4")), landmarker, frames=len(images), sources=1)
    assert made is not None
    return made


def test_one_source_is_drawn_as_every_other_frame(pairs: mouth_pairs.MouthPairs) -> None:
    assert len(pairs) == len(MOVES) - 1
    assert set(pairs.speaker) == {"s9"}
    assert set(pairs.split) == {"train"}


def test_the_head_s_movement_is_undone(pairs: mouth_pairs.MouthPairs) -> None:
    still = pairs.chosen(pairs.stirred < 0.5)
    assert len(still) == 2
    for name in ("drawn", "truth"):
        difference = getattr(still, name).astype(float) - still.own
        assert np.abs(difference).mean() < 3
    assert np.abs(still.own[:, :, 5:].astype(float) - still.own[:, :, :-5]).mean() > 6  # so an error of 5 px would show


def test_open_lips_are_drawn_open(pairs: mouth_pairs.MouthPairs) -> None:
    opened = pairs.chosen(pairs.stirred == 1)
    assert len(opened) == 1
    assert opened.masks[0, 0].mean() > opened.masks[0, 2].mean() + 3
    inside = opened.masks[0, 0] > 200
    assert np.abs(opened.drawn[0].astype(float) - opened.own[0])[inside].mean() > 10
