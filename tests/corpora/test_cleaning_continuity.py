"""Cuts and damaged frames are seen; turning heads, pans, flashes and lamps are not taken for them."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from orate.corpora.cleaning.continuity import Pictures, check_continuity, check_place
from orate.corpora.cleaning.reasons import Dropped, DropReason
from orate.face.alignment import align, canonical_crop
from orate.face.landmarks import FaceLandmarker
from orate.media.image import read_image

COUNT, CUT = 20, 11
PORTRAITS = Path(__file__).parents[2] / "examples" / "portraits"


@pytest.fixture(scope="module")
def people():
    """Canonical crops of three people, each (128, 96, 3)."""
    landmarker = FaceLandmarker(threads=1)
    paintings = [read_image(PORTRAITS / name) for name in ("mona_lisa.jpg", "lady_agnew.jpg")]
    photos = [data.astronaut(), *paintings]
    return [canonical_crop(photo, align(landmarker.detect(photo)[0].landmarks)) for photo in photos]


def moved(crop, x, y=0.0, turn=0.0):
    """A crop shifted, and its middle pushed aside as a turning head's is; some noise."""
    rows, columns = np.mgrid[:128, :96].astype(np.float32)
    bump = turn * np.exp(-(((columns - 48) / 30) ** 2) - ((rows - 70) / 45) ** 2)
    from_x, from_y = (columns - x - bump).astype(np.float32), (rows - y).astype(np.float32)
    frame = cv2.remap(crop, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    noise = np.random.default_rng(round(1000 * (x + turn + 50))).normal(0, 2, crop.shape)
    return np.clip(frame + noise, 0, 255).astype(np.uint8)


def film(crop):
    """A head that moves a little all the time."""
    return np.stack([moved(crop, 0.6 * np.sin(k / 2), 0.5 * np.cos(k / 3)) for k in range(COUNT)])


def jumps_at(frames):
    """The frame that is named, or None; minus one for another reason."""
    try:
        check_continuity(frames)
    except Dropped as drop:
        return int(drop.detail.split()[2].rstrip(":")) if drop.reason == DropReason.JUMPS else -1
    return None


def test_a_quiet_clip(people):
    assert all(jumps_at(film(crop)) is None for crop in people)
    assert jumps_at(film(people[0])[:1]) is None


@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 2), (2, 0)])
def test_a_cut_between_two_people(people, first, second):
    frames = np.concatenate([film(people[first])[:CUT], film(people[second])[CUT:]])
    assert jumps_at(frames) == CUT


def test_a_cut_at_the_end(people):
    assert jumps_at(np.concatenate([film(people[0])[:-1], film(people[1])[-1:]])) == COUNT - 1


def test_a_cut_to_the_same_person_at_another_time(people):
    """As after a damaged stretch: the same face, but nothing where it was."""
    later = np.stack(
        [moved(people[1], 5, 3, 6), *[moved(people[1], 5 + 0.3 * k, 3, 6) for k in range(COUNT - CUT - 1)]]
    )
    shut = later.copy()
    shut[:, 80:108, 30:66] = people[0][80:108, 30:66]
    assert jumps_at(np.concatenate([film(people[1])[:CUT], shut])) == CUT


def test_damaged_blocks(people):
    frames = film(people[0])
    for row, column in ((32, 16), (48, 32), (64, 48), (80, 16), (32, 64), (96, 48), (64, 16)):
        frames[CUT : CUT + 2, row : row + 16, column : column + 16] = 128
    assert jumps_at(frames) in (CUT, CUT + 2)


def test_a_fast_turn_of_the_head(people):
    for crop in people:
        way = np.clip((np.arange(COUNT) - 8) / 4, 0, 1)
        turning = np.stack([moved(crop, 5 * w, 0, 14 * w) for w in way])
        assert jumps_at(turning) is None


def test_a_pan_and_a_shaking_camera(people):
    for crop in people:
        assert jumps_at(np.stack([moved(crop, 0.4 * k) for k in range(COUNT)])) is None
        assert jumps_at(np.stack([moved(crop, 3 * np.sin(2 * k)) for k in range(COUNT)])) is None


@pytest.mark.parametrize("gain", [0.4, 1.3, 2.0])
def test_a_flash(people, gain):
    for crop in people:
        frames = film(crop).astype(np.float32)
        frames[CUT] *= gain
        assert jumps_at(frames.clip(0, 255).astype(np.uint8)) is None


def test_lamps_are_switched(people):
    side = np.linspace(0.5, 1.2, 96)[:, None]
    for crop in people:
        for light in (0.45, side):
            frames = film(crop).astype(np.float32)
            frames[CUT:] *= light
            assert jumps_at(frames.clip(0, 255).astype(np.uint8)) is None


def placed(x, size, background):
    """A face's landmarks and the picture that it is seen in."""
    circle = np.random.default_rng(0).uniform(-1, 1, (478, 3))
    circle[234, :2], circle[454, :2] = (-1, 0), (1, 0)
    return circle * size + [x, 100, 0], np.roll(background, x, axis=1)


def place_of(places, backgrounds):
    pictures, landmarks = Pictures(), []
    for (x, size), background in zip(places, backgrounds, strict=True):
        points, picture = placed(x, size, background)
        landmarks.append(points)
        pictures.add(picture)
    try:
        check_place(np.stack(landmarks), pictures)
    except Dropped as drop:
        return str(drop)
    return None


def test_the_face_is_elsewhere_at_once():
    wall, street = (cv2.resize(photo, (320, 200)) for photo in (data.astronaut(), data.chelsea()))
    still, walking = [(100, 40)] * 6, [(100 + 8 * k, 40) for k in range(6)]
    assert place_of(still, [wall] * 6) is None
    assert place_of(walking, [wall] * 6) is None
    assert place_of(still, [wall] * 3 + [street] * 3) is None  # behind the speaker a screen changes
    assert "cut: at frame 3" in place_of([(100, 40)] * 3 + [(160, 40)] * 3, [wall] * 3 + [street] * 3)
    assert "cut: at frame 3" in place_of([(100, 40)] * 3 + [(100, 60)] * 3, [wall] * 3 + [street] * 3)
