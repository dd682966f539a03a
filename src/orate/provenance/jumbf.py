"""A C2PA manifest made the same from run to run.

The C2PA library puts random salts into a manifest's boxes, so that two manifests that say the same differ. Salts keep
others from guessing what stood in a box that was taken out later; they need be secret, not random. Here they are
replaced by what follows from a secret of the signing key, and all that depends on them is made anew: the hashes of the
boxes, and the signature over the claim. The length does not change.

A manifest is boxes within boxes (JUMBF, ISO/IEC 19566-5), the claim and its signature are CBOR (RFC 8949) and COSE
(RFC 9052). What is read here of both is what the library writes; anything else is left as it is.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256

SALT_BOX = b"c2sh"
SALT_BYTES = (16, 32)
NAME = b"urn:c2pa:"  # how a manifest's own label begins
CLAIM, SIGNATURE, ASSERTIONS = b"c2pa.claim.v2", b"c2pa.signature", b"c2pa.assertions"
HEADER_BYTES = 8
# Of a description box: the header, a type of 16 bytes, a byte of flags; the label follows.
LABEL_FROM = HEADER_BYTES + 17
COSE_SIGN1 = b"\xd2\x84"
NOTHING_SIGNED_HERE = b"\xf6"  # null: the claim stands in its own box


@dataclass(frozen=True)
class _Box:
    """Where a box stands: `start` of its header, `end` behind its last byte."""

    kind: bytes
    start: int
    end: int


def resealed(manifest: bytes, sign: Callable[[bytes], bytes]) -> bytes | None:
    """The manifest with salts and a signature that follow from its contents.

    Args:
        manifest: one manifest in a store, as it stands in a file.
        sign: the signature of some bytes, always the same one.

    Returns:
        As many bytes; None where the manifest is not built as known here.
    """
    data = bytearray(manifest)
    try:
        boxes = dict(_labelled(data))
        claim, signature = _content(data, boxes[CLAIM]), boxes[SIGNATURE]
        assertions = list(_children(data, boxes[ASSERTIONS]))[1:]
        before = [_digest(data, box) for box in assertions]
        if not all(digest in data[claim.start + HEADER_BYTES : claim.end] for digest in before):
            return None
        _salt(data, assertions, sign(b"orate: salts of " + next(label for label in boxes if label.startswith(NAME))))
        _rehash(data, assertions, before)
        return _signed(data, claim, _content(data, signature), sign)
    except (IndexError, KeyError, StopIteration, ValueError):
        return None


def _children(data: bytes | bytearray, box: _Box) -> Iterator[_Box]:
    at = box.start + HEADER_BYTES
    while at < box.end:
        length = int.from_bytes(data[at : at + 4], "big")
        if length < HEADER_BYTES or at + length > box.end:
            raise ValueError("a box ends beyond the one that holds it")
        yield _Box(bytes(data[at + 4 : at + 8]), at, at + length)
        at += length


def _labelled(data: bytes | bytearray) -> Iterator[tuple[bytes, _Box]]:
    """The store and all boxes in it that hold boxes, each with its label."""
    waiting = [_Box(b"jumb", 0, len(data))]
    while waiting:
        box = waiting.pop()
        inner = list(_children(data, box))
        described = inner[0]
        yield bytes(data[described.start + LABEL_FROM : described.end]).partition(b"\0")[0], box
        waiting += [one for one in inner if one.kind == b"jumb"]


def _content(data: bytearray, box: _Box) -> _Box:
    """The box beside a description."""
    _, content = _children(data, box)
    return content


def _digest(data: bytearray, box: _Box) -> bytes:
    """What refers to a box holds this of it."""
    return sha256(data[box.start + HEADER_BYTES : box.end]).digest()


def _salt(data: bytearray, assertions: list[_Box], secret: bytes) -> None:
    for box in assertions:
        description = next(_children(data, box))
        salt_at = data.find(SALT_BOX, description.start, description.end) + 4
        length = description.end - salt_at
        if salt_at < 4 or length not in SALT_BYTES:
            raise ValueError("a box without salt")
        # The label, not the contents: those hold hashes of other boxes with their salts.
        salt = hmac.digest(secret, bytes(data[description.start : salt_at]), "sha256")[:length]
        data[salt_at : description.end] = salt


def _rehash(data: bytearray, assertions: list[_Box], before: list[bytes]) -> None:
    """Replace the boxes' hashes, in the claim and where one box refers to another, until none changes any more."""
    known = list(before)
    for _ in range(len(assertions) + 1):
        now = [_digest(data, box) for box in assertions]
        if now == known:
            return
        for old, new in zip(known, now, strict=True):
            data[:] = data.replace(old, new)
        known = now
    raise ValueError("boxes that refer to each other in a circle")


def _signed(data: bytearray, claim: _Box, signature: _Box, sign: Callable[[bytes], bytes]) -> bytes | None:
    cose = bytes(data[signature.start + HEADER_BYTES : signature.end])
    if not cose.startswith(COSE_SIGN1):
        return None
    payload = bytes(data[claim.start + HEADER_BYTES : claim.end])
    protected = _bytes_at(cose, len(COSE_SIGN1))
    # Sig_structure of RFC 9052, section 4.4: context, protected header, nothing beside, what is signed.
    made = sign(b"\x84\x6aSignature1" + protected + b"\x40" + _as_bytes(payload))
    end = NOTHING_SIGNED_HERE + _as_bytes(made)
    if cose[-len(end) : -len(made)] != end[: -len(made)]:
        return None
    data[signature.end - len(made) : signature.end] = made
    return bytes(data)


def _bytes_at(cbor: bytes, at: int) -> bytes:
    """The string of bytes that begins there, with its head."""
    head = cbor[at]
    if head >> 5 != 2:
        raise ValueError("no string of bytes")
    size = head & 31
    if size < 24:
        return cbor[at : at + 1 + size]
    width = {24: 1, 25: 2, 26: 4}[size]
    length = int.from_bytes(cbor[at + 1 : at + 1 + width], "big")
    return cbor[at : at + 1 + width + length]


def _as_bytes(value: bytes) -> bytes:
    """A string of bytes in CBOR."""
    length = len(value)
    if length < 24:
        return bytes([0x40 | length]) + value
    for code, width in ((0x58, 1), (0x59, 2), (0x5A, 4)):
        if length < 1 << 8 * width:
            return bytes([code]) + length.to_bytes(width, "big") + value
    raise ValueError("too long")
