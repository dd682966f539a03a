import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage import data

from orate.evaluation.fdbm import fdbm, picture_fdbm


@pytest.fixture(scope="module")
def face():
    return np.asarray(data.astronaut()[20:148, 170:266])


def test_known_values():
    flat = np.full((20, 30), 90, np.uint8)
    assert picture_fdbm(flat) == pytest.approx(1 / 600)  # its mean is its only frequency
    assert picture_fdbm(np.zeros((20, 30), np.uint8)) == 0
    point = np.zeros((20, 30), np.uint8)
    point[3, 4] = 255
    assert picture_fdbm(point) == 1  # all frequencies alike
    x = np.arange(64)
    wave = np.rint(128 + 100 * np.cos(2 * np.pi * 8 * x / 64)).astype(np.uint8)
    assert picture_fdbm(np.tile(wave, (64, 1))) == pytest.approx(3 / 64**2, abs=2 / 64**2)  # mean and one pair


def test_a_weak_frequency_counts_from_a_thousandth_on():
    x = np.arange(64)
    for share, counted in ((0.0005, 1), (0.004, 3)):
        wave = 128 * (1 + 2 * share * np.cos(2 * np.pi * 5 * x / 64))
        magnitudes = np.abs(np.fft.fft2(np.tile(wave, (64, 1))))
        assert np.count_nonzero(magnitudes > magnitudes.max() / 1000) == counted


def test_blur_lowers_it_and_noise_raises_it(face):
    blurred = [fdbm(gaussian_filter(face, (sigma, sigma, 0))[None]) for sigma in (0, 0.5, 1, 2, 4)]
    assert (np.diff(blurred) < 0).all()
    noise = np.random.default_rng(0).normal(0, 10, face.shape)
    assert fdbm(np.clip(face + noise, 0, 255).astype(np.uint8)[None]) > blurred[0]


def test_a_video_has_the_mean_of_its_frames(face):
    soft = gaussian_filter(face, (3, 3, 0))
    assert fdbm(np.stack([face, soft])) == pytest.approx((fdbm(face[None]) + fdbm(soft[None])) / 2)
