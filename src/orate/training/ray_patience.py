"""When a training on Ray is given up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orate.corpora.ray_cluster import load_ray
from orate.errors import OrateError

MOST_FAILURES = 3  # in a row, with no state saved between them


def patience(state: Path) -> Any:
    """A callback of Ray Train that ends a run which a person must mend, or which fails in the same way for ever.

    Ray calls it in a process beside the command, on the same machine.

    Args:
        state: the file that a training saves; a failure after a newer one is a first failure.
    """
    base: Any = load_ray("ray.train").UserCallback

    class Patience(base):  # type: ignore[misc]
        def __init__(self) -> None:
            self._failures, self._saved = 0, 0

        def after_exception(self, run_context: Any, worker_exceptions: dict[int, Exception]) -> None:
            for error in worker_exceptions.values():
                if isinstance(error, OrateError):
                    raise error
            saved = state.stat().st_mtime_ns if state.exists() else 0
            self._failures = self._failures + 1 if saved == self._saved else 1
            self._saved = saved
            if self._failures >= MOST_FAILURES:
                error = next(iter(worker_exceptions.values()))
                last = (str(error).strip().splitlines() or [""])[-1]
                raise OrateError(
                    f"The training failed {self._failures} times with no state saved between ({last}): Ray's logs are "
                    "in /tmp/ray/session_latest/logs of each machine."
                )

    return Patience()
