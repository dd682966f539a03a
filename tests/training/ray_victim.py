"""What happens to the workers of a training on Ray in tests; they import this by its name."""

import os
import signal
import time
from pathlib import Path

from orate.cli.train_pictures import Pictures, train_on_worker
from orate.errors import OrateError
from orate.training.gan import Gan

SIGNAL_AT, KILL_AT = 3, 7


def train_and_suffer(pictures: Pictures, place) -> int | None:
    """As `train_on_worker`, but the first time the command gets a SIGTERM, the second time the other worker is killed.

    In the run's parent folder, ``driver`` holds the command's process number; ``signalled`` and ``killed`` are made
    when it has happened.
    """
    folder, step = pictures.output.parent, Gan.step

    def suffer(self: Gan, number: int, clip):
        if self.fabric.global_rank == 0 and number == SIGNAL_AT and first(folder / "signalled"):
            os.kill(int((folder / "driver").read_text()), signal.SIGTERM)
        if (folder / "signalled").exists() and self.fabric.global_rank == 0 and not (folder / "killed").exists():
            time.sleep(0.05)  # steps are short, a signal's way is long
        if self.fabric.global_rank == 1 and number >= KILL_AT and first(folder / "killed"):
            os.kill(os.getpid(), signal.SIGKILL)
        return step(self, number, clip)

    Gan.step = suffer
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
