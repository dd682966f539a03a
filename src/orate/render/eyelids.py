"""Eyelids that close: skin unrolls from under the crease and slides with the lash line over an eye that stays.

A lid does not stretch. What shows of it in the photo, with the lashes, keeps its distance to the moving edge; what
comes out from under the fold above is skin that the photo does not show. It is made from the skin around the eye:
its colour from above the crease and from under the eye, shaded as lids of real blinks are - the fold under the brow
smooths out and brightens, and lashes and their shadow darken a soft band where lids meet - with the cheek's own grain.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.render.eye_edges import glasses, white_of_eye
from orate.render.eye_shape import EyeShape, Floats, luma, smooth_step, soft_edge
from orate.render.eye_skin import Colours, fine_grain, mean_between, sample, skin_colours

LASH_RANGE_CM = (0.08, 0.26)  # thickness of the lash line above the lid's edge
LASH_SKIN = 0.8  # brightness, as a part of the skin's, at which the lash line ends
EDGE_CM = 0.03  # by which the lid reaches beyond the landmarks' edge, over what is left of the eye
UNDER_EYE_PART = 0.35  # of the under-eye's colour in the lid's
EARLY = 0.3  # closure at which new skin has fully taken over
BULGE = 1.09  # brightness of a closed lid beside the skin around it: it faces the light
# Where lids meet: the lashes' shadow, soft, and the line of their roots in it.
SHADOW_CM, SHADOW_PART = (0.36, 0.28), 0.6  # reach up and down; its part of the darkness
LINE_CM = (0.09, 0.14)
BAND_RANGE = (0.4, 0.7)  # brightness in its middle as a part of the skin's, at most and least dark
HUE_RANGE = (0.8, 1.2)  # of the line's colour beside the skin's
CORNER = 0.25  # of the eye's width, in which the photo's own lashes run into the corner
TAPER = 0.24  # of the eye's width, over which the line fades to its corners
LOWER_COVER_CM = (0.1, 0.3)  # below the lower lid's edge, where new skin covers fully, and where it ends
LASHES_LEAVE = 0.5  # of the open eye's lash line, when closed: lashes then hang over the line
CLOSING = 0.5  # closure from which the lower lid's new skin appears


class Eyelid:
    """The upper and lower lid of one eye of one photo."""

    def __init__(self, photo: NDArray[np.uint8], shape: EyeShape):
        """Measure lash line and skin, and make the lid's texture."""
        self._shape = shape
        x0, y0, x1, y1 = shape.box
        patch = photo[y0:y1, x0:x1].astype(np.float32)
        rows, columns = np.mgrid[: patch.shape[0], : patch.shape[1]].astype(np.float32)
        self._x, self._y = columns, rows
        self._scale = shape.scale
        top, above, under = skin_colours(patch, shape)
        self._lash = _lash_height(patch, shape, above)
        # New skin, by its place between crease (0) and edge (1) of the closed lid.
        self._top = top.at(shape.u)
        self._under = under.at(shape.u)
        self._tone = (1 - UNDER_EYE_PART) * above.at(shape.u) + UNDER_EYE_PART * self._under
        self._band = _band_colour(patch, shape, self._lash, np.median(above.values, axis=0))
        self._grain = fine_grain(photo, shape)
        self._lashes = self._lash_darkness(patch)
        self._without_white = self._white_to_skin(patch)
        self._rim = glasses(patch, shape)
        # Lids end at the corners: there the opening, and all that covers it, fades out.
        self._fade = smooth_step(shape.drape / max(0.55 * shape.height, 0.5) - 0.08)
        self._middle = smooth_step(shape.u / CORNER) * smooth_step((1 - shape.u) / CORNER)
        self._taper = smooth_step((shape.u + 0.12) / TAPER) * smooth_step((1.12 - shape.u) / TAPER) * self._fade

    def __call__(self, patch: NDArray[np.uint8], closure: float) -> NDArray[np.uint8]:
        """The eye's (h, w, 3) patch with the lids closed by `closure` in [0, 1]."""
        if closure <= 0.0:
            return patch
        shape, scale, c = self._shape, np.float32(self._scale), np.float32(closure)
        drop = c * (shape.meet - shape.upper)
        rise = c * np.maximum(shape.lower - shape.meet, 0)
        edge, low = shape.upper + drop, shape.lower - rise
        from_edge = edge - shape.v
        behind = from_edge + np.float32(EDGE_CM) * scale  # px that the lid's skin has to go to its edge
        lid = soft_edge(behind, 0.03 * self._scale)
        strip = np.maximum(shape.upper - shape.crease, 1.0)
        lash = np.minimum(np.float32(self._lash), 0.8 * strip)
        out = patch.astype(np.float32)
        skin = self._moved(out + np.minimum(4 * c, np.float32(1)) * self._without_white, drop, rise, edge, low, lash, c)
        lower = soft_edge(shape.v - low + np.float32(EDGE_CM * c) * scale, 0.03 * self._scale)
        # The lid's shadow on the eye goes down with it.
        shade = smooth_step(1 + behind / np.float32(0.12 * self._scale + 0.1 * shape.height)) * self._fade
        out *= (1 - np.float32(0.3 * min(4 * float(c), 1.0)) * shade)[..., None]
        out += np.maximum(lid, lower)[..., None] * (skin - out)
        # Under closed lids nothing of the eye shows, wherever its edge really was.
        out += self._lower_cover(shape.v - low, c)[..., None] * (self._under + self._grain - out)
        band = self._dark_band(from_edge, c)
        new, cover = self._new_skin(edge, lash, c)
        # Under the edge the lash line goes on: the photo has the iris there.
        slide = drop + np.maximum(np.float32(0.02) * scale - from_edge, 0)
        slid = cv2.remap(
            self._lashes,
            self._x - slide * shape.down[0],
            self._y - slide * shape.down[1],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=1.0,
        )
        own = 1 - (1 - np.asarray(slid, np.float32)) * (1 - LASHES_LEAVE * smooth_step(c))
        new *= np.minimum(own[..., None], band)
        out *= band + lid[..., None] * (1 - band)
        out += (cover * lid)[..., None] * (new - out)
        if self._rim is not None:
            out += self._rim[..., None] * (patch - out)
        return np.asarray(np.clip(out + 0.5, 0, 255), np.uint8)

    def _moved(
        self,
        patch: Floats,
        drop: Floats,
        rise: Floats,
        edge: Floats,
        low: Floats,
        lash: Floats,
        c: np.float32,
    ) -> Floats:
        """(h, w, 3) the photo's own skin, moved with the lids."""
        shape, scale = self._shape, np.float32(self._scale)
        # Lash line and strip move with the edge; the skin above follows less and less up to the brow.
        from_edge = edge - shape.v
        above = from_edge > -np.float32(EDGE_CM) * scale
        reach = np.maximum(edge - lash - shape.brow, 1.0)
        follow = smooth_step(1 - (from_edge - lash) / reach)
        follow = np.where(from_edge <= lash, np.float32(1), follow * follow)
        below = np.maximum(shape.v - low, 0) / np.float32(max(0.8 * shape.height, 1.0))
        give = rise * (1 - smooth_step(below))
        move = np.where(above, -drop * follow, give).astype(np.float32)
        # Under the edge the lash line goes on: the photo has the iris there.
        move -= np.maximum(np.float32(0.02) * scale - from_edge, 0) * above * min(4 * c, np.float32(1))
        x, y = self._x + move * shape.down[0], self._y + move * shape.down[1]
        return np.asarray(cv2.remap(patch, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)

    def _white_to_skin(self, patch: Floats) -> Floats:
        """(h, w, 3) what makes skin of the white of the eye that lies where landmarks have lids, to be added.

        Landmarks lie beside the true edges, and what is beside an edge moves with the lid.
        """
        shape = self._shape
        margin, inner = (np.float32(value * self._scale) for value in (0.3, 0.06))
        above, below = shape.upper - shape.v, shape.v - shape.lower
        upper = smooth_step((margin - above) / (0.3 * margin)) * smooth_step(1 + above / inner) * (above > -inner)
        lower = smooth_step((margin - below) / (0.3 * margin)) * smooth_step(1 + below / inner) * (below > -inner)
        sides = smooth_step((shape.u + 0.05) / 0.05) * smooth_step((1.05 - shape.u) / 0.05)
        wide = cv2.dilate(white_of_eye(patch, shape).astype(np.uint8), np.ones((3, 3))).astype(np.float32)
        white = cv2.GaussianBlur(wide, (0, 0), max(0.02 * self._scale, 0.5))
        on_upper = above > -(shape.lower - shape.upper) / 2
        tone = np.where(on_upper[..., None], self._tone, self._under)
        weight = np.asarray(white, np.float32) * np.where(on_upper, upper, lower) * sides
        result: Floats = weight[..., None] * (np.float32(0.95) * tone + self._grain - patch)
        return result

    def _new_skin(self, edge: Floats, lash: Floats, c: np.float32) -> tuple[Floats, Floats]:
        """Skin from under the fold (h, w, 3), and where it covers the photo's (h, w)."""
        shape = self._shape
        # The crease opens: new skin reaches up nearly to the brow.
        top = shape.crease - np.float32(0.8) * smooth_step(c) * (shape.crease - shape.brow)
        s = np.clip((shape.v - top) / np.maximum(edge - top, 1.0), 0, 1)
        blend = smooth_step(s / 0.4)[..., None]
        blend += (1 - blend) * np.float32(0.5) * c  # and its shadow goes
        colour = self._top + blend * (self._tone * np.float32(BULGE) - self._top) + self._grain
        ease = np.float32(0.12 + 0.1 * c) * shape.scale
        cover = smooth_step((shape.v - top + ease) / (2 * ease))
        # At first the photo's own lash line slides along; then it is a darkness on the new skin.
        own = smooth_step((edge - lash - shape.v) / np.maximum(0.6 * lash, 1.0) + 0.5)
        cover *= own + (1 - own) * self._middle * smooth_step((c - np.float32(0.1)) / EARLY)
        return colour, cover * self._fade * smooth_step(c / EARLY)

    def _lower_cover(self, below: Floats, c: np.float32) -> Floats:
        """(h, w) how far new skin covers what lies `below` the lower lid's edge."""
        full, end = (np.float32(value * self._scale) for value in LOWER_COVER_CM)
        reach = smooth_step((end - below) / (end - full)) * soft_edge(below + np.float32(EDGE_CM * self._scale), 1.0)
        cover: Floats = reach * self._fade * smooth_step((c - np.float32(CLOSING)) / (1 - np.float32(CLOSING)))
        return cover

    def _dark_band(self, from_edge: Floats, c: np.float32) -> Floats:
        """(h, w, 3) factors: lashes and their shadow along the upper lid's edge."""
        band = np.zeros_like(from_edge)
        for part, reach_cm in ((SHADOW_PART, SHADOW_CM), (1 - SHADOW_PART, LINE_CM)):
            up, down = (np.float32(max(value * self._scale, 1.0)) for value in reach_cm)
            band += np.float32(part) * np.exp(-np.square(from_edge / np.where(from_edge > 0, up, down)))
        band *= self._taper * smooth_step((c - np.float32(0.1)) / np.float32(0.8))
        factors: Floats = 1 - band[..., None] * (1 - self._band)
        return factors

    def _lash_darkness(self, patch: Floats) -> Floats:
        """(h, w) factors that make the photo's lash line on new skin; 1 beside it."""
        shape = self._shape
        strip = np.maximum(shape.upper - shape.crease, 1.0)
        lash = np.minimum(np.float32(self._lash), 0.8 * strip)
        above = shape.upper - shape.v
        on = (above > -1) * smooth_step((1.3 * lash - above) / np.maximum(0.6 * lash, 1.0))
        on *= smooth_step(shape.u / 0.1 + 1) * smooth_step((1 - shape.u) / 0.1 + 1)
        dark = np.clip(luma(patch) / np.maximum(luma(self._tone), 1), 0.15, 1)
        lashes: Floats = (1 - (1 - dark) * on).astype(np.float32)
        return lashes


def _lash_height(patch: Floats, shape: EyeShape, above: Colours) -> float:
    """Pixels from the lid's edge to where skin begins."""
    low, high = (value * shape.scale for value in LASH_RANGE_CM)
    upper = shape.curves.upper
    profile = luma(sample(patch, shape, upper, upper - 1.5 * high, 24))
    bright = profile > LASH_SKIN * luma(above.values)[:, None]
    bright[:, -1] = True  # in deep shadow there is no end
    ends = np.argmax(bright, axis=1)
    return float(np.clip(1.5 * high * np.median(ends[8:-8]) / 23, low, high))


def _band_colour(patch: Floats, shape: EyeShape, lash: float, skin: NDArray[np.floating]) -> Floats:
    """(3,) factors on the skin's colour in the middle of the line where lids meet.

    Real blinks: there it is about as dark as the darkest of the open eye, of the lashes' hue.
    """
    upper, middle = shape.curves.upper, (shape.curves.upper + shape.curves.lower) / np.float32(2)
    skin = skin.astype(np.float32)
    darkest = luma(mean_between(sample(patch, shape, upper - lash, middle, 24), 0.0, 0.15))
    bright = float(np.clip(np.median(darkest) / max(float(luma(skin)), 1.0) - 0.02, *BAND_RANGE))
    strip = mean_between(sample(patch, shape, upper, upper - lash, 8), 0.0, 0.3)
    line = np.median(strip, axis=0).astype(np.float32)
    hue = (line / max(float(luma(line)), 1.0)) / np.maximum(skin / max(float(luma(skin)), 1.0), 1e-3)
    return np.asarray(bright * np.clip(hue, *HUE_RANGE), np.float32)
