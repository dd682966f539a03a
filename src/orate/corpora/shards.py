"""Shards on disk: WebDataset-style tar files, and an index beside them that gives every member's place.

Members of a sample: KEY.mp4 canonical crop; KEY.flac sound, mono; KEY.npz landmarks, motion and blendshapes (see
`orate.corpora.worker`); KEY.json who says what. docs/data-format.md describes them.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from orate.errors import OrateError

Parsed = TypeVar("Parsed", bound=BaseModel)

INDEX_NAME = "index.json"
INDEX_VERSION = 1
END_OF_ARCHIVE = bytes(2 * tarfile.BLOCKSIZE)
TEMPORARY = ".tmp"  # ends the hidden name of a file that is not whole yet
BLOCK_BYTES = 1 << 20
MAX_NAME_BYTES = 99  # longer names need extension headers, which not every reader knows


class Member(BaseModel):
    """Where a member's bytes lie in its shard, and their CRC-32."""

    model_config = ConfigDict(frozen=True)
    offset: int
    size: int
    crc32: int


class Sample(BaseModel):
    """One prepared clip. What comes with a default is not known of folders that were written before it was kept.

    ``psnr_db`` compares the stored crop with what was cut. ``magnification`` is the median of crop pixels a picture
    pixel; the rest is as in `orate.corpora.clip.Clip` and `orate.corpora.cleaning.figures.ClipFigures`.
    """

    model_config = ConfigDict(frozen=True)
    key: str
    shard: str
    frames: int
    speaker: str
    split: str
    unseen_speaker: bool
    psnr_db: float
    members: dict[str, Member]
    corpus: str = ""
    emotion: str = ""
    emotion_level: str = ""
    magnification: float | None = None
    offset: str = ""
    offset_s: float = 0.0
    offset_confidence: float = 0.0
    voiced: float = -1.0
    yaw_deg: float | None = None
    pitch_deg: float | None = None
    roll_deg: float | None = None


class Shard(BaseModel):
    """One tar file."""

    model_config = ConfigDict(frozen=True)
    name: str
    bytes: int
    sha256: str


class Made(BaseModel):
    """How a folder was made: the release of orate, its `PrepareSettings`, and the size at which a shard is closed."""

    model_config = ConfigDict(frozen=True)
    version: str
    settings: dict[str, Any]
    shard_bytes: int


class Index(BaseModel):
    """index.json: what a folder of shards holds."""

    model_config = ConfigDict(frozen=True)
    version: int = INDEX_VERSION
    fps: float
    rate: int
    height: int
    width: int
    shards: list[Shard]
    samples: list[Sample]
    made: Made | None = None

    def to_bytes(self) -> bytes:
        """The file: valid JSON with a shard or a sample a line, for there may be many."""
        head = self.model_dump(include={"version", "fps", "rate", "height", "width", "made"})
        lists: dict[str, Sequence[BaseModel]] = {"shards": self.shards, "samples": self.samples}
        parts = [to_json(head).decode().removesuffix("\n}\n")]
        for name, entries in lists.items():
            lines = ",".join(f"\n  {entry.model_dump_json()}" for entry in entries)
            parts.append(f',\n "{name}": [{lines}\n ]')
        return ("".join(parts) + "\n}\n").encode()


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """A file that appears whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise OrateError(f"Cannot write {path}: {error.strerror}. Free the disk or choose another folder.") from error
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Have the disk remember which files the folder holds, where the system can: a power cut may come next."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file that appears whole or not at all."""
    with _whole(path) as file:
        file.write(data)


def to_json(value: Any) -> bytes:
    """A JSON value as bytes, the same ones every time."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def tar_fragment(key: str, members: Mapping[str, bytes]) -> tuple[bytes, dict[str, Member]]:
    """A sample's part of a tar file, and its members' places counted from the part's beginning."""
    parts: list[bytes] = []
    places: dict[str, Member] = {}
    position = 0
    for suffix, data in members.items():
        info = tarfile.TarInfo(f"{key}.{suffix}")
        if len(info.name.encode()) > MAX_NAME_BYTES:
            raise OrateError(f"The name {info.name} is longer than {MAX_NAME_BYTES} bytes: rename the source file.")
        info.size = len(data)
        header = info.tobuf(tarfile.USTAR_FORMAT)
        padding = bytes(-len(data) % tarfile.BLOCKSIZE)
        places[suffix] = Member(offset=position + len(header), size=len(data), crc32=zlib.crc32(data))
        parts += [header, data, padding]
        position += len(header) + len(data) + len(padding)
    return b"".join(parts), places


def fragment_bytes(members: Iterable[Member]) -> int:
    """The size of a sample's part of a tar file, from its members' places counted from the part's beginning."""
    end = max(member.offset + member.size for member in members)
    return end + -end % tarfile.BLOCKSIZE


def write_shard(path: Path, fragments: Iterable[bytes | Path]) -> Shard:
    """Join fragments, bytes or files of them, into a tar file, which appears whole or not at all.

    Of fragments in files only a block is in memory at a time.
    """
    digest = hashlib.sha256()
    size = 0
    with _whole(path) as file:
        for fragment in chain(fragments, [END_OF_ARCHIVE]):
            for data in _blocks(fragment):
                file.write(data)
                digest.update(data)
                size += len(data)
    return Shard(name=path.name, bytes=size, sha256=digest.hexdigest())


def _blocks(fragment: bytes | Path) -> Iterator[bytes]:
    if isinstance(fragment, bytes):
        yield fragment
        return
    with fragment.open("rb") as file:
        while data := file.read(BLOCK_BYTES):
            yield data


def parsed(model: type[Parsed], data: bytes) -> Parsed:
    """A model from JSON. Raises ValidationError.

    The collector of cycles waits meanwhile: among a million new objects without any it takes most of the time.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        return model.model_validate_json(data)
    finally:
        if collecting:
            gc.enable()


def load_index(folder: Path) -> Index:
    """The index of a folder of shards, whatever has become of the shards. Raises OrateError when there is none."""
    path = folder / INDEX_NAME
    try:
        index = parsed(Index, path.read_bytes())
    except FileNotFoundError:
        raise OrateError(f"{folder} holds no prepared data (no {INDEX_NAME}): run 'orate prepare' first.") from None
    except (OSError, ValidationError) as error:
        raise OrateError(f"{path} cannot be read ({type(error).__name__}): run 'orate prepare' again.") from error
    if index.version != INDEX_VERSION:
        raise OrateError(f"{path} is of version {index.version}, this release reads {INDEX_VERSION}: prepare it again.")
    return index


def read_index(folder: Path) -> Index:
    """The index of a folder of shards. Raises OrateError when there is none, or a shard is missing or cut short."""
    index = load_index(folder)
    for shard in index.shards:
        check_shard_size(folder, shard)
    return index


def check_shard_size(folder: Path, shard: Shard) -> None:
    """Raise OrateError unless the shard is there, with all its bytes."""
    path = folder / shard.name
    size = path.stat().st_size if path.is_file() else None
    if size != shard.bytes:
        found = "is missing" if size is None else f"has {size} bytes instead of {shard.bytes}"
        raise OrateError(f"Shard {path} {found}: delete it and run 'orate prepare' again.")


def read_member(folder: Path, sample: Sample, suffix: str) -> bytes:
    """The bytes of one member. Raises OrateError with the shard's name when they are not those that were written."""
    path = folder / sample.shard
    member = sample.members[suffix]
    try:
        with path.open("rb") as file:
            file.seek(member.offset)
            data = file.read(member.size)
    except OSError as error:
        raise OrateError(f"Shard {path} cannot be read ({error.strerror}).") from error
    if len(data) != member.size or zlib.crc32(data) != member.crc32:
        raise damaged(path, sample.key, suffix)
    return data


def damaged(shard: Path, key: str, suffix: str, detail: str = "its bytes have changed") -> OrateError:
    """The error for a member that is not what was written."""
    return OrateError(f"Shard {shard} is damaged at {key}.{suffix} ({detail}): delete it and prepare again.")
