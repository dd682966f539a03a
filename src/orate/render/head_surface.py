"""The visible surface of head and neck on a coarse grid: how deep it lies, and how far it moves with the head."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.face.masks import smoothstep
from orate.render.foreground import estimate_foreground, hair_likeness
from orate.render.head import load_head
from orate.render.source import FaceSource

Field = NDArray[np.float32]

STEP_CM = 0.5  # between the grid's points
MARGIN_CM = (15.0, 13.0, 15.0, 4.0)  # of the grid beyond the proxy's head: left, above, right, below
SMOOTHING_CM = 0.9
CALM_CM = 1.8  # the same outside the face
VISIBLE_CM = 2.5  # a vertex further behind the foremost one near it is hidden
HAIR_CM = (1.0, 7.0)  # hair ends at least and at most so far beyond the proxy's head
HAIR_AT_CHIN_CM = 3.0  # collars and shoulders are near there
FADE_CM = (3.0, 9.0)  # width of the fade beyond the silhouette, growing with the distance from the pivot
CHIN_Y_CM, COLLAR_Y_CM = -8.5, -15.0
BODY_FROM_Y_CM = (-1.0, -5.0)  # collars and shoulders beside the neck begin between these heights
NECK_CM = (5.5, 7.5)  # half the width of what bends with the neck, and of where the body has come to rest
PIVOT_CM = np.array([0.0, -7.0, 0.5])
LANDMARK_WEIGHT = 3.0
BODY_MARGIN_CM = (30.0, 13.0, 30.0, 60.0)
EDGE_CELLS = 7  # over so many cells the field fades to nothing at the grid's edge


@dataclass(frozen=True)
class HeadSurface:
    """A grid of cells over the part of the photo that may move.

    Attributes:
        box: (x0, y0, x1, y1) px, what the grid covers; may reach over the picture's border.
        step: px, width of a cell.
        arm: (rows, columns, 3) cm in head space, from the pivot to the surface in the middle of a cell.
        stiffness: (rows, columns) in [0, 1]: 1 moves with the head, 0 stays.
    """

    box: tuple[int, int, int, int]
    step: int
    arm: Field
    stiffness: Field


def head_surface(source: FaceSource, body_share: float = 0.0) -> HeadSurface:
    """Measure the surface of the photo's head.

    Depth comes from the visible vertices of the generic head and from the photo's landmarks; hair beyond the skull
    keeps the depth of the silhouette. Stiffness is 1 on head and hair, fades down the neck and in the background.

    Args:
        source: the photo and its face.
        body_share: stiffness of the body below the neck, from 0 to 1.
    """
    head, pose = load_head(), source.pose
    points = pose.project(head.proxy)
    seen = _visible(points, pose.scale)
    step = max(1, round(STEP_CM * pose.scale))
    margin = MARGIN_CM if body_share == 0 else BODY_MARGIN_CM
    box = _box(points[head.proxy_stiffness > 0.5], pose.scale, step, margin, source.photo.shape)
    shape = ((box[3] - box[1]) // step, (box[2] - box[0]) // step)

    seen &= head.proxy_stiffness > 0.3  # shoulders lie deep, and hair hangs before them
    splats = np.concatenate([points[seen], source.landmarks[:468]])
    weights = np.concatenate([np.ones(int(seen.sum())), np.full(468, LANDMARK_WEIGHT)])
    depth = _spread(splats, weights, box, step, shape, pose.scale)
    depth = _calm(depth, source.landmarks, box, step, pose.scale)
    # What is seen of a head lies before its axis; otherwise hair at the sides would move against the face.
    axis = pose.project(PIVOT_CM)[2]
    depth = axis - _softplus((axis - depth) / pose.scale) * pose.scale
    x = box[0] + (np.arange(shape[1]) + 0.5) * step
    y = box[1] + (np.arange(shape[0]) + 0.5) * step
    pixels = np.stack([*np.meshgrid(x, y), depth], axis=-1)
    place = pose.unproject(pixels)

    skull = _silhouette(points[(head.proxy[:, 1] > CHIN_Y_CM)], source.landmarks, box, step, shape)
    foreground = estimate_foreground(source.photo, skull, (box[0], box[1]), step)
    hair = _hair(skull, foreground, place, step / pose.scale)
    outside = cv2.distanceTransform(255 - hair, cv2.DIST_L2, 5) * step / pose.scale
    arm = place - PIVOT_CM
    reach = np.linalg.norm(arm, axis=-1)
    width = np.clip(0.3 * reach + 1, *FADE_CM)
    stiffness = smoothstep(1 - (outside - 0.5) / width) * smoothstep(
        (place[..., 1] - COLLAR_Y_CM) / (CHIN_Y_CM - COLLAR_Y_CM)
    )
    stiffness *= 1 - _collar(source, place, skull, foreground, box, step)
    if body_share > 0:
        stiffness += (1 - stiffness) * body_share * _body(place)
    stiffness = cv2.GaussianBlur(stiffness.astype(np.float32), (0, 0), 0.8 * pose.scale / step)
    return HeadSurface(box, step, arm.astype(np.float32), stiffness * _inner(shape))


def _collar(
    source: FaceSource,
    place: NDArray[np.floating],
    skull: NDArray[np.uint8],
    foreground: NDArray[np.uint8],
    box: tuple[int, int, int, int],
    step: int,
) -> NDArray[np.floating]:
    """1 on what stays beside jaw and neck: collars and shoulders, unlike hair, do not bend."""
    face = np.zeros(skull.shape, np.uint8)
    outline = cv2.convexHull(((source.landmarks[:468, :2] - box[:2]) / step - 0.5).astype(np.float32))
    cv2.fillConvexPoly(face, np.round(outline).astype(np.int32), 1)
    above = place[..., 1] > 0
    hair = hair_likeness(source.photo, (foreground > 0) & (face == 0) & above, (box[0], box[1]), step)
    beside = cv2.distanceTransform(255 - skull, cv2.DIST_L2, 5) * step / source.pose.scale
    high, low = BODY_FROM_Y_CM
    below = smoothstep((high - place[..., 1]) / (high - low))
    inner, outer = NECK_CM
    lateral = smoothstep((np.abs(place[..., 0]) - inner) / (outer - inner)) * smoothstep(beside / 1.5)
    collar: NDArray[np.floating] = below * lateral * (1 - hair)
    return collar


def _softplus(value: NDArray[np.floating]) -> NDArray[np.floating]:
    """About `value` above 1 and about 0 below -1, smooth between."""
    smooth: NDArray[np.floating] = (value + np.sqrt(value * value + 1)) / 2
    return smooth


def _body(place: NDArray[np.floating]) -> NDArray[np.floating]:
    """1 on shoulders and chest, 0 beside them and above the chin."""
    below = smoothstep((CHIN_Y_CM - place[..., 1]) / 6)
    body: NDArray[np.floating] = below * smoothstep((BODY_MARGIN_CM[0] - np.abs(place[..., 0])) / 14)
    return body


def _box(
    points: NDArray[np.floating], scale: float, step: int, margin: tuple[float, ...], photo_shape: tuple[int, ...]
) -> tuple[int, int, int, int]:
    """What may move, as far as about the picture reaches."""
    height, width = photo_shape[:2]
    around = EDGE_CELLS * step  # so that the picture's border lies within, not at the grid's edge
    low = np.floor(points.min(axis=0)[:2] - scale * np.array(margin[:2])).astype(int)
    low = np.maximum(low, -around)
    high = points.max(axis=0)[:2] + scale * np.array(margin[2:])
    high = np.minimum(high, [width + around, height + around])
    cells = np.ceil((high - low) / step).astype(int)
    return int(low[0]), int(low[1]), int(low[0] + cells[0] * step), int(low[1] + cells[1] * step)


def _visible(points: NDArray[np.floating], scale: float) -> NDArray[np.bool_]:
    """(n,) which vertices no other one within a centimetre hides."""
    flat = points[:, :2] / scale
    near = ((flat[:, None] - flat[None]) ** 2).sum(axis=2) < 1.2**2
    front = np.where(near, points[None, :, 2], np.inf).min(axis=1)
    visible: NDArray[np.bool_] = points[:, 2] < front + VISIBLE_CM * scale
    return visible


def _spread(
    points: NDArray[np.floating],
    weights: NDArray[np.floating],
    box: tuple[int, int, int, int],
    step: int,
    shape: tuple[int, int],
    scale: float,
) -> Field:
    """Depth in px at the cells: normalised Gaussian weights, ever wider ones where the narrower find nothing."""
    column = np.clip(((points[:, 0] - box[0]) / step).astype(int), 0, shape[1] - 1)
    row = np.clip(((points[:, 1] - box[1]) / step).astype(int), 0, shape[0] - 1)
    mass = np.zeros((2, *shape), np.float32)
    np.add.at(mass[0], (row, column), weights)
    np.add.at(mass[1], (row, column), weights * points[:, 2])
    total = np.zeros((2, *shape), np.float32)
    for octave in range(5):
        sigma = SMOOTHING_CM * 2**octave * scale / step
        for k in range(2):
            blurred = cv2.GaussianBlur(mass[k], (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
            total[k] += np.float32(0.02**octave) * blurred
    depth: Field = total[1] / np.maximum(total[0], 1e-20)
    return depth


def _calm(
    depth: Field, landmarks: NDArray[np.floating], box: tuple[int, int, int, int], step: int, scale: float
) -> Field:
    """Smoother depth outside the face: steep sides of the head would shear the hair that hangs before them."""
    face = np.zeros(depth.shape, np.uint8)
    outline = cv2.convexHull(((landmarks[:468, :2] - box[:2]) / step - 0.5).astype(np.float32))
    cv2.fillConvexPoly(face, np.round(outline).astype(np.int32), 255)
    inside = cv2.GaussianBlur(face.astype(np.float32) / 255, (0, 0), CALM_CM * scale / step)
    sharp = np.clip(2 * np.asarray(inside, np.float32) - 1, 0, 1)  # 1 well inside, 0 at the outline
    smooth = cv2.GaussianBlur(depth, (0, 0), CALM_CM * scale / step, borderType=cv2.BORDER_REPLICATE)
    calm: Field = np.asarray(smooth + sharp * (depth - smooth), np.float32)
    return calm


def _silhouette(
    points: NDArray[np.floating],
    landmarks: NDArray[np.floating],
    box: tuple[int, int, int, int],
    step: int,
    shape: tuple[int, int],
) -> NDArray[np.uint8]:
    """255 where the proxy's head or the face lies."""
    mask = np.zeros(shape, np.uint8)
    every = np.concatenate([points[:, :2], landmarks[:, :2]])
    outline = cv2.convexHull(((every - box[:2]) / step).astype(np.float32))
    cv2.fillConvexPoly(mask, np.round(outline - 0.5).astype(np.int32), 255)
    return mask


def _hair(
    skull: NDArray[np.uint8], foreground: NDArray[np.uint8], place: NDArray[np.floating], step_cm: float
) -> NDArray[np.uint8]:
    """255 where something moves with the head: the skull, and the foreground near it and not under the chin."""
    away = cv2.distanceTransform(255 - skull, cv2.DIST_L2, 5) * step_cm
    least, most = HAIR_CM
    height = smoothstep((place[..., 1] - CHIN_Y_CM) / -CHIN_Y_CM)
    near = (away < least) | ((foreground > 0) & (away < HAIR_AT_CHIN_CM + (most - HAIR_AT_CHIN_CM) * height))
    mask = np.where(near, 255, 0).astype(np.uint8)
    # Strands of one cell and holes say nothing.
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    return np.asarray(
        cv2.morphologyEx(cv2.morphologyEx(mask, cv2.MORPH_OPEN, kernel), cv2.MORPH_CLOSE, kernel), np.uint8
    )


def _inner(shape: tuple[int, int]) -> Field:
    """0 in the grid's outermost cells, so that nothing moves at the box's edge, 1 inside."""
    row = np.minimum(np.arange(shape[0]), np.arange(shape[0])[::-1])
    column = np.minimum(np.arange(shape[1]), np.arange(shape[1])[::-1])
    edge = np.minimum(row[:, None], column[None])
    inner: Field = smoothstep((edge - 1) / (EDGE_CELLS - 1)).astype(np.float32)
    return inner
