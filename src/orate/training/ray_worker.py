"""What a worker of Ray Train runs: a training, on the device and in the group of processes that Ray has set up."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import gethostname
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning_fabric.strategies.ddp import DDPStrategy
from lightning_fabric.strategies.single_device import SingleDeviceStrategy

from orate import __version__
from orate.corpora.ray_cluster import load_ray
from orate.errors import OrateError
from orate.training.config import TrainConfig
from orate.training.precision import wants_bf16
from orate.training.signals import request_stop
from orate.training.trainer import parallel_settings

TELL_S = 0.5
LISTEN_S = 0.5

Show = Callable[[str, int, int, dict[str, float]], None]


@dataclass(frozen=True)
class Place:
    """Where a training runs, and whom it tells.

    Attributes:
        device: ``cpu`` or ``cuda``: the worker sees no other.
        workers: how many train in step.
        show: told what is done, how much, of how much, and the latest figures; the first worker's counts.
    """

    device: str
    workers: int
    show: Show


Job = Callable[[Place], int | None]
"""A training; returns the signal that stopped it, or None. A top-level function, or a `functools.partial` of one."""


@dataclass(frozen=True)
class Order:
    """What the command hands to each worker; `hub` is the handle of a `orate.training.ray_hub.Hub`.

    ``mark`` is a file in the run's folder, there to be seen; ``version`` is that of orate.
    """

    job: Job
    hub: Any
    mark: Path
    version: str


def work(config: dict[str, Order]) -> int | None:
    """The loop of a worker, as Ray Train calls it."""
    order = config["order"]
    _check(order)
    train = load_ray("ray.train")
    device = load_ray("ray.train.torch").get_device()
    context = train.get_context()
    if context.get_world_rank() > 0:
        return order.job(Place(device.type, context.get_world_size(), lambda what, done, total, figures: None))
    order.hub.begin.remote()
    with _listening(order.hub):
        return order.job(Place(device.type, context.get_world_size(), _teller(order.hub)))


def _check(order: Order) -> None:
    machine = f"The machine {gethostname()} of the Ray cluster"
    if __version__ != order.version:
        raise OrateError(
            f"{machine} has orate {__version__}, the command is {order.version}: install the same release."
        )
    look_again(order.mark.parent)
    if not order.mark.exists():
        raise OrateError(
            f"{machine} does not see {order.mark.parent}: choose a folder for the run that all machines share."
        )


def look_again(folder: Path) -> None:
    """Make a network folder forget which files it has not had: what another machine has just written appears."""
    try:
        os.close(os.open(folder, os.O_RDONLY))
    except OSError:  # it is not there, or Windows, which opens no folders
        return


def _teller(hub: Any) -> Show:
    told: dict[str, float] = {}

    def show(what: str, done: int, total: int, figures: dict[str, float]) -> None:
        now = time.monotonic()
        if done == total or now - told.get(what, -TELL_S) >= TELL_S:
            told[what] = now
            hub.tell.remote(what, done, total, figures)

    return show


@contextmanager
def _listening(hub: Any) -> Iterator[None]:
    """Stop the training when the command asks for it."""
    ray, ended = load_ray(), threading.Event()

    def listen() -> None:
        while not ended.wait(LISTEN_S):
            try:
                number = ray.get(hub.asked.remote())
            except ray.exceptions.RayError:  # the command is gone, and Ray ends this process
                return
            if number is not None:
                request_stop(number)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class _Environment(TorchElasticEnvironment):
    """The group of processes that Ray has made; it sets the variables of torchrun, NODE_RANK instead of GROUP_RANK."""

    def node_rank(self) -> int:
        return int(os.environ["NODE_RANK"])

    def validate_settings(self, num_devices: int, num_nodes: int) -> None:
        """Nothing to compare: Ray counts the processes, and machines may have different numbers of them."""


class _Strategy(DDPStrategy):
    """Gradients shared as on one machine; the device is the one that Ray has given to this process."""

    @property
    def root_device(self) -> torch.device:
        return self.parallel_devices[0] if self.parallel_devices else super().root_device


def ray_fabric(config: TrainConfig) -> Fabric:
    """The Fabric of this worker: as the recipe's own with as many devices as Ray has made workers."""
    device = load_ray("ray.train.torch").get_device()
    strategy = (
        _Strategy(parallel_devices=[device], cluster_environment=_Environment(), **parallel_settings(config))
        if int(os.environ["WORLD_SIZE"]) > 1
        else SingleDeviceStrategy(device)
    )
    return Fabric(
        accelerator=device.type,
        devices=1,
        strategy=strategy,
        precision="bf16-mixed" if wants_bf16(config.run.precision, device.type) else "32-true",
    )
