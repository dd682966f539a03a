"""Reading the C2PA manifest of a file, and whether it fits."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orate.media.files import input_error
from orate.provenance.c2pa_library import (
    GENERATOR,
    MEDIA_TYPES,
    NEAR_BYTES,
    STATEMENT_LABEL,
    load_library,
    offline_context,
)
from orate.provenance.own_certificate import is_self_made

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
        trusted: one of the roots that were given vouches for the signer; None where none was given.
        made_from: content ids, as text, of outputs of orate that a manifest of others says that the file was made from.
    """

    present: bool = False
    intact: bool = False
    problems: tuple[str, ...] = ()
    generator: str = ""
    said: dict[str, Any] = field(default_factory=dict)
    source_type: str = ""
    signer: str = ""
    self_made: bool = False
    trusted: bool | None = None
    made_from: tuple[str, ...] = ()


def read_manifest(path: str | Path, media_type: str | None = None, roots: str | None = None) -> Manifest:
    """The manifest of a picture or a video; of other kinds of files, and of those that have none, an empty one.

    Args:
        path: the file.
        media_type: its kind, where its name does not tell.
        roots: certificates (PEM) of those who vouch for signers; None is not to ask who signed.

    Raises:
        OrateError: the file cannot be read.
    """
    kind = media_type or MEDIA_TYPES.get(Path(path).suffix.lower())
    library = load_library()
    if kind is None:
        return Manifest()
    try:
        with (
            Path(path).open("rb") as file,
            offline_context(roots) as context,
            library.Reader(kind, file, context=context) as reader,
        ):
            return _read(reader, asked=roots is not None)
    except (library.C2paError.ManifestNotFound, library.C2paError.NotSupported):
        return Manifest()
    except library.C2paError as error:
        text = str(error)
        # A file that is damaged, or of another kind than its name says, holds no manifest that anybody could see.
        if text.startswith(("Other: asset", "Io:")):
            return Manifest()
        ours = GENERATOR if _mentions_us(Path(path)) else ""
        return Manifest(present=True, problems=(text.strip(": ") or "unreadable",), generator=ours)
    except (KeyError, ValueError):  # the library's own readings of a damaged manifest
        return Manifest(present=True, problems=("unreadable",), generator=GENERATOR if _mentions_us(Path(path)) else "")
    except OSError as error:
        raise input_error(path, error) from error


def _mentions_us(path: Path) -> bool:
    """Whether a manifest that cannot be read was one of orate: manifests stand near the beginning of a file."""
    with path.open("rb") as file:
        return STATEMENT_LABEL.encode() in file.read(NEAR_BYTES)


def _read(reader: Any, *, asked: bool) -> Manifest:
    active = reader.get_active_manifest() or {}
    results = (reader.get_validation_results() or {}).get("activeManifest") or {}
    problems = tuple(dict.fromkeys(str(one.get("code")) for one in results.get("failure") or []))
    generators = active.get("claim_generator_info") or [{}]
    signature = active.get("signature_info") or {}
    issuer = signature.get("issuer")
    assertions = {one.get("label"): one.get("data") for one in active.get("assertions") or []}
    said = assertions.get(STATEMENT_LABEL)
    stated = [one["data"].get("content_id") for one in _all_assertions(reader) if one.get("label") == STATEMENT_LABEL]
    return Manifest(
        present=True,
        intact=all(problem.startswith(ABOUT_THE_CERTIFICATE) for problem in problems),
        problems=problems,
        generator=str(generators[0].get("name", "")),
        said=said if isinstance(said, dict) else {},
        source_type=_source_type(assertions.get("c2pa.actions.v2") or assertions.get("c2pa.actions")),
        signer=", ".join(str(part) for part in (signature.get("common_name"), issuer) if part),
        self_made=is_self_made(issuer),
        trusted=reader.get_validation_state() == "Trusted" if asked else None,
        made_from=() if said else tuple(dict.fromkeys(str(content_id) for content_id in stated)),
    )


def _all_assertions(reader: Any) -> list[dict[str, Any]]:
    """Those of the active manifest, and of the manifests of what the file was made from."""
    manifests = json.loads(reader.json()).get("manifests") or {}
    return [one for manifest in manifests.values() for one in manifest.get("assertions") or []]


def _source_type(actions: Any) -> str:
    if not isinstance(actions, dict):
        return ""
    types = [one.get("digitalSourceType") for one in actions.get("actions") or [] if isinstance(one, dict)]
    return next((str(kind).rpartition("/")[2] for kind in types if kind), "")
