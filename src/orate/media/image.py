"""Pictures: anything Pillow opens, as upright 8-bit sRGB."""

from __future__ import annotations

import io
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageCms, ImageOps

from orate.errors import OrateError
from orate.media.files import check_input, whole_file

MIN_SIDE_PX = 64
MAX_SIDE_PX = 12_000
# Pillow hands these to programs outside of Python (Ghostscript, the Windows API).
FOREIGN_FORMATS = frozenset({"EPS", "WMF"})
DEEP_MODES = ("I", "F")  # and every I;16
MAX_8_BIT, MAX_16_BIT = 255, 65_535
ORIENTATION_TAG = 0x0112
BAND_ROWS = 256
WRITE_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".bmp": "BMP", ".tif": "TIFF"}
WRITE_OPTIONS: dict[str, dict[str, Any]] = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"quality": 95}}

Source = str | Path | BinaryIO | Image.Image | np.ndarray


def read_image(source: Source) -> np.ndarray:
    """The picture as (H, W, 3) uint8 RGB, upright, in sRGB; from 64 to 12,000 pixels a side.

    EXIF orientation is obeyed, an embedded colour profile converted, transparency laid over white; grey, palette,
    CMYK and Lab become RGB; 16-bit, 32-bit and float pictures are scaled, not clipped; of an animation it is the
    first frame.

    Args:
        source: a path, an open binary file, a PIL image, or an array: (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of
            uint8, uint16 (to 65,535) or floats (to 1).

    Raises:
        OrateError: no such file, a folder, no permission, empty, not a picture, truncated or damaged, too small or
            too large.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, Image.Image):
        return _to_rgb(source, "The picture")
    if isinstance(source, str | Path):
        with check_input(source).open("rb") as file:
            return _read(file, str(source))
    return _read(source, str(getattr(source, "name", None) or "The picture"))


def _read(file: BinaryIO, name: str) -> np.ndarray:
    with warnings.catch_warnings():
        # Pillow warns from 89 megapixels on, where a phone's panorama may well be, and of every odd tag.
        warnings.simplefilter("ignore")
        try:
            Image.init()
            image = Image.open(file, formats=[kind for kind in Image.OPEN if kind not in FOREIGN_FORMATS])
        except Image.DecompressionBombError as error:
            raise OrateError(f"{name} is too large: at most {MAX_SIDE_PX} pixels a side are read.") from error
        except Exception as error:  # a damaged file makes Pillow's decoders raise anything
            if _is_empty(file):
                raise OrateError(f"{name} is empty (0 bytes).") from error
            raise OrateError(
                f"{name} is not a picture that can be read; give a JPEG, PNG, WebP or TIFF, for instance."
            ) from error
        return _to_rgb(image, name)


def _is_empty(file: BinaryIO) -> bool:
    try:
        return file.seek(0, io.SEEK_END) == 0
    except (OSError, ValueError):
        return False


def _to_rgb(image: Image.Image, name: str) -> np.ndarray:
    _check_size(*image.size, name)
    try:
        image.load()
        return _to_array(_flatten(_upright(image)))
    except Exception as error:  # as above
        raise OrateError(f"{name} is truncated or damaged: its pixels cannot be decoded.") from error


def _check_size(width: int, height: int, name: str) -> None:
    if min(width, height) < MIN_SIDE_PX:
        raise OrateError(f"{name} is too small: {width} x {height} pixels, at least {MIN_SIDE_PX} a side are needed.")
    if max(width, height) > MAX_SIDE_PX:
        raise OrateError(f"{name} is too large: {width} x {height} pixels, at most {MAX_SIDE_PX} a side are read.")


def _upright(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    with suppress(Exception):  # broken EXIF says nothing, the picture is still good
        if image.getexif().get(ORIENTATION_TAG, 1) != 1:  # the call would copy an upright one, too
            image = ImageOps.exif_transpose(image)
    if profile:
        image.info["icc_profile"] = profile
    return image


def _flatten(image: Image.Image) -> Image.Image:
    """Any mode to RGB: depth first, then the colour profile, then transparency over white."""
    profile = image.info.get("icc_profile")
    if image.mode in DEEP_MODES or image.mode.startswith("I;16"):
        image = Image.fromarray(_to_8_bit(np.asarray(image)))
    if not (image.has_transparency_data or image.mode in ("La", "RGBa")):
        return _to_srgb(image, profile)
    straight = image.convert("LA") if image.mode == "La" else image
    rgba = straight.convert("RGBA")
    alpha = rgba.getchannel("A")
    # a grey profile must see grey pixels, not the RGB that "RGBA" made of them
    colours = straight.getchannel("L") if straight.mode == "LA" else rgba.convert("RGB")
    paper = Image.new("RGB", image.size, "white")
    paper.paste(_to_srgb(colours, profile), mask=alpha)
    return paper


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """RGB by the embedded profile; a missing, broken or wrong one counts as sRGB."""
    if image.mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        return _converted(image, lab)
    if image.mode not in ("L", "RGB", "CMYK"):
        image = image.convert("RGB")
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if "srgb" not in ImageCms.getProfileDescription(source).lower():
                return _converted(image, source)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    return image if image.mode == "RGB" else image.convert("RGB")


def _converted(image: Image.Image, profile: Any) -> Image.Image:
    converted = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert converted is not None  # noqa: S101 - None only for inPlace=True
    return converted


def _to_array(image: Image.Image) -> np.ndarray:
    """The caller's own pixels, copied band by band: at once it takes three times the memory of a large photo."""
    array = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, BAND_ROWS):
        bottom = min(top + BAND_ROWS, image.height)
        array[top:bottom] = np.asarray(image.crop((0, top, image.width, bottom)))
    return array


def _to_8_bit(array: np.ndarray) -> np.ndarray:
    """(H, W) integers or floats of unknown scale to uint8: the range is that of the smallest depth that holds them."""
    if not np.isfinite(array).any():
        raise ValueError("no finite pixel")
    values = np.nan_to_num(array.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if array.dtype == np.uint16:
        scale = MAX_8_BIT / MAX_16_BIT
    elif low < 0 or high > MAX_16_BIT:
        values -= low
        scale = MAX_8_BIT / (high - low)
    elif array.dtype.kind == "f" and high <= 1:
        scale = MAX_8_BIT
    else:
        scale = 1 if high <= MAX_8_BIT else MAX_8_BIT / MAX_16_BIT
    eight: np.ndarray = np.rint(values * scale).astype(np.uint8)
    return eight


def _from_array(array: np.ndarray) -> np.ndarray:
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in (1, 3, 4):
        raise OrateError(f"The picture is an array of shape {array.shape}: (H, W), (H, W, 3) or (H, W, 4) is needed.")
    _check_size(array.shape[1], array.shape[0], "The picture")
    if array.dtype == np.uint16:
        array = np.rint(array / np.float32(MAX_16_BIT / MAX_8_BIT)).astype(np.uint8)
    elif array.dtype.kind == "f":
        if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
            raise OrateError("The picture is an array of floats outside 0 to 1: scale it, or give uint8.")
        array = np.rint(array * MAX_8_BIT).astype(np.uint8)
    elif array.dtype != np.uint8:
        raise OrateError(f"The picture is an array of {array.dtype}: uint8, uint16 or floats are needed.")
    squeezed = array[..., 0] if array.ndim == 3 and channels == 1 else array
    return _to_array(_flatten(Image.fromarray(np.ascontiguousarray(squeezed))))


def write_image(path: str | Path, image: np.ndarray) -> None:
    """Writes (H, W, 3) uint8 RGB; the suffix chooses PNG, JPEG, WebP, BMP or TIFF. Whole or not at all.

    Raises:
        OrateError: another suffix, the folder is missing or not writable, the disk is full.
    """
    kind = WRITE_FORMATS.get(Path(path).suffix.lower())
    if kind is None:
        raise OrateError(f"{path} cannot be written: name it {', '.join(WRITE_FORMATS)}.")
    picture = Image.fromarray(image)
    with whole_file(path) as temporary:
        picture.save(temporary, format=kind, **WRITE_OPTIONS.get(kind, {}))
