"""Where a command's work is done: the options that commands with many pieces of work share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from orate.errors import OrateError


class EngineName(StrEnum):
    """Processes on this machine, or a Ray cluster."""

    POOL = "pool"
    RAY = "ray"


EngineOption = Annotated[
    EngineName,
    typer.Option("--engine", help="pool: processes on this machine; ray: a Ray cluster, with the extra ray."),
]
RayAddress = Annotated[
    str | None,
    typer.Option(help="The cluster: auto, or HOST:PORT of its head. Default: this machine's."),
]


def refuse_address(address: str | None) -> None:
    """Raise OrateError for the address of a cluster that is not asked for."""
    if address is not None:
        raise OrateError("--ray-address is of a Ray cluster: give --engine ray too.")
