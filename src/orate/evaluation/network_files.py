"""The measuring networks as folders: ``model.safetensors`` (fp16), ``config.json``, ``SHA256SUMS``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from orate.errors import OrateError
from orate.media.files import whole_file
from orate.models.checkpoint import CONFIG_FILE, SUMS_FILE, WEIGHTS_FILE, check_sums
from orate.models.layered import write_sums

COUNTER = "num_batches_tracked"  # batch norm counts its training steps; nobody needs that after training
Config = TypeVar("Config", bound=BaseModel)
Net = TypeVar("Net", bound=nn.Module)


def bundled_network(name: str) -> Path:
    """Folder of a measuring network that comes with the package: ``sync-network`` or ``lip-reader``."""
    return Path(str(resources.files("orate"))) / "weights" / name


def save_network(net: nn.Module, config: BaseModel, folder: Path, metadata: Mapping[str, object]) -> None:
    """Write a network; each file appears whole or not at all, other files of the folder (its card) stay.

    Args:
        net: the network.
        config: its dimensions.
        folder: where to; parents are made.
        metadata: what to note in the header of the weights, such as the number of steps.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SUMS_FILE).unlink(missing_ok=True)
    weights = {
        # Variances reach below what fp16 can tell from zero.
        name: (value.detach().float() if "running_" in name else value.detach().half()).cpu().contiguous()
        for name, value in net.state_dict().items()
        if not name.endswith(COUNTER)
    }
    with whole_file(folder / WEIGHTS_FILE) as partial:
        save_file(weights, partial, metadata={name: str(value) for name, value in metadata.items()})
    with whole_file(folder / CONFIG_FILE) as partial:
        partial.write_text(json.dumps(config.model_dump(mode="json"), indent=2) + "\n", encoding="utf-8")
    write_sums(folder)


def load_network(name: str, kind: type[Config], make: Callable[[Config], Net], folder: Path | None = None) -> Net:
    """A measuring network, in eval mode and fp32 on the CPU.

    Args:
        name: of the one that comes with the package.
        kind: of its dimensions.
        make: builds it from them.
        folder: where another one lies.

    Raises:
        OrateError: files are missing, damaged, or of another version.
    """
    folder = folder or bundled_network(name)
    config, weights = read_network(folder, kind)
    net = make(config)
    fill(net, weights, folder)
    return net.eval()


def read_network(folder: Path, kind: type[Config]) -> tuple[Config, dict[str, Tensor]]:
    """Dimensions and weights, fp32 on the CPU.

    Raises:
        OrateError: files are missing, damaged, or of another version.
    """
    try:
        config = kind.model_validate_json((folder / CONFIG_FILE).read_bytes())
        check_sums(folder)
        weights = {name: value.float() for name, value in load_file(folder / WEIGHTS_FILE).items()}
    except (SafetensorError, OSError, ValidationError) as error:
        reason = " ".join(str(error).split())
        raise OrateError(f"The network in {folder} cannot be read ({reason}): get it again.") from error
    return config, weights


def fill(net: nn.Module, weights: Mapping[str, Tensor], folder: Path) -> None:
    """Give a network its weights.

    Raises:
        OrateError: they do not fit its dimensions.
    """
    counters = {name: value for name, value in net.state_dict().items() if name.endswith(COUNTER)}
    try:
        net.load_state_dict({**counters, **weights})
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise OrateError(f"The weights in {folder} do not fit its {CONFIG_FILE} ({reason}): get them again.") from error
