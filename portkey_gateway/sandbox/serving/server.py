"""Runs an emulated provider in a thread of this process."""

import contextlib
import logging
import socket
import threading
import time
from types import TracebackType
from typing import Any, ClassVar, Final, Self

import uvicorn
from starlette.applications import Starlette

from portkey_gateway.sandbox.serving.faults import Fault
from portkey_gateway.sandbox.serving.log import LoggedRequest
from portkey_gateway.sandbox.serving.state import ProviderState

_THREAD_PREFIX: Final = "emulated-"
_START_TIMEOUT_S: Final = 10.0
_STOP_TIMEOUT_S: Final = 5.0
# How long an open stream may go on after `stop`.
_GRACE_S: Final = 1
_POLL_S: Final = 0.005


class EmulatedServer:
    """An emulated provider's API on this machine; each provider has a class of its own.

    Use it as a context manager, or call `start` and `stop`.

    Args:
        app: What answers.
        state: What it remembers, which this class shows and changes.
        port: The port to listen on; 0 takes a free one.
        host: The address to listen on.
    """

    name: ClassVar[str]
    """Whom it emulates."""

    def __init__(self, app: Starlette, state: ProviderState[Any], *, port: int, host: str) -> None:
        self._app = app
        self._state = state
        self._host = host
        self._wanted_port = port
        self._socket: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url if self._socket else 'stopped'})"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port it listens on.

        Raises:
            RuntimeError: It is not running.
        """
        if self._socket is None:
            raise RuntimeError(f"the emulated {self.name} is not running: call start()")
        return int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        """Where it answers, without `/v1`.

        Raises:
            RuntimeError: It is not running.
        """
        return f"http://{self._host}:{self.port}"

    def start(self) -> Self:
        """Start answering; does nothing when it already does.

        Raises:
            OSError: The port is taken.
            RuntimeError: The server did not come up.
        """
        if self._socket is not None:
            return self
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self._host, self._wanted_port))
            # Listening at once lets a client connect before the thread is ready: it only waits a moment.
            listener.listen(128)
        except OSError:
            listener.close()
            raise
        _hush_uvicorn()
        self._socket = listener
        self._server = uvicorn.Server(_config(self._app))
        name = _THREAD_PREFIX + self.name.lower()
        self._thread = threading.Thread(target=self._run, args=(self._server, listener), name=name, daemon=True)
        self._thread.start()
        self._await_start(self._server, self._thread)
        return self

    def stop(self) -> None:
        """Stop answering and close every connection, open streams too; does nothing when it is not running."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(_STOP_TIMEOUT_S)
        if self._socket is not None:
            self._socket.close()
        self._socket = self._server = self._thread = None

    @property
    def requests(self) -> list[LoggedRequest]:
        """The latest requests, oldest first."""
        return self._state.log.entries()

    def remember(self, limit: int) -> None:
        """Remember so many requests from now on; at first it is `MAX_LOGGED_REQUESTS` of `serving.log`."""
        self._state.log.remember(limit)

    def inject(self, fault: Fault) -> None:
        """Queue trouble for the next matching requests."""
        self._state.inject(fault)

    def clear(self) -> None:
        """Forget requests, faults, replies and what is cached."""
        self._state.clear()

    @staticmethod
    def _run(server: uvicorn.Server, listener: socket.socket) -> None:
        # uvicorn leaves by SystemExit when it cannot start; start() notices that the thread has ended.
        with contextlib.suppress(SystemExit):
            server.run(sockets=[listener])

    def _await_start(self, server: uvicorn.Server, thread: threading.Thread) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the emulated {self.name} did not start")
            time.sleep(_POLL_S)


class _NotFromHere(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.threadName or "").startswith(_THREAD_PREFIX)


_NOT_FROM_HERE: Final = _NotFromHere()


def _hush_uvicorn() -> None:
    """Keep uvicorn quiet in our threads only: the process may run another uvicorn, whose log is not ours to set.

    A cut connection is an error to uvicorn, but here it is wanted.
    """
    for name in ("uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).addFilter(_NOT_FROM_HERE)


def _config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="h11",
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level=None,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
        # Clients keep connections for minutes; one that is closed under them fails a test at random.
        timeout_keep_alive=600,
    )
