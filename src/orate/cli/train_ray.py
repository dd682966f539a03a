"""`orate train --engine ray`: which options go together, and the training as a worker of the cluster runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from orate.errors import OrateError

if TYPE_CHECKING:
    from orate.cli.training_bar import Show
    from orate.training.ray_worker import Job, Place

TrainOne = Callable[..., int | None]
"""A training on one device that still wants ``device``, ``quiet``, and on a cluster ``show``."""


class EngineName(StrEnum):
    """Where a training runs."""

    LOCAL = "local"
    RAY = "ray"


@dataclass(frozen=True)
class Cluster:
    """What a person said of the cluster; see `orate.training.ray_run.train_on_ray`."""

    address: str | None = None
    workers: int | None = None
    use_gpu: bool = False

    def train(self, job: Job, output: Path, show: Show, *, alone: bool = False) -> int | None:
        """Run a training there; with `alone`, as one worker. Returns the signal that stopped it, or None."""
        from orate.training.ray_run import train_on_ray

        workers = 1 if alone else self.workers
        return train_on_ray(job, output, address=self.address, workers=workers, use_gpu=self.use_gpu, show=show)


def cluster_of(
    engine: EngineName, address: str | None, workers: int | None, use_gpu: bool, device: str, devices: int | None
) -> Cluster | None:
    """The cluster that the options name, None for this machine.

    Raises:
        OrateError: options of the one engine with the other.
    """
    if engine is EngineName.LOCAL:
        if address is not None or workers is not None or use_gpu:
            raise OrateError("--ray-address, --ray-workers and --use-gpu are of a Ray cluster: give --engine ray too.")
        return None
    if devices is not None or device != "auto":
        raise OrateError(
            "On a Ray cluster --ray-workers and --use-gpu say what trains: leave out --device and --devices."
        )
    from orate.corpora.ray_cluster import load_ray

    load_ray()
    return Cluster(address, workers, use_gpu)


def train_one_on_worker(train_one: TrainOne, place: Place) -> int | None:
    """Run a training that needs one device as a worker of Ray Train; returns the signal that stopped it, or None."""
    return train_one(device=place.device, quiet=True, show=place.show)
