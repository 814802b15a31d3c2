"""A TCP proxy before the gateway that breaks what comes back, at a place that the bytes themselves tell."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

_POLL_S = 0.01
_POLL_MS = 10
_SOON_S = 10.0

Kind = Literal["cut", "reset", "half_close", "stall", "split", "throttle"]


@dataclass(frozen=True, slots=True)
class Break:
    """What befalls the bytes that come back over one connection.

    Attributes:
        kind: ``cut`` closes the connection, ``reset`` resets it, ``half_close`` ends only what comes back, ``stall``
            falls silent; ``split`` sends the rest byte by byte, ``throttle`` in pieces with pauses.
        at: the bytes behind which it happens; none for the very beginning.
        beyond: how many bytes behind.
    """

    kind: Kind
    at: bytes = b""
    beyond: int = 0


class Proxy:
    """Passes connections on to a gateway; those that begin after ``inject`` are broken, one for each.

    Attributes:
        accepted: how many connections came.
    """

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname or "", parts.port or 80)
        self._path = parts.path
        self._breaks: list[Break] = []
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.accepted = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._address = self._listener.getsockname()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._address[1]}{self._path}"

    def wait_until_at_most(self, connections: int) -> None:
        """Wait until no more connections are open than these; fail if there are soon still more."""
        deadline = time.monotonic() + _SOON_S
        while (still := self._count()) > connections:
            assert time.monotonic() < deadline, f"{still} open"
            time.sleep(_POLL_S)

    def inject(self, *breaks: Break) -> None:
        """Break the connections to come; what is idle is closed, so that the next call needs one."""
        self._shut()
        self._breaks = list(breaks)

    def stop(self) -> None:
        """Refuse connections, and close those that are open, as where a gateway was killed."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._shut()

    def restart(self) -> None:
        """Take connections at the same address again."""
        self._listener = socket.create_server(self._address, backlog=64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _count(self) -> int:
        with self._lock:
            return len(self._open) // 2

    def _shut(self) -> None:
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
                server = socket.create_connection(self._upstream)
            except OSError:
                return
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.accepted += 1
                self._open |= {client, server}
                broken = self._breaks.pop(0) if self._breaks else None
            threading.Thread(target=self._serve, args=(client, server, broken), daemon=True).start()

    def _serve(self, client: socket.socket, server: socket.socket, broken: Break | None) -> None:
        over = threading.Event()
        forwarding = threading.Thread(target=self._forward, args=(client, server, over), daemon=True)
        forwarding.start()
        with contextlib.suppress(OSError):
            self._pass_on(server, client, broken)
        # A socket that another thread waits for is closed only once that has left it.
        over.set()
        forwarding.join()
        with self._lock:
            self._open -= {client, server}
        for each in (server, client):
            each.close()

    def _forward(self, client: socket.socket, server: socket.socket, over: threading.Event) -> None:
        with contextlib.suppress(OSError):
            heard = select.poll()  # ``select`` knows no more than 1,024 files
            heard.register(client, select.POLLIN)
            while not over.is_set():
                if heard.poll(_POLL_MS):
                    data = client.recv(65536)
                    if not data:
                        break
                    server.sendall(data)
        if not over.is_set():
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)

    def _pass_on(self, server: socket.socket, client: socket.socket, broken: Break | None) -> None:
        came, sent = b"", 0
        while data := server.recv(65536):
            if broken is None:
                client.sendall(data)
                continue
            came += data
            found = came.find(broken.at)
            place = found + len(broken.at) + broken.beyond
            if found < 0 or len(came) < place:
                safe = max(sent, len(came) - len(broken.at) - broken.beyond)
                client.sendall(came[sent:safe])
                sent = safe
                continue
            client.sendall(came[sent:place])
            sent = place
            if not self._break(client, server, broken, came[sent:]):
                return
            broken = None

    def _break(self, client: socket.socket, server: socket.socket, broken: Break, rest: bytes) -> bool:
        """Do what befalls; false if the connection is over."""
        match broken.kind:
            case "split" | "throttle":
                size, pause_s = (1, 0.0) if broken.kind == "split" else (97, 0.001)
                for start in range(0, len(rest), size):
                    client.sendall(rest[start : start + size])
                    time.sleep(pause_s)
                return True
            case "half_close":
                client.shutdown(socket.SHUT_WR)
                _drain(server)  # until the client goes, too
            case "stall":
                _drain(server)
            case "reset":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        server.shutdown(socket.SHUT_RDWR)
        return False


def _drain(server: socket.socket) -> None:
    """Keep what comes to ourselves until the client went away, of which ``_forward`` tells the server."""
    while server.recv(65536):
        pass
