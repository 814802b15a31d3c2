"""A viewer as a process on a loopback port, in an environment of its own (``.venv-viewers``)."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

ENVIRONMENT: Final = Path(__file__).parents[2] / ".venv-viewers"

_READY_LIMIT_S: Final = 300.0
_STOP_LIMIT_S: Final = 20.0
_POLL_S: Final = 0.2
# What a viewer would otherwise read of the user's machine, or tell its makers.
_KEPT_VARIABLES: Final = ("PATH", "HOME", "LANG", "TMPDIR")
_QUIET: Final = {"PHOENIX_TELEMETRY_ENABLED": "false", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: Sequence[str], *, health: str, variables: Mapping[str, str] | None = None) -> Iterator[None]:
    """Run a program of the viewers' environment until the block ends.

    Args:
        command: the program's name and its arguments.
        health: the URL that answers 200 once it is ready.
        variables: further variables of its environment.

    Raises:
        RuntimeError: it is not installed, ended, or was not ready in time; with the end of what it said.
    """
    program = ENVIRONMENT / "bin" / command[0]
    if not program.exists():
        raise RuntimeError(f"{command[0]} is not installed in {ENVIRONMENT.name}; run `make test-viewers`.")
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603 our own environment's program
            [str(program), *command[1:]],
            env=kept | _QUIET | dict(variables or {}),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            if not _is_ready(process, health):
                log.seek(0)
                raise RuntimeError(f"{command[0]} is not ready:\n{log.read().decode(errors='replace')[-2000:]}")
            yield
        finally:
            process.terminate()
            try:
                process.wait(_STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _is_ready(process: subprocess.Popen[bytes], health: str) -> bool:
    limit = time.monotonic() + _READY_LIMIT_S
    while time.monotonic() < limit and process.poll() is None:
        try:
            if httpx.get(health).is_success:
                return True
        except httpx.TransportError:
            pass
        time.sleep(_POLL_S)
    return False
