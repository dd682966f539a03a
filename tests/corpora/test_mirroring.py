import numpy as np
from skimage import data

from orate.corpora.mirror import MIRROR_478, mirror_frames, mirror_landmarks
from orate.face.landmarks import FaceLandmarker, face_width


def test_permutation_is_an_involution_with_known_pairs():
    assert sorted(MIRROR_478) == list(range(478))
    assert (MIRROR_478[MIRROR_478] == np.arange(478)).all()
    known = {
        33: 263,
        133: 362,
        159: 386,
        145: 374,
        61: 291,
        78: 308,
        234: 454,
        468: 473,
        469: 476,
        471: 474,
    }
    assert all(MIRROR_478[a] == b for a, b in known.items())
    middle = [0, 1, 2, 13, 14, 17, 152, 168]
    assert (MIRROR_478[middle] == middle).all()


def test_mirrored_landmarks_fit_the_mirrored_photograph():
    photo = data.astronaut()
    landmarker = FaceLandmarker(threads=1)
    (face,) = landmarker.detect(photo)
    flipped = np.ascontiguousarray(mirror_frames(photo[None])[0])
    (expected,) = landmarker.detect(flipped)
    mirrored = mirror_landmarks(face.landmarks[None], photo.shape[1])[0]
    distance = np.linalg.norm(mirrored[:, :2] - expected.landmarks[:, :2], axis=1) / face_width(face)
    assert distance.mean() < 0.02
    unpermuted = face.landmarks[:, :2] * [-1, 1] + [photo.shape[1], 0]
    assert np.linalg.norm(unpermuted - expected.landmarks[:, :2], axis=1).mean() / face_width(face) > 0.2


def test_mirroring_twice_changes_nothing():
    random = np.random.default_rng(0)
    landmarks = random.uniform(0, 96, (3, 478, 3)).astype(np.float32)
    frames = random.integers(0, 256, (3, 8, 6, 3), np.uint8)
    assert np.allclose(mirror_landmarks(mirror_landmarks(landmarks, 96), 96), landmarks, atol=1e-4)
    assert (mirror_frames(mirror_frames(frames)) == frames).all()
    assert (mirror_frames(frames)[:, :, 0] == frames[:, :, -1]).all()
