"""Croissant metadata of a prepared folder: croissant.json, for tools that read data sets by their description.

Format: Croissant 1.0 (MLCommons), JSON-LD. The records are read from index.json; the shards are listed with checksums.
"""

from __future__ import annotations

import hashlib
from typing import Any

from orate.corpora.shards import INDEX_NAME, Index, to_json

CROISSANT_NAME = "croissant.json"
VOCABULARY = "http://mlcommons.org/croissant/"
CONFORMS_TO = f"{VOCABULARY}1.0"
TERMS = (
    *("citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject", "fileSet", "format"),
    *("includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex"),
    *("repeated", "replace", "samplingRate", "separator", "source", "subField", "transform"),
)
MEMBERS = {
    "mp4": ("video/mp4", "Canonical crop of the face, H.264 in RGB, without sound."),
    "flac": ("audio/flac", "The sound, mono, as long as the video."),
    "npz": ("application/octet-stream", "Landmarks, head pose, motion and blendshapes, one row a frame."),
    "json": ("application/json", "Who says what, with words in time, and where the clip comes from."),
}
TEXT, INTEGER, FLOAT, BOOLEAN = "sc:Text", "sc:Integer", "sc:Float", "sc:Boolean"
FIELDS = {
    "key": (TEXT, "Name of the clip, unique in the folder; its members are KEY.mp4, KEY.flac, KEY.npz, KEY.json."),
    "shard": (TEXT, "The tar file that holds it."),
    "frames": (INTEGER, "Frames of the video."),
    "speaker": (TEXT, "Who speaks."),
    "split": (TEXT, "train, validation or test."),
    "unseen_speaker": (BOOLEAN, "No clip of this speaker is trained on."),
    "corpus": (TEXT, "The corpus it comes from."),
    "emotion": (TEXT, "Acted emotion, where the corpus tells."),
    "emotion_level": (TEXT, "Its strength, where the corpus tells."),
    "psnr_db": (FLOAT, "Peak signal-to-noise ratio of the stored crop against what was cut, dB."),
    "magnification": (FLOAT, "Crop pixels a pixel of the picture, median over the frames."),
    "offset": (TEXT, "What became of the measured audio-visual offset; empty: not measured."),
    "offset_s": (FLOAT, "Seconds by which the sound came after the picture before it was moved."),
    "offset_confidence": (FLOAT, "Of that measurement."),
    "voiced": (FLOAT, "Share of the time in which a voice is heard; -1: not looked for."),
    "yaw_deg": (FLOAT, "Turn of the head to the image's right, degrees, median over the frames."),
    "pitch_deg": (FLOAT, "Turn of the head downwards, degrees, median."),
    "roll_deg": (FLOAT, "Tilt of the head clockwise, degrees, median."),
}


def croissant(index: Index, index_bytes: bytes, name: str, description: str, licence: str, cite: str) -> bytes:
    """The file's content. ``index_bytes`` is index.json as it lies beside the shards."""
    return to_json(
        {
            "@context": _context(),
            "@type": "sc:Dataset",
            "conformsTo": CONFORMS_TO,
            "name": name,
            "description": description,
            "license": licence,
            "citeAs": cite,
            "version": f"{index.version}.0.0",
            "distribution": [
                _file(INDEX_NAME, "application/json", hashlib.sha256(index_bytes).hexdigest(), len(index_bytes)),
                *(_file(shard.name, "application/x-tar", shard.sha256, shard.bytes) for shard in index.shards),
                *(_members(suffix, index) for suffix in MEMBERS if index.shards),
            ],
            "recordSet": [_records()],
        }
    )


def _context() -> dict[str, Any]:
    return {
        "@language": "en",
        "@vocab": "https://schema.org/",
        "sc": "https://schema.org/",
        "cr": VOCABULARY,
        "rai": f"{VOCABULARY}RAI/",
        "dct": "http://purl.org/dc/terms/",
        "conformsTo": "dct:conformsTo",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "examples": {"@id": "cr:examples", "@type": "@json"},
    } | {term: f"cr:{term}" for term in TERMS}


def _file(name: str, encoding: str, sha256: str, size: int) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "contentSize": f"{size} B",
        "encodingFormat": encoding,
        "sha256": sha256,
    }


def _members(suffix: str, index: Index) -> dict[str, Any]:
    encoding, description = MEMBERS[suffix]
    return {
        "@type": "cr:FileSet",
        "@id": f"members-{suffix}",
        "name": f"members-{suffix}",
        "description": description,
        "containedIn": [{"@id": shard.name} for shard in index.shards],
        "encodingFormat": encoding,
        "includes": f"*.{suffix}",
    }


def _records() -> dict[str, Any]:
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"clips/{name}",
            "name": name,
            "description": description,
            "dataType": kind,
            "source": {"fileObject": {"@id": INDEX_NAME}, "extract": {"jsonPath": f"$.samples[*].{name}"}},
        }
        for name, (kind, description) in FIELDS.items()
    ]
    return {
        "@type": "cr:RecordSet",
        "@id": "clips",
        "name": "clips",
        "description": "One record a clip.",
        "key": {"@id": "clips/key"},
        "field": fields,
    }
