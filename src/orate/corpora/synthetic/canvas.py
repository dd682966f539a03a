"""What pictures are drawn on: a frame larger than the picture, and the depths that the key lamp sees."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

# Edges are smoothed by drawing larger and averaging: drivers on the processor run every sample of a multisampled
# frame through the shaders anyhow, and took three times as long for it.
FACTOR, LARGE_FACTOR, LARGE_PX = 2.0, 1.5, 400  # and from this height on the second is enough
SHADOW_SIDE = 512


class Canvas:
    """Framebuffers of one size of picture."""

    def __init__(self, context: Any, size: tuple[int, int]):
        """``size`` is (height, width) px."""
        self._size = size
        factor = FACTOR if size[0] < LARGE_PX else LARGE_FACTOR
        self._large = (round(size[0] * factor), round(size[1] * factor))
        height, width = self._large
        self._frame = context.framebuffer(
            [context.renderbuffer((width, height), 4)], context.depth_renderbuffer((width, height))
        )
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
        large = np.frombuffer(self._frame.read(components=3, alignment=1), np.uint8).reshape(*self._large, 3)
        small = cv2.resize(large, (self._size[1], self._size[0]), interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray(small[::-1], np.uint8)
