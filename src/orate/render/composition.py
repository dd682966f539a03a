"""The layers in their order: one frame of motion drawn over the photo, and nothing left of the frame before."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.render.expression_flow import ExpressionFlow
from orate.render.eye_shape import eye_shape
from orate.render.eyes import Eyes
from orate.render.head_flow import BODY_SHARE, Body, HeadFlow
from orate.render.head_surface import head_surface
from orate.render.mouth import Mouth
from orate.render.source import FaceMotion, FaceSource

Box = tuple[int, int, int, int]
Refine = Callable[[NDArray[np.uint8], NDArray[np.float64], FaceMotion], Iterable[Box]]


class Layers:
    """The layers of one photo, which take most of a second to make.

    They keep nothing of a frame: they serve any number of compositions, also in several threads.

    Args:
        source: the photo and its face.

    Attributes:
        source: as given.
        expression: the first layer.
        eyes: the second.
        mouth: the third.
    """

    def __init__(self, source: FaceSource) -> None:
        self.source = source
        self.expression, self.eyes, self.mouth = ExpressionFlow(source), Eyes(source), Mouth(source)
        self._heads: dict[Body, HeadFlow] = {}

    def head(self, body: Body = "rest") -> HeadFlow:
        """The last layer for shoulders that rest or follow, made when it is first asked for."""
        if body not in self._heads:
            self._heads.setdefault(body, HeadFlow(self.source, body))
        return self._heads[body]

    def moving(self, body: Body = "rest") -> NDArray[np.bool_]:
        """(H, W), true where these layers may change the photo; elsewhere every frame is the photo bit for bit."""
        shape = self.source.photo.shape
        surface = head_surface(self.source, BODY_SHARE if body == "follow" else 0.0)
        moving = _pixels(surface.stiffness > 0, surface.box[:2], surface.step, shape)
        layer = self.expression
        for share, grid in ((layer.fade, layer.face_grid), (layer.mouth_share, layer.mouth_grid)):
            moving |= _pixels(share > 0, (int(grid.start[0]), int(grid.start[1])), grid.step, shape)
        for side in (0, 1):
            x0, y0, x1, y1 = eye_shape(self.source, side).box
            moving[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = True
        return moving


class Composition:
    """Draws frames of one photo. Keeps one canvas; memory does not grow with the number of frames.

    Args:
        source: the photo and its face, or its layers where they are made already.
        body: "rest" keeps shoulders still; "follow" lets them sway a little with the head.
        refine: called after the layers of the face and before the head turns, with the canvas (H, W, 3), the target
            landmarks (478, 2) px and the motion; rewrites boxes of the canvas and returns them as (x0, y0, x1, y1).
    """

    def __init__(self, source: FaceSource | Layers, body: Body = "rest", refine: Refine | None = None) -> None:
        layers = source if isinstance(source, Layers) else Layers(source)
        self._source = layers.source
        self._own_expression = (self._source.shape - self._source.rest).astype(np.float32)
        self._expression, self._eyes, self._mouth = layers.expression, layers.eyes, layers.mouth
        self._head = layers.head(body)
        self._refine = refine
        self._canvas = self._source.photo.copy()
        self._drawn: list[Box] = []

    def __call__(self, motion: FaceMotion) -> NDArray[np.uint8]:
        """Draw one frame, which does not depend on the frames before.

        Returns:
            (H, W, 3) uint8 RGB, the caller's own. The photo bit for bit when the motion is the photo's own: its
            expression over the face at rest, and no movement of lids, eyes and head.
        """
        self._restore()
        target = self.target(motion)
        canvas = self._canvas
        self._note(self._expression(canvas, target))
        for box in self._eyes(canvas, target, motion.lids, motion.gaze):
            self._note(box)
        if not self._is_own(motion):  # a mouth that the photo shows open has its own teeth
            self._note(self._mouth(canvas, target))
        if self._refine is not None:
            for box in self._refine(canvas, target, motion):
                self._note(box)
        return self._head(canvas, motion.rotation, motion.translation)

    def target(self, motion: FaceMotion) -> NDArray[np.float64]:
        """(478, 2) px: where the landmarks lie before the head turns."""
        # Sums and projections round; the photo's own expression gives its landmarks exactly.
        if self._is_own(motion):
            return self._source.landmarks[:, :2].astype(np.float64)
        return self._source.pixels(self._source.rest + motion.expression)

    def _is_own(self, motion: FaceMotion) -> bool:
        return np.array_equal(np.asarray(motion.expression, np.float32), self._own_expression)

    def _restore(self) -> None:
        """Put the photo back where the last frame drew."""
        for x0, y0, x1, y1 in self._drawn:
            self._canvas[y0:y1, x0:x1] = self._source.photo[y0:y1, x0:x1]
        self._drawn.clear()

    def _note(self, box: Box) -> None:
        if box[0] < box[2] and box[1] < box[3]:
            self._drawn.append(box)


def _pixels(cells: NDArray[np.bool_], start: tuple[int, int], step: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """(H, W): the pixels that a field which is not zero in some cells of a grid may reach.

    Args:
        cells: (rows, columns).
        start: (x, y) px of the grid's corner, also outside the picture.
        step: px, width of a cell.
        shape: (H, W, ...) of the picture.
    """
    # Enlarged linearly, a cell's value reaches to the middle of the next one.
    near = cv2.dilate(cells.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    large = near.repeat(step, axis=0).repeat(step, axis=1)
    (x, y), (height, width) = start, shape[:2]
    reached = np.zeros((height, width), bool)
    inside = large[max(0, -y) : max(0, height - y), max(0, -x) : max(0, width - x)]
    reached[max(0, y) :, max(0, x) :][: inside.shape[0], : inside.shape[1]] = inside
    return reached
