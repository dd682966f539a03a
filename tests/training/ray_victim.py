"""What happens to the workers of a training on Ray in tests; they import this by its name."""

import os
import signal
import threading
from pathlib import Path

from orate.cli.train_pictures import Pictures, train_on_worker
from orate.errors import OrateError
from orate.training import ray_worker
from orate.training.gan import Gan

SIGNAL_AT, KILL_AT = 3, 7
WAIT_S = 120


def train_and_suffer(pictures: Pictures, place) -> int | None:
    """As `train_on_worker`, but the first time the command gets a SIGTERM, the second time the other worker is killed.

    In the run's parent folder, ``driver`` holds the command's process number; ``signalled`` and ``killed`` are made
    when it has happened; ``lives`` tells the steps from which the first worker began.
    """
    folder, step, stopped, begun = pictures.output.parent, Gan.step, threading.Event(), threading.Event()
    request_stop = ray_worker.request_stop

    def stop(number: int) -> None:
        request_stop(number)
        stopped.set()

    def suffer(self: Gan, number: int, clip):
        if self.fabric.global_rank == 0:
            if not begun.is_set():
                begun.set()
                with (folder / "lives").open("a") as file:
                    file.write(f"{number} ")
            if number == SIGNAL_AT and first(folder / "signalled"):
                os.kill(int((folder / "driver").read_text()), signal.SIGTERM)
                assert stopped.wait(WAIT_S)
        elif number == KILL_AT and first(folder / "killed"):
            os.kill(os.getpid(), signal.SIGKILL)
        return step(self, number, clip)

    ray_worker.request_stop, Gan.step = stop, suffer
    return train_on_worker(pictures, place)


def fail(folder: Path, place) -> None:
    """Tell a step, and say what a person must mend; ``attempts`` in the folder says how often."""
    with (folder / "attempts").open("a") as file:
        file.write(".")
    place.show("steps", 1, 1, {"l1": 0.5})
    raise OrateError("mend this")


def first(mark: Path) -> bool:
    """Whether this is the first call for that file in all processes."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
