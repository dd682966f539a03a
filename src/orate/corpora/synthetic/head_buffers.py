"""The head's mesh in the graphics card's memory, and what is measured on it once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from orate.corpora.synthetic import parts
from orate.corpora.synthetic.assets import Assets
from orate.corpora.synthetic.chart import Chart
from orate.corpora.synthetic.gl import build_program
from orate.corpora.synthetic.identity import expressed
from orate.corpora.synthetic.mesh import Mesh, build_mesh
from orate.corpora.synthetic.occlusion import measure_occlusion

Array = NDArray[np.float32]

OPEN_MOUTH = 0.5  # jawOpen at which the mouth's inside is measured
OPTIONAL_INPUTS = {"uv": 2, "rest": 3, "occlusion": 1}


class HeadBuffers:
    """Vertices that move (position, normal) and that stay (texture, place at rest, open sky)."""

    def __init__(self, context: Any, assets: Assets):
        """Load the mesh and measure how open to the sky each vertex is."""
        self.context, self.assets = context, assets
        self.mesh: Mesh = build_mesh(assets, parts.SKIN)
        self.sky = _sky(context, assets, self.mesh)
        source = self.mesh.source
        still = np.concatenate([self.mesh.uv, assets.neutral[source], self.sky[source, None]], axis=1)
        self._still = context.buffer(still.astype("f4").tobytes())
        self._moving = context.buffer(reserve=len(source) * 24, dynamic=True)

    def place(self, vertices: Array) -> Array:
        """Take the frame's vertices (26719, 3) cm; returns their normals."""
        normals = self.mesh.normals(vertices)
        source = self.mesh.source
        moving = np.empty((len(source), 6), np.float32)
        np.take(vertices, source, axis=0, out=moving[:, :3])
        np.take(normals, source, axis=0, out=moving[:, 3:])
        self._moving.write(moving)
        return normals

    def drawn_by(self, program: Any, *ranges: slice) -> Any:
        """What draws the triangles of these vertices."""
        index = self.context.buffer(self.mesh.triangles_of(*ranges).astype("i4").tobytes())
        inputs: list[Any] = []
        for buffer, lengths in ((self._moving, {"position": 3, "normal": 3}), (self._still, OPTIONAL_INPUTS)):
            layout = " ".join(f"{n}f" if name in program else f"{4 * n}x" for name, n in lengths.items())
            names = [name for name in lengths if name in program]
            if names:
                inputs.append((buffer, layout, *names))
        return self.context.vertex_array(program, inputs, index)

    def chart(self, side: int) -> Chart:
        """The face flattened to ``side`` texels square."""
        context = self.context
        drawn = self.drawn_by(build_program(context, "chart.vert", "chart.frag"), parts.FACE)
        texture = context.texture((side, side), 4, dtype="f4")
        canvas = context.framebuffer([texture])
        canvas.use()
        context.disable(context.DEPTH_TEST)
        canvas.clear()
        drawn.render()
        texels = np.frombuffer(canvas.read(components=4, dtype="f4"), np.float32).reshape(side, side, 4)
        for resource in (canvas, texture, drawn):
            resource.release()
        uv = np.zeros((parts.FACE.stop, 2), np.float32)
        on_face = self.mesh.source < parts.FACE.stop
        uv[self.mesh.source[on_face]] = self.mesh.uv[on_face]
        attached, count = self.assets.landmarks, parts.IRISES.start
        spots = np.einsum("pk,pkc->pc", attached.weights[:count], uv[attached.vertices[:count]])
        return Chart(
            texels[..., :3].copy(), texels[..., 3] > 0, spots * side, attached.points(self.assets.neutral)[:count]
        )


def _sky(context: Any, assets: Assets, mesh: Mesh) -> Array:
    """(26719,) how much of the sky each vertex of the mean head sees, those in the mouth with the jaw open."""
    inside = slice(parts.MOUTH_SOCKET.start, parts.LOWER_TEETH.stop)
    triangles = mesh.source[mesh.triangles_of(slice(0, inside.stop))]
    jaw = np.zeros(len(assets.expression))
    sky = np.ones(len(assets.neutral), np.float32)
    for weight, part in ((0.0, parts.SKIN), (OPEN_MOUTH, inside)):
        jaw[assets.axis("jawOpen")] = weight
        vertices = expressed(assets, assets.neutral, jaw)
        sky[part] = measure_occlusion(context, vertices, mesh.normals(vertices), triangles)[part]
    return sky
