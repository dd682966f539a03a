"""The two layers of a photo's mouth: drawn from the mesh, and from the photo's own teeth where it shows them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.render.head import load_head
from orate.render.lips import INNER_LOWER, OUTER_CORNERS, down_axis
from orate.render.mouth_opening import Box, Points
from orate.render.mouth_own import OwnRow, OwnTeeth
from orate.render.mouth_palette import Palette
from orate.render.mouth_render import GUM, TONGUE, TOOTH, Image, draw, load_mesh, oversampling, shade
from orate.render.source import FaceSource

REACH_CM = (3.4, 1.8, 3.8)  # the layers' extent to either side of the lips' middle, above and below it
CHIN = (152, 148, 377, 175, 171, 396)
TOOTH_DROP = 0.95  # the lower teeth drop this part of the chin's way: they are nearer to the jaw's joint
LIP_DROP = 0.75  # and at least this part of the lower lip's, half believed
# Adults' upper lips cover more of the teeth than the mesh's, and lower front teeth bite behind the upper ones: heights
# in cm that the mesh's rows are raised by, set on GRID's s1 and s4. A photo's own teeth stand where they are.
RAISED_UPPER, RAISED_LOWER = 0.04, 0.15
GRAIN = 0.7  # of the skin's grain: teeth are smoother


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


def make_layers(source: FaceSource, palette: Palette, own: OwnTeeth | None) -> tuple[Layer, Layer]:
    """The upper and the lower layer of a photo, with its own teeth where it shows them."""
    rest = source.pixels(source.rest)
    down = down_axis(source)
    if own is not None:
        palette = replace(palette, tooth=own.tone)
    origin = 0.5 * (rest[13] + rest[14])
    up = -source.pose.scale * down
    above, below = (origin, origin) if own is not None else (origin + RAISED_UPPER * up, origin + RAISED_LOWER * up)
    if own is not None and own.edge is not None:
        bite = source.landmarks[13, :2] + own.edge * down
        mesh_edge = -_edge_cm() * source.pose.scale * tooth_size(source)
        above = above + ((bite - above) @ down - mesh_edge) * down
    layers = []
    for lower, place in ((False, above), (True, below)):
        layer = _drawn(source, palette, lower, place)
        if own is not None:
            shift = jaw_shift(source, source.landmarks[:, :2], rest) if lower else np.zeros(2)
            layer = _with_own(layer, own, own.lower if lower else own.upper, -shift)
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


def _with_own(layer: Layer, own: OwnTeeth, row: OwnRow, shift: NDArray[np.floating]) -> Layer:
    """A layer with a row of the photo's own teeth over it, and nothing drawn where the photo shows none; `shift` px."""
    height, width = layer.image.shape[:2]
    piece = np.concatenate([row.colour * row.share[..., None], row.share[..., None]], axis=2).astype(np.float32)
    box = (layer.x, layer.y, layer.x + width, layer.y + height)
    moved = Layer(piece, own.x, own.y).cut(box, shift)
    empty = np.repeat(row.empty[..., None], 4, axis=2)
    drawn = layer.image * (1 - Layer(empty, own.x, own.y).cut(box, shift))
    return replace(layer, image=moved + (1 - moved[..., 3:]) * drawn)
