"""Strands of hair grown from the scalp, as ribbons that turn to the camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orate.corpora.synthetic.garment import off_torso
from orate.corpora.synthetic.hair import Hair
from orate.corpora.synthetic.scalp import Scalp

Array = NDArray[np.float32]

COUNTS = {"short": 3600, "swept": 2600, "parted": 2600, "bob": 1500, "long": 1300, "tied": 1200, "curls": 1900}
STEPS = {"short": 4, "swept": 6, "parted": 7, "bob": 9, "long": 11, "tied": 5, "curls": 10}
WIDTH_CM = {"short": 0.11, "swept": 0.18, "parted": 0.18, "bob": 0.5, "long": 0.6, "tied": 0.26, "curls": 0.2}
# How far strands of a cut stand off at the root, how strongly they fall, how long they keep to the comb.
LIE = {
    "short": (0.45, 0.04, 0.3), "swept": (0.25, 0.03, 0.5), "parted": (0.25, 0.14, 0.35), "bob": (0.1, 0.5, 0.3),
    "long": (0.1, 0.55, 0.3), "tied": (0.0, 0.0, 0.8), "curls": (0.8, 0.22, 0.25),
}  # fmt: skip
NEAT, STRAY_CM = ("short", "swept", "parted", "tied"), 1.0
THROAT_CM = 4.2  # half the width of what is under the chin
FRONT_Z_CM = 1.5  # hair that grows before this falls over the chest
FACE_HALF_CM, BROW_Y_CM, CHIN_Y_CM = 6.3, 7.5, -9.0


@dataclass(frozen=True)
class Ribbons:
    """Triangles of hair in head space.

    Attributes:
        points, tangents: (n, 3) cm, unit.
        side: (n, 2): signed half width in cm to which the camera's side expands it, and random number of the strand.
        along: (n, 2): 0 at the root to 1 at the tip, and how deep within the hair, 0 outside to 1 at the skin.
        triangles: (t, 3).
    """

    points: Array
    tangents: Array
    side: Array
    along: Array
    triangles: NDArray[np.int64]


def grow(scalp: Scalp, hair: Hair) -> Ribbons | None:
    """Strands for this cut; None for those that are only a cap."""
    if hair.style not in COUNTS:
        return None
    rng = np.random.default_rng(hair.seed)
    roots, normals, combs = _roots(scalp, COUNTS[hair.style], rng)
    depth = rng.random(len(roots)).astype(np.float32)
    paths = _paths(scalp, hair, roots, normals, combs, depth, rng)
    return _ribbons(paths, WIDTH_CM[hair.style], depth[: len(paths)], rng)


def _roots(scalp: Scalp, count: int, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Places, normals and comb directions of ``count`` roots, spread evenly over the scalp."""
    corners = scalp.points[scalp.triangles]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    density = area * scalp.cover[scalp.triangles].mean(axis=1) ** 1.5
    picks = rng.choice(len(area), count, p=density / density.sum())
    weights = rng.dirichlet((1, 1, 1), count).astype(np.float32)[:, :, None]
    triangles = scalp.triangles[picks]
    means = [(values[triangles] * weights).sum(axis=1) for values in (scalp.points, scalp.normals, scalp.comb)]
    return means[0], _unit(means[1]), _unit(means[2])


def _paths(
    scalp: Scalp, hair: Hair, roots: Array, normals: Array, combs: Array, depth: Array, rng: np.random.Generator
) -> Array:
    """(strands, steps + 1, 3) cm: each strand from its root, kept outside the head."""
    count, steps = len(roots), STEPS[hair.style]
    lengths = hair.length * rng.uniform(0.72, 1.0, count)
    # Steps grow from the root on: the bend next to the skin is the sharpest.
    shares = np.linspace(0.35, 1.3, steps)
    shares = shares / shares.sum()
    jitter = rng.normal(0, 1.0, (count, 3))
    lift, droop, hold = LIE[hair.style]
    way = _unit(normals * (lift + 0.5 * hair.lift) + combs + 0.14 * jitter)
    height = (0.10 + hair.layer * (1 - 0.9 * depth))[:, None]
    if hair.style == "curls":
        way = _unit(0.6 * normals + 0.6 * combs + 0.3 * jitter)
    paths = np.empty((count, steps + 1, 3))
    paths[:, 0] = roots
    place = roots.astype(np.float64)
    for k in range(steps):
        place = place + way * (lengths * shares[k])[:, None]
        if hair.style != "curls":
            place = _off_face(_outside(scalp, place, height), hair)
        if hair.style in ("bob", "long"):
            place = off_torso(place, roots[:, 2] > FRONT_Z_CM)
        paths[:, k + 1] = place
        out = _unit((place - scalp.centre) / scalp.radii**2)
        comb = _unit(combs - (combs * out).sum(axis=1, keepdims=True) * out)
        # What stands off lies down; what is long falls.
        way = _unit(way - 0.55 * np.maximum((way * out).sum(axis=1, keepdims=True), 0) * out * (hair.style != "curls"))
        reach = hold * (1 - k / steps) * np.clip((place[:, 1:2] + 1) / 4, 0, 1)
        way = _unit(way + reach * comb + np.array([0, -droop * (0.4 + k / steps), 0]) + 0.03 * jitter)
    for _ in range(2):  # strands bend, they have no corners
        paths[:, 1:-1] = 0.5 * paths[:, 1:-1] + 0.25 * (paths[:, :-2] + paths[:, 2:])
    # What falls under the chin would pass through the neck and come out on the chest.
    x, y, z = (paths[:, :, axis] for axis in range(3))
    clear = ~((y < CHIN_Y_CM) & (np.abs(x) < THROAT_CM) & (z > 0)).any(axis=1)
    paths, lengths = paths[clear], lengths[clear]
    radius, period = hair.wave
    if radius > 0:
        return _curled(paths, lengths, radius, period, rng, hair.style == "curls").astype(np.float32)
    if hair.style in NEAT:
        size = np.sqrt((((paths - scalp.centre) / (scalp.radii + hair.layer + STRAY_CM)) ** 2).sum(axis=2))
        kept = (size < 1).all(axis=1) | (paths[:, 0, 1] < scalp.centre[1])
        outward = np.linalg.norm(paths[:, :, ::2] - paths[:, :1, ::2], axis=2).max(axis=1)
        kept &= (outward < STRAY_CM + hair.layer) | (paths[:, 0, 1] >= scalp.centre[1])
        kept &= np.abs(paths[:, :, 0]).max(axis=1) < scalp.radii[0] + hair.layer + STRAY_CM
        paths = paths[kept]
    return paths.astype(np.float32)


def _outside(scalp: Scalp, points: NDArray[np.float64], height: NDArray[np.floating]) -> NDArray[np.float64]:
    """Points pushed out of the skull's ellipsoid, ``height`` cm (n, 1) above it; below its middle it is a tube."""
    offset = points - scalp.centre
    low = offset[:, 1] < 0
    flat = offset.copy()
    flat[low, 1] *= 0.55
    radii = scalp.radii + height
    size = np.sqrt(((flat / radii) ** 2).sum(axis=1, keepdims=True))
    pushed = np.where(low[:, None] & (np.arange(3) == 1), offset, offset / np.maximum(np.minimum(size, 1), 0.05))
    return np.asarray(np.where(size < 1, scalp.centre + pushed, points))


def _off_face(points: NDArray[np.float64], hair: Hair) -> NDArray[np.float64]:
    """Points kept beside the face; a fringe may hang down to the brows."""
    limit = BROW_Y_CM - 2.0 * hair.fringe
    narrow = FACE_HALF_CM - 0.35 * np.clip(-2 - points[:, 1], 0, 8)
    before = (
        (points[:, 2] > 2.5) & (points[:, 1] < limit) & (points[:, 1] > CHIN_Y_CM) & (np.abs(points[:, 0]) < narrow)
    )
    points = points.copy()
    points[:, 0] = np.where(before, np.where(points[:, 0] < 0, -narrow, narrow), points[:, 0])
    return points


def _curled(
    paths: NDArray[np.floating],
    lengths: NDArray[np.floating],
    radius: float,
    period: float,
    rng: np.random.Generator,
    tight: bool,
) -> NDArray[np.floating]:
    """Strands wound around their paths; neighbours wave together unless the curls are tight."""
    count, points, _ = paths.shape
    phase: NDArray[np.floating] = 1.3 * paths[:, 0, 2] + rng.normal(0, 0.5, count)
    if tight:
        phase = np.asarray(rng.uniform(0, 2 * np.pi, count))
    s = np.linspace(0, 1, points)[None] * lengths[:, None]
    turn = 2 * np.pi * s / period + phase[:, None]
    grown = radius * np.clip(s / (0.6 * period), 0, 1)
    tangent = _unit(np.gradient(paths, axis=1))
    first = _unit(np.cross(tangent, [0.3, 0.2, 1.0]))
    second = np.cross(tangent, first)
    return np.asarray(paths + (np.cos(turn) * grown)[..., None] * first + (np.sin(turn) * grown)[..., None] * second)


def _ribbons(paths: Array, width: float, depth: Array, rng: np.random.Generator) -> Ribbons:
    count, points, _ = paths.shape
    tangents = _unit(np.gradient(paths, axis=1))
    t = np.linspace(0, 1, points, dtype=np.float32)
    half = 0.5 * width * rng.uniform(0.6, 1.3, (count, 1)) * np.minimum(0.55 + 2 * t, 1) * (1 - 0.75 * t**3)
    random = np.repeat(rng.random((count, 1)), points, axis=1)
    sides = np.stack([np.stack([sign * half, random], axis=-1) for sign in (-1, 1)], axis=2)
    both = np.repeat(paths[:, :, None], 2, axis=2)
    along = np.stack(np.broadcast_arrays(t[None, :, None], depth[:, None, None]), axis=-1)
    along = np.broadcast_to(along, (count, points, 2, 2))
    corner = (2 * np.arange(points - 1)[None] + 2 * points * np.arange(count)[:, None])[..., None]
    triangles = np.concatenate([corner + np.array([0, 1, 2]), corner + np.array([2, 1, 3])], axis=-1).reshape(-1, 3)
    return Ribbons(
        both.reshape(-1, 3).astype(np.float32),
        np.repeat(tangents[:, :, None], 2, axis=2).reshape(-1, 3).astype(np.float32),
        sides.reshape(-1, 2).astype(np.float32),
        along.reshape(-1, 2).astype(np.float32),
        triangles,
    )


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-6), np.float32)
