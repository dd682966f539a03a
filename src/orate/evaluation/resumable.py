"""Folders of long measurements that go on where they stopped: what they were begun with, and what is done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orate.corpora.shards import INDEX_NAME
from orate.errors import OrateError
from orate.media.files import whole_file
from orate.models.checkpoint import find_model

BLOCK_BYTES = 1 << 20


def begin(folder: Path, name: str, told: dict[str, Any]) -> bool:
    """Make a folder for a measurement, or find one to go on with.

    Args:
        folder: the folder; its parent must be there.
        name: of the JSON file that keeps what the measurement was begun with.
        told: by words for people, whatever must be the same for results to belong together.

    Returns:
        Whether there is one to go on with.

    Raises:
        OrateError: the folder holds something else, or a measurement that was begun with other values.
    """
    if not folder.parent.is_dir():
        raise OrateError(f"The folder {folder.parent} does not exist: make it first.")
    if folder.exists() and not folder.is_dir():
        raise OrateError(f"{folder} is a file: name a folder.")
    path = folder / name
    before = read_json(path)
    if before is None:
        if folder.is_dir() and any(folder.iterdir()):
            raise OrateError(f"{folder} holds other files: name a new folder.")
        folder.mkdir(exist_ok=True)
        write_json(path, told)
        return False
    now = json.loads(json.dumps(told))
    other = [key for key in {**before, **now} if before.get(key) != now.get(key)]
    if other:
        raise OrateError(
            f"{folder} was begun with another {' and another '.join(other)}: name another folder, or give the same."
        )
    return True


def data_identity(folders: Sequence[Path]) -> list[str]:
    """What tells prepared folders from others, whatever they are called: digests of their indices.

    Raises:
        OrateError: a folder is not prepared.
    """
    digests = []
    for folder in folders:
        path = folder / INDEX_NAME
        if not path.is_file():
            raise OrateError(f"{folder} holds no prepared data: make it with 'orate prepare'.")
        digests.append(hashlib.sha256(path.read_bytes()).hexdigest())
    return digests


def model_identity(model: str) -> str:
    """What tells a model from others of the same name: a digest of its configs and weights.

    Raises:
        OrateError: there is no such model.
    """
    digest = hashlib.sha256()
    folder = find_model(model)
    for path in sorted(folder.iterdir()):
        if path.suffix not in (".json", ".safetensors"):
            continue
        digest.update(path.name.encode())
        with path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                digest.update(block)
    return digest.hexdigest()


def read_json(path: Path) -> Any:
    """What a JSON file holds; None where there is no file, or none that can be read, as after a full disk."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def write_json(path: Path, value: Any) -> None:
    """Write strict JSON, whole or not at all.

    Raises:
        OrateError: the folder is not writable, the disk is full.
        ValueError: NaN or infinity in it.
    """
    with whole_file(path) as partial:
        partial.write_text(json.dumps(value, indent=1, allow_nan=False), encoding="utf-8")
