"""Stands in for the animator in tests of the batch: writes a few kilobytes that follow from the row, bit by bit.

As a script it runs a batch, for tests that kill it: ``python stand_in.py MANIFEST DIR WORKERS``.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from orate.animator.batch.manifest import read_manifest
from orate.animator.batch.pool import Pool
from orate.animator.batch.rows import Job, rows_of
from orate.animator.batch.run import run_batch
from orate.errors import OrateError

PIECES = 8
PIECE_S = 0.012


class StandIn:
    """What a row gets is told by its sound's text."""

    def __call__(self, job: Job, output: Path, progress: Callable[[int, int], None]) -> str:
        """See `orate.animator.batch.worker.Maker`."""
        said = job.audio.read_text()
        made = sha256(f"{said} {job.photo.read_text()} {sorted(job.options.items())}".encode()).digest()
        with output.open("wb") as file:
            for piece in range(PIECES):
                file.write(made * 30)
                file.flush()
                progress(piece, PIECES)
                time.sleep(PIECE_S)
                if "wrong" in said:
                    raise OrateError(f"{output} cannot be made.")
                if "bug" in said:
                    raise RuntimeError("two\nlines")
                if "crash" in said:
                    os.kill(os.getpid(), signal.SIGSEGV)
                if "once" in said and not (mark := job.audio.with_suffix(".tried")).exists():
                    mark.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
        return made[:8].hex()


def load() -> StandIn:
    """What a process calls once."""
    with (Path(os.environ["STAND_IN_LOADED"]) if "STAND_IN_LOADED" in os.environ else Path(os.devnull)).open(
        "a"
    ) as log:
        log.write(f"{os.environ.get('OMP_NUM_THREADS')}\n")
    return StandIn()


def load_and_die() -> StandIn:
    """A process that cannot be had."""
    os._exit(3)


if __name__ == "__main__":
    rows = rows_of(read_manifest(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[1]).parent)
    # by the name under which the pool's processes find it
    from stand_in import load as load_by_name

    run_batch(rows, Path(sys.argv[2]), Pool(int(sys.argv[3])), load=load_by_name)
