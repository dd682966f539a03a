"""The mouth's inside: teeth, gums, tongue and throat drawn between the lips of a frame's landmarks.

Two layers are made once a photo, in the photo's own pixels: the upper one is fixed to the skull, which does not move
while layers are drawn, so it is only cut out; the lower one moves with the jaw.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.face.masks import smoothstep
from orate.render.lips import INNER_LOWER, INNER_UPPER, down_axis
from orate.render.mouth_layers import jaw_shift, make_layers
from orate.render.mouth_opening import NOTHING, Box, Opening, find_opening
from orate.render.mouth_own import find_own_teeth
from orate.render.mouth_palette import measure, throat_rgb
from orate.render.mouth_render import Image
from orate.render.source import FaceSource

OWN_CM = 0.15  # lips that moved less than this from an open photo still show some of the photo's own mouth
SHADOW, SHADOW_CM = 0.45, 0.07  # of the upper teeth on the lower: depth and softness
LEAST = 1e-4  # of a share below which no pixel can change
RING = np.concatenate([INNER_UPPER, INNER_LOWER])


class Mouth:
    """Draws the inside of the mouth into frames of one photo."""

    def __init__(self, source: FaceSource) -> None:
        """Measure the photo and draw its layers.

        Args:
            source: the photo; `rest`, with the lips closed, is where the teeth are placed from.
        """
        self._source = source
        self._rest = source.pixels(source.rest)
        self._palette = measure(source)
        scale = source.pose.scale
        self._feather = float(np.clip(self._palette.blur, 0.5, 0.5 + 0.03 * scale))
        own = find_own_teeth(source, self._palette, self._feather, down_axis(source))
        self.own_teeth = own is not None
        self._upper, self._lower = make_layers(source, self._palette, own)
        self._throat = throat_rgb(self._palette)
        self._open = bool(np.abs(source.shape - source.rest)[RING].max() > 0)

    def __call__(self, canvas: NDArray[np.uint8], target: NDArray[np.floating]) -> Box:
        """Draw into a frame whose lips are already in place.

        Args:
            canvas: (H, W, 3) uint8 RGB, the photo's size, changed in place.
            target: (478, 2) px, the frame's landmarks.

        Returns:
            The box (x0, y0, x1, y1) outside of which nothing changed; empty where nothing was drawn.
        """
        points = np.asarray(target, np.float64)[:, :2]
        share = self._share(points)
        if share < LEAST:
            return NOTHING
        height, width = canvas.shape[:2]
        opening = find_opening(self._source, points, (height, width), self._feather)
        if opening is None:
            return NOTHING
        alpha = opening.inside * opening.shown * np.float32(share)
        mouth = self._interior(points, opening)
        x0, y0, x1, y1 = opening.box
        view = canvas[y0:y1, x0:x1]
        mixed = np.clip(np.rint(view + alpha[..., None] * (mouth - view)), 0, 255).astype(np.uint8)
        np.copyto(view, mixed, where=(alpha > 0)[..., None])
        return opening.box

    def _share(self, points: NDArray[np.float64]) -> float:
        """In [0, 1]: 0 where the lips are as in an open photo, which shows its own mouth."""
        if not self._open:
            return 1.0
        moved = np.abs(points[RING] - self._source.landmarks[RING, :2]).max() / self._source.pose.scale
        return float(smoothstep(moved / OWN_CM))

    def _interior(self, points: NDArray[np.float64], opening: Opening) -> Image:
        """(h, w, 3) RGB in [0, 255]: what is seen through the lips."""
        still = np.zeros(2)
        upper = self._upper.cut(opening.box, still)
        lower = self._lower.cut(opening.box, jaw_shift(self._source, points, self._rest))
        upper_light, lower_light = opening.light(self._palette.tilt)
        # The upper teeth's shadow keeps the rows apart where they touch.
        spread = SHADOW_CM * self._source.pose.scale
        lower_light *= 1 - SHADOW * cv2.GaussianBlur(upper[..., 3], (0, 0), max(spread, 0.3))
        # Light fades to the throat's colour, never to black.
        mouth = np.broadcast_to(self._throat, upper[..., :3].shape).copy()
        for layer, light in ((lower, lower_light), (upper, upper_light)):
            alpha = layer[..., 3:]
            tinted = np.maximum(light, 0)[..., None] ** self._palette.bounce
            mouth += tinted * (layer[..., :3] - alpha * self._throat) - alpha * (mouth - self._throat)
        if self._palette.grey:
            mouth[...] = mouth.mean(axis=2, keepdims=True)
        return np.asarray(mouth, np.float32)
