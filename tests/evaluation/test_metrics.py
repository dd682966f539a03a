import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage import data

from orate.evaluation.l1 import l1
from orate.evaluation.psnr import psnr
from orate.evaluation.ssim import ssim


@pytest.fixture(scope="module")
def video():
    """Three frames (3, 128, 96, 3) of a photograph that moves by a pixel a frame."""
    photo = data.astronaut()
    return np.stack([photo[20 + k : 148 + k, 170:266] for k in range(3)])


def noisy(video, level):
    noise = np.random.default_rng(0).normal(0, level, video.shape)
    return np.clip(video + noise, 0, 255).astype(np.uint8)


def blurred(video, sigma):
    return gaussian_filter(video, (0, sigma, sigma, 0))


def grey(level, count=2):
    return np.full((count, 16, 16, 3), level, np.uint8)


def test_l1_of_known_values():
    assert l1(grey(0), grey(255)) == pytest.approx(2)  # from -1 to 1
    assert l1(grey(10), grey(61)) == pytest.approx(51 / 127.5)
    assert l1(grey(61), grey(10)) == pytest.approx(51 / 127.5)
    assert l1(grey(9), grey(9)) == 0


def test_psnr_of_known_values():
    assert psnr(grey(0), grey(255)) == pytest.approx(0)
    assert psnr(grey(100), grey(110)) == pytest.approx(20 * np.log10(25.5))
    assert psnr(grey(7), grey(7)) == np.inf
    still = np.concatenate([grey(7, 1), grey(100, 1)]), np.concatenate([grey(7, 1), grey(110, 1)])
    assert psnr(*still) == pytest.approx(20 * np.log10(25.5))  # the source image itself does not count
    two = np.concatenate([grey(100, 1), grey(100, 1)]), np.concatenate([grey(101, 1), grey(110, 1)])
    assert psnr(*two) == pytest.approx((20 * np.log10(255) + 20 * np.log10(25.5)) / 2)  # the mean over frames


def test_ssim_of_known_values(video):
    assert ssim(video, video) == pytest.approx(1)
    c1 = (0.01 * 255) ** 2  # flat pictures: the comparison of luminance is all that is left
    assert ssim(grey(100), grey(140)) == pytest.approx((2 * 100 * 140 + c1) / (100**2 + 140**2 + c1), abs=1e-5)
    assert ssim(video, 255 - video) < 0


def test_ssim_is_the_one_that_was_published(video):
    """Against its formula written out, on the pixels whose whole window lies in the picture."""
    real, made = (clip[0, ..., 0].astype(float) for clip in (video, noisy(video, 20)))

    def mean(values):
        return gaussian_filter(values, 1.5, truncate=3.5)[5:-5, 5:-5]

    mx, my = mean(real), mean(made)
    vx, vy, cov = mean(real**2) - mx**2, mean(made**2) - my**2, mean(real * made) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    expected = ((2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean()
    one = video[:1, ..., :1].repeat(3, -1), noisy(video, 20)[:1, ..., :1].repeat(3, -1)
    assert ssim(*one) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("damage", "levels"), [(noisy, (2, 5, 10, 30, 80)), (blurred, (0.5, 1, 2, 4, 8))])
def test_more_damage_is_worse(video, damage, levels):
    damaged = [damage(video, level) for level in levels]
    assert (np.diff([l1(video, one) for one in damaged]) > 0).all()
    assert (np.diff([psnr(video, one) for one in damaged]) < 0).all()
    assert (np.diff([ssim(video, one) for one in damaged]) < 0).all()


def test_videos_of_different_length_are_refused(video):
    for metric in (l1, psnr, ssim):
        with pytest.raises(ValueError, match=r"shorter|broadcast"):
            metric(video, video[:2])
