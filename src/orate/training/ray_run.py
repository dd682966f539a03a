"""A training under Ray Train: workers on the machines of a cluster, begun again where one is lost."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from orate import __version__
from orate.corpora.ray_cluster import connected, load_ray
from orate.errors import OrateError
from orate.training.ray_hub import Hub
from orate.training.ray_patience import patience
from orate.training.ray_worker import Job, Order, Show, work
from orate.training.signals import obey_signals

LOGGER = logging.getLogger(__name__)
STATE_FILE = "state.safetensors"  # of every training
ASK_S = 0.2
SIGNAL_EXIT = 128  # and the number, as shells report it
Machine = dict[str, float]  # resources of a machine by Ray's name: CPU, GPU


def train_on_ray(
    job: Job,
    folder: Path,
    *,
    address: str | None = None,
    workers: int | None = None,
    use_gpu: bool = False,
    show: Show,
) -> int | None:
    """Run a training on a Ray cluster, and wait for it.

    A worker that is killed, or a machine that is lost, ends the group of workers; Ray begins it again, on other
    machines if need be, and the training goes on from the state in its folder.

    Args:
        job: what each worker runs.
        folder: the run's, at a path that all machines see.
        address: as `orate.corpora.ray_cluster.connected` takes it.
        workers: how many train in step; None for every GPU of the cluster, or without GPUs one worker on each machine.
        use_gpu: whether each worker has a GPU; otherwise they share out the cores.
        show: told what is done, how much, of how much, and the latest figures.

    Returns:
        The signal that stopped the run, or None when it is complete.

    Raises:
        OrateError: no Ray, no cluster, no GPU there, a machine does not see the folder, whatever the training itself
            raises, or fails again and again without saving a state.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / f".seen-{uuid4().hex[:12]}"
    notes = Path(tempfile.mkdtemp(prefix="orate-ray-"))  # Ray's own; ours are in the run's folder
    try:
        mark.touch()
        with connected(address) as ray:
            hub = ray.remote(Hub).options(num_cpus=0, scheduling_strategy=_here(ray)).remote()
            order = Order(job, hub, mark, __version__)
            return _Fit(_trainer(ray, order, folder, workers, use_gpu, notes), ray, hub).wait(show)
    finally:
        mark.unlink(missing_ok=True)
        shutil.rmtree(notes, ignore_errors=True)


def count_workers(machines: Sequence[Machine], use_gpu: bool) -> int:
    """Workers for a whole cluster: one for each GPU, or one for each machine that has cores.

    Raises:
        OrateError: GPUs are asked for and there is none.
    """
    if use_gpu:
        gpus = sum(int(machine.get("GPU", 0)) for machine in machines)
        if not gpus:
            raise OrateError("No machine of the Ray cluster has a GPU: leave out --use-gpu, or add one that has.")
        return gpus
    return max(1, sum(machine.get("CPU", 0) >= 1 for machine in machines))


def cores_of_each(machines: Sequence[Machine], workers: int, use_gpu: bool) -> int:
    """The most cores that each worker can have so that all have a place; 0 when there is none for all."""

    def places(cores: int) -> int:
        return sum(
            min(int(machine.get("CPU", 0)) // cores, int(machine.get("GPU", 0)) if use_gpu else workers)
            for machine in machines
        )

    cores = max((int(machine.get("CPU", 0)) for machine in machines), default=0)
    while cores and places(cores) < workers:
        cores -= 1
    return cores


def _here(ray: Any) -> Any:
    strategies = load_ray("ray.util.scheduling_strategies")
    return strategies.NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)


def _trainer(ray: Any, order: Order, folder: Path, workers: int | None, use_gpu: bool, notes: Path) -> Any:
    os.environ.setdefault("RAY_TRAIN_V2_ENABLED", "1")
    os.environ.setdefault("RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S", "300")  # a minute is short on busy machines
    train, torch = load_ray("ray.train"), load_ray("ray.train.torch")
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    count = workers or count_workers(machines, use_gpu)
    cores = cores_of_each(machines, count, use_gpu)
    if not cores:
        LOGGER.warning("The Ray cluster has no place for %d workers yet: they begin when it has grown.", count)
    return torch.TorchTrainer(
        work,
        train_loop_config={"order": order},
        scaling_config=train.ScalingConfig(
            num_workers=count,
            use_gpu=use_gpu,
            resources_per_worker={"CPU": max(1, cores), **({"GPU": 1} if use_gpu else {})},
            placement_strategy="PACK" if use_gpu else "SPREAD",
        ),
        run_config=train.RunConfig(
            name="run",
            storage_path=str(notes),
            failure_config=train.FailureConfig(max_failures=-1),
            callbacks=[patience(folder / STATE_FILE)],
        ),
    )


def _ended_by(number: int) -> BaseException:
    return KeyboardInterrupt() if number == signal.SIGINT else SystemExit(SIGNAL_EXIT + number)


class _Fit:
    """Ray's training in a thread, so that this one can show how far it is and obey signals."""

    def __init__(self, trainer: Any, ray: Any, hub: Any) -> None:
        self._trainer, self._ray, self._hub = trainer, ray, hub
        self._result: int | None = None
        self._error: Exception | None = None
        self._signal: int | None = None

    def wait(self, show: Show) -> int | None:
        thread = threading.Thread(target=self._run, daemon=True)
        asked = False
        with obey_signals(self._ask):
            thread.start()
            while thread.is_alive():
                thread.join(ASK_S)
                for what, news in self._ray.get(self._hub.news.remote()).items():
                    show(what, *news)
                if self._signal is not None and not asked:
                    if not self._ray.get(self._hub.ask.remote(self._signal)):
                        raise _ended_by(self._signal)
                    asked = True
        if self._error is None:
            return self._result
        raise self._in_words(self._error) from self._error

    def _ask(self, number: int) -> None:
        """The first signal lets the workers save; the second one waits for nothing."""
        if self._signal is not None:
            raise _ended_by(number)
        self._signal = number

    def _run(self) -> None:
        try:
            self._result = self._trainer.fit().return_value
        except Exception as error:  # noqa: BLE001 - raised again by the thread that waits
            self._error = error

    @staticmethod
    def _in_words(error: Exception) -> Exception:
        cause = getattr(error, "controller_failure", error)
        if isinstance(cause, OrateError):
            return OrateError(str(cause))
        if "No module named 'orate" in str(error):
            return OrateError(
                "A machine of the Ray cluster has no orate: install the same release there, in the Python that Ray "
                "runs in, with its train and ray extras."
            )
        last = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        return OrateError(
            f"The training on the Ray cluster ended ({last}): Ray's logs are in /tmp/ray/session_latest/logs of each "
            "machine; the same command goes on from the last state that was saved."
        )
