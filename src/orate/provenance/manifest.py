"""The C2PA manifest of an output: signed, so that a change of the file or of what is said becomes evident.

Content Credentials of the Coalition for Content Provenance and Authenticity, specification 2.2 (https://c2pa.org). They
are made by its own library, without any connection to the network: no timestamp, no list of revoked certificates.
"""

from __future__ import annotations

import json
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

from PIL import Image

from orate.errors import OrateError
from orate.media.files import whole_file
from orate.provenance.c2pa_library import (
    GENERATOR,
    MEDIA_TYPES,
    NEAR_BYTES,
    STATEMENT_LABEL,
    load_library,
    offline_context,
)
from orate.provenance.content_id import file_sha256
from orate.provenance.jumbf import resealed
from orate.provenance.manifest_reader import read_manifest
from orate.provenance.signer import Signer
from orate.provenance.statement import Statement

GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def embed_manifest(path: Path, statement: Statement, signer: Signer, name: str | Path | None = None) -> None:
    """Sign a finished file: it gets a manifest, nothing else of it changes. Whole or not at all.

    Args:
        path: the file.
        statement: what the manifest says.
        signer: who signs. Where its signatures are not random, the same file and statement give the same bytes.
        name: what the file will be called, if not as it is: tells its kind, and is named in errors.

    Raises:
        OrateError: the certificate does not serve to sign content, the disk is full.
    """
    name = path if name is None else Path(name)
    media_type = MEDIA_TYPES.get(name.suffix.lower(), MEDIA_TYPES[".mp4"])
    with whole_file(path, name) as temporary:
        definition = _definition(statement, media_type, file_sha256(path))
        with path.open("rb") as source, temporary.open("w+b") as signed:
            _sign(definition, media_type, signer, source, signed)
        read = read_manifest(temporary, media_type)
        if not read.intact or read.problems:
            raise OrateError(f"{name} could not be signed: {', '.join(read.problems) or 'no manifest in it'}.")


def check_signer(signer: Signer) -> None:
    """Sign something small, so that it is known before anything is generated that the certificate serves.

    Raises:
        OrateError: it does not; the library that signs is not there.
    """
    picture = BytesIO()
    Image.new("L", (1, 1)).save(picture, "PNG")
    picture.seek(0)
    definition = {"claim_generator_info": [{"name": GENERATOR}], "assertions": [_actions({"action": "c2pa.created"})]}
    _sign(definition, "image/png", signer, picture, BytesIO())


def _sign(definition: dict[str, Any], media_type: str, signer: Signer, source: BinaryIO, signed: BinaryIO) -> None:
    library = load_library()
    try:
        with (
            offline_context() as context,
            library.Builder.from_json(json.dumps(definition), context) as builder,
            _native(signer) as native,
        ):
            made = builder.sign(native, media_type, source, signed)
    except library.C2paError as error:
        why = str(error).removeprefix("Signature: ").rstrip(".")
        raise OrateError(f"The certificate of {signer.name or 'the signer'} does not serve to sign: {why}.") from error
    if signer.sign and (sealed := resealed(made, signer.sign)):
        _replace(signed, made, sealed)


def _definition(statement: Statement, media_type: str, file_digest: str) -> dict[str, Any]:
    said = statement.as_json()
    # Names follow from the contents: two files share them only if they are the same file with the same statement.
    unique = sha256((file_digest + json.dumps(said, sort_keys=True)).encode()).digest()
    label, instance = (UUID(bytes=part, version=4) for part in (unique[:16], unique[16:]))
    photo_of = "file" if statement.photo_is_file else "pixels"
    action: dict[str, Any] = {
        "action": "c2pa.created",
        "softwareAgent": {"name": GENERATOR, "version": statement.version},
        "description": statement.sentence,
        "parameters": {"ingredientIds": ["photo", "sound"]},
    }
    if statement.time:
        action["when"] = statement.time_text
    return {
        "label": f"urn:c2pa:{label}",
        "instance_id": f"xmp:iid:{instance}",
        "claim_generator_info": [{"name": GENERATOR, "version": statement.version}],
        "title": "AI-generated video",
        "format": media_type,
        "ingredients": [
            _ingredient("photo", statement.photo_type, statement.photo_sha256, photo_of),
            _ingredient("sound", statement.sound_type, statement.sound_sha256, "file"),
        ],
        "assertions": [
            _actions(action),
            {"label": STATEMENT_LABEL, "data": said},
        ],
    }


def _ingredient(label: str, media_type: str, digest: str, digest_of: str) -> dict[str, Any]:
    """What it was made of, by its hash alone: neither the face, nor the voice, nor the names of files."""
    return {
        "label": label,
        "title": label,
        "format": media_type,
        "relationship": "inputTo",
        "instance_id": f"sha256:{digest}",
        "description": f"SHA-256 of the {label}'s {digest_of}: {digest}",
    }


def _actions(action: dict[str, Any]) -> dict[str, Any]:
    return {"label": "c2pa.actions.v2", "data": {"actions": [{"digitalSourceType": GENERATED, **action}]}}


def _replace(file: BinaryIO, old: bytes, new: bytes) -> None:
    """Put the manifest in the place of the one that the library wrote, near the beginning of the file."""
    file.seek(0)
    at = file.read(len(old) + NEAR_BYTES).find(old)
    if at >= 0:
        file.seek(at)
        file.write(new)
        file.flush()


def _native(signer: Signer) -> Any:
    library = load_library()
    info = library.C2paSignerInfo(
        alg=signer.algorithm.encode(), sign_cert=signer.chain, private_key=signer.key, ta_url=None
    )
    return library.Signer.from_info(info)
