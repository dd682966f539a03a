"""How many cores the networks of this process may keep busy."""

from __future__ import annotations

import os

THREADS_VARIABLE = "OMP_NUM_THREADS"  # PyTorch, OpenBLAS and Ray go by it too


def available_cores() -> int:
    """Cores that the system lets this process use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def usable_cores() -> int:
    """Cores that this process may use, and no more than ``OMP_NUM_THREADS`` where that is set."""
    cores, told = available_cores(), os.environ.get(THREADS_VARIABLE, "").partition(",")[0]
    return min(cores, int(told)) if told.isdigit() and int(told) else cores
