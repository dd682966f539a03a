"""The eyes' layer: gaze first, then the lids over it, in a small box around each eye."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from orate.render.eye_edges import fitted_eye_shape
from orate.render.eye_shape import LOWER, UPPER, Box
from orate.render.eyelids import Eyelid
from orate.render.gaze import EyeGaze
from orate.render.source import FaceSource


class Eyes:
    """Closes and turns the eyes of one photo; per-photo work is done once, here."""

    def __init__(self, source: FaceSource):
        """Measure both eyes: their shape, the lids' skin and lashes, the irises."""
        self._still = source.landmarks[:, :2]
        self._eyes: list[tuple[int, Box, Eyelid, EyeGaze]] = []
        for side in (0, 1):
            shape = fitted_eye_shape(source, side)
            if not shape.empty:
                lid = Eyelid(source.photo, shape)
                self._eyes.append((side, shape.box, lid, EyeGaze(source, shape, side)))

    def __call__(
        self,
        canvas: NDArray[np.uint8],
        target: NDArray[np.floating],
        lids: NDArray[np.floating],
        gaze: NDArray[np.floating],
    ) -> list[Box]:
        """Draw the eyes into `canvas`, in place.

        Args:
            canvas: (H, W, 3) uint8 RGB, the photo after the expression.
            target: (478, 2) px, where that expression has the landmarks.
            lids: (2,) closure of the person's right and left eye: 0 as in the photo, 1 closed.
            gaze: (2,) degrees that both eyes turn to the image's right and down.

        Returns:
            The boxes (x0, y0, x1, y1) that were rewritten; none when nothing moves.
        """
        boxes: list[Box] = []
        for side, box, lid, turn in self._eyes:
            closure = float(np.clip(lids[side], 0.0, 1.0))
            closure += (1.0 - closure) * turn.lid_closure(gaze)
            if closure <= 0.0 and not np.any(gaze):
                continue
            ring = list(UPPER[side] + LOWER[side])
            offset = np.mean(np.asarray(target, np.float64)[ring] - self._still[ring], axis=0)
            x0, y0, x1, y1 = box
            # The lids follow by whole pixels; the rest of a pixel is within the curves' own accuracy.
            dx = int(np.clip(round(float(offset[0])), -x0, canvas.shape[1] - x1))
            dy = int(np.clip(round(float(offset[1])), -y0, canvas.shape[0] - y1))
            moved = (x0 + dx, y0 + dy, x1 + dx, y1 + dy)
            view = canvas[moved[1] : moved[3], moved[0] : moved[2]]
            patch = turn(np.ascontiguousarray(view), gaze)
            view[:] = lid(patch, closure)
            boxes.append(moved)
        return boxes
