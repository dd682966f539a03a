"""Blending an animated canonical crop back into the photo it was made from, at the photo's own resolution.

With ``source`` the photo's own crop, ``detail`` what the photo has beyond that crop, and ``up`` the cubic interpolation
from crop to photo:

    result = photo + mask * (up(change * (generated - drift - source)) - fade * detail)

``change`` and ``fade`` grow with the local difference of the generated face from the source. Where they agree the photo
stays itself; where they differ (an opened mouth, a closed lid) its own detail gives way, all but the faint grain.
"""

from __future__ import annotations

import cv2
import numpy as np

from orate.face.alignment import canonical_crop, invert, scale_of
from orate.face.masks import REFERENCE_WIDTH_PX, face_mask, mouth_mask, skin_mask, smoothstep
from orate.face.regions import centre_based, transform_points

# Differences between generated and source crop, in grey levels of 255.
CHANGE_FROM, CHANGE_FULL = 1.5, 7.0
FADE_FROM, FADE_FULL = 6.0, 20.0
GRAIN = (
    3.0  # detail this faint (film grain, canvas) never fades: no ghosts, and the drawn parts are as rough as the rest
)
DRIFT_TOLERANCE = 10.0  # skin that differs more from the face's overall drift moves, and does not count
TONE_TOLERANCE = 40.0

# Widths in pixels of a crop 96 px wide.
DIFFERENCE_SIGMA_PX = 1.0
SPREAD_PX = 5
WEIGHT_SIGMA_PX = 1.5
TONE_SIGMA_PX = 6.0
DRIFT_SIGMA_PX = 14.0
DRIFT_STEP_PX = 4  # of the crop itself: the drift is so smooth that a coarse grid carries it
SOFTNESS_PX = (0.7, 1.2, 1.8)

MIN_MASK = 1 / 512  # less moves no pixel by half a grey level
STRIP_PX = 262_144  # pixels blended at a time, so that memory stays small for very large faces


class Compositor:
    """Puts crops of an animated face back into one photo.

    Each frame is blended on its own: the same crop gives the same picture, whatever came before.
    """

    def __init__(
        self,
        photo: np.ndarray,
        matrix: np.ndarray,
        crop_size: tuple[int, int],
        landmarks: np.ndarray,
        *,
        rest: np.ndarray | None = None,
    ):
        """Prepare what does not change between frames.

        Args:
            photo: (H, W, 3) uint8 RGB.
            matrix: (2, 3) from ``align``: photo to crop.
            crop_size: Height and width of the crop, px.
            landmarks: (478, 2 or 3) px in the photo.
            rest: The generator's own picture of this face at rest (say, in silence), (height, width, 3) uint8. Where a
                frame equals it, away from the mouth, the photo is left alone: what the generator always gets wrong
                about this person does not show. None: frames are compared with the photo's crop alone.
        """
        self._photo = photo
        self._size = crop_size
        self._unit = crop_size[1] / REFERENCE_WIDTH_PX
        self._source = canonical_crop(photo, matrix, crop_size).astype(np.float32)
        points = transform_points(np.asarray(matrix, np.float64), np.asarray(landmarks, np.float64)[:, :2])
        softer = [_blur(self._source, sigma * self._unit) for sigma in SOFTNESS_PX]
        self._explained = [_blur(source, DIFFERENCE_SIGMA_PX * self._unit) for source in (self._source, *softer)]
        self._skin = skin_mask(points, crop_size)
        # A crop larger than the face in the photo holds finer detail than the photo can show.
        self._shrink_sigma = 0.5 * np.sqrt(max(scale_of(matrix) ** 2 - 1, 0.0))
        self._place(np.asarray(matrix, np.float64), face_mask(points, crop_size))
        self._tone: np.ndarray | None = None
        if rest is not None:
            always_wrong = self._difference(rest)
            self._tone = self._local_tone(always_wrong)
            self._bias = (always_wrong - self._tone) * (1 - mouth_mask(points, crop_size))[..., None]

    def __call__(self, crop: np.ndarray) -> np.ndarray:
        """The photo with the generated ``crop`` (height, width, 3) uint8 in place: a new (H, W, 3) uint8 array.

        Outside the face's mask it equals the photo bit for bit; everywhere, when ``crop`` is the photo's own crop and
        no ``rest`` was given.

        Raises:
            ValueError: ``crop`` has another size than the compositor was made for.
        """
        result = self._photo.copy()
        layers = self._layers(crop)
        face = result[self._y, self._x]
        for rows, mask, detail in self._strips:
            raised = self._up(layers, rows)
            fade = np.clip(raised[..., 3:], 0, 1)
            face[rows] = cv2.add(face[rows], mask * (raised[..., :3] - fade * detail), dtype=cv2.CV_8U)
        return result

    def _place(self, matrix: np.ndarray, mask: np.ndarray) -> None:
        """Find the part of the photo that the mask covers, and take mask and detail to its resolution."""
        x, y, width, height = cv2.boundingRect((mask > 0).astype(np.uint8))
        left, top, right, bottom = x - 1, y - 1, x + width + 1, y + height + 1  # the interpolation reaches further
        rectangle = np.array([[left, top], [right, top], [left, bottom], [right, bottom]])
        corners = transform_points(invert(matrix), rectangle)
        limit = np.array([self._photo.shape[1], self._photo.shape[0]])
        low = np.clip(np.floor(corners.min(axis=0)), 0, limit).astype(int)
        high = np.clip(np.ceil(corners.max(axis=0)), low, limit).astype(int)
        self._x, self._y = slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1]))
        self._matrix = matrix
        rows, columns = (int(side) for side in (high - low)[::-1])
        step = max(1, STRIP_PX // max(1, columns))
        self._strips: list[tuple[slice, np.ndarray, np.ndarray]] = []
        for start in range(0, rows if columns else 0, step):
            strip = slice(start, min(start + step, rows))
            part = np.clip(self._up(mask, strip), 0, 1)
            part[part < MIN_MASK] = 0
            detail = np.rint(self._photo[self._y, self._x][strip] - self._up(self._source, strip))
            detail -= np.clip(detail, -GRAIN, GRAIN)
            self._strips.append((strip, part[..., None], detail.astype(np.int16)))

    def _up(self, layer: np.ndarray, rows: slice) -> np.ndarray:
        """A layer of the crop at the photo's resolution, for some rows of the mask's bounding box."""
        moved = self._matrix.copy()
        moved[:, 2] += self._matrix[:, :2] @ np.array([self._x.start, self._y.start + rows.start])
        size = (self._x.stop - self._x.start, rows.stop - rows.start)
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        inverse = centre_based(moved)
        return cv2.warpAffine(layer, inverse, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)

    def _layers(self, crop: np.ndarray) -> np.ndarray:
        """What to add to the photo, and how much of its detail to fade: (height, width, 4) float32."""
        difference = self._difference(crop)
        if self._tone is not None:
            difference -= self._tone
            moved = self._spread(np.abs(_blur(difference - self._bias, DIFFERENCE_SIGMA_PX * self._unit)).max(axis=2))
            difference -= self._bias * (1 - _between(moved, FADE_FROM, FADE_FULL))[..., None]
        local = self._spread(self._disagreement(difference + self._source))
        change = _between(local, CHANGE_FROM, CHANGE_FULL)
        fade = _between(local, FADE_FROM, FADE_FULL)
        layers = np.dstack([difference * change[..., None], fade])
        return _blur(layers, self._shrink_sigma) if self._shrink_sigma > 0 else layers

    def _difference(self, crop: np.ndarray) -> np.ndarray:
        """What the generated crop changes, its drift of colour aside: (height, width, 3) float32 grey levels."""
        if crop.shape != (*self._size, 3):
            raise ValueError(f"The crop is {crop.shape}, but {(*self._size, 3)} was expected.")
        difference: np.ndarray = crop.astype(np.float32) - self._source
        difference -= self._drift(difference)
        return difference

    def _local_tone(self, difference: np.ndarray) -> np.ndarray:
        """The light and colour of a difference's skin, carried on into mouth and eyes: (height, width, 3)."""
        _, weights = self._trusted_skin(difference, TONE_TOLERANCE)
        sums = _blur(np.dstack([difference * weights[..., None], weights + 1e-4]), TONE_SIGMA_PX * self._unit)
        tone: np.ndarray = sums[..., :3] / sums[..., 3:]
        return tone

    def _spread(self, local: np.ndarray) -> np.ndarray:
        """Let a local difference (height, width) reach a little further, and smooth it."""
        side = 2 * round(SPREAD_PX * self._unit / 2) + 1
        wide = cv2.dilate(local, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
        return _blur(wide, WEIGHT_SIGMA_PX * self._unit)

    def _disagreement(self, generated: np.ndarray) -> np.ndarray:
        """How far the generated face is from the source, sharp or softened: (height, width) grey levels.

        Generators draw softer than photos are; softness alone is no movement, and must not cost the photo its detail.
        """
        smooth = _blur(generated, DIFFERENCE_SIGMA_PX * self._unit)
        distances = [np.abs(smooth - source).max(axis=2) for source in self._explained]
        nearest: np.ndarray = np.minimum.reduce(distances)
        return nearest

    def _trusted_skin(self, difference: np.ndarray, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
        """The skin's median difference (3,), and weights (height, width): high on skin that differs about as much."""
        skin = self._skin > 0.5
        overall = np.median(difference[skin], axis=0) if skin.any() else np.zeros(3, np.float32)
        distance = np.abs(difference - overall).max(axis=2) / tolerance
        weights: np.ndarray = self._skin / (1 + distance**4)
        return overall, weights

    def _drift(self, difference: np.ndarray) -> np.ndarray:
        """The slow colour offset of the generated skin from the photo's: (height, width, 3), very smooth.

        A wide Gaussian mean over skin that does not move. It is what would otherwise show as a patch.
        """
        overall, weights = self._trusted_skin(difference, DRIFT_TOLERANCE)
        height, width = self._size
        small = (max(1, round(width / DRIFT_STEP_PX)), max(1, round(height / DRIFT_STEP_PX)))
        parts = np.dstack([(difference - overall) * weights[..., None], weights + 1e-6])
        sums = _blur(
            cv2.resize(parts, small, interpolation=cv2.INTER_AREA), DRIFT_SIGMA_PX * small[0] / REFERENCE_WIDTH_PX
        )
        drift: np.ndarray = sums[..., :3] / np.maximum(sums[..., 3:], 1e-9) + overall
        return cv2.resize(drift, (width, height), interpolation=cv2.INTER_LINEAR)


def _blur(layer: np.ndarray, sigma: float) -> np.ndarray:
    blurred: np.ndarray = cv2.GaussianBlur(layer, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return blurred


def _between(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 up to ``low``, 1 from ``high`` on, a smooth step between."""
    return smoothstep((values - low) / (high - low))
