"""The content id: 64 bits that name one output, the same in its metadata, its manifest and its watermark.

It follows from what the output is made of, not from chance or time: the same photo, sound, seed, model, version and
settings give the same id, and so the same file. Whoever has only the id learns nothing of photo or sound.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import file_digest, sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orate.media.files import check_input, input_error

ID_BYTES = 8
ID_TEXT = re.compile(r"[0-9a-f]{16}")

Value = str | int | float | bool


def make_content_id(
    *, photo: str, sound: str, seed: int, model: str, version: str, settings: Mapping[str, Value]
) -> bytes:
    """The id of an output.

    Args:
        photo: SHA-256 of the photo's pixels, see `pixels_sha256`.
        sound: SHA-256 of the sound's file, see `file_sha256`.
        seed: of the movement.
        model: name of the model.
        version: of orate.
        settings: all that changes the frames besides.

    Returns:
        8 bytes, the first of a SHA-256.
    """
    parts = {
        "photo": photo,
        "sound": sound,
        "seed": seed,
        "model": model,
        "version": version,
        "settings": dict(settings),
    }
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).digest()[:ID_BYTES]


def id_text(content_id: bytes) -> str:
    """16 lower-case hexadecimal digits."""
    if len(content_id) != ID_BYTES:
        raise ValueError(f"a content id has {ID_BYTES} bytes, not {len(content_id)}")
    return content_id.hex()


def id_from_text(text: str) -> bytes | None:
    """The id of a text, or None where the text is no id."""
    return bytes.fromhex(text) if ID_TEXT.fullmatch(text) else None


def file_sha256(path: str | Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits.

    Raises:
        OrateError: no such file, or it cannot be read.
    """
    try:
        with check_input(path).open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise input_error(path, error) from error


def pixels_sha256(picture: NDArray[np.uint8]) -> str:
    """SHA-256 of a picture's size and pixels, (H, W, 3) uint8 RGB: the same whatever file they came from."""
    digest = sha256(repr(picture.shape).encode())
    digest.update(np.ascontiguousarray(picture).data)
    return digest.hexdigest()
