"""The C2PA manifest of an output: signed, so that a change of the file or of what is said becomes evident.

Content Credentials of the Coalition for Content Provenance and Authenticity, specification 2.2 (https://c2pa.org). They
are made and read by its own library, without any connection to the network: no timestamp, no list of revoked
certificates, nothing fetched.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from orate.errors import OrateError
from orate.media.files import input_error, output_error, temporary_beside
from orate.provenance.content_id import file_sha256
from orate.provenance.jumbf import resealed
from orate.provenance.own_certificate import is_self_made
from orate.provenance.signer import Signer
from orate.provenance.statement import Statement

GENERATOR = "orate"
STATEMENT_LABEL = "orate.statement"
GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
MEDIA_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/x-m4v",
    ".mov": "video/quicktime",
    ".avi": "video/avi",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".gif": "image/gif",
    ".avif": "image/avif",
    ".heic": "image/heic",
}
OFFLINE: dict[str, Any] = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": False, "verify_after_sign": False},
    "builder": {
        "thumbnail": {"enabled": False},  # a face more than needed
        # All is said by orate itself, not gathered from others.
        "created_assertion_labels": [
            *("c2pa.actions", "c2pa.actions.v2", "c2pa.ingredient", "c2pa.ingredient.v3"),
            STATEMENT_LABEL,
        ],
    },
}
NEAR_BYTES = 1 << 16
# A certificate that has run out, or that the library would not accept: the file itself is as it was signed.
ABOUT_THE_CERTIFICATE = ("signingCredential.", "claimSignature.outsideValidity", "timeStamp.")


@dataclass(frozen=True)
class Manifest:
    """What was read of a file.

    Attributes:
        present: there is one.
        intact: signature and hashes fit: nothing was changed since it was signed.
        problems: codes of the C2PA specification for what does not fit.
        generator: the software that made the claim; of a manifest that cannot be read, empty.
        said: what an output of orate states; empty in manifests of others.
        source_type: the digital source type that the first action states, the last part of its address.
        signer: whom the certificate names, and the organization.
        self_made: the certificate is one that orate made for an installation.
    """

    present: bool = False
    intact: bool = False
    problems: tuple[str, ...] = ()
    generator: str = ""
    said: dict[str, Any] = field(default_factory=dict)
    source_type: str = ""
    signer: str = ""
    self_made: bool = False


def embed_manifest(path: Path, statement: Statement, signer: Signer, media_type: str = "video/mp4") -> None:
    """Sign a finished file: it gets a manifest, nothing else of it changes. Whole or not at all.

    Args:
        path: the file; need not have the suffix of its kind.
        statement: what the manifest says.
        signer: who signs. Where its signatures are not random, the same file and statement give the same bytes.
        media_type: of the file.

    Raises:
        OrateError: the certificate does not serve to sign content, the disk is full.
    """
    library = _library()
    temporary = temporary_beside(path)
    try:
        definition = json.dumps(_definition(statement, media_type, file_sha256(path)))
        with (
            _context(library) as context,
            library.Builder.from_json(definition, context) as builder,
            _native(library, signer) as native,
            path.open("rb") as source,
            temporary.open("w+b") as signed,
        ):
            made = builder.sign(native, media_type, source, signed)
            if signer.sign and (sealed := resealed(made, signer.sign)):
                _replace(signed, made, sealed)
        read = read_manifest(temporary, media_type)
        if not read.intact or read.problems:
            raise OrateError(
                f"The certificate of {signer.name or 'the signer'} does not serve to sign content "
                f"({', '.join(read.problems) or 'no manifest'}): see the C2PA specification, section 14.5."
            )
        temporary.replace(path)
    except OSError as error:
        raise output_error(path, error) from error
    except library.C2paError as error:
        raise OrateError(f"{path} could not be signed with the certificate of {signer.name}: {error}.") from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def read_manifest(path: str | Path, media_type: str | None = None) -> Manifest:
    """The manifest of a picture or a video; of other kinds of files, and of those that have none, an empty one.

    Raises:
        OrateError: the file cannot be read.
    """
    kind = media_type or MEDIA_TYPES.get(Path(path).suffix.lower())
    library = _library()
    if kind is None:
        return Manifest()
    try:
        with (
            Path(path).open("rb") as file,
            _context(library) as context,
            library.Reader(kind, file, context=context) as reader,
        ):
            return _read(reader)
    except (library.C2paError.ManifestNotFound, library.C2paError.NotSupported):
        return Manifest()
    except library.C2paError as error:
        text = str(error)
        # A file that is damaged, or of another kind than its name says, holds no manifest that anybody could see.
        if text.startswith(("Other: asset", "Io:")):
            return Manifest()
        ours = GENERATOR if _mentions_us(Path(path)) else ""
        return Manifest(present=True, problems=(text.strip(": ") or "unreadable",), generator=ours)
    except OSError as error:
        raise input_error(path, error) from error


def _mentions_us(path: Path) -> bool:
    """Whether a manifest that cannot be read was one of orate: manifests stand near the beginning of a file."""
    with path.open("rb") as file:
        return STATEMENT_LABEL.encode() in file.read(NEAR_BYTES)


def _read(reader: Any) -> Manifest:
    active = reader.get_active_manifest() or {}
    results = (reader.get_validation_results() or {}).get("activeManifest") or {}
    problems = tuple(dict.fromkeys(str(one.get("code")) for one in results.get("failure") or []))
    generators = active.get("claim_generator_info") or [{}]
    signature = active.get("signature_info") or {}
    issuer = signature.get("issuer")
    assertions = {one.get("label"): one.get("data") for one in active.get("assertions") or []}
    said = assertions.get(STATEMENT_LABEL)
    return Manifest(
        present=True,
        intact=all(problem.startswith(ABOUT_THE_CERTIFICATE) for problem in problems),
        problems=problems,
        generator=str(generators[0].get("name", "")),
        said=said if isinstance(said, dict) else {},
        source_type=_source_type(assertions.get("c2pa.actions.v2") or assertions.get("c2pa.actions")),
        signer=", ".join(str(part) for part in (signature.get("common_name"), issuer) if part),
        self_made=is_self_made(issuer),
    )


def _source_type(actions: Any) -> str:
    if not isinstance(actions, dict):
        return ""
    types = [one.get("digitalSourceType") for one in actions.get("actions") or [] if isinstance(one, dict)]
    return next((str(kind).rpartition("/")[2] for kind in types if kind), "")


def _definition(statement: Statement, media_type: str, file_digest: str) -> dict[str, Any]:
    said = statement.as_json()
    # Names follow from the contents: two files share them only if they are the same file with the same statement.
    unique = sha256((file_digest + json.dumps(said, sort_keys=True)).encode()).digest()
    label, instance = (UUID(bytes=part, version=4) for part in (unique[:16], unique[16:]))
    photo_of = "file" if statement.photo_is_file else "pixels"
    action: dict[str, Any] = {
        "action": "c2pa.created",
        "digitalSourceType": GENERATED,
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
            {"label": "c2pa.actions.v2", "data": {"actions": [action]}},
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


def _replace(file: Any, old: bytes, new: bytes) -> None:
    """Put the manifest in the place of the one that the library wrote, near the beginning of the file."""
    file.seek(0)
    at = file.read(len(old) + NEAR_BYTES).find(old)
    if at >= 0:
        file.seek(at)
        file.write(new)
        file.flush()


def _native(library: Any, signer: Signer) -> Any:
    info = library.C2paSignerInfo(
        alg=signer.algorithm.encode(), sign_cert=signer.chain, private_key=signer.key, ta_url=None
    )
    return library.Signer.from_info(info)


def _context(library: Any) -> Any:
    return library.Context.from_dict(OFFLINE)


def _library() -> Any:
    try:
        import c2pa  # type: ignore[import-untyped]
    except (ImportError, OSError) as error:  # the wheel's own library may be missing for this kind of machine
        raise OrateError(
            "Content credentials need the package c2pa-python, which is not there: pip install c2pa-python, "
            "or leave them out with --no-credentials."
        ) from error
    return c2pa
