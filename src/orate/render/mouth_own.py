"""The teeth that a photo shows between its open lips: which pixels they are, and what goes on behind the lips."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.face.masks import smoothstep
from orate.render.lips import openness
from orate.render.mouth_opening import Opening, Points, find_opening
from orate.render.mouth_palette import Palette, throat_rgb
from orate.render.mouth_render import Image
from orate.render.source import FaceSource

CONTRAST = 8.0  # L by which teeth must stand out from the rest of the open mouth to be teeth
HEIGHT_CM = 0.35  # a thinner line of light is a glint
FULL_LIGHT = 0.93  # what `shade` leaves of a front tooth's brightness
DARKEST, BRIGHTEST = 0.6, 1.2  # light that is divided out: more would enlarge the noise of dark corners
MIXED_CM, MIXED_PX = 0.05, 1.2  # next to the lips pixels are mixed with them: the larger of the two
RED = 5.0  # a* above the teeth's own: a gum between two teeth, or a lip's shine
ROOT_CM, ASIDE_CM = (0.06, 0.3), (0.05, 0.2)  # how far teeth go on behind the lips: whole, and fading
BITE_CM = 0.6  # so far below the row's edge no drawn tooth shows
SHADE = 0.4  # of the way from the throat's brightness to the teeth's: darker is neither tooth nor gum
BETWEEN_CM = 0.25  # shades between two teeth are narrower
SOFT_CM = 0.06  # blur of colours that go on


Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class OwnRow:
    """One row of a photo's teeth, and what it says about the layer behind it; all (h, w).

    Attributes:
        colour: (h, w, 3) RGB as under full light.
        share: in [0, 1], where these teeth are, also a little way behind the lips.
        empty: in [0, 1], where the photo shows, or the row's edge tells, that there are none.
    """

    colour: Image
    share: Image
    empty: Image


@dataclass(frozen=True)
class OwnTeeth:
    """Teeth that a photo shows.

    Attributes:
        x, y: px, where the rows' images begin.
        upper, lower: the rows.
        tone: (3,) Lab of them under full light.
        edge: px down from the upper lip's middle point to the biting edge of the upper row; None where there is none.
    """

    x: int
    y: int
    upper: OwnRow
    lower: OwnRow
    tone: Points
    edge: float | None


def find_own_teeth(source: FaceSource, palette: Palette, feather: float, down: Points) -> OwnTeeth | None:
    """The teeth between a photo's open lips, as they would be under full light; None where it shows none.

    Args:
        source: the photo.
        palette: as measured in it.
        feather: px, standard deviation of the lips' edge.
        down: (2,) the direction of the head's lower end in the picture.
    """
    if openness(source) < 0.5:
        return None
    points, scale = source.landmarks[:, :2], source.pose.scale
    opening = find_opening(source, points, source.photo.shape[:2], feather)
    if opening is None:
        return None
    x0, y0, x1, y1 = opening.box
    rgb = source.photo[y0:y1, x0:x1].astype(np.float32)
    lab = cv2.cvtColor(rgb / 255, cv2.COLOR_RGB2Lab)
    kept = opening.inside > 0.9
    if kept.sum() < 12:
        return None
    # Teeth are bright and not red.
    score = lab[..., 0] - 0.6 * np.maximum(lab[..., 1] - palette.tooth[1], 0)
    high, low = np.percentile(score[kept], 85), palette.throat[0]
    if high < max(low + 2 * CONTRAST, 0.65 * palette.tooth[0]):
        return None
    teeth = (smoothstep((score - (low + 0.35 * (high - low))) / (0.25 * (high - low))) * opening.inside).astype(
        np.float32
    )
    if float(teeth.sum(axis=0).max()) / scale < HEIGHT_CM:
        return None
    above, edge = _rows(teeth, opening)
    light, light_below = opening.light(palette.tilt)
    dark = throat_rgb(palette)
    under = np.clip(np.where(above >= 0.5, light, light_below), DARKEST, BRIGHTEST)[..., None]
    full = np.clip(dark + (rgb - dark) / under, 0, 255).astype(np.float32)
    bright = kept & (score >= np.percentile(score[kept], 60))
    tone = np.median(cv2.cvtColor(full / 255, cv2.COLOR_RGB2Lab)[bright], axis=0).astype(np.float64)
    tone[0] = min(tone[0] / FULL_LIGHT, 97.0)
    clear = np.minimum(opening.below, opening.above) >= max(MIXED_CM, MIXED_PX / scale)
    sure = clear & (teeth > 0.7) & (lab[..., 1] < np.median(lab[bright, 1]) + RED)
    shade = lab[..., 0] < low + SHADE * (high - low)
    rows = [
        _row(full, teeth * part, sure & (part >= 0.5), clear & kept & (part >= 0.5), shade, root, scale)
        for part, root in ((above, -down), (1 - above, down))
    ]
    pad = _pad(scale)
    gap = float(np.linalg.norm(points[14] - points[13]))
    return OwnTeeth(x0 - pad, y0 - pad, rows[0], rows[1], tone, None if edge is None else edge * gap)


def _rows(teeth: Image, opening: Opening) -> tuple[Image, float | None]:
    """(h, w) the upper row's part of the teeth, and where it ends as a part of the gap.

    Where something dark lies between the rows it is the border; a single row belongs to the lip that it touches, and to
    the upper lip when it touches both.
    """
    level = np.clip(opening.below / np.maximum(opening.below + opening.above, 1e-3), 0, 1)
    bins = 16
    middle = (opening.side > 0.6) & (opening.inside > 0.5)
    number = np.minimum((level * bins).astype(int), bins - 1)[middle]
    count = np.bincount(number, minlength=bins)
    profile = np.bincount(number, weights=teeth[middle], minlength=bins) / np.maximum(count, 1)
    seen = profile > 0.4
    inner = np.flatnonzero(seen)
    if not len(inner):
        return np.zeros_like(teeth), None
    holes = np.flatnonzero(~seen[inner[0] : inner[-1] + 1]) + inner[0]
    single = 0.0 if inner[0] > bins // 2 else 1.0
    border = (float(np.median(holes)) + 0.5) / bins if len(holes) else single
    above = smoothstep((border - level) * 8 + 0.5) if 0 < border < 1 else np.full_like(level, border)
    edge = (holes[0] / bins if len(holes) else (inner[-1] + 1) / bins) if border > 0 else None
    return above.astype(np.float32), edge


def _pad(scale: float) -> int:
    """Px around the opening that a row may reach behind the lips."""
    return int(np.ceil(max(ROOT_CM[1], BITE_CM) * scale)) + 1


def _row(colour: Image, teeth: Image, sure: Mask, clear: Mask, dark: Mask, root: Points, scale: float) -> OwnRow:
    """One row, carried on behind the lips: towards its roots and sideways, not beyond its biting edge.

    What the photo shows clearly stands, shades between the teeth and dark corners too; what its lips cover, or mix with
    themselves, goes on as the nearest clear pixel is.
    """
    pad = _pad(scale)
    colour = np.pad(colour, ((pad, pad), (pad, pad), (0, 0)), mode="edge")
    teeth, sure, clear, dark = np.pad(teeth, pad), np.pad(sure, pad), np.pad(clear, pad), np.pad(dark, pad)
    if not sure.any():
        nothing = np.zeros_like(teeth)
        return OwnRow(colour, nothing, nothing)
    closing = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (max(3, round(BETWEEN_CM * scale) | 1),) * 2)
    body = np.where(clear, np.maximum(cv2.morphologyEx(sure.astype(np.float32), cv2.MORPH_CLOSE, closing), teeth), 0)
    mixed = max(MIXED_CM, MIXED_PX / scale) + 0.5 / scale
    up, aside, _ = _way(body > 0.7, root, scale)
    kept = clear & ((body > 0.5) | (up >= -np.maximum(aside, 0.5 / scale)))
    up, aside, (y, x) = _way(kept, root, scale)
    reach = np.hypot(_beyond(np.maximum(up, 0), ROOT_CM, mixed), _beyond(aside, ASIDE_CM, mixed))
    below = up < -np.maximum(0.4 * aside, mixed)
    share = np.where(clear, kept, np.where(below, 0, 1 - smoothstep(reach)))
    empty = np.where(clear | below | dark[y, x], 1 - share, 0)
    blur = 0.35 + 0.02 * scale
    # The median takes single pixels away that lie between two answers.
    smooth = [cv2.GaussianBlur(cv2.medianBlur(p.astype(np.float32), 3), (0, 0), blur) for p in (share, empty)]
    soft = cv2.GaussianBlur(colour[y, x], (0, 0), SOFT_CM * scale + 0.3)
    shown = np.where(kept[..., None], colour, soft)
    return OwnRow(shown.astype(np.float32), *(np.asarray(plane, np.float32) for plane in smooth))


def _way(here: Mask, root: Points, scale: float) -> tuple[Points, Points, tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """(h, w) cm from the nearest pixel that is true: towards the roots, and aside; and that pixel's row and column."""
    nearest = _nearest(here)
    offset = (np.indices(here.shape) - np.stack(nearest)).transpose(1, 2, 0) / scale
    return offset @ root[::-1], np.abs(offset @ np.array([root[0], -root[1]])), nearest


def _nearest(here: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(h, w) each: row and column of the nearest pixel that is true."""
    _, label = cv2.distanceTransformWithLabels((~here).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    place = np.zeros((label.max() + 1, 2), np.int64)
    place[label[here]] = np.argwhere(here)
    return place[label, 0], place[label, 1]


def _beyond(way: Points, reach: tuple[float, float], mixed: float) -> Points:
    """0 up to the first reach (and over pixels that are mixed anyway), 1 at the second, in cm."""
    start = max(reach[0], mixed)
    beyond: Points = np.maximum(way - start, 0) / max(reach[1] - reach[0], 1e-3)
    return beyond
