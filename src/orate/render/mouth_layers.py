"""The two layers of a photo's mouth: drawn from the mesh, and from the photo's own teeth where it shows them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.face.masks import smoothstep
from orate.render.head import load_head
from orate.render.lips import INNER_LOWER, OUTER_CORNERS, down_axis, openness
from orate.render.mouth_opening import Box, Opening, Points, find_opening
from orate.render.mouth_palette import Palette
from orate.render.mouth_render import GUM, TONGUE, TOOTH, Image, draw, load_mesh, oversampling, shade
from orate.render.source import FaceSource

REACH_CM = (3.4, 1.8, 3.8)  # the layers' extent to either side of the lips' middle, above and below it
CHIN = (152, 148, 377, 175, 171, 396)
TOOTH_DROP = 0.95  # the lower teeth drop this part of the chin's way: they are nearer to the jaw's joint
LIP_DROP = 0.75  # and at least this part of the lower lip's, half believed
OWN_CONTRAST = 8.0  # L by which teeth must stand out from the rest of the open mouth to be teeth
OWN_HEIGHT_CM = 0.35  # a thinner line of light is a glint
ROOT_CM, ASIDE_CM = 0.45, 0.2  # how far colours of the photo's teeth go on where lips hid them
GRAIN = 0.7  # of the skin's grain: teeth are smoother
FULL_LIGHT = 0.93  # what `shade` leaves of a front tooth's brightness


@dataclass(frozen=True)
class Layer:
    """Premultiplied colour in the photo's pixels.

    Attributes:
        image: (h, w, 4) RGB in [0, 255], alpha in [0, 1].
        x, y: the photo's pixel where it begins.
    """

    image: Image
    x: int
    y: int

    def cut(self, box: Box, shift: NDArray[np.floating]) -> Image:
        """The layer moved by `shift` px inside `box`, (y1 - y0, x1 - x0, 4)."""
        x0, y0, x1, y1 = box
        matrix = np.array([[1, 0, self.x + shift[0] - x0], [0, 1, self.y + shift[1] - y0]])
        return np.asarray(cv2.warpAffine(self.image, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR), np.float32)


@dataclass(frozen=True)
class OwnTeeth:
    """Teeth that a photo shows.

    Attributes:
        box: (x0, y0, x1, y1) px.
        colour: (h, w, 3) RGB as under full light.
        upper, lower: (h, w) in [0, 1], where each row is.
        tone: (3,) Lab of them under full light.
        edge: px down from the upper lip's middle point to the biting edge of the upper row; None where there is none.
    """

    box: Box
    colour: Image
    upper: Image
    lower: Image
    tone: Points
    edge: float | None


def jaw_shift(source: FaceSource, points: Points, rest: Points) -> Points:
    """(2,) px: the way of the lower teeth from rest, of landmarks (478, 2) px; they do not pass the upper ones."""
    down = down_axis(source)
    chin = (points[list(CHIN)] - rest[list(CHIN)]).mean(axis=0)
    lip = (points[INNER_LOWER[3:6]] - rest[INNER_LOWER[3:6]]).mean(axis=0)
    fallen = TOOTH_DROP * float(chin @ down)
    believed = 0.5 * fallen + 0.5 * max(fallen, LIP_DROP * float(lip @ down))
    # Sideways, which on a turned head is backwards too, teeth go with the lip as much as with the chin.
    aside = 0.5 * (chin + lip) @ np.array([down[1], -down[0]])
    return np.asarray(max(believed, 0.0) * down + aside * np.array([down[1], -down[0]]))


def find_own_teeth(source: FaceSource, palette: Palette, feather: float) -> OwnTeeth | None:
    """The teeth between a photo's open lips, as they would be under full light; None where it shows none."""
    if openness(source) < 0.5:
        return None
    points = source.landmarks[:, :2]
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
    if high < max(low + 2 * OWN_CONTRAST, 0.65 * palette.tooth[0]):
        return None
    teeth = smoothstep((score - (low + 0.35 * (high - low))) / (0.25 * (high - low))) * opening.inside
    height = float(teeth.sum(axis=0).max()) / source.pose.scale
    if height < OWN_HEIGHT_CM:
        return None
    upper, lower, edge = _rows(teeth.astype(np.float32), opening, source.pose.scale)
    light, light_below = opening.light(palette.tilt)
    dark = throat_rgb(palette)
    under = np.clip(np.where(upper >= lower, light, light_below), 0.5, 1.2)[..., None]
    full = np.clip(dark + (rgb - dark) / under, 0, 255)
    bright = kept & (score >= np.percentile(score[kept], 60))
    tone = np.median(cv2.cvtColor(full / 255, cv2.COLOR_RGB2Lab)[bright], axis=0).astype(np.float64)
    tone[0] = min(tone[0] / FULL_LIGHT, 97.0)
    gap = float(np.linalg.norm(points[14] - points[13]))
    edge = None if edge is None else edge * gap
    return OwnTeeth(opening.box, full.astype(np.float32), upper, lower, tone, edge)


def _rows(teeth: Image, opening: Opening, scale: float) -> tuple[Image, Image, float | None]:
    """Teeth told apart into the upper and the lower row, and where the upper row ends as a part of the gap.

    Where something dark lies between them it is the border; a single row belongs to the lip that it touches, and to the
    upper lip when it touches both.
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
        return np.zeros_like(teeth), np.zeros_like(teeth), None
    holes = np.flatnonzero(~seen[inner[0] : inner[-1] + 1]) + inner[0]
    single = 0.0 if inner[0] > bins // 2 else 1.0
    border = (float(np.median(holes)) + 0.5) / bins if len(holes) else single
    above = smoothstep((border - level) * 8 + 0.5) if 0 < border < 1 else np.full_like(level, border)
    closing = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (max(3, round(0.16 * scale) | 1),) * 2)
    whole = cv2.morphologyEx(teeth, cv2.MORPH_CLOSE, closing) * opening.inside
    # The pixels next to the lips are mixed with them.
    margin = np.clip(np.minimum(opening.below, opening.above) * scale - 0.5, 0, 1)
    whole = whole * margin
    edge = (holes[0] / bins if len(holes) else (inner[-1] + 1) / bins) if border > 0 else None
    return (whole * above).astype(np.float32), (whole * (1 - above)).astype(np.float32), edge


def make_layers(source: FaceSource, palette: Palette, own: OwnTeeth | None) -> tuple[Layer, Layer]:
    """The upper and the lower layer of a photo, with its own teeth where it shows them."""
    rest = source.pixels(source.rest)
    down = down_axis(source)
    if own is not None:
        palette = replace(palette, tooth=own.tone)
    origin = 0.5 * (rest[13] + rest[14])
    above = origin.copy()
    if own is not None and own.edge is not None:
        bite = source.landmarks[13, :2] + own.edge * down
        mesh_edge = -_edge_cm() * source.pose.scale * tooth_size(source)
        above = above + ((bite - above) @ down - mesh_edge) * down
    layers = []
    for lower, place in ((False, above), (True, origin)):
        layer = _drawn(source, palette, lower, place)
        if own is not None:
            shift = jaw_shift(source, source.landmarks[:, :2], rest) if lower else np.zeros(2)
            layer = _with_own(
                layer, own, own.lower if lower else own.upper, -shift, down if lower else -down, source.pose.scale
            )
        layers.append(layer)
    return layers[0], layers[1]


@cache
def _edge_cm() -> float:
    """Height of the upper front teeth's biting edge in mouth space, cm; negative, below the lips' line."""
    mesh = load_mesh()
    upper = np.unique(mesh.triangles[~mesh.lower])
    front = upper[(mesh.kind[upper] == TOOTH) & (np.abs(mesh.vertices[upper, 0]) < 0.8)]
    return float(mesh.vertices[front, 1].min())


def tooth_size(source: FaceSource) -> float:
    """The size of a face's teeth over the mesh's. Teeth vary less than mouths, which a smile widens."""
    left, right = OUTER_CORNERS
    neutral = load_head().landmarks
    ratio = np.linalg.norm(source.rest[right] - source.rest[left]) / np.linalg.norm(neutral[right] - neutral[left])
    return float(np.clip(ratio**0.7, 0.8, 1.15))


def throat_rgb(palette: Palette) -> NDArray[np.float32]:
    """(3,) RGB of the throat in [0, 255]."""
    lab = palette.throat.astype(np.float32)[None, None]
    rgb = 255 * np.clip(cv2.cvtColor(lab, cv2.COLOR_Lab2RGB)[0, 0], 0, 1)
    return np.asarray(np.full(3, rgb.mean()) if palette.grey else rgb, np.float32)


def _drawn(source: FaceSource, palette: Palette, lower: bool, origin: Points) -> Layer:
    """One layer of the mesh, where the face at rest has its mouth."""
    scale = source.pose.scale
    side, up, down = (reach * scale * 1.15 for reach in REACH_CM)
    fine = oversampling(scale)
    x0, y0 = int(np.floor(origin[0] - side)), int(np.floor(origin[1] - up))
    columns, rows = int(np.ceil(2 * side)), int(np.ceil(up + down))
    drawn = (int(rows * fine), int(columns * fine))
    matrix = source.pose.rotation * scale * tooth_size(source) * fine
    relief = draw(lower, matrix, (origin - (x0, y0)) * fine, drawn)
    image = shade(relief, {GUM: palette.gum, TONGUE: palette.tongue, TOOTH: palette.tooth}, palette.throat, 6.0)
    method = cv2.INTER_AREA if fine >= 1 else cv2.INTER_LINEAR
    small = cv2.resize(image, (columns, rows), interpolation=method)
    image = cv2.GaussianBlur(small, (0, 0), max(palette.blur, 0.45)).astype(np.float32)
    grain = palette.grain
    repeat = (rows // grain.shape[0] + 1, columns // grain.shape[1] + 1)
    image[..., :3] += (GRAIN * np.tile(grain, repeat)[:rows, :columns] * image[..., 3])[..., None]
    return Layer(np.ascontiguousarray(image, np.float32), x0, y0)


def _with_own(
    layer: Layer, own: OwnTeeth, share: Image, shift: NDArray[np.floating], root: NDArray[np.floating], scale: float
) -> Layer:
    """A layer with the photo's teeth over it where `share` is 1, moved by `shift` px.

    Towards the teeth's roots, where the photo's lips hid them, and sideways their nearest colours go on for a while.
    """
    height, width = layer.image.shape[:2]
    pad = int(np.ceil(ROOT_CM * scale)) + 1
    colour = np.pad(own.colour, ((pad, pad), (pad, pad), (0, 0)), mode="edge")
    share = np.pad(share, pad)
    sure = share > 0.7
    if sure.any():
        distance, label = cv2.distanceTransformWithLabels(
            (~sure).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
        )
        place = np.zeros((label.max() + 1, 2), np.int64)
        place[label[sure]] = np.argwhere(sure)
        nearest = place[label]
        offset = np.indices(share.shape).transpose(1, 2, 0) - nearest
        up = offset @ root[::-1]
        aside = np.abs(offset @ np.array([root[0], -root[1]]))
        reach = np.hypot(np.maximum(up, 0) / ROOT_CM, aside / ASIDE_CM) / scale
        beyond = np.where(up >= 0, 1 - smoothstep(reach), 0).astype(np.float32)
        carried = colour[nearest[..., 0], nearest[..., 1]]
        soft = cv2.GaussianBlur(carried, (0, 0), 0.06 * scale + 0.3)
        colour = np.where(sure[..., None], colour, soft)
        share = np.maximum(share, beyond * (distance > 0))
    piece = np.concatenate([colour * share[..., None], share[..., None]], axis=2).astype(np.float32)
    begin = Layer(piece, own.box[0] - pad, own.box[1] - pad)
    moved = begin.cut((layer.x, layer.y, layer.x + width, layer.y + height), shift)
    return replace(layer, image=moved + (1 - moved[..., 3:]) * layer.image)
