"""Serving a study on an address of this machine until it is stopped."""

from __future__ import annotations

import signal
import socket
from types import FrameType

import uvicorn
from fastapi import FastAPI

from orate.errors import OrateError

HIGHEST_PORT = 65_535


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        OrateError: the address is not this machine's, is in use, or may not be taken.
    """
    if not 0 <= port <= HIGHEST_PORT:
        raise OrateError(f"There is no port {port}: choose one from 0 to {HIGHEST_PORT}.")
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        reason = error.strerror or error
        raise OrateError(f"{host}, port {port}, cannot be used: {reason}; choose another --port or --host.") from error


def address_of(listening: socket.socket) -> str:
    """The socket's address for a browser: with this machine's name where it listens on all addresses."""
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - read, not bound
        host = socket.gethostname()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def serve(app: FastAPI, listening: socket.socket) -> None:
    """Answer requests until SIGINT or SIGTERM. No log of them: it would hold people's addresses.

    Raises:
        KeyboardInterrupt: SIGINT ended it, also where the shell had it ignored when it started the program.
    """
    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, lifespan="off")
    server = _Server(config)
    server.run(sockets=[listening])
    if server.interrupted:
        raise KeyboardInterrupt


class _Server(uvicorn.Server):
    """Remembers whether SIGINT ended it: uvicorn raises signals again, but one that was ignored stays so."""

    interrupted = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.interrupted |= sig == signal.SIGINT
        super().handle_exit(sig, frame)
