"""Teeth, gums and tongue of ICT-FaceKit drawn once a photo, at the head's own angle and the photo's own resolution.

A mesh instead of images for a grid of angles: 0.1 MB, no angle between two images, no resolution at which it blurs.
A head does not turn while its layers are drawn (`orate.render.composition` turns it afterwards), so one drawing a photo
is enough.

Mouth space: cm, the head's axes, origin where the lips meet on the face at rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

MOUTH_FILE = Path(__file__).parent / "data" / "mouth.npz"
GUM, TONGUE, TOOTH, EMPTY = 0, 1, 2, 255
LIGHT = np.array([0.0, -0.42, -1.0]) / np.hypot(0.42, 1.0)  # from above the viewer, image axes (y down, z away)
FINEST = 75.0  # px a cm that are drawn at least, unless the photo has more
SAW_CM = 0.07
GAP_CM = 0.13  # teeth touch: narrower gaps between them are closed
Image = NDArray[np.float32]


@dataclass(frozen=True)
class MouthMesh:
    """The mesh.

    Attributes:
        vertices: (n, 3) cm in mouth space.
        normals: (n, 3) unit.
        kind: (n,) GUM, TONGUE or TOOTH.
        crown: (n,) in [0, 1], 0 at a tooth's biting edge, 1 a centimetre from it.
        piece: (n,) number of the tooth.
        triangles: (m, 3) vertices.
        lower: (m,) whether a triangle moves with the jaw.
    """

    vertices: NDArray[np.float64]
    normals: NDArray[np.float64]
    kind: NDArray[np.uint8]
    crown: NDArray[np.float64]
    piece: NDArray[np.uint8]
    triangles: NDArray[np.int64]
    lower: NDArray[np.bool_]


@dataclass(frozen=True)
class Relief:
    """What a drawing shows at each pixel; (h, w), `normal` (h, w, 3) in image axes.

    Attributes:
        kind: GUM, TONGUE, TOOTH or EMPTY.
        depth: cm behind the front teeth, along the head's own axis.
        crown: as the mesh's.
        piece: as the mesh's.
        between: in [0, 1], 1 where a gap between two teeth was closed.
    """

    kind: NDArray[np.uint8]
    normal: Image
    depth: Image
    crown: Image
    piece: NDArray[np.uint8]
    between: Image


@cache
def load_mesh() -> MouthMesh:
    """The mesh, read once."""
    with np.load(MOUTH_FILE) as file:
        return MouthMesh(
            vertices=file["vertices"].astype(np.float64),
            normals=file["normals"] / 127.0,
            kind=file["kind"],
            crown=file["crown"] / 255.0,
            piece=file["piece"],
            triangles=file["triangles"].astype(np.int64),
            lower=file["lower"],
        )


def oversampling(scale: float) -> float:
    """How many px to draw for one px of the photo, a power of two, at `scale` px a cm."""
    return float(2.0 ** np.clip(np.ceil(np.log2(FINEST / scale)), -2, 6))


def draw(lower: bool, matrix: NDArray[np.float64], shift: NDArray[np.float64], size: tuple[int, int]) -> Relief:
    """Draw one layer, nearer triangles over farther ones, normals smooth.

    Args:
        lower: what moves with the jaw, or what is fixed to the skull.
        matrix: (3, 3) mouth space to px (``points @ matrix``); image axes: y down, z away.
        shift: (2,) px, the mouth space's origin.
        size: (height, width) px.
    """
    mesh = load_mesh()
    triangles = mesh.triangles[mesh.lower == lower]
    place = mesh.vertices @ matrix
    corners = place[triangles]
    edge = corners[:, 1:, :2] - corners[:, :1, :2]
    area = edge[:, 0, 0] * edge[:, 1, 1] - edge[:, 0, 1] * edge[:, 1, 0]
    front = area < 0  # counter-clockwise towards the viewer, and y points down
    triangles, corners = triangles[front], corners[front]
    order = np.argsort(-corners[..., 2].mean(axis=1), kind="stable")
    triangles, corners = triangles[order], corners[order]
    flat = corners[..., :2] + shift - 0.5
    number = np.full(size, -1, np.int32)
    for index, points in enumerate(np.round(flat * 16).astype(np.int32)):
        cv2.fillConvexPoly(number, points, index, cv2.LINE_8, 4)
    return _interpolate(mesh, matrix, triangles, flat, number)


def _interpolate(
    mesh: MouthMesh,
    matrix: NDArray[np.float64],
    triangles: NDArray[np.int64],
    flat: NDArray[np.float64],
    number: NDArray[np.int32],
) -> Relief:
    """The mesh's attributes at each pixel of the triangles' numbers."""
    y, x = np.nonzero(number >= 0)
    shown = number[y, x]
    first = flat[shown, 0]
    (ax, ay), (bx, by) = (flat[shown, 1] - first).T, (flat[shown, 2] - first).T
    px, py = x - first[:, 0], y - first[:, 1]
    area = ax * by - ay * bx
    area = np.where(np.abs(area) < 1e-9, 1e-9, area)
    second = np.clip((px * by - py * bx) / area, 0, 1)
    third = np.clip((ax * py - ay * px) / area, 0, 1 - second)
    weight = np.stack([1 - second - third, second, third], axis=1)[..., None]
    turned = mesh.normals @ (matrix / np.cbrt(np.linalg.det(matrix)))
    values = np.column_stack([turned, -mesh.vertices[:, 2], mesh.crown]).astype(np.float32)
    at_pixel = (values[triangles[shown]] * weight).sum(axis=1)
    size = number.shape
    field = np.zeros((*size, 5), np.float32)
    field[y, x] = at_pixel
    kind = np.full(size, EMPTY, np.uint8)
    kind[y, x] = mesh.kind[triangles[shown, 0]]
    piece = np.zeros(size, np.uint8)
    piece[y, x] = mesh.piece[triangles[shown, 0]]
    return _close_gaps(kind, field, piece, float(np.linalg.norm(matrix[1])))


def _close_gaps(kind: NDArray[np.uint8], field: Image, piece: NDArray[np.uint8], scale: float) -> Relief:
    """Fill what is seen between neighbouring teeth with tooth, in shade: people's teeth touch."""
    width = max(3, round(GAP_CM * scale) | 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    # Where tooth and gum cut through each other the triangles' order leaves teeth of a saw.
    even = cv2.medianBlur((kind == TOOTH).astype(np.uint8), max(3, round(SAW_CM * scale) | 1)) > 0
    tooth = np.where(kind == EMPTY, False, even)
    kind = np.where(tooth, np.uint8(TOOTH), np.where(kind == TOOTH, np.uint8(GUM), kind))
    closed = cv2.morphologyEx(tooth.astype(np.uint8), cv2.MORPH_CLOSE, kernel) > 0
    gap = closed & ~tooth
    spread = (width, width)
    amount = cv2.blur(tooth.astype(np.float32), spread)
    near = cv2.blur(np.where(tooth[..., None], field, 0), spread) / np.maximum(amount, 1e-6)[..., None]
    field = np.where(gap[..., None], near, field)
    kind = np.where(gap, np.uint8(TOOTH), kind)
    normal = field[..., :3] / np.maximum(np.linalg.norm(field[..., :3], axis=2, keepdims=True), 1e-6)
    front = float(-load_mesh().vertices[:, 2].max())
    return Relief(kind, normal, field[..., 3] - front, field[..., 4], piece, gap.astype(np.float32))


def shade(relief: Relief, colours: dict[int, NDArray[np.float64]], dark: NDArray[np.float64], gloss: float) -> Image:
    """(h, w, 4) premultiplied RGB in [0, 255] and alpha in [0, 1]: the drawing lit from the front.

    Args:
        relief: what is where.
        colours: Lab of GUM, TONGUE and TOOTH under full light, L in [0, 100].
        dark: Lab of the depth that light fades to.
        gloss: L that a highlight adds.
    """
    facing = np.clip(relief.normal @ LIGHT.astype(np.float32), 0, 1)
    half = LIGHT + np.array([0.0, 0.0, -1.0])
    glint = np.clip(relief.normal @ (half / np.linalg.norm(half)).astype(np.float32), 0, 1)
    tooth, tongue = relief.kind == TOOTH, relief.kind == TONGUE
    # The tongue's hollow gets light from above its tip.
    reach = np.where(tongue, 5.0, 2.1)
    # Flanks of teeth turn away from the light: this is what parts them in a photo.
    lit = np.where(tooth, 0.15 + 0.85 * np.minimum(facing / 0.92, 1) ** 2.2, 0.45 + 0.55 * facing)
    light = lit * np.exp(-((np.maximum(relief.depth, 0) / reach) ** 1.5))
    lab = np.zeros((*relief.kind.shape, 3), np.float32)
    for kind, colour in colours.items():
        lab[relief.kind == kind] = colour
    edge = np.clip(1 - relief.crown / 0.14, 0, 1) ** 1.5
    neck = np.clip((relief.crown - 0.5) / 0.5, 0, 1)
    # Every tooth a little its own tone, always the same.
    own = np.sin(relief.piece * 2.4).astype(np.float32)
    shaded = (1 - 0.10 * edge) * (1 - 0.06 * neck) * (1 - 0.6 * relief.between) + 0.015 * own
    light = light * np.where(tooth, shaded, 1)
    warmth = np.where(tooth, 1 - 0.2 * edge + 0.2 * neck + 0.08 * own, 1)
    lab[..., 1:] *= warmth[..., None]
    lab = dark.astype(np.float32) + light[..., None] * (lab - dark.astype(np.float32))
    lab[..., 0] += gloss * np.where(tongue, 1.2 * glint**14, glint**34) * light
    alpha = (relief.kind != EMPTY).astype(np.float32)[..., None]
    rgb = 255 * np.clip(cv2.cvtColor(lab.astype(np.float32), cv2.COLOR_Lab2RGB), 0, 1)
    return np.concatenate([rgb * alpha, alpha], axis=2).astype(np.float32)
