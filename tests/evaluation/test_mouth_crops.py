import numpy as np
import pytest
import torch
from speaking_mouths import mouth_clip

from orate.errors import OrateError
from orate.evaluation.mouth_crops import REGION, SEEN, mouth_region, network_input, varied_input


@pytest.fixture(scope="module")
def regions():
    return torch.from_numpy(mouth_region(mouth_clip("a", 0, 12).frames))[None]


def test_the_region_holds_the_mouth_of_a_real_face(portrait_crop, landmarker):
    points = landmarker.detect(portrait_crop)[0].landmarks
    region = mouth_region(portrait_crop[None])
    assert region.shape == (1, *REGION)
    lips = portrait_crop[:, :, 0].astype(int) - portrait_crop[:, :, 1]  # redder than skin
    assert points[[61, 291, 0, 17], 0].min() > 20
    assert points[[61, 291, 0, 17], 0].max() < 76
    assert points[[61, 291, 0, 17], 1].min() > 72
    assert points[[61, 291, 0, 17], 1].max() < 112
    assert lips[int(points[17, 1]) - 2, int(points[17, 0])] > lips[60].mean()


def test_other_crops_are_refused():
    with pytest.raises(OrateError, match="128 x 96"):
        mouth_region(np.zeros((3, 64, 48, 3), np.uint8))


def test_light_and_contrast_do_not_matter(regions):
    bright = regions.float() * 0.6 + 50
    torch.testing.assert_close(network_input(regions), network_input(bright), atol=1e-3, rtol=0)
    assert network_input(regions).shape == (1, 1, 12, *SEEN)


def test_a_still_picture_of_one_colour_has_no_pattern():
    flat = torch.full((1, 5, *REGION), 90, dtype=torch.uint8)
    assert network_input(flat).abs().max() < 1e-4


def test_unvaried_clips_are_the_plain_ones_or_their_mirrors(regions):
    plain, seen = network_input(regions), set()
    for seed in range(8):
        varied = varied_input(regions, 0.0, torch.Generator().manual_seed(seed))
        straight, mirrored = (varied - plain).abs().max(), (varied.flip(-1) - plain).abs().max()
        assert min(straight, mirrored) < 1e-3
        seen.add(bool(straight < mirrored))
    assert seen == {True, False}


def test_all_frames_of_a_clip_are_moved_alike():
    dots = torch.zeros(2, 3, *REGION)
    dots[:, :, 20:24, 30:34] = 255
    moved = varied_input(dots, 1.0, torch.Generator().manual_seed(3))
    torch.testing.assert_close(moved[:, :, 0], moved[:, :, 2])
    assert (moved[0] - moved[1]).abs().max() > 1


def test_moves_are_small(regions):
    dots = torch.zeros(64, 1, *REGION)
    dots[:, :, 23:25, 31:33] = 255
    moved = varied_input(dots, 1.0, torch.Generator().manual_seed(0))[:, 0, 0]
    peak = moved.flatten(1).argmax(1)
    rows, columns = peak // SEEN[1] - SEEN[0] / 2, peak % SEEN[1] - SEEN[1] / 2
    assert 0.8 < rows.std() < 3
    assert max(rows.abs().max(), columns.abs().max()) <= 6
