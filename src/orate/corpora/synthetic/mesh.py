"""The mesh as a graphics card wants it: triangles by part, vertices split at seams, normals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orate.corpora.synthetic.assets import Assets

Array = NDArray[np.float32]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class Mesh:
    """Triangles over vertices that have one texture coordinate each.

    Attributes:
        source: (m,) the head's vertex that each of these copies.
        uv: (m, 2) in [0, 1], within the part's own tile.
        triangles: (t, 3) of 0..m-1.
        order, starts, used: the quads' corners by vertex, for `normals`.
        quads: (q, 4) over the head's vertices, as one for those that lie at one place.
        same: (26719,) the first vertex at the same place of the same skin.
    """

    source: Index
    uv: Array
    triangles: Index
    quads: Index
    same: Index
    order: Index
    starts: Index
    used: Index

    def triangles_of(self, *ranges: slice) -> Index:
        """(n, 3) triangles of these parts; one that joins two parts belongs to the one with the higher vertices."""
        last = self.source[self.triangles].max(axis=1)
        inside = np.zeros(len(last), bool)
        for part in ranges:
            inside |= (last >= part.start) & (last < part.stop)
        return self.triangles[inside]

    def normals(self, vertices: Array) -> Array:
        """(26719, 3) unit normals, each the mean over the quads around a vertex, by their area."""
        a, b, c, d = (vertices[self.quads[:, corner]] for corner in range(4))
        p, q = c - a, d - b
        cross = np.empty_like(p)
        for axis in range(3):
            i, j = (axis + 1) % 3, (axis + 2) % 3
            cross[:, axis] = p[:, i] * q[:, j] - p[:, j] * q[:, i]
        total = np.zeros_like(vertices)
        total[self.used] = np.add.reduceat(cross[self.order], self.starts, axis=0)
        total = total[self.same]
        length = np.sqrt(np.einsum("vc,vc->v", total, total))
        return np.asarray(total / np.maximum(length, 1e-9)[:, None], np.float32)


def build_mesh(assets: Assets, welded: slice) -> Mesh:
    """The mesh of the whole head; vertices of ``welded`` that lie at one place share their normals."""
    pairs = np.stack([assets.quads.ravel(), assets.quads_uv.ravel()], axis=1)
    unique, inverse = np.unique(pairs, axis=0, return_inverse=True)
    corners = inverse.reshape(-1, 4)
    uv = assets.uv[unique[:, 1]]
    triangles = np.concatenate([corners[:, [0, 1, 2]], corners[:, [0, 2, 3]]])
    same = np.arange(len(assets.neutral))
    places = np.round(assets.neutral[welded] * 500).astype(np.int64)
    _, first, place = np.unique(places, axis=0, return_index=True, return_inverse=True)
    same[welded] = first[place.ravel()] + welded.start
    quads = same[assets.quads.astype(np.int64)]
    flat = quads.ravel()
    by_vertex = np.argsort(flat, kind="stable")
    used, starts = np.unique(flat[by_vertex], return_index=True)
    return Mesh(
        unique[:, 0].astype(np.int64),
        np.ascontiguousarray(uv - np.floor(uv), np.float32),
        triangles.astype(np.int64),
        quads,
        same,
        by_vertex // 4,
        starts,
        used,
    )
