"""A cut in the graphics card's memory: the cap next to the skin, the strands over it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from orate.corpora.synthetic.gl import set_uniforms
from orate.corpora.synthetic.hair import Hair
from orate.corpora.synthetic.mesh import Mesh
from orate.corpora.synthetic.scalp import Scalp, make_scalp
from orate.corpora.synthetic.strands import grow

Array = NDArray[np.float32]

CAP_LAYERS = {"crop": 4, "curls": 1, "afro": 4}
POINTED = ("crop", "afro")  # hair that is not combed


class HairBuffers:
    """What draws one person's hair; nothing for a bald one."""

    def __init__(self, context: Any, programs: dict[str, Any], mesh: Mesh, neutral: Array, shape: Array, hair: Hair):
        """Grow the hair on the head ``shape`` (26719, 3) at rest."""
        self.hair = hair
        self._resources: list[Any] = []
        self._caps: list[tuple[Any, float]] = []
        self._strands: Any = None
        self._casting: Any = None
        if hair.style == "bald":
            return
        scalp = make_scalp(mesh, neutral, shape, mesh.normals(shape), hair)
        layers = CAP_LAYERS.get(hair.style, 2)
        for layer in range(1, layers + 1):
            self._caps.append((self._cap(context, programs["cap"], scalp, layer / layers), layer / layers))
        ribbons = grow(scalp, hair)
        if ribbons is None:
            return
        data = np.concatenate([ribbons.points, ribbons.tangents, ribbons.side, ribbons.along], axis=1)
        buffer, index = self._keep(context, data), self._keep(context, ribbons.triangles.astype("i4"))
        layout = [(buffer, "3f 3f 2f 2f", "position", "tangent", "side", "along")]
        self._strands = context.vertex_array(programs["strand"], layout, index)
        self._casting = context.vertex_array(
            programs["hair shadow"], [(buffer, "3f 3f 2f 8x", "position", "tangent", "side")], index
        )
        self._resources += [self._strands, self._casting]

    def cast(self) -> None:
        """Draw what casts a shadow."""
        if self._casting is not None:
            self._casting.render()

    def draw(self, programs: dict[str, Any]) -> None:
        """Draw caps, each at its height in the hair, then strands."""
        streaks = float(self.hair.style not in POINTED)
        for name in ("cap", "strand"):
            set_uniforms(programs[name], hair_colour=self.hair.colour, hair_gloss=self.hair.gloss, streaks=streaks)
        for array, height in self._caps:
            set_uniforms(programs["cap"], height=height)
            array.render()
        if self._strands is not None:
            self._strands.render()

    def release(self) -> None:
        """Give the memory back."""
        for resource in self._resources:
            resource.release()
        self._resources = []

    def _keep(self, context: Any, data: NDArray[np.generic]) -> Any:
        buffer = context.buffer(np.ascontiguousarray(data).tobytes())
        self._resources.append(buffer)
        return buffer

    def _cap(self, context: Any, program: Any, scalp: Scalp, share: float) -> Any:
        """The scalp lifted to ``share`` of the hair's thickness (less under strands)."""
        hair = self.hair
        thick = hair.layer * (1.0 if hair.style in ("crop", "afro") else 0.55)
        bumps = np.sin(scalp.across * 1.7 + 3 * np.sin(0.4 * scalp.points[:, 1])) * 0.12 * thick
        low = 0.7 if hair.style == "afro" else 0.0  # the lowest layer of a ball of hair hides what is under it
        lift = (thick * (low + (1 - low) * share) + bumps * (share > 0.99)) * scalp.edge + 0.03
        points = scalp.points + scalp.normals * lift[:, None]
        data = np.concatenate(
            [points, scalp.normals, scalp.comb, scalp.cover[:, None], scalp.across[:, None]], axis=1
        ).astype(np.float32)
        index = self._keep(context, scalp.triangles.astype("i4"))
        names = ("position", "normal", "comb", "cover", "across")
        array = context.vertex_array(program, [(self._keep(context, data), "3f 3f 3f 1f 1f", *names)], index)
        self._resources.append(array)
        return array
