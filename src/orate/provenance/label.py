"""The visible label: small text in a corner that says to everybody who watches what a video is.

White letters on a dark, half transparent plate: readable on any ground. Letters are a twentieth of the frame's shorter
side high, the least that GB 45438-2025 allows, and there from the first frame on, fully for at least as long as asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from orate.errors import OrateError

TEXT = "AI-generated"
CHARACTERS_MAX = 40
HEIGHT = 0.05  # of a capital letter, in shorter sides of the frame
SMALLEST_PX = 7  # height of a capital letter, if the text then fits
PLATE_OPACITY = 0.62  # white on white through it has a contrast of 6 : 1
PADDING = 0.55  # around the text, in heights of a capital letter
MARGIN = 0.6  # to the frame's edge, likewise
FADE_S = 0.5
PROBE_PX = 100
UNKNOWN = "\U0010ffff"  # no font has it: drawn as what stands for missing characters

Pixels = NDArray[np.uint8]


class Corner(StrEnum):
    """Where the label stands. Players put their controls at the bottom."""

    TOP_LEFT = "top-left"
    TOP_RIGHT = "top-right"
    BOTTOM_LEFT = "bottom-left"
    BOTTOM_RIGHT = "bottom-right"


@dataclass(frozen=True)
class LabelStyle:
    """How a label looks, for frames of any size.

    Attributes:
        text: one line; in China it must contain "AI" or the Chinese words for it.
        corner: where it stands.
        seconds: how long it is fully there from the beginning on; None is always. Then it fades within half a second.
        font: TrueType or OpenType file; None for a plain sans-serif with Latin letters.
    """

    text: str = TEXT
    corner: Corner = Corner.TOP_LEFT
    seconds: float | None = None
    font: str | Path | None = None


class Label:
    """Burns a label into the frames of one video.

    Args:
        style: what it says and where.
        height: of the frames, px.
        width: px.
        fps: frames a second.

    Raises:
        OrateError: no text or one too long, a time below zero, a font that cannot be read or lacks a character.
    """

    def __init__(self, style: LabelStyle, height: int, width: int, fps: float) -> None:
        text = style.text.strip()
        if not text or len(text) > CHARACTERS_MAX or not text.isprintable():
            raise OrateError(
                f"The label {style.text!r} cannot be shown: give one line of 1 to {CHARACTERS_MAX} letters."
            )
        if style.seconds is not None and not style.seconds >= 0:
            raise OrateError(f"A label cannot be shown for {style.seconds} s.")
        self._shape, self._fps, self._seconds = (height, width, 3), fps, style.seconds
        colour, opacity = _drawn(text, style.font, height, width)
        rows, columns = opacity.shape
        margin = min(round(MARGIN * _capital(height, width)), (height - rows) // 2, (width - columns) // 2)
        top = margin if style.corner in (Corner.TOP_LEFT, Corner.TOP_RIGHT) else height - margin - rows
        left = margin if style.corner in (Corner.TOP_LEFT, Corner.BOTTOM_LEFT) else width - margin - columns
        self.box = (slice(top, top + rows), slice(left, left + columns))
        self._opacity = opacity[..., None]
        self._over = (colour * opacity)[..., None]

    def __call__(self, frame: Pixels, number: int) -> Pixels:
        """A frame with its label.

        Args:
            frame: (H, W, 3) uint8 RGB; is not changed.
            number: of the frame, from 0.

        Returns:
            (H, W, 3) uint8; the frame itself where no label is to be seen any more.
        """
        if frame.shape != self._shape or frame.dtype != np.uint8:
            raise ValueError(f"frame of {frame.dtype} {frame.shape}, expected uint8 {self._shape}")
        strength = self.strength(number)
        if strength <= 0:
            return frame
        labelled = frame.copy()
        under = frame[self.box].astype(np.float32)
        labelled[self.box] = np.rint(under + strength * (self._over - self._opacity * under)).astype(np.uint8)
        return labelled

    def strength(self, number: int) -> float:
        """How much of the label is there in a frame, 0 to 1."""
        if self._seconds is None:
            return 1.0
        return float(np.clip(1 - (number / self._fps - self._seconds) / FADE_S, 0, 1))


def _capital(height: int, width: int) -> int:
    """Height of a capital letter, px."""
    return max(SMALLEST_PX, ceil(HEIGHT * min(height, width)))


def _drawn(
    text: str, font_file: str | Path | None, height: int, width: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(h, w) each: grey levels of the label and its opacity; as large as wanted, or as fits."""
    probe = _font(font_file, PROBE_PX)
    if missing := [letter for letter in text if not letter.isspace() and _same(probe, letter, UNKNOWN)]:
        raise OrateError(
            f"The label's font has no character {missing[0]!r}: give a font that has it, as a file (--label-font)."
        )
    top, bottom = (probe.getbbox(text)[k] for k in (1, 3))
    capital_top, capital_bottom = (probe.getbbox("A")[k] for k in (1, 3))
    letters = max(capital_bottom - capital_top, 1.0)
    capital = float(_capital(height, width))
    wide = probe.getlength(text) / letters + 2 * PADDING
    high = (bottom - top) / letters + 2 * PADDING
    capital = min(capital, width / wide, height / high)
    font = _font(font_file, max(1.0, PROBE_PX * capital / letters))
    left, top, right, bottom = font.getbbox(text)
    padding = PADDING * capital
    columns, rows = min(width, ceil(right - left + 2 * padding)), min(height, ceil(bottom - top + 2 * padding))
    plate = Image.new("L", (columns, rows))
    ImageDraw.Draw(plate).rounded_rectangle((0, 0, columns - 1, rows - 1), radius=round(padding / 2), fill=255)
    ink = Image.new("L", (columns, rows))
    ImageDraw.Draw(ink).text(((columns - right + left) / 2 - left, (rows - bottom + top) / 2 - top), text, 255, font)
    letters_there = np.asarray(ink, np.float32) / 255
    opacity = np.maximum(np.asarray(plate, np.float32) / 255 * PLATE_OPACITY, letters_there)
    # Black plate, white letters; where both are half there, as much grey as keeps the letters' own share.
    colour = 255 * letters_there / np.maximum(opacity, 1e-6)
    return colour.astype(np.float32), opacity.astype(np.float32)


def _font(file: str | Path | None, size: float) -> ImageFont.FreeTypeFont:
    if file is None:
        font = ImageFont.load_default(size)
        if not isinstance(font, ImageFont.FreeTypeFont):
            raise OrateError("This Pillow draws no letters of a chosen size: install one that was built with FreeType.")
        return font
    try:
        return ImageFont.truetype(str(file), size)
    except OSError as error:
        raise OrateError(f"{file} is not a font that can be read: give a TrueType or OpenType file.") from error


def _same(font: ImageFont.FreeTypeFont, one: str, other: str) -> bool:
    masks = [font.getmask(letter) for letter in (one, other)]
    return masks[0].size == masks[1].size and bytes(masks[0]) == bytes(masks[1])
