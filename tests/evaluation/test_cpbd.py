import cv2
import numpy as np
import pytest
from skimage import data

from orate.evaluation.cpbd import cpbd, edge_widths, picture_cpbd
from orate.face.masks import smoothstep


@pytest.fixture(scope="module")
def photo():
    return cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)


def bars(width_px, low=20, high=220):
    """Vertical bars 16 px apart whose edges are smooth ramps of so many pixels: (64, 128) uint8."""
    phase = np.arange(128) % 32
    up = smoothstep((phase - 8 + width_px / 2) / width_px)
    down = smoothstep((phase - 24 + width_px / 2) / width_px)
    return np.repeat(np.rint(low + (high - low) * (up - down))[None], 64, 0).astype(np.uint8)


def test_widths_of_ramps():
    for width in (2, 4, 6):
        widths = edge_widths(bars(width).astype(float))
        assert set(widths[widths > 0]) == {width}, width
        assert (widths > 0).sum(1).max() >= 6


def test_widths_of_edges_that_fall_and_rise_are_alike():
    picture = bars(4).astype(float)
    assert sorted(edge_widths(picture).ravel()) == sorted(edge_widths(255 - picture).ravel())


def test_sharp_edges_show_no_blur_and_soft_ones_do():
    assert picture_cpbd(bars(2)) == 1  # narrower than the 3 px that are just noticed
    assert picture_cpbd(bars(4)) == 0
    assert picture_cpbd(bars(4, 100, 140)) == 1  # in a block of low contrast 5 px pass
    assert picture_cpbd(bars(6, 100, 140)) == 0


def test_horizontal_edges_have_no_width():
    assert not edge_widths(bars(2).T.astype(float)).any()


def test_a_picture_without_edges():
    assert picture_cpbd(np.full((128, 96), 90, np.uint8)) == 0


def test_only_whole_blocks_count():
    picture = np.hstack([bars(2), bars(6)[:, :40]])
    assert picture_cpbd(picture) == 1


def test_blur_lowers_it(photo):
    figures = [picture_cpbd(photo)]
    figures += [picture_cpbd(cv2.GaussianBlur(photo, (0, 0), sigma)) for sigma in (0.8, 1.2, 2.0, 4.0)]
    assert (np.diff(figures) < 0).all()
    assert figures[-1] < 0.05


def test_the_value_of_the_package_cpbd(photo):
    """cpbd.compute of PyPI's cpbd on the same picture."""
    assert picture_cpbd(photo) == pytest.approx(0.3836094158674804, abs=1e-9)


def test_of_a_video_it_is_the_mean():
    sharp, soft = (cv2.cvtColor(bars(width), cv2.COLOR_GRAY2RGB) for width in (2, 4))
    assert cpbd(np.stack([sharp, soft, soft, soft])) == pytest.approx(0.25)
