"""The real open-source gateway as a child process."""

import http.client
import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO

from portkey_gateway.sandbox.error import PortInUseError, SandboxError
from portkey_gateway.sandbox.install import NPM_FOLDER, install_gateway
from portkey_gateway.sandbox.node import find_node
from portkey_gateway.sandbox.output import output_tail
from portkey_gateway.sandbox.progress import Progress, to_stderr

HOST = "127.0.0.1"

_GREETING = "AI Gateway"
_READY_LIMIT_S = 30.0
_STOP_LIMIT_S = 5.0
_POLL_S = 0.02
_PORT_ATTEMPTS = 5
# The gateway reads proxies, cloud keys and TLS settings from its environment; it gets none of the user's.
_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "TMPDIR")


class GatewayProcess:
    """The gateway on a loopback port, from `start` to `stop`; it also ends when this process ends in any way.

    Args:
        port: Where to listen; 0 takes a free port.
        progress: Receives the lines about the installation, which the first start on a machine needs.
    """

    def __init__(self, port: int = 0, *, progress: Progress = to_stderr) -> None:
        self.port = port
        self._wanted_port = port
        self._progress = progress
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens, without a path."""
        return f"http://{HOST}:{self.port}"

    @property
    def running(self) -> bool:
        """Whether the process was started and still lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Install the gateway if need be, start it and return once it answers; a running one stays.

        Raises:
            PortInUseError: The port that was asked for is taken.
            SandboxError: It cannot be installed, ended at once, or did not answer in time.
        """
        if self.running:
            return
        self.stop()
        script, node = install_gateway(self._progress), find_node()
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            self.port = self._wanted_port or free_port()
            try:
                self._launch(node, script)
            except PortInUseError:
                if self._wanted_port or attempt == _PORT_ATTEMPTS:
                    raise
            else:
                return

    def stop(self) -> None:
        """End the process, gently first; without one, do nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdin, self._log):
            if stream is not None:
                stream.close()
        self._log = None

    def wait(self) -> None:
        """Block for as long as the gateway lives.

        Raises:
            SandboxError: It ended although nobody stopped it.
        """
        process = self._process
        if process is None:
            return
        exit_code = process.wait()
        if self._process is process:
            raise SandboxError(f"The gateway ended with exit code {exit_code}.\n{self.log_tail()}")

    def log_tail(self) -> str:
        """Return the last lines the running gateway printed."""
        return "" if self._log is None else output_tail(self._log.fileno())

    def _launch(self, node: Path, script: Path) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - open for as long as the process lives
        self._process = subprocess.Popen(  # noqa: S603 - the program found and installed above
            [node, "--import", (NPM_FOLDER / "preload.mjs").as_uri(), script, f"--port={self.port}", "--headless"],
            env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
            stdin=subprocess.PIPE,  # never written to: its closing tells the child that we are gone
            stdout=self._log,
            stderr=subprocess.STDOUT,
            process_group=0,  # a Ctrl-C in the terminal, or a notebook's "interrupt", is not meant for the gateway
        )
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_LIMIT_S
        while time.monotonic() < deadline:
            if not self.running:
                log = self.log_tail()
                raise PortInUseError(self.port) if "EADDRINUSE" in log else SandboxError(f"The gateway ended:\n{log}")
            # It greets only once it listens. Without that, another program on this port could answer in its place.
            if _GREETING in self.log_tail() and _answers(self.port):
                return
            time.sleep(_POLL_S)
        raise SandboxError(f"The gateway did not answer within {_READY_LIMIT_S:.0f} s:\n{self.log_tail()}")


def free_port() -> int:
    """Return a loopback port that nobody uses now; another process may still take it first."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=1)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()
