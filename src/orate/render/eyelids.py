"""Eyelids that close: skin unrolls from under the crease and slides with the lash line over an eye that stays.

A lid does not stretch. What shows of it in the photo, with the lashes, keeps its distance to the moving edge; what
comes out from under the fold above is skin that the photo does not show. It is made from the skin around the eye:
its colour from above the crease and from under the eye, shaded as the curved surface that a closed lid is, with the
photo's own grain.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.render.eye_shape import EyeShape, Floats, luma, smooth_step, soft_edge
from orate.render.eye_skin import Colours, fine_grain, mean_between, sample

LASH_RANGE_CM = (0.08, 0.26)  # thickness of the lash line above the lid's edge
LASH_SKIN = 0.8  # brightness, as a part of the skin's, at which the lash line ends
EDGE_CM = 0.03  # by which the lid reaches beyond the landmarks' edge, over what is left of the eye
LINE_CM = 0.08  # half the thickness of the line where closed lids meet
UNDER_EYE_CM = (0.15, 0.6)  # below the lower lid, where skin is free of lashes
UNDER_EYE_PART = 0.35  # of the under-eye's colour in the lid's
EARLY = 0.3  # closure at which new skin has fully taken over


class Eyelid:
    """The upper and lower lid of one eye of one photo."""

    def __init__(self, photo: NDArray[np.uint8], shape: EyeShape):
        """Measure lash line and skin, and make the lid's texture."""
        self._shape = shape
        x0, y0, x1, y1 = shape.box
        patch = photo[y0:y1, x0:x1].astype(np.float32)
        rows, columns = np.mgrid[: patch.shape[0], : patch.shape[1]].astype(np.float32)
        self._x, self._y = columns, rows
        scale = shape.scale
        top, above, under = _skin_colours(patch, shape)
        self._lash = _lash_height(patch, shape, above)
        self._line_colour = _line_colour(patch, shape, above, self._lash)
        # New skin, by its place between crease (0) and edge (1) of the closed lid.
        self._top = top.at(shape.u)
        self._under = under.at(shape.u)
        self._tone = (1 - UNDER_EYE_PART) * above.at(shape.u) + UNDER_EYE_PART * self._under
        self._tone_luma, self._under_luma = luma(self._tone), luma(self._under)
        self._sides = np.float32(0.05) * np.square(np.square(2 * np.clip(shape.u, 0, 1) - 1))
        self._grain = fine_grain(patch, shape)
        # Lids end at the corners: there the opening, and all that covers it, fades out.
        self._fade = smooth_step(shape.drape / max(0.55 * shape.height, 0.5) - 0.08)
        self._scale = scale

    def __call__(self, patch: NDArray[np.uint8], closure: float) -> NDArray[np.uint8]:
        """The eye's (h, w, 3) patch with the lids closed by `closure` in [0, 1]."""
        if closure <= 0.0:
            return patch
        shape, scale, c = self._shape, np.float32(self._scale), np.float32(closure)
        drop = c * (shape.meet - shape.upper)
        rise = c * np.maximum(shape.lower - shape.meet, 0)
        edge, low = shape.upper + drop, shape.lower - rise
        behind = edge + np.float32(EDGE_CM) * scale - shape.v  # px that the lid's skin has to go to its edge
        lid = soft_edge(behind, 0.03 * self._scale)
        # Lash line and strip move with the edge; the skin above follows less and less up to the brow.
        strip = np.maximum(shape.upper - shape.crease, 1.0)
        lash = np.minimum(np.float32(self._lash), 0.8 * strip)
        from_edge = edge - shape.v
        reach = np.maximum(edge - lash - shape.brow, 1.0)
        follow = smooth_step(1 - (from_edge - lash) / reach)
        follow = np.where(from_edge <= lash, np.float32(1), follow * follow)
        below = np.maximum(shape.v - low, 0) / np.float32(max(0.8 * shape.height, 1.0))
        give = rise * (1 - smooth_step(below))
        move = np.where(behind > 0, -drop * follow, give).astype(np.float32)
        # Under the edge the lash line goes on: the photo has the iris there.
        move -= np.maximum(np.float32(0.02) * scale - from_edge, 0) * (behind > 0) * min(4 * c, np.float32(1))
        skin = cv2.remap(
            patch,
            self._x + move * shape.down[0],
            self._y + move * shape.down[1],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        ).astype(np.float32)
        skin = self._without_white(skin, behind, shape.v - low, lash, c)
        out = patch.astype(np.float32)
        lower = soft_edge(shape.v - low + np.float32(EDGE_CM * c) * scale, 0.03 * self._scale)
        # The lid's shadow on the eye goes down with it.
        shade = smooth_step(1 + behind / np.float32(0.12 * self._scale + 0.1 * shape.height)) * self._fade
        out *= (1 - np.float32(0.3 * min(4 * float(c), 1.0)) * shade)[..., None]
        out += np.maximum(lid, lower)[..., None] * (skin - out)
        new, cover = self._new_skin(edge, lash, c)
        out += (cover * lid)[..., None] * (new - out)
        # Lashes hang down over the line where closed lids meet.
        across = np.where(from_edge > 0, np.float32(LINE_CM), np.float32(LINE_CM) * (1 + c)) * scale
        line = np.exp(-((from_edge / np.maximum(across, np.float32(0.8))) ** 2))
        weight = (np.float32(0.7) * smooth_step((c - 0.15) / 0.6) * line * self._fade)[..., None]
        out += weight * (self._line_colour - out)
        return np.asarray(np.clip(out + 0.5, 0, 255), np.uint8)

    def _without_white(self, skin: Floats, behind: Floats, below: Floats, lash: Floats, c: np.float32) -> Floats:
        """Lids without the white of the eye, which landmarks beside the true edges would drag along.

        Nothing beside a lid's edge is brighter than the lid's skin: what is takes on the skin's colour.
        """
        margin = np.float32(0.3 * self._scale)
        on_upper = (
            smooth_step(1.5 - np.abs(behind - lash / 2) / (lash / 2 + margin)) * (behind > 0) * np.minimum(4 * c, 1)
        )
        on_lower = smooth_step(1.5 - below / margin) * (behind <= 0) * smooth_step(2 * c - 1)
        tone = np.where((behind > 0)[..., None], self._tone, self._under)
        bright = np.maximum(np.where(behind > 0, self._tone_luma, self._under_luma), 1)
        white = smooth_step((luma(skin) / bright - 0.95) / 0.12)
        weight = white * (on_upper + on_lower) * self._fade
        result: Floats = skin + weight[..., None] * (np.float32(0.93) * tone - skin)
        return result

    def _new_skin(self, edge: Floats, lash: Floats, c: np.float32) -> tuple[Floats, Floats]:
        """Skin from under the fold (h, w, 3), and where it covers the photo's (h, w)."""
        shape = self._shape
        # The crease opens: new skin reaches up to half way to the brow.
        top = shape.crease - np.float32(0.5) * smooth_step(c) * (shape.crease - shape.brow)
        s = np.clip((shape.v - top) / np.maximum(edge - top, 1.0), 0, 1)
        blend = smooth_step(s / 0.5)[..., None]
        colour = self._top + blend * (self._tone - self._top)
        light = 1 + np.float32(0.05) * np.exp(-(((s - 0.6) / 0.28) ** 2)) - np.float32(0.03) * (1 - s) ** 2
        light -= np.float32(0.06) * smooth_step((s - 0.75) / 0.25)
        light -= self._sides
        colour = colour * light[..., None] + self._grain
        ease = np.float32(0.12 + 0.1 * c) * shape.scale
        cover = smooth_step((shape.v - top + ease) / (2 * ease))
        cover = cover * smooth_step((edge - lash - shape.v) / np.maximum(0.6 * lash, 1.0) + 0.5)
        return colour, cover * self._fade * smooth_step(c / EARLY)


def _skin_colours(patch: Floats, shape: EyeShape) -> tuple[Colours, Colours, Colours]:
    """Colours across the eye: just above the crease, of the skin above the eye, and of that under the eye."""
    curves = shape.curves
    near = 0.15 * shape.scale
    top = mean_between(sample(patch, shape, curves.crease - near, curves.crease, 8), 0.2, 0.9)
    # The brighter part between brow and lashes is skin; the darkest is brow, crease, lashes; the brightest gloss.
    above = mean_between(sample(patch, shape, curves.brow, curves.upper, 24), 0.65, 0.95)
    low, high = (value * shape.scale for value in UNDER_EYE_CM)
    under = mean_between(sample(patch, shape, curves.lower + low, curves.lower + high, 16), 0.3, 0.8)
    return Colours(top), Colours(above), Colours(under)


def _lash_height(patch: Floats, shape: EyeShape, above: Colours) -> float:
    """Pixels from the lid's edge to where skin begins."""
    low, high = (value * shape.scale for value in LASH_RANGE_CM)
    upper = shape.curves.upper
    profile = luma(sample(patch, shape, upper, upper - 1.5 * high, 24))
    bright = profile > LASH_SKIN * luma(above.values)[:, None]
    bright[:, -1] = True  # in deep shadow there is no end
    ends = np.argmax(bright, axis=1)
    return float(np.clip(1.5 * high * np.median(ends[8:-8]) / 23, low, high))


def _line_colour(patch: Floats, shape: EyeShape, above: Colours, lash: float) -> Floats:
    """(3,) colour of the line of lashes: the darker part of what lies at the lid's edge."""
    upper = shape.curves.upper
    dark = np.median(mean_between(sample(patch, shape, upper, upper - lash, 8), 0.0, 0.3), axis=0)
    return np.asarray(np.minimum(dark, 0.75 * np.median(above.values, axis=0)), np.float32)
