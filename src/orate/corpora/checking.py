"""Whether prepared folders still hold what was written: sizes, SHA-256, and on demand every sample decoded."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from hashlib import file_digest
from pathlib import Path
from typing import BinaryIO

import numpy as np

from orate.corpora.codec import MemberError, decode_arrays, decode_audio, decode_video
from orate.corpora.croissant import CROISSANT_NAME
from orate.corpora.shards import INDEX_NAME, Index, Sample, Shard, load_index, read_member

LANDMARK_FIELDS = {"landmarks": (478, 3), "matrices": (2, 3), "blendshapes": (52,), "pose": (7,), "motion": (478, 3)}
OLD_FIELDS = ("landmarks", "matrices", "blendshapes")  # of folders that were written before motion was kept
NAMED_MEMBERS = 3  # of a damaged shard, in the sentence


class Depth(Enum):
    """How closely to look: sizes alone; every byte; every byte, and every sample decoded."""

    SIZES = "sizes"
    BYTES = "bytes"
    SAMPLES = "samples"


@dataclass(frozen=True)
class Finding:
    """What was found about one file; ``fault`` is empty when it is whole, else the rest of a sentence."""

    path: Path
    fault: str


def check_folder(folder: Path, depth: Depth) -> Iterator[Finding]:
    """Look at the index and every shard of a prepared folder, in order; then at shards that the index does not know.

    What the index should be is in croissant.json, where there is one.

    Raises:
        OrateError: the folder has no index, or it cannot be read.
    """
    index = load_index(folder)
    samples: dict[str, list[Sample]] = {shard.name: [] for shard in index.shards}
    for sample in index.samples:
        samples.setdefault(sample.shard, []).append(sample)
    if fault := _index_fault(folder, depth):
        yield Finding(folder / INDEX_NAME, fault)
    for shard in index.shards:
        yield Finding(folder / shard.name, _fault(folder, shard, samples[shard.name], index, depth))
    known = {shard.name for shard in index.shards}
    for name in sorted(samples.keys() - known):
        yield Finding(folder / name, "holds samples of the index, which does not list it")
    for path in sorted(folder.glob("shard-*.tar")):
        if path.name not in samples:
            yield Finding(path, "is not in the index: delete it")


def shard_count(folder: Path) -> int:
    """How many shards the index lists."""
    return len(load_index(folder).shards)


def _index_fault(folder: Path, depth: Depth) -> str:
    try:
        described = json.loads((folder / CROISSANT_NAME).read_bytes())["distribution"]
        told = {entry["@id"]: entry.get("sha256") for entry in described}[INDEX_NAME]
    except (OSError, ValueError, KeyError, TypeError):
        return ""  # written before there was one, or someone else's
    with (folder / INDEX_NAME).open("rb") as file:
        changed = depth is not Depth.SIZES and file_digest(file, "sha256").hexdigest() != told
    return f"is not the one that {CROISSANT_NAME} describes" if changed else ""


def _fault(folder: Path, shard: Shard, samples: list[Sample], index: Index, depth: Depth) -> str:
    path = folder / shard.name
    try:
        size = path.stat().st_size
        if size != shard.bytes:
            return f"has {size} bytes instead of {shard.bytes}"
        if depth is Depth.SIZES:
            return ""
        with path.open("rb") as file:
            if file_digest(file, "sha256").hexdigest() != shard.sha256:
                return f"has changed ({_where(file, samples)})"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if depth is Depth.SAMPLES:
        for sample in samples:
            if fault := _sample_fault(folder, sample, index):
                return f"holds a sample that cannot be used ({sample.key}: {fault})"
    return ""


def _where(file: BinaryIO, samples: list[Sample]) -> str:
    """The members whose bytes are not those that were written."""
    names = []
    for sample in samples:
        for suffix, member in sample.members.items():
            file.seek(member.offset)
            if zlib.crc32(file.read(member.size)) != member.crc32:
                names.append(f"{sample.key}.{suffix}")
    if not names:
        return "between its members"
    return ", ".join(names[:NAMED_MEMBERS]) + (f" and {len(names) - NAMED_MEMBERS} more" * (len(names) > NAMED_MEMBERS))


def _sample_fault(folder: Path, sample: Sample, index: Index) -> str:
    """Decode all of one sample; what is wrong with it, or nothing."""
    data = {suffix: read_member(folder, sample, suffix) for suffix in sample.members}
    try:
        frames = decode_video(data["mp4"])
        if frames.shape != (sample.frames, index.height, index.width, 3):
            return f"frames of the form {frames.shape}"
        audio, rate = decode_audio(data["flac"])
        if (len(audio), rate) != (round(sample.frames * index.rate / index.fps), index.rate):
            return f"{len(audio)} samples of sound at {rate} Hz"
        arrays = decode_arrays(data["npz"])
        for name, form in LANDMARK_FIELDS.items():
            if name not in arrays and name not in OLD_FIELDS:
                continue
            array = arrays[name]
            if array.shape != (sample.frames, *form) or not np.isfinite(array).all():
                return f"{name} of the form {array.shape}, or not finite"
        if json.loads(data["json"])["key"] != sample.key:
            return "metadata of another"
    except (MemberError, KeyError, ValueError) as error:
        return str(error)
    return ""
