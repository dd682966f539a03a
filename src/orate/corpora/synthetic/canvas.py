"""What pictures are drawn on: a smoothed frame, and the depths that the key lamp sees."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SAMPLES = 4
SHADOW_SIDE = 512


class Canvas:
    """Framebuffers of one size of picture."""

    def __init__(self, context: Any, size: tuple[int, int]):
        """``size`` is (height, width) px."""
        height, width = size
        self._context, self._size = context, size
        samples = min(SAMPLES, int(context.max_samples))
        self._frame = context.framebuffer(
            [context.renderbuffer((width, height), 4, samples=samples)],
            context.depth_renderbuffer((width, height), samples=samples),
        )
        self._picture = context.framebuffer([context.renderbuffer((width, height), 4)])
        self.shadow_map = context.depth_texture((SHADOW_SIDE, SHADOW_SIDE))
        self.shadow_map.compare_func = "<="
        self.shadow_map.repeat_x = self.shadow_map.repeat_y = False
        self._shadow = context.framebuffer(depth_attachment=self.shadow_map)

    def begin_shadow(self) -> None:
        """What is drawn next casts shadow."""
        self._shadow.use()
        self._shadow.clear(depth=1.0)

    def begin_picture(self) -> None:
        """What is drawn next is seen."""
        self._frame.use()
        self._frame.clear(0.0, 0.0, 0.0, 1.0)

    def read(self) -> NDArray[np.uint8]:
        """(height, width, 3) uint8 RGB of what was drawn."""
        self._context.copy_framebuffer(self._picture, self._frame)
        flat = np.frombuffer(self._picture.read(components=3, alignment=1), np.uint8)
        return np.ascontiguousarray(flat.reshape(*self._size, 3)[::-1])
