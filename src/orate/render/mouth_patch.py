"""The mouth's patch: cut from a canvas in a frame that every face shares, and a residual laid back over it.

The frame is in cm of the head and does not move, for the head turns only after this layer. A residual is low-frequency
detail (shadows, folds, the inner lip), so it is made at the patch's own resolution and enlarged to the photo's.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.face.masks import FACE_OVAL, OUTER_LIPS, smoothstep
from orate.render.lips import OUTER_CORNERS, down_axis, mouth_outline
from orate.render.source import FaceSource

Box = tuple[int, int, int, int]
Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

HEIGHT, WIDTH = 96, 128  # px of the patch
PX_PER_CM = 12.0
ABOVE_CM = 3.0  # from the mouth's corners up to the nose's wings; the rest, 5 cm, reaches below the chin
FEATHER_CM = (1.6, 1.1)  # over which the residual fades at the patch's sides, and at its upper and lower edge
STIRRED_CM = 0.12  # the residual is whole where some point of the lips has moved this far
LIPS_CLEAR_CM = 0.35  # skin is measured this far from the lips
MASKS = 5  # the target's opening and lips, the photo's opening and lips, the photo's skin
PLANES = 3 + 3 + MASKS
OPENING = 6  # the plane of the target's opening
LUMA = np.array([0.299, 0.587, 0.114])
CHROMA_SPREAD = 0.05  # of a colour photo's patch, in parts of its skin's brightness; less means less chroma
DARKEST = 12.0  # levels; a channel of skin is taken to be at least that


@dataclass(frozen=True)
class Tone:
    """The colours of a photo's patch: what they are divided by before the network, and multiplied by after.

    Attributes:
        skin: (3,) levels of RGB, the skin's mean.
        chroma: 0 for a black-and-white or evenly tinted photo, 1 where lips differ in colour from skin as usual.
    """

    skin: Floats
    chroma: float

    def normalise(self, patch: NDArray[np.generic]) -> Floats:
        """(h, w, 3) RGB levels to (3, h, w): brightness less 1, red and blue less brightness; skin is 0."""
        relative = np.asarray(patch, np.float32) / self.skin
        luma = relative @ LUMA.astype(np.float32)
        return np.stack([luma - 1, relative[..., 0] - luma, relative[..., 2] - luma])

    def levels(self, residual: Floats) -> Floats:
        """(3, h, w) residual in the space of `normalise` to (h, w, 3) levels of RGB."""
        light, red, blue = residual[0], residual[1] * self.chroma, residual[2] * self.chroma
        green = -(LUMA[0] * red + LUMA[2] * blue) / LUMA[1]
        levels: Floats = (np.stack([light + red, light + green, light + blue], axis=-1) * self.skin).astype(np.float32)
        return levels


def measure_tone(patch: Bytes, skin: NDArray[np.generic], lips: NDArray[np.generic]) -> Tone:
    """Measure the photo's own patch (h, w, 3) where masks (h, w) of any range say skin, and lips."""
    weights = np.asarray(skin, np.float32)
    total = float(weights.sum())
    if total <= 0:  # a patch outside the face: any tone will do
        weights, total = np.ones_like(weights), float(weights.size)
    mean = (patch.astype(np.float32) * weights[..., None]).sum(axis=(0, 1)) / total
    colour = np.maximum(mean, DARKEST).astype(np.float32)
    planes = Tone(colour, 1.0).normalise(patch)[1:]
    shares = [np.asarray(mask, np.float32) / max(float(np.sum(mask)), 1e-6) for mask in (skin, lips)]
    means = [(planes * share).sum(axis=(1, 2)) for share in shares]
    spread = float(np.linalg.norm(means[1] - means[0]))
    return Tone(colour, float(np.clip(spread / CHROMA_SPREAD, 0, 1)))


def network_planes(tone: Tone, drawn: NDArray[np.generic], own: NDArray[np.generic], masks: Bytes) -> Floats:
    """(PLANES, h, w): what the network sees, of drawn and own patch (h, w, 3) levels and masks (MASKS, h, w) bytes."""
    return np.concatenate([tone.normalise(drawn), tone.normalise(own), masks.astype(np.float32) / 255])


def feather() -> Floats:
    """(HEIGHT, WIDTH) in [0, 1]: the residual's share, 0 on the patch's edge."""
    y = np.minimum(np.arange(HEIGHT), np.arange(HEIGHT)[::-1])[:, None] / (FEATHER_CM[1] * PX_PER_CM)
    x = np.minimum(np.arange(WIDTH), np.arange(WIDTH)[::-1])[None] / (FEATHER_CM[0] * PX_PER_CM)
    share: Floats = (smoothstep(y) * smoothstep(x)).astype(np.float32)
    return share


class MouthPatch:
    """One photo's patch.

    Attributes:
        own: (HEIGHT, WIDTH, 3) uint8, the patch of the photo itself.
        tone: its colours.
        box: the part of the photo under the patch, (x0, y0, x1, y1).
    """

    def __init__(self, source: FaceSource) -> None:
        self.source = source
        down = down_axis(source)
        axes = np.stack([[down[1], -down[0]], down])
        centre = source.landmarks[list(OUTER_CORNERS), :2].mean(axis=0)
        turn = axes * (PX_PER_CM / source.pose.scale)
        self._matrix = np.column_stack([turn, [WIDTH / 2, ABOVE_CM * PX_PER_CM] - turn @ centre])
        self._inverse: NDArray[np.float64] = np.asarray(cv2.invertAffineTransform(self._matrix), np.float64)
        self.box = self._cover()
        self._feather = feather()
        points = source.landmarks[:, :2]
        opening, lips = self._lip_masks(points)
        self._own_masks = np.stack([opening, lips, self._skin_mask(points)])
        self.own = self.cut(source.photo)
        self.tone = measure_tone(self.own, self._own_masks[2], self._own_masks[1])

    def cut(self, canvas: Bytes) -> Bytes:
        """(HEIGHT, WIDTH, 3) uint8: the patch of a canvas (H, W, 3); beyond the picture its border goes on."""
        x0, y0, x1, y1 = self.box
        if x0 >= x1 or y0 >= y1:
            return np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        part = canvas[y0:y1, x0:x1]
        shrink = self.source.pose.scale / PX_PER_CM
        size = (x1 - x0, y1 - y0)
        if shrink > 1.25:  # first by area, or fine texture would alias
            size = (max(1, round(size[0] / shrink)), max(1, round(size[1] / shrink)))
            part = cv2.resize(part, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
        back = np.array([[(x1 - x0) / size[0], 0, x0], [0, (y1 - y0) / size[1], y0]])
        flags = cv2.INTER_CUBIC if shrink < 0.8 else cv2.INTER_LINEAR
        matrix = _for_cv2(_chain(self._matrix, back))
        cut = cv2.warpAffine(part, matrix, (WIDTH, HEIGHT), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return cut.astype(np.uint8)

    def masks(self, target: NDArray[np.floating]) -> Bytes:
        """(MASKS, HEIGHT, WIDTH) for lips at a target (478, 2) px: its opening and lips, then the photo's, and skin."""
        return np.concatenate([np.stack(self._lip_masks(np.asarray(target, np.float64)[:, :2])), self._own_masks])

    def stirred(self, target: NDArray[np.floating]) -> float:
        """How far the lips have left the photo's: 0 at its own landmarks, 1 from STIRRED_CM on."""
        moved = np.asarray(target, np.float64)[OUTER_LIPS, :2] - self.source.landmarks[OUTER_LIPS, :2]
        most = float(np.sqrt((moved**2).sum(axis=1).max())) / self.source.pose.scale
        return float(smoothstep(np.array(most / STIRRED_CM)))

    def add(self, canvas: Bytes, residual: Floats, share: float = 1.0) -> None:
        """Add a residual (3, HEIGHT, WIDTH) in the tone's space to a canvas (H, W, 3), feathered, in place."""
        x0, y0, x1, y1 = self.box
        if x0 >= x1 or y0 >= y1:
            return
        levels = self.tone.levels(residual) * (share * self._feather)[..., None]
        matrix = _for_cv2(_chain(self._matrix, np.array([[1.0, 0, x0], [0, 1.0, y0]])))
        large = cv2.warpAffine(levels, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        canvas[y0:y1, x0:x1] = cv2.add(canvas[y0:y1, x0:x1], large, dtype=cv2.CV_8U)

    def _cover(self) -> Box:
        corners = np.array([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]]) @ self._inverse[:, :2].T
        corners = corners + self._inverse[:, 2]
        height, width = self.source.photo.shape[:2]
        x0, y0 = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
        x1, y1 = np.minimum(np.ceil(corners.max(axis=0)).astype(int), [width, height])
        return int(x0), int(y0), int(x1), int(y1)

    def _lip_masks(self, points: NDArray[np.floating]) -> tuple[Bytes, Bytes]:
        return self._filled(mouth_outline(self.source, points)), self._filled(points[OUTER_LIPS])

    def _skin_mask(self, points: NDArray[np.floating]) -> Bytes:
        lips, face = self._filled(points[OUTER_LIPS]), self._filled(points[FACE_OVAL])
        reach = 2 * round(LIPS_CLEAR_CM * PX_PER_CM) + 1
        near = cv2.dilate(lips, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
        inside = cv2.erode(face, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=255)
        skin: Bytes = np.minimum(inside, 255 - near)
        return skin

    def _filled(self, outline: NDArray[np.floating]) -> Bytes:
        """A closed outline (n, 2) px of the photo, filled with 255 on the patch, its edge smooth."""
        corners = outline @ self._matrix[:, :2].T + self._matrix[:, 2]
        filled = np.zeros((HEIGHT, WIDTH), np.uint8)
        cv2.fillPoly(filled, [np.rint((corners - 0.5) * 16).astype(np.int32)], (255,), cv2.LINE_AA, shift=4)
        return filled


def _chain(outer: NDArray[np.float64], inner: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2, 3): first the inner map, then the outer."""
    whole: NDArray[np.float64] = outer @ np.vstack([inner, [0.0, 0.0, 1.0]])
    return whole


def _for_cv2(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same map for OpenCV, whose pixel centres are at integers."""
    shifted = matrix.copy()
    shifted[:, 2] += 0.5 * matrix[:, :2].sum(axis=1) - 0.5
    return shifted
