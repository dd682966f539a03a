"""The colours that a photo's light and palette give to teeth, gums, tongue and throat; its sharpness and its grain."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.render.mouth_render import Image
from orate.render.source import FaceSource

Lab = NDArray[np.float64]
SKIN_POINTS = (205, 425, 50, 280, 101, 330, 187, 411, 207, 427, 200)  # cheeks and chin
AROUND = (164, 167, 393, 18, 200, 57, 287)  # next to the lips
SKIN_RADIUS_CM = 0.35
SIDES = ((207, 187, 216, 57), (427, 411, 436, 287))  # beside the mouth: picture left, picture right
EYES = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249),
)
OUTER_LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
INNER_LIPS = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)
# Measured inside the open mouths of 23 GRID clips (s1, s4), against the skin of the same faces. It tells the teeth's
# colour better than the whites of the eyes, whose a* and b* vary more beside those of the teeth.
TOOTH_OF_SKIN_AB = np.array([0.38, 0.70])
THROAT_L, THROAT_OF_LIPS_AB = 0.30, np.array([0.72, 0.88])
BOUNCE = 0.4  # how much of the lips' colour light takes on, between them
EYE_WHITE, TOOTH_L, TOOTH_L_RANGE = 0.7, 0.95, (0.95, 1.15)  # parts of the brightness of lit skin
TOOTH_OF_WHITE = 1.0  # teeth are at least as bright as the whites of the eyes, whatever the skin
BARE = 0.68  # of the cheeks' brightness; what is darker is hair
GREY_LEVELS = 2  # channels of a black-and-white photo agree to this


@dataclass(frozen=True)
class Palette:
    """What the mouth takes from its photo.

    Attributes:
        tooth, gum, tongue, throat: Lab under the photo's light, L in [0, 100].
        bounce: (3,) exponents of the light in red, green and blue: what reaches the teeth went past the lips, and
            where it is weak it has their colour. Ones where lips have the skin's colour.
        tilt: part of its brightness that light gains a centimetre to the image's right.
        blur: px, standard deviation of the photo's blur.
        grain: (h, w) levels of brightness, a piece of the photo's own grain.
        grey: whether the photo is black and white.
    """

    tooth: Lab
    gum: Lab
    tongue: Lab
    throat: Lab
    bounce: NDArray[np.float32]
    tilt: float
    blur: float
    grain: Image
    grey: bool


def measure(source: FaceSource) -> Palette:
    """Read a photo's palette from its skin, lips and eyes."""
    points, scale = source.landmarks[:, :2], source.pose.scale
    x0, y0 = np.maximum(np.floor(points.min(axis=0) - scale).astype(int), 0)
    x1, y1 = np.ceil(points.max(axis=0) + scale).astype(int)
    crop = source.photo[y0:y1, x0:x1]
    points = points - (x0, y0)
    lab = cv2.cvtColor(crop.astype(np.float32) / 255, cv2.COLOR_RGB2Lab).astype(np.float32)
    skin = np.array([_patch(lab, points[index], SKIN_RADIUS_CM * scale) for index in SKIN_POINTS])
    cheeks = float(np.percentile(skin[:, 0], 70))
    beside = np.array([_patch(lab, points[index], 0.25 * scale)[0] for index in AROUND])
    # A beard is no darker light.
    around = float(np.maximum(beside, BARE * cheeks).mean())
    lit = 0.4 * cheeks + 0.6 * around
    skin_lab = np.median(skin[skin[:, 0] >= BARE * cheeks], axis=0)
    eyes = [_inside(lab, points[list(ring)]) for ring in EYES]
    white = max((float(np.percentile(eye[:, 0], 85)) for eye in eyes if len(eye)), default=EYE_WHITE * cheeks)
    lips = _lips(lab, points, skin_lab)
    left, right = (float(np.median([_patch(lab, points[i], 0.25 * scale)[0] for i in side])) for side in SIDES)
    apart = float(np.linalg.norm(points[SIDES[1][0]] - points[SIDES[0][0]])) / scale
    tilt = float(np.clip((right - left) / max(left + right, 1) * 2 / max(apart, 1), -0.12, 0.12))
    # Pale lips do not make a pale mouth.
    redness = min(float(np.hypot(*skin_lab[1:])), 1.8 * max(float(skin_lab[1]), 0.0))
    red = np.array([max(lips[1], redness), max(lips[2], 0.7 * skin_lab[2])])
    # Bright whites of the eyes tell of light that reaches into hollows.
    bright = float(np.clip(TOOTH_L + 0.8 * (white / max(cheeks, 1) - EYE_WHITE), *TOOTH_L_RANGE))
    grey = int((crop.max(axis=2).astype(int) - crop.min(axis=2)).max()) <= GREY_LEVELS
    return Palette(
        tooth=np.array([min(max(bright * lit, TOOTH_OF_WHITE * white), 92.0), *(TOOTH_OF_SKIN_AB * skin_lab[1:])]),
        gum=np.array([0.6 * lips[0] + 0.2 * lit, *(0.85 * red)]),
        tongue=np.array([0.52 * lips[0] + 0.2 * lit, *(0.8 * red)]),
        throat=np.array([THROAT_L * lit, *(THROAT_OF_LIPS_AB * red)]),
        bounce=_bounce(lips, skin_lab),
        tilt=tilt,
        blur=blur_of(lab[..., 0], points, scale),
        grain=_grain(lab[..., 0], points, scale),
        grey=grey,
    )


def _bounce(lips: Lab, skin: Lab) -> NDArray[np.float32]:
    """(3,) exponents, see `Palette`, of the Lab of lips and skin."""
    lips_rgb, skin_rgb = (np.maximum(_rgb(colour), 8.0) for colour in (lips, skin))
    share = lips_rgb / skin_rgb
    return np.asarray(np.clip(1 + BOUNCE * (1 - share / share.mean()), 0.7, 1.3), np.float32)


def _rgb(lab: Lab) -> NDArray[np.float32]:
    """(3,) RGB in [0, 255] of a Lab colour."""
    rgb = cv2.cvtColor(lab.astype(np.float32)[None, None], cv2.COLOR_Lab2RGB)[0, 0]
    return np.asarray(255 * np.clip(rgb, 0, 1), np.float32)


def throat_rgb(palette: Palette) -> NDArray[np.float32]:
    """(3,) RGB of the throat in [0, 255]."""
    rgb = _rgb(palette.throat)
    return np.asarray(np.full(3, rgb.mean()) if palette.grey else rgb, np.float32)


def _patch(lab: Image, centre: Lab, radius: float) -> Lab:
    """(3,) median Lab of the square around a point, the nearest one that lies in the picture."""
    height, width = lab.shape[:2]
    x, y = np.clip(centre, 0, (width - 1, height - 1)).astype(int)
    half = max(int(radius), 1)
    piece = lab[max(y - half, 0) : y + half + 1, max(x - half, 0) : x + half + 1]
    return np.asarray(np.median(piece.reshape(-1, 3), axis=0), np.float64)


def _mask(shape: tuple[int, ...], ring: Lab) -> NDArray[np.uint8]:
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round((ring - 0.5) * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
    return mask


def _inside(lab: Image, ring: Lab) -> Lab:
    """(n, 3) Lab of the pixels inside a ring of points."""
    return np.asarray(lab[_mask(lab.shape, ring) > 0], np.float64)


def _lips(lab: Image, points: Lab, skin: Lab) -> Lab:
    """(3,) Lab of the lips; of the skin, a little darker, where the lips are too few pixels to tell."""
    mask = _mask(lab.shape, points[list(OUTER_LIPS)])
    mask[_mask(lab.shape, points[list(INNER_LIPS)]) > 0] = 0
    if mask.sum() < 12:
        return skin * (0.85, 1.2, 1.0)
    return np.asarray(np.median(lab[mask > 0], axis=0), np.float64)


def blur_of(light: Image, points: Lab, scale: float) -> float:
    """Standard deviation in px of the blur of the face's edges.

    A step of height h under a Gaussian blur has the slope h / (sqrt(2 pi) sigma); the strongest edges around eyes and
    mouth tell.
    """
    y0, x0 = np.maximum(points[:, ::-1].min(axis=0).astype(int), 0)
    y1, x1 = points[:, ::-1].max(axis=0).astype(int) + 1
    face = np.ascontiguousarray(light[y0:y1, x0:x1])
    if min(face.shape, default=0) < 8:
        return 0.5
    across = cv2.Sobel(face, cv2.CV_32F, 1, 0) / 8
    down = cv2.Sobel(face, cv2.CV_32F, 0, 1) / 8
    slope = np.hypot(across, down)
    reach = int(np.clip(0.25 * scale, 2, 40)) * 2 + 1
    kernel = np.ones((reach, reach), np.uint8)
    height = cv2.dilate(face, kernel) - cv2.erode(face, kernel)
    steepest = cv2.dilate(slope, kernel)
    strong = height >= np.percentile(height, 95)
    measured = float(np.median(height[strong] / np.maximum(steepest[strong], 1e-3))) / np.sqrt(2 * np.pi)
    # The Sobel operator itself blurs by about 0.7 px.
    return float(np.sqrt(max(measured**2 - 0.5, 0.16)))


def _grain(light: Image, points: Lab, scale: float) -> Image:
    """(n, n) levels of 255: grain as strong and as coarse as the photo's on the smoothest cheek.

    What a cheek keeps when it is smoothed gives the spectrum; the phases are drawn at random, always the same, so that
    no crack or pore is copied.
    """
    half = int(np.clip(0.6 * scale, 4, 64))
    spectrum, least = np.zeros((2 * half, 2 * half)), np.inf
    for index in (205, 425, 50, 280):
        x, y = points[index].astype(int)
        piece = light[max(y - half, 0) : y + half, max(x - half, 0) : x + half]
        if piece.shape != (2 * half, 2 * half):
            continue
        rough = 2.55 * (piece - cv2.GaussianBlur(piece, (0, 0), max(1.5, 0.06 * scale)))
        spread = 1.48 * float(np.median(np.abs(rough)))
        if spread < least:
            least, spectrum = spread, np.abs(np.fft.fft2(np.clip(rough, -2 * spread, 2 * spread)))
    noise = np.random.default_rng(0).standard_normal(spectrum.shape)
    grain = np.fft.ifft2(spectrum * np.exp(1j * np.angle(np.fft.fft2(noise)))).real
    # On a small face a few pixels hold the cheek's own shading, which is no grain.
    return np.asarray(grain * min(1.0, scale / 8), np.float32)
