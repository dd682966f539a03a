"""Saving a generator to a folder, and loading one from a folder, from the package or from the Hugging Face Hub.

A model is a folder with ``model.safetensors`` (weights), ``config.json`` (dimensions) and ``SHA256SUMS`` (of both).
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from collections.abc import Collection, Mapping
from hashlib import file_digest
from importlib import resources
from pathlib import Path

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from orate.errors import OrateError
from orate.models.config import FORMAT_VERSION, ModelConfig
from orate.models.generator import Generator

WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
SUMS_FILE = "SHA256SUMS"

ALIASES = {"paper": "paper-small"}  # the published system, in the size that comes with the package

_HUB_ID = re.compile(r"(?P<repo>\w[\w.-]*/\w[\w.-]*)(@(?P<revision>[\w./-]+))?")
_LFS_PREFIX = b"version https://git-lfs"
_COUNTER = "num_batches_tracked"  # batch norm counts its training steps; nobody needs that after training
_HALF_MAX = torch.finfo(torch.float16).max


def save_model(
    generator: Generator, folder: str | Path, *, half: bool = True, metadata: Mapping[str, object] | None = None
) -> None:
    """Save a generator as a folder that `load_model` reads.

    A new folder appears whole or not at all. In a folder that exists the files are replaced one by one (others, such
    as a model card, stay); an interruption there leaves each file whole.

    Args:
        generator: the generator, on any device.
        folder: where to; parents are made.
        half: store the weights in fp16, half the size. The statistics of the batch norms stay in fp32.
        metadata: what to note in the header of the weights, such as the number of steps; read by `read_metadata`.
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    temporary.mkdir()
    try:
        _write(generator, temporary, half=half, metadata=metadata or {})
        if not folder.exists():
            temporary.rename(folder)
            return
        # Without sums the folder is readable at every moment in between.
        (folder / SUMS_FILE).unlink(missing_ok=True)
        for name in (WEIGHTS_FILE, CONFIG_FILE, SUMS_FILE):
            os.replace(temporary / name, folder / name)  # noqa: PTH105 - the contract's word for it
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def load_model(name: str | Path) -> Generator:
    """Load a generator, in eval mode and fp32 on the CPU.

    Args:
        name: a folder, a bundled model's name, or a Hub id ``owner/repo[@revision]``; a folder that exists wins.

    Raises:
        OrateError: no such model, or its files are missing, damaged, or of another format version.
    """
    folder = find_model(name)
    config = read_config(folder)
    weights = _read_weights(folder)
    with torch.device("meta"):  # no memory and no random numbers for weights that are about to be replaced
        generator = Generator(config)
    _check_fit(generator, weights, folder)
    counters = {key: torch.tensor(0) for key in generator.state_dict() if key.endswith(_COUNTER)}
    generator.load_state_dict(weights | counters, assign=True)
    return generator.eval()


def find_model(name: str | Path) -> Path:
    """Folder of a model on this machine, downloaded from the Hub first where `name` is a Hub id.

    Raises:
        OrateError: there is no such model.
    """
    if Path(name).is_dir():
        return Path(name)
    name = ALIASES.get(str(name), name)
    if Path(name).is_file():
        raise OrateError(f"{name} is a file; a model is a folder with {WEIGHTS_FILE} and {CONFIG_FILE}.")
    if str(name) in bundled_models():
        return _bundled_folder() / str(name)
    hub_id = _HUB_ID.fullmatch(str(name))
    if hub_id:
        return _download(hub_id["repo"], hub_id["revision"])
    bundled = ", ".join(bundled_models()) or "none"
    raise OrateError(
        f"There is no model {str(name)!r}: give a bundled one ({bundled}), a folder, "
        "or a Hugging Face Hub id owner/name."
    )


def bundled_models() -> list[str]:
    """Names of the generators that come with the package; networks that measure lie in folders beside theirs."""
    configs = sorted(_bundled_folder().glob(f"*/{CONFIG_FILE}"))
    return [path.parent.name for path in configs if "audio_rate" in json.loads(path.read_text(encoding="utf-8"))]


def read_metadata(name: str | Path) -> dict[str, str]:
    """What was noted when the weights were saved.

    Raises:
        OrateError: as `load_model`.
    """
    return _read_header(find_model(name) / WEIGHTS_FILE)


def read_config(folder: Path) -> ModelConfig:
    """Read and check ``config.json``.

    Raises:
        OrateError: the file is missing or damaged, of another format version, or has unknown or impossible values.
    """
    path = folder / CONFIG_FILE
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise OrateError(f"{path} is missing: {folder} is not a model's folder.") from None
    except (ValueError, OSError) as error:
        raise OrateError(f"{path} cannot be read as JSON: {error}.") from None
    if not isinstance(fields, dict):
        raise OrateError(f"{path} is not a model's config: it holds no JSON object.")
    version = fields.get("format_version")
    if version != FORMAT_VERSION:
        raise OrateError(_other_version(path, version))
    try:
        return ModelConfig.model_validate(fields)
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, e['loc'])) or 'values'}: {e['msg']}" for e in error.errors())
        raise OrateError(f"{path} does not fit this version of orate ({'; '.join(problems)}).") from None


def _write(generator: Generator, folder: Path, *, half: bool, metadata: Mapping[str, object]) -> None:
    state = {
        name: _stored(name, value.detach(), half=half).cpu().contiguous()
        for name, value in generator.state_dict().items()
        if not name.endswith(_COUNTER)
    }
    header = {key: str(value) for key, value in metadata.items()}
    header |= {"format": "orate", "format_version": str(FORMAT_VERSION)}
    (folder / WEIGHTS_FILE).write_bytes(save(state, header))
    text = generator.config.model_dump_json(indent=2)
    (folder / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")
    sums = (f"{file_sha256(folder / name)}  {name}\n" for name in (WEIGHTS_FILE, CONFIG_FILE))
    (folder / SUMS_FILE).write_text("".join(sums), encoding="utf-8")


def _stored(name: str, value: Tensor, *, half: bool) -> Tensor:
    """The value in the type it is stored in: variances go from 1e-9 to 1e5, too far for fp16."""
    if not half or "running_" in name or value.abs().max() > _HALF_MAX:
        return value.float()
    return value.half()


def _read_weights(folder: Path) -> dict[str, Tensor]:
    path = folder / WEIGHTS_FILE
    header = _read_header(path)
    version = header.get("format_version")
    if version != str(FORMAT_VERSION):
        raise OrateError(_other_version(path, version))
    check_sums(folder, (WEIGHTS_FILE, CONFIG_FILE))
    with safe_open(path, framework="pt") as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    return {name: value.float() for name, value in weights.items()}


def _read_header(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as file:
            start = file.read(len(_LFS_PREFIX))
    except FileNotFoundError:
        raise OrateError(f"{path} is missing: the folder has no weights; get the model again.") from None
    if start == _LFS_PREFIX:
        raise OrateError(
            f"{path} is not the weights but a Git LFS pointer to them: "
            "run 'git lfs install' and 'git lfs pull' in its repository to get the real file."
        )
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except SafetensorError as error:
        raise OrateError(f"{path} is truncated or not a safetensors file ({error}); get the model again.") from None


def check_sums(folder: Path, names: Collection[str] | None = None) -> None:
    """Compare files with the checksums in the folder's ``SHA256SUMS``; a folder that came without is not checked.

    Args:
        folder: of a model.
        names: of the files to compare; by default all that are listed.

    Raises:
        OrateError: a file that is there has another checksum.
    """
    path = folder / SUMS_FILE
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    for expected, listed in (line.split(maxsplit=1) for line in lines if len(line.split(maxsplit=1)) == 2):
        name = listed.lstrip("*")
        wanted = names is None or name in names
        if wanted and (folder / name).is_file() and file_sha256(folder / name) != expected:
            raise OrateError(
                f"{folder / name} does not have the checksum written in {SUMS_FILE}: "
                "it was damaged or changed; get the model again."
            )


def _check_fit(generator: Generator, weights: Mapping[str, Tensor], folder: Path) -> None:
    expected = {name: value.shape for name, value in generator.state_dict().items() if not name.endswith(_COUNTER)}
    problems = [f"{name} is missing" for name in expected.keys() - weights.keys()]
    problems += [f"{name} is unknown" for name in weights.keys() - expected.keys()]
    problems += [
        f"{name} is {tuple(weights[name].shape)} instead of {tuple(shape)}"
        for name, shape in expected.items()
        if name in weights and weights[name].shape != shape
    ]
    if problems:
        others = f", and {len(problems) - 1} more differences" if len(problems) > 1 else ""
        raise OrateError(
            f"The weights in {folder / WEIGHTS_FILE} do not fit {CONFIG_FILE}: {sorted(problems)[0]}{others}."
        )


def _other_version(path: Path, version: object) -> str:
    return (
        f"{path} is of format version {'none' if version is None else version}, but this orate reads "
        f"version {FORMAT_VERSION}: get the model again, or another version of orate."
    )


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _bundled_folder() -> Path:
    return Path(str(resources.files("orate"))) / "weights"


def _download(repo: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    wanted = f"{repo}@{revision}" if revision else repo
    try:
        folder = snapshot_download(repo, revision=revision, allow_patterns=[WEIGHTS_FILE, CONFIG_FILE, SUMS_FILE])
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise OrateError(
            f"There is no folder {wanted}, and the model of that name could not be had from the Hugging Face Hub "
            f"({type(error).__name__}: {reason.rstrip('.')}): check the name and the connection."
        ) from None
    return Path(folder)
