"""The layers in their order: one frame of motion drawn over the photo, and nothing left of the frame before."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from orate.render.expression_flow import ExpressionFlow
from orate.render.eyes import Eyes
from orate.render.head_flow import Body, HeadFlow
from orate.render.mouth import Mouth
from orate.render.source import FaceMotion, FaceSource

Box = tuple[int, int, int, int]
Refine = Callable[[NDArray[np.uint8], NDArray[np.float64], FaceMotion], Iterable[Box]]


class Composition:
    """Draws frames of one photo. Keeps one canvas; memory does not grow with the number of frames.

    Args:
        source: the photo and its face.
        body: "rest" keeps shoulders still; "follow" lets them sway a little with the head.
        refine: called after the layers of the face and before the head turns, with the canvas (H, W, 3), the target
            landmarks (478, 2) px and the motion; rewrites boxes of the canvas and returns them as (x0, y0, x1, y1).
    """

    def __init__(self, source: FaceSource, body: Body = "rest", refine: Refine | None = None) -> None:
        self._source = source
        self._own_expression = (source.shape - source.rest).astype(np.float32)
        self._expression, self._eyes, self._mouth = ExpressionFlow(source), Eyes(source), Mouth(source)
        self._head = HeadFlow(source, body)
        self._refine = refine
        self._canvas = source.photo.copy()
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
