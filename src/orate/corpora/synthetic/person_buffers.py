"""What one person takes in the graphics card's memory: maps, hair, clothes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from orate.corpora.synthetic.chart import Chart
from orate.corpora.synthetic.garment import COLLAR_Z_CM, PAINTED_CM
from orate.corpora.synthetic.gl import make_texture, set_uniforms
from orate.corpora.synthetic.hair_buffers import HairBuffers
from orate.corpora.synthetic.mesh import Mesh
from orate.corpora.synthetic.scene import Person
from orate.corpora.synthetic.skin_maps import make_maps

Array = NDArray[np.float32]


class PersonBuffers:
    """Made once for a person, given back with `release`."""

    def __init__(
        self,
        context: Any,
        programs: dict[str, Any],
        mesh: Mesh,
        neutral: Array,
        shape: Array,
        person: Person,
        chart: Chart,
    ):
        """Draw and grow everything on the head ``shape`` (26719, 3) at rest."""
        self.hair = HairBuffers(context, programs, mesh, neutral, shape, person.hair)
        maps = make_maps(person.skin, person.facial_hair, person.hair, chart)
        flat = np.concatenate([np.sqrt(person.skin.base_colour()), [0.4]])
        self.textures = {
            "face": make_texture(context, np.concatenate([np.sqrt(maps.albedo), maps.gloss[..., None]], axis=-1)),
            "face relief": make_texture(context, maps.slope, exact=True),
            "neck": make_texture(context, np.broadcast_to(flat, (4, 4, 4))),
            "neck relief": make_texture(context, np.zeros((4, 4, 2)), exact=True),
            "eye": make_texture(context, np.sqrt(person.eyes.texture())),
            "garment": make_texture(context, person.garment.painting()),
        }
        points, triangles = person.garment.surface(shape)
        data = np.concatenate([points, _normals(points, triangles)], axis=1).astype(np.float32)
        buffer, index = context.buffer(data.tobytes()), context.buffer(triangles.astype("i4").tobytes())
        self.garment = context.vertex_array(programs["garment"], [(buffer, "3f 3f", "position", "normal")], index)
        self.garment_shadow = context.vertex_array(programs["garment shadow"], [(buffer, "3f 12x", "position")], index)
        self._resources = [self.garment, self.garment_shadow, buffer, index, *self.textures.values()]
        low, high = PAINTED_CM[2:]
        for name in ("garment", "garment shadow"):
            set_uniforms(programs[name], painted=PAINTED_CM, collar=(COLLAR_Z_CM, person.garment.rise() / (high - low)))

    def release(self) -> None:
        """Give the memory back."""
        self.hair.release()
        for resource in self._resources:
            resource.release()
        self._resources = []


def _normals(points: Array, triangles: NDArray[np.int64]) -> Array:
    corners = points[triangles]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(points)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], cross)
    return np.asarray(normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9), np.float32)
