"""The content id follows from what an output is made of, and from nothing else."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from orate import OrateError
from orate.provenance.content_id import file_sha256, id_from_text, id_text, make_content_id, pixels_sha256

PARTS: dict[str, Any] = {
    "photo": "a" * 64,
    "sound": "b" * 64,
    "seed": 1,
    "model": "default",
    "version": "0.1.0",
    "settings": {"fps": 25.0, "emotion": "happy"},
}


def test_the_same_parts_in_any_order_give_the_same_id() -> None:
    other = {**PARTS, "settings": dict(reversed(PARTS["settings"].items()))}
    assert make_content_id(**PARTS) == make_content_id(**other)
    assert len(make_content_id(**PARTS)) == 8


@pytest.mark.parametrize(
    "change",
    [
        {"photo": "c" * 64},
        {"sound": "c" * 64},
        {"seed": 2},
        {"model": "paper"},
        {"version": "0.2.0"},
        {"settings": {"fps": 25.0}},
        {"settings": {"fps": 30.0, "emotion": "happy"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_any_other_part_gives_another_id(change: dict[str, Any]) -> None:
    assert make_content_id(**{**PARTS, **change}) != make_content_id(**PARTS)


def test_ids_differ_in_half_of_their_bits() -> None:
    ids = [int.from_bytes(make_content_id(**{**PARTS, "seed": seed}), "big") for seed in range(200)]
    assert len(set(ids)) == 200
    differing = [(one ^ other).bit_count() for one, other in pairwise(ids)]
    assert 30 < np.mean(differing) < 34


def test_text_and_back() -> None:
    content_id = make_content_id(**PARTS)
    assert id_from_text(id_text(content_id)) == content_id
    for text in ("", "123", "g" * 16, "A" * 16, id_text(content_id) + "0"):
        assert id_from_text(text) is None
    with pytest.raises(ValueError, match="8 bytes"):
        id_text(b"short")


def test_hashes(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    # The example of FIPS 180-4.
    assert file_sha256(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    with pytest.raises(OrateError, match="no file"):
        file_sha256(tmp_path / "missing")
    picture = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert pixels_sha256(picture) == pixels_sha256(np.asfortranarray(picture))
    assert pixels_sha256(picture) != pixels_sha256(picture.reshape(4, 2, 3))
    assert pixels_sha256(picture) != pixels_sha256(picture + 1)
