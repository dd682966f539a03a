"""Make src/orate/render/data/head.npz from ICT-FaceKit (MIT): python tools/make_head.py ICT_FOLDER MOTION_FOLDER.

ICT_FOLDER holds ``ict_facekit_light.npz`` and ``landmarks_478.npy``; of MOTION_FOLDER only ``basis.npz`` is read, for
the points that poses are fitted to.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

OUTPUT = Path(__file__).parents[1] / "src/orate/render/data/head.npz"
HEAD_AND_NECK = 11_248  # vertices of face, head and neck come first
PROXY_SPACING_CM = 0.75
CHIN_Y_CM, COLLAR_Y_CM = -8.5, -15.0
MIN_FACING = 0.05
# FaceLandmarker's points on either lip, corners left out, and how far `jawOpen` moves vertices of each.
UPPER_LIP = [185, 40, 39, 37, 0, 267, 269, 270, 409, 191, 80, 81, 82, 13, 312, 311, 310, 415]
UPPER_LIP += [184, 74, 73, 72, 11, 302, 303, 304, 408, 183, 42, 41, 38, 12, 268, 271, 272, 407]
LOWER_LIP = [146, 91, 181, 84, 17, 314, 405, 321, 375, 95, 88, 178, 87, 14, 317, 402, 318, 324]
LOWER_LIP += [77, 90, 180, 85, 16, 315, 404, 320, 307, 96, 89, 179, 86, 15, 316, 403, 319, 325]
LOWER_LIP_DROP_CM, UPPER_LIP_DROP_CM = 1.3, 1.2


def umeyama(source: NDArray[np.float64], target: NDArray[np.float64]) -> tuple[float, NDArray, NDArray]:
    """Scale, rotation and shift with ``target = scale * source @ rotation + shift`` (Umeyama 1991)."""
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    u, sizes, vt = np.linalg.svd(a.T @ b)
    signs = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ np.diag(signs) @ vt
    scale = float((sizes * signs).sum() / (a**2).sum())
    return scale, rotation, target.mean(axis=0) - scale * source.mean(axis=0) @ rotation


def nearest_vertices(vertices: NDArray, seen: NDArray, jaw: NDArray, points: NDArray) -> tuple[NDArray, NDArray]:
    """For each landmark three vertices that are seen next to it from the front, and their weights.

    The lips touch on the neutral head: points of the lower lip take only vertices that the jaw moves, points of the
    upper lip only those that it hardly moves.
    """
    distance = np.linalg.norm(points[:, None, :2] - vertices[None, :, :2], axis=2)
    # The skin's front, not what lies behind it: depth counts against a vertex.
    distance = distance + 0.05 * (vertices[:, 2].max() - vertices[:, 2])[None] + np.where(seen, 0, 100)[None]
    drop = -jaw[:, 1]
    distance[np.ix_(LOWER_LIP, drop < LOWER_LIP_DROP_CM)] += 100
    distance[np.ix_(UPPER_LIP, drop > UPPER_LIP_DROP_CM)] += 100
    index = np.argsort(distance, axis=1)[:, :3]
    near = np.linalg.norm(points[:, None, :2] - vertices[index][..., :2], axis=2)
    weight = 1 / (near + 0.02) ** 2
    return index, weight / weight.sum(axis=1, keepdims=True)


def facing(vertices: NDArray, quads: NDArray) -> NDArray:
    """Whether each vertex faces the front."""
    normals = np.zeros_like(vertices)
    cross = np.cross(vertices[quads[:, 2]] - vertices[quads[:, 0]], vertices[quads[:, 3]] - vertices[quads[:, 1]])
    for corner in range(4):
        np.add.at(normals, quads[:, corner], cross)
    return np.asarray(normals[:, 2] > MIN_FACING * np.linalg.norm(normals, axis=1))


def thinned(vertices: NDArray, spacing: float) -> NDArray:
    """Indices of vertices at least ``spacing`` apart, greedily in order."""
    kept: list[int] = []
    for index, vertex in enumerate(vertices):
        if not kept or np.linalg.norm(vertices[kept] - vertex, axis=1).min() >= spacing:
            kept.append(index)
    return np.array(kept)


def main() -> None:
    """Read the arguments, write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ict", type=Path)
    parser.add_argument("motion", type=Path)
    given = parser.parse_args()
    kit = np.load(given.ict / "ict_facekit_light.npz")
    landmarks = np.load(given.ict / "landmarks_478.npy").astype(np.float64)
    basis = np.load(given.motion / "basis.npz")
    reference = basis["reference"].astype(np.float64)
    neutral = kit["neutral"].astype(np.float64)
    face = slice(0, 9409)
    quads = kit["quads"][(kit["quads"] < face.stop).all(axis=1)]
    jaw = kit["expression"][list(kit["exp_names"]).index("jawOpen"), face].astype(np.float64)
    index, weight = nearest_vertices(neutral[face], facing(neutral[face], quads), jaw, landmarks)
    # Detected depths are a guess; those of the head's own surface are not.
    landmarks[:, 2] = (neutral[index][..., 2] * weight).sum(axis=1)
    # The canonical axes of the tracks are those of somebody's head; a constant similarity leads to ICT's.
    scale, rotation, shift = umeyama(reference, landmarks)
    axes = (kit["expression"][:, index].astype(np.float64) * weight[None, :, :, None]).sum(axis=2)
    identity = (kit["identity"][:, index].astype(np.float64) * weight[None, :, :, None]).sum(axis=2)
    skin = neutral[:HEAD_AND_NECK]
    proxy = skin[thinned(skin, PROXY_SPACING_CM)]
    stiffness = np.clip((proxy[:, 1] - COLLAR_Y_CM) / (CHIN_Y_CM - COLLAR_Y_CM), 0, 1)
    np.savez_compressed(
        OUTPUT,
        landmarks=landmarks.astype(np.float32),
        stable_points=basis["stable_points"],
        reference=reference.astype(np.float32),
        canonical_scale=np.float64(scale),
        canonical_rotation=rotation,
        canonical_shift=shift,
        expression_names=kit["exp_names"],
        expression_axes=axes.astype(np.float16),
        identity_axes=identity.astype(np.float16),
        proxy=proxy.astype(np.float32),
        proxy_stiffness=stiffness.astype(np.float32),
    )
    print(f"{OUTPUT}: {OUTPUT.stat().st_size / 1e6:.2f} MB, {len(proxy)} vertices, fit {scale:.3f} cm a unit")
    residual = np.linalg.norm(scale * reference @ rotation + shift - landmarks, axis=1)
    print(f"reference to ICT: mean distance {residual.mean():.2f} cm")


if __name__ == "__main__":
    main()
