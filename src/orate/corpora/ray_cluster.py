"""The connection to a Ray cluster, for preparation and for training."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from orate.errors import OrateError

# Loggers that tell at length what their own files say too, and how much they may.
QUIET = {"ray.data": logging.WARNING, "ray.data._internal.progress": logging.ERROR, "ray.train": logging.WARNING}

CONNECT_S = 10.0


def load_ray(part: str = "ray") -> Any:
    """Import Ray or a part of it, such as ``ray.data``.

    Raises:
        OrateError: it is not installed, or something that the part needs is not.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read when a cluster is started: Ray would report its use
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # its core warns of what its own pipelines do
    try:
        module = import_module(part)
    except ImportError as error:
        raise OrateError(
            f"--engine ray needs Ray, which is not installed here ({error}): "
            "install it on every machine of the cluster with: pip install 'orate[ray]'"
        ) from error
    for name, level in QUIET.items():
        logging.getLogger(name).setLevel(level)
    return module


@contextmanager
def connected(address: str | None = None) -> Iterator[Any]:
    """The module ``ray`` while this process belongs to a cluster.

    Args:
        address: ``HOST:PORT`` of the cluster's head, ``auto`` for the one that this machine belongs to, or ``local``
            for one of this machine alone, begun and ended here; None for what the variable RAY_ADDRESS says, else the
            one that this machine belongs to, else ``local``. A process that is connected already stays as it is.

    Raises:
        OrateError: no Ray, no cluster there, or one of other versions.
    """
    ray = load_ray()
    _check_address(address or os.environ.get("RAY_ADDRESS", ""))
    if ray.is_initialized():
        yield ray
        return
    try:
        with _signals_kept():
            ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level=logging.WARNING)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        where = f" at {address}" if address else ""
        if "AuthenticationError" in _all_lines(error):
            raise OrateError(
                f"The Ray cluster{where} wants its token: copy ~/.ray/auth_token from its head to this machine, and "
                "set RAY_AUTH_MODE=token."
            ) from error
        raise OrateError(
            f"Cannot join a Ray cluster{where} ({_first_line(error)}): start one with 'ray start --head', "
            "with the same versions of Python and Ray on every machine."
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_address(address: str) -> None:
    """Raise OrateError for an address that Ray would try for ten minutes, or that is no machine's of the cluster."""
    if address.startswith("ray://"):
        raise OrateError(
            "An address of the Ray client (ray://) cannot be used: run the command on a machine of the cluster, with "
            "--ray-address auto."
        )
    host, _, port = address.rpartition(":")
    if not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_S).close()
    except OSError as error:
        raise OrateError(
            f"No Ray cluster answers at {address} ({error.strerror or error}): start one with 'ray start --head', "
            "and take the address that it prints."
        ) from error


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Keep what SIGTERM does: Ray replaces it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _all_lines(error: BaseException | None) -> str:
    """What the error says, and those that it came from."""
    lines = []
    while error is not None:
        lines.append(f"{type(error).__name__}: {error}")
        error = error.__cause__ or error.__context__
    return "\n".join(lines)
