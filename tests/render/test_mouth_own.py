"""The photo's own teeth: as they are at its own expression, still while lips move, and nothing drawn beside them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from orate.render.lips import INNER_LOWER, down_axis, mouth_outline
from orate.render.mouth import Mouth
from orate.render.mouth_opening import find_opening
from orate.render.mouth_own import find_own_teeth
from orate.render.mouth_palette import measure
from orate.render.source import FaceSource

FEATHER = 0.6


def drawn(source: FaceSource, target: NDArray[np.float64]) -> NDArray[np.int64]:
    canvas = np.zeros_like(source.photo)  # what is not drawn is black
    Mouth(source)(canvas, target)
    return canvas.astype(np.int64)


def lowered(source: FaceSource, cm: float) -> NDArray[np.float64]:
    """(478, 2) px: the photo's landmarks with the lower lip let down."""
    target = source.pixels(source.shape)
    target[list(INNER_LOWER)] += cm * source.pose.scale * down_axis(source)
    return target


def test_a_lip_that_leaves_the_photo_a_little_shows_the_photos_own_mouth(smiling: FaceSource) -> None:
    target = lowered(smiling, 0.2)  # enough for the layer to be drawn whole
    canvas = drawn(smiling, target)
    opening = find_opening(smiling, smiling.landmarks, smiling.photo.shape[:2], FEATHER)
    assert opening is not None
    x0, y0, x1, y1 = opening.box
    clear = np.minimum(opening.below, opening.above) * smiling.pose.scale > 1.5
    difference = np.abs(canvas[y0:y1, x0:x1] - smiling.photo[y0:y1, x0:x1])[clear]
    assert clear.sum() > 60
    assert difference.mean() < 8


def test_teeth_stay_where_they_are_while_the_jaw_falls(smiling: FaceSource) -> None:
    narrow, wide = drawn(smiling, lowered(smiling, 0.3)), drawn(smiling, lowered(smiling, 0.9))
    x, y = np.round(0.5 * (smiling.landmarks[13, :2] + smiling.landmarks[14, :2])).astype(int)
    window = np.s_[y - 1 : y + 2, x - 12 : x + 13]
    assert np.ptp(narrow[window].sum(axis=2)) > 60  # there are teeth to see, not one tone
    assert np.abs(narrow[window] - wide[window]).mean() < 6


def test_no_tooth_is_drawn_below_the_own_row(smiling: FaceSource) -> None:
    target = lowered(smiling, 0.9)
    canvas = drawn(smiling, target)
    x, y = np.round(smiling.landmarks[14, :2]).astype(int)
    bottom = int(mouth_outline(smiling, target)[:, 1].max())
    column = canvas[y - 6 : bottom, x - 4 : x + 5].mean(axis=(1, 2))
    own = column[:4].mean()
    gap = int(0.3 * smiling.pose.scale) + 6  # below the own edge, above the lower row
    assert column[gap - 1 : gap + 2].min() < 0.65 * own


def test_only_photos_with_teeth_have_rows(smiling: FaceSource) -> None:
    palette = measure(smiling)
    own = find_own_teeth(smiling, palette, FEATHER, down_axis(smiling))
    assert own is not None
    assert own.edge is not None
    assert own.upper.share.max() > 0.9
    assert not own.lower.share.any()  # she shows one row
    assert (own.upper.share + own.upper.empty).max() <= 1.0 + 1e-5
    closed = FaceSource(
        smiling.photo, smiling.pose.project(smiling.rest), smiling.blendshapes, smiling.pose, smiling.rest, smiling.rest
    )
    assert find_own_teeth(closed, palette, FEATHER, down_axis(smiling)) is None
