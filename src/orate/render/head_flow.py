"""The head of a photo turns: a field of displacement from the surface of a generic head, and one resampling a frame."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.face.masks import smoothstep
from orate.render.head_surface import PIVOT_CM, head_surface
from orate.render.pose import rotation_matrix
from orate.render.source import FaceSource

Body = Literal["rest", "follow"]

VIEWING_DISTANCE_CM = 80.0  # of a portrait's viewer; what comes nearer grows
BORDER_CM = 6.0  # over this width a head that the border cuts gives way, so that nothing beyond the border shows
BODY_SHARE = 0.3  # of the head's movement that shoulders follow
INVERSION_STEPS, INVERSION_RATE = 8, np.float32(0.7)
NO_MAP = np.empty(0, np.float32)  # the second map of cv2.remap, when the first holds both coordinates
STILL_PX = 1 / 64  # half of what the resampling resolves


class HeadFlow:
    """Turns and moves the head of one photo.

    A point of the surface at `arm` from the pivot moves by ``stiffness * (arm @ (R - I) + t)``. Arm and stiffness are
    fixed for a photo, so a frame is a small matrix product on a coarse grid, an inversion by fixed-point steps there,
    and one resampling of the box that moves. What lies outside this box is the canvas, bit for bit.

    Args:
        source: the photo and its face.
        body: "rest" keeps shoulders still; "follow" lets them sway a little with the head.
    """

    def __init__(self, source: FaceSource, body: Body = "rest") -> None:
        if body not in ("rest", "follow"):
            raise ValueError(f'body is "rest" or "follow", not {body!r}')
        height, width = source.photo.shape[:2]
        surface = head_surface(source, BODY_SHARE if body == "follow" else 0.0)
        self._axes = (source.pose.scale * source.pose.rotation).astype(np.float64)
        self._step, self._corner = surface.step, surface.box[:2]
        self._arm = surface.arm
        self._stiffness = surface.stiffness
        rows, columns = surface.stiffness.shape
        x = surface.box[0] + (np.arange(columns, dtype=np.float32) + 0.5) * surface.step
        y = surface.box[1] + (np.arange(rows, dtype=np.float32) + 0.5) * surface.step
        pivot = source.pose.project(PIVOT_CM)[:2]
        distance = VIEWING_DISTANCE_CM * source.pose.scale
        towards = np.meshgrid((x - pivot[0]) / distance, (y - pivot[1]) / distance)
        self._towards = np.stack(towards, axis=-1).astype(np.float32)
        self._cells = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).astype(np.float32)
        self._size = (width, height)
        width_px = BORDER_CM * source.pose.scale
        # How much of a movement away from the left, upper, right, lower border is left at a cell.
        self._left, self._right = (
            smoothstep((x - surface.step) / width_px),
            smoothstep((width - surface.step - x) / width_px),
        )
        self._upper, self._lower = (
            smoothstep((y - surface.step) / width_px),
            smoothstep((height - surface.step - y) / width_px),
        )

    def __call__(
        self, canvas: NDArray[np.uint8], rotation: NDArray[np.floating], translation: NDArray[np.floating]
    ) -> NDArray[np.uint8]:
        """Draw the head turned.

        Args:
            canvas: (H, W, 3) uint8 RGB, the photo with its expression; not changed.
            rotation: (3,) radians, rotation vector away from the photo's pose, in head axes (x to the image's right,
                y up, z to the viewer): positive x lowers the nose, y turns it right, z tilts the head left.
            translation: (3,) cm, in head axes.

        Returns:
            (H, W, 3) uint8, a picture of its own; equal to the canvas when nothing moves.
        """
        frame = canvas.copy()
        if not np.any(rotation) and not np.any(translation):
            return frame
        field = self._displacement(np.asarray(rotation, np.float64), np.asarray(translation, np.float64))
        back = self._inverse(field)
        box = self._moving(np.abs(back).max(axis=2))
        if box is None:
            return frame
        c0, r0, c1, r1 = box
        step = self._step
        x0, y0 = self._corner[0] + c0 * step, self._corner[1] + r0 * step
        wide = cv2.resize(back[r0:r1, c0:c1], None, fx=step, fy=step, interpolation=cv2.INTER_LINEAR)
        left, top = max(0, -x0), max(0, -y0)
        right, bottom = min(wide.shape[1], self._size[0] - x0), min(wide.shape[0], self._size[1] - y0)
        if right <= left or bottom <= top:
            return frame
        maps: NDArray[np.float32] = np.asarray(wide[top:bottom, left:right], np.float32)
        maps[..., 0] += np.arange(x0 + left, x0 + right, dtype=np.float32)
        maps[..., 1] += np.arange(y0 + top, y0 + bottom, dtype=np.float32)[:, None]
        frame[y0 + top : y0 + bottom, x0 + left : x0 + right] = cv2.remap(
            canvas, maps, NO_MAP, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        return frame

    def _displacement(self, rotation: NDArray[np.floating], translation: NDArray[np.floating]) -> NDArray[np.float32]:
        """(rows, columns, 2) px by which the surface in each cell moves."""
        turn = ((rotation_matrix(rotation) - np.eye(3)) @ self._axes).astype(np.float32)
        moved = self._arm @ turn + (translation @ self._axes).astype(np.float32)
        moved *= self._stiffness[..., None]
        field: NDArray[np.float32] = moved[..., :2] - moved[..., 2:] * self._towards
        away = np.where(field[..., 0] > 0, self._left[None], self._right[None])
        field[..., 0] *= away
        field[..., 1] *= np.where(field[..., 1] > 0, self._upper[:, None], self._lower[:, None])
        return field

    def _inverse(self, field: NDArray[np.float32]) -> NDArray[np.float32]:
        """(rows, columns, 2) px from where a cell is drawn to where its colour comes from: fixed-point steps."""
        cells = field / np.float32(self._step)
        back = -cells
        for _ in range(INVERSION_STEPS):
            there = cv2.remap(cells, self._cells + back, NO_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            # Where the surface is stretched by more than its width, full steps would swing instead of settle.
            back = (1 - INVERSION_RATE) * back - INVERSION_RATE * np.asarray(there, np.float32)
        return back * np.float32(self._step)

    @staticmethod
    def _moving(length: NDArray[np.float32]) -> tuple[int, int, int, int] | None:
        """Columns and rows (c0, r0, c1, r1) of the cells that move, with one still cell around."""
        moves = length > STILL_PX
        if not moves.any():
            return None
        rows, columns = np.flatnonzero(moves.any(axis=1)), np.flatnonzero(moves.any(axis=0))
        return (
            max(0, int(columns[0]) - 1),
            max(0, int(rows[0]) - 1),
            min(moves.shape[1], int(columns[-1]) + 2),
            min(moves.shape[0], int(rows[-1]) + 2),
        )
