"""What a file says of itself, and whether it holds: metadata, signed manifest, watermark.

Of the three only two prove something. A watermark is in the picture itself. A manifest whose signature and hashes fit
says what it says of exactly this file. Metadata are text that anybody can write, and a manifest that does not fit may
have been left by an edit or pasted on: neither makes a file a generated one. That nothing was found proves nothing:
marks can be taken out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from orate.errors import OrateError
from orate.media.files import check_input
from orate.media.image import read_image
from orate.provenance.c2pa_library import GENERATOR
from orate.provenance.content_id import id_text
from orate.provenance.manifest_reader import Manifest, read_manifest
from orate.provenance.metadata import Tags, read_tags
from orate.provenance.signer import read_roots
from orate.provenance.statement import stated_id
from orate.provenance.watermark_detector import Reading, find_in_frames, find_watermark

PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif"}
UNTRUSTED = "signingCredential.untrusted"
CLAIM = "unsigned: anybody can write it"
LARGEST_EXPONENT = 12  # beyond it the bound is one of arithmetic, not of what can happen to a file


class State(StrEnum):
    """Of one mark."""

    FOUND = "found"
    BROKEN = "broken"
    ABSENT = "absent"


class Verdict(StrEnum):
    """Of a file."""

    GENERATED = "generated"
    DOUBTFUL = "doubtful"
    UNKNOWN = "unknown"


class ExitCode(IntEnum):
    """Of ``orate verify``; 1 and 2 are errors, as of every command."""

    GENERATED = 0
    UNKNOWN = 3
    DOUBTFUL = 4


@dataclass(frozen=True)
class Layer:
    """What was found of one mark.

    Attributes:
        state: found, broken or absent.
        detail: one clause for a person.
        content_id: 16 hexadecimal digits, None where none can be read.
        confidence: probability, at least, that chance would not give the same finding, 0 to 1; None for what is absent,
            and for metadata, which are a claim.
        states: what the mark says, by name.
    """

    state: State
    detail: str
    content_id: str | None = None
    confidence: float | None = None
    states: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Verification:
    """What was found of a file.

    Attributes:
        file: as given.
        verdict: `generated` where the watermark or a manifest that fits says so; `doubtful` where marks are there that
            prove nothing; `unknown` where there is none.
        intact: nothing was changed since it was signed; None where no manifest tells.
        signer: whom the certificate names, which is not to say that it was them; None where there is no manifest.
        trusted: one of the roots that were given vouches for the signer; None where none was given.
        content_id: 16 hexadecimal digits, of the mark that is hardest to forge.
        summary: the verdict for a person, a sentence or two.
        metadata: the container's metadata.
        credentials: the signed manifest.
        watermark: in the pixels.
        notes: what else should be known.
    """

    file: str
    verdict: Verdict
    intact: bool | None
    signer: str | None
    trusted: bool | None
    content_id: str | None
    summary: str
    metadata: Layer
    credentials: Layer
    watermark: Layer
    notes: tuple[str, ...] = ()

    @property
    def generated(self) -> bool:
        """Whether the file is known to be an output of orate."""
        return self.verdict is Verdict.GENERATED

    @property
    def exit_code(self) -> ExitCode:
        """For scripts."""
        return ExitCode[self.verdict.name]

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        layers = {name: getattr(self, name) for name in ("metadata", "credentials", "watermark")}
        return {
            "file": self.file,
            "verdict": str(self.verdict),
            "intact": self.intact,
            "signer": self.signer,
            "trusted": self.trusted,
            "content_id": self.content_id,
            "summary": self.summary,
            "layers": {name: {**vars(layer), "state": str(layer.state)} for name, layer in layers.items()},
            "notes": list(self.notes),
        }


def verify(file: str | Path, trust: str | Path | None = None) -> Verification:
    """Look for the marks of orate in a video or a picture. Nothing leaves the computer.

    Args:
        file: anything that can be decoded; only MP4, M4V, MOV and common pictures can carry a manifest.
        trust: a file with certificates (PEM) of those whom you trust to say who signed.

    Raises:
        OrateError: no such file, or neither a video nor a picture; no certificates in the other.
    """
    check_input(file)
    manifest = read_manifest(file, roots=None if trust is None else read_roots(trust))
    tags, reading = read_tags(file), _watermark(file)
    credentials, watermark = _of_manifest(manifest), _of_reading(reading)
    ours = credentials.state is State.FOUND
    metadata = _of_tags(tags, signed=ours)
    if watermark.state is State.FOUND or ours:
        verdict = Verdict.GENERATED
    elif State.BROKEN in (metadata.state, credentials.state) or metadata.state is State.FOUND:
        verdict = Verdict.DOUBTFUL
    else:
        verdict = Verdict.UNKNOWN
    ids = [layer.content_id for layer in (watermark, credentials, metadata)]
    return Verification(
        file=str(file),
        verdict=verdict,
        intact=manifest.intact if credentials.state is not State.ABSENT else None,
        signer=manifest.signer if credentials.state is not State.ABSENT else None,
        trusted=manifest.trusted if credentials.state is not State.ABSENT else None,
        content_id=next((one for one in ids if one), None),
        summary=_summary(verdict, credentials, watermark, metadata),
        metadata=metadata,
        credentials=credentials,
        watermark=watermark,
        notes=tuple(_notes(manifest, tags, reading, ids)),
    )


def _watermark(file: str | Path) -> Reading:
    if Path(file).suffix.lower() not in PICTURES:
        return find_watermark(file)
    try:
        return find_in_frames([read_image(file)])
    except OrateError:
        return find_watermark(file)  # a video under another name


def _of_tags(tags: Tags, *, signed: bool) -> Layer:
    """What the metadata say; the signature of a manifest that fits covers them."""
    if not tags.ours:
        return Layer(State.ABSENT, "none of orate")
    number = id_text(tags.content_id) if tags.content_id else None
    if tags.problems:
        return Layer(State.BROKEN, "; ".join(tags.problems), number, states=dict(tags.said))
    trust = "unchanged since the file was signed" if signed else CLAIM
    detail = trust if number else f"only the comment is left; {trust}"
    return Layer(State.FOUND, detail, number, states={**tags.said, **({"AIGC": tags.aigc} if tags.aigc else {})})


def _of_manifest(manifest: Manifest) -> Layer:
    if not manifest.present:
        return Layer(State.ABSENT, "no manifest")
    if not manifest.said and (manifest.intact or manifest.generator != GENERATOR):
        kind = "manifest" if manifest.intact else "manifest that does not fit"
        stated = f", which states {manifest.source_type}" if manifest.source_type else ""
        return Layer(State.ABSENT, f"a {kind} of {manifest.generator or 'somebody else'}{stated}; none of orate")
    content_id = stated_id(manifest.said)
    number = id_text(content_id) if content_id else None
    if not manifest.intact:
        detail = f"does not fit this file ({', '.join(manifest.problems)}): edited since, or of another file"
        return Layer(State.BROKEN, detail, number, 1.0, manifest.said)
    if not manifest.said.get("ai_generated"):
        return Layer(State.BROKEN, "signed, but does not say that it was generated", number, states=manifest.said)
    return Layer(
        State.FOUND, f"nothing changed since it was signed, {_signed_by(manifest)}", number, 1.0, manifest.said
    )


def _signed_by(manifest: Manifest) -> str:
    if manifest.trusted:
        return f"by {manifest.signer}"
    if manifest.self_made:
        return "with a certificate that orate made itself, which does not say who"
    known = "which none of your roots vouches for" if manifest.trusted is False else "which was not checked"
    return f"with a certificate in the name of {manifest.signer}, {known}"


def _of_reading(reading: Reading) -> Layer:
    if not reading.found:
        return Layer(State.ABSENT, "none found")
    confidence = 1 - float(np.power(10.0, reading.false_alarm_log10))
    number = reading.content_id.hex() if reading.content_id else None
    exponent = min(int(-reading.false_alarm_log10), LARGEST_EXPONENT)
    by_chance = f"by chance in less than one of 10^{exponent} videos"
    detail = by_chance if number else f"{by_chance}; too weak to read its id"
    if reading.mirrored:
        detail += "; the picture is mirrored"
    return Layer(State.FOUND, detail, number, confidence)


def _summary(verdict: Verdict, credentials: Layer, watermark: Layer, metadata: Layer) -> str:
    if verdict is Verdict.UNKNOWN:
        return "No mark of orate was found. That does not prove that the file is genuine: marks can be removed."
    if verdict is Verdict.DOUBTFUL:
        if credentials.state is State.BROKEN:
            return (
                "The file carries a manifest of orate that does not fit it: it was edited since, or the manifest comes "
                "from another file. Nothing in the picture shows that orate made it."
            )
        what = "that were changed" if metadata.state is State.BROKEN else "that say so, which anybody can write"
        return f"The file carries metadata of orate {what}. Nothing else shows that orate made it."
    if credentials.state is State.FOUND:
        sure = "" if watermark.state is State.FOUND else " (its manifest says so; there is no watermark)"
        return f"Generated by orate{sure}, and not changed since it was signed."
    if credentials.state is State.BROKEN:
        return "Generated by orate: its watermark is in the picture. It was edited since it was signed."
    return "Generated by orate: its watermark is in the picture. It has no signed manifest, so it may have been edited."


def _notes(manifest: Manifest, tags: Tags, reading: Reading, ids: list[str | None]) -> list[str]:
    notes = []
    if len({one for one in ids if one}) > 1:
        notes.append("The marks state different content ids: parts of several files were put together.")
    if manifest.present and manifest.said and manifest.intact:
        if manifest.self_made:
            notes.append("The certificate is self-made: it shows that nothing was changed, not who signed.")
        elif manifest.trusted is None:
            notes.append(
                "Anybody can make a certificate in any name: give the roots that you trust to have it checked."
            )
        if flaws := [problem for problem in manifest.problems if problem != UNTRUSTED]:
            notes.append(f"The certificate has a flaw now: {', '.join(flaws)}.")
    if manifest.made_from:
        notes.append(f"Its manifest says that it was made from output of orate: {', '.join(manifest.made_from)}.")
    left_out = manifest.said.get("marks_left_out") or []
    if left_out and manifest.intact:
        notes.append(f"Left out when it was made: {', '.join(str(mark) for mark in left_out)}.")
    elif manifest.said and manifest.intact and not reading.found:
        notes.append("The manifest says that there is a watermark, and none is found: the frames may be too small.")
    if tags.aigc and not tags.ours:
        producer = tags.aigc.get("ContentProducer")
        notes.append(f"An AIGC tag of another producer, {producer!r}, states Label {tags.aigc.get('Label')!r}.")
    return notes
