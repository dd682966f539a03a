from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from orate.errors import OrateError
from orate.media.image import read_image, write_image

RAMP = np.tile(np.linspace(0, 255, 96).astype(np.uint8), (64, 1))  # (64, 96)
COLOUR = np.stack([RAMP, RAMP[::-1, ::-1], np.full_like(RAMP, 60)], axis=2)
QUADRANTS = np.kron(np.array([[0, 80], [160, 240]], np.uint8), np.ones((32, 48), np.uint8))
# EXIF orientation -> the stored pixels, from the upright ones
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.T,
    6: lambda a: np.rot90(a),
    7: lambda a: np.rot90(a, 2).T,
    8: lambda a: np.rot90(a, -1),
}


def grey(level: np.ndarray) -> np.ndarray:
    return np.repeat(level[..., None], 3, axis=2)


def linear_profile() -> bytes:
    """An ICC profile of version 2: sRGB's primaries with linear light."""

    def xyz(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, 256) + b"\0\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", 7) + b"linear\0" + bytes(79)
    tags = {
        b"rXYZ": xyz(0.4361, 0.2225, 0.0139),
        b"gXYZ": xyz(0.3851, 0.7169, 0.0971),
        b"bXYZ": xyz(0.1431, 0.0606, 0.7141),
        b"wtpt": xyz(0.9642, 1, 0.8249),
        b"desc": text + bytes(-len(text) % 4),
        b"cprt": b"text\0\0\0\0\0\0\0\0",
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += name + struct.pack(">II", 128 + 4 + 12 * len(tags) + len(body), len(data))
        body += data
    head = bytearray(128)
    head[8:12], head[12:24] = b"\x02\x10\0\0", b"mntrRGB XYZ "
    head[36:40], head[68:80] = b"acsp", struct.pack(">3i", 63190, 65536, 54061)
    head[0:4] = struct.pack(">I", 128 + len(table) + len(body))
    return bytes(head) + table + body


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
def test_exif_orientation(orientation: int, suffix: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(STORED[orientation](QUADRANTS))
    Image.fromarray(stored).convert("RGB").save(tmp_path / f"a.{suffix}", exif=exif, quality=95)
    got = read_image(tmp_path / f"a.{suffix}")
    assert got.shape == (64, 96, 3)
    assert np.abs(got.astype(int) - grey(QUADRANTS)).mean() < 2


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGB", "PA", "La", "RGBa"])
def test_transparency_lies_over_white(mode: str, tmp_path: Path) -> None:
    straight = Image.fromarray(np.dstack([grey(np.full((64, 64), 100, np.uint8)), np.full((64, 64), 255, np.uint8)]))
    straight.paste((100, 100, 100, 0), (0, 0, 32, 64))
    if mode in ("P", "RGB"):
        keyed = Image.new("RGB", (64, 64), (100, 100, 100))
        keyed.paste((1, 2, 3), (0, 0, 32, 64))
        key = keyed.quantize(4) if mode == "P" else keyed
        transparent = key.getpixel((0, 0))
        key.save(tmp_path / "a.png", transparency=transparent)
        got = read_image(tmp_path / "a.png")
    else:
        got = read_image(straight.convert("LA").convert(mode) if mode == "La" else straight.convert(mode))
    assert (got[:, :32] == 255).all()
    assert np.abs(got[:, 32:].astype(int) - 100).max() <= 1


def test_half_transparent() -> None:
    got = read_image(np.dstack([np.zeros((64, 64, 3), np.uint8), np.full((64, 64), 128, np.uint8)]))
    assert np.unique(got).tolist() == [127]


@pytest.mark.parametrize("mode", ["L", "RGB", "YCbCr", "HSV", "LAB"])
def test_modes(mode: str) -> None:
    got = read_image(Image.new("RGB", (64, 64), (200, 120, 90)).convert(mode) if mode != "LAB" else lab(200, 120, 90))
    wanted = (140, 140, 140) if mode == "L" else (200, 120, 90)
    assert np.abs(got.astype(int) - wanted).max() <= 4


def lab(*colour: int) -> Image.Image:
    from PIL import ImageCms

    image = Image.new("RGB", (64, 64), colour)
    got = ImageCms.profileToProfile(
        image, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert got is not None
    return got


def test_one_bit(tmp_path: Path) -> None:
    Image.fromarray(QUADRANTS > 100).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), grey(np.where(QUADRANTS > 100, 255, 0)))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_is_scaled_not_clipped(suffix: str, tmp_path: Path) -> None:
    Image.fromarray(RAMP.astype(np.uint16) * 257).save(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(read_image(tmp_path / f"a.{suffix}"), grey(RAMP))


@pytest.mark.parametrize(
    "array",
    [
        RAMP.astype(np.float32) / 255,
        RAMP.astype(np.float32),
        RAMP.astype(np.float32) * 257,
        RAMP.astype(np.int32),
        RAMP.astype(np.int32) * 257,
        RAMP.astype(np.int32) * 100_000,
        RAMP.astype(np.float32) - 127,
    ],
)
def test_deep_pictures_are_scaled(array: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray(array).save(tmp_path / "a.tif")
    assert np.abs(read_image(tmp_path / "a.tif").astype(int) - grey(RAMP)).max() <= 1


def test_float_pictures_with_holes(tmp_path: Path) -> None:
    array = RAMP.astype(np.float32) / 255
    array[0, 0] = np.nan
    Image.fromarray(array).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), grey(RAMP))
    Image.fromarray(np.full_like(array, np.nan)).save(tmp_path / "b.tif")
    with pytest.raises(OrateError, match="damaged"):
        read_image(tmp_path / "b.tif")


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_cmyk(suffix: str, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), (200, 120, 90)).convert("CMYK").save(
        tmp_path / f"a.{suffix}"
    )  # JPEG: inverted, Adobe's way
    assert np.abs(read_image(tmp_path / f"a.{suffix}").astype(int) - (200, 120, 90)).max() <= 3


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_an_embedded_profile_is_converted(mode: str, tmp_path: Path) -> None:
    image = Image.new("RGB", (64, 64), (128, 128, 128))
    image = image.quantize(2) if mode == "P" else image.convert(mode)
    image.save(tmp_path / "a.png", icc_profile=linear_profile())
    assert np.abs(read_image(tmp_path / "a.png").astype(int) - 188).max() <= 1


@pytest.mark.parametrize("profile", [b"no profile", linear_profile()[:200]])
def test_a_broken_profile_is_ignored(profile: bytes, tmp_path: Path) -> None:
    Image.fromarray(COLOUR).save(tmp_path / "a.png", icc_profile=profile)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), COLOUR)
    Image.new("L", (64, 64), 90).save(tmp_path / "b.png", icc_profile=linear_profile())  # an RGB profile on grey
    assert (read_image(tmp_path / "b.png") == 90).all()


def test_animations_give_their_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    for name in ("a.gif", "a.webp", "a.png"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        assert np.abs(read_image(tmp_path / name).astype(int) - (255, 0, 0)).max() <= 2


def test_sizes(tmp_path: Path) -> None:
    assert read_image(np.zeros((64, 64), np.uint8)).shape == (64, 64, 3)
    Image.new("1", (12_000, 7_600)).save(tmp_path / "large.png")  # more pixels than Pillow opens without a warning
    assert read_image(tmp_path / "large.png").shape == (7_600, 12_000, 3)
    Image.new("1", (12_001, 64)).save(tmp_path / "larger.png")
    with pytest.raises(OrateError, match=r"larger\.png is too large: 12001 x 64 pixels"):
        read_image(tmp_path / "larger.png")
    with pytest.raises(OrateError, match="too small: 200 x 63 pixels"):
        read_image(Image.new("RGB", (200, 63)))


def test_a_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    data = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + data + struct.pack(">I", zlib.crc32(b"IHDR" + data))
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 8) + b"IDAT" + bytes(12))
    with pytest.raises(OrateError, match=r"bomb\.png is too large"):
        read_image(tmp_path / "bomb.png")


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif", "gif", "bmp"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7])
def test_truncated_files(suffix: str, share: float, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / f"a.{suffix}")
    whole = (tmp_path / f"a.{suffix}").read_bytes()
    (tmp_path / f"a.{suffix}").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(OrateError, match=r"is truncated or damaged|is not a picture"):
        read_image(tmp_path / f"a.{suffix}")


def test_errors_are_sentences(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("These are words.")
    (tmp_path / "a.eps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\n")
    for name, sentence in {
        "missing.jpg": "There is no file",
        "empty.jpg/x": "There is no file",
        ".": "is a folder",
        "empty.jpg": "is empty",
        "text.jpg": "is not a picture",
        "a.eps": "is not a picture",
    }.items():
        with pytest.raises(OrateError, match=sentence):
            read_image(str(tmp_path / name))
    with pytest.raises(OrateError, match="The picture is empty"):
        read_image(io.BytesIO())


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", COLOUR)
    (tmp_path / "a.png").chmod(0)
    with pytest.raises(OrateError, match="may not be read"):
        read_image(tmp_path / "a.png")


def test_other_sources(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", COLOUR)
    with (tmp_path / "a.png").open("rb") as file:
        np.testing.assert_array_equal(read_image(file), COLOUR)
    np.testing.assert_array_equal(read_image(Image.fromarray(COLOUR)), COLOUR)
    for array in (COLOUR, COLOUR.astype(np.uint16) * 257, COLOUR.astype(np.float64) / 255):
        np.testing.assert_array_equal(read_image(array), COLOUR)
    np.testing.assert_array_equal(read_image(RAMP[..., None]), grey(RAMP))
    got = read_image(COLOUR)
    got[:] = 0  # the caller's own
    assert COLOUR.any()


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (np.zeros((64, 64, 2), np.uint8), "shape"),
        (np.zeros(64, np.uint8), "shape"),
        (np.zeros((64, 64), np.int64), "int64"),
        (np.full((64, 64), 255.0), "outside 0 to 1"),
        (np.full((64, 64), np.nan), "outside 0 to 1"),
        (np.zeros((0, 0, 3), np.uint8), "too small"),
    ],
)
def test_other_arrays_are_refused(array: np.ndarray, sentence: str) -> None:
    with pytest.raises(OrateError, match=sentence):
        read_image(array)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.bmp", "a.tif"])
def test_written_pictures_are_read_back(name: str, tmp_path: Path) -> None:
    write_image(tmp_path / name, COLOUR)
    assert np.abs(read_image(tmp_path / name).astype(int) - COLOUR).mean() < 2
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_writing_fails_in_a_sentence_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OrateError, match=r"name it \.png"):
        write_image(tmp_path / "a.xyz", COLOUR)
    with pytest.raises(OrateError, match="there is no folder"):
        write_image(tmp_path / "no" / "a.png", COLOUR)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OrateError, match="the disk is full"):
        write_image(tmp_path / "a.png", COLOUR)
    assert not list(tmp_path.iterdir())
