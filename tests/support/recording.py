"""A server on loopback that answers with the bytes a test wrote, and records what it was sent."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self

_POLL_S = 0.005
_SOON_S = 5.0


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came over the wire; the names of its headers are in lower case, each with all its values."""

    method: str
    path: str
    headers: Mapping[str, list[str]]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str:
        """The one value of a header."""
        [value] = self.headers[name]
        return value


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server does with one request: sends bytes, sleeps for seconds, then keeps, closes or resets."""

    pieces: tuple[bytes | float, ...]
    then: Literal["keep", "close", "reset"] = "keep"


Answering = Callable[[Request], Reply]
"""Makes the reply of the request itself."""


def whole(
    body: bytes | Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None, wait_s: float = 0.0
) -> Reply:
    """A response with a length; a mapping is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"content-type": "application/json", "content-length": str(len(content)), **(headers or {})}
    return Reply((wait_s, _head(status, given) + content))


def events(
    *payloads: bytes | dict[str, Any] | float,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    end: Literal["done", "nothing", "cut", "reset"] = "done",
) -> Reply:
    """A stream of server-sent events in chunked encoding; a mapping is sent as an event, bytes and waits as they are.

    ``done`` ends it as the gateway does, ``nothing`` leaves out the end mark, ``cut`` and ``reset`` break the
    connection.
    """
    given = {"content-type": "text/event-stream", "transfer-encoding": "chunked", **(headers or {})}
    pieces: list[bytes | float] = [_head(status, given)]
    for payload in payloads:
        match payload:
            case float() | int():
                pieces.append(payload)
            case bytes():
                pieces.append(chunk(payload))
            case dict():
                pieces.append(chunk(event(payload)))
    if end == "done":
        pieces.append(chunk(event(b"[DONE]")))
    if end in {"done", "nothing"}:
        return Reply((*pieces, b"0\r\n\r\n"))
    return Reply(tuple(pieces), then="reset" if end == "reset" else "close")


def event(payload: bytes | dict[str, Any]) -> bytes:
    """One server-sent event."""
    return b"data: " + (payload if isinstance(payload, bytes) else json.dumps(payload).encode()) + b"\n\n"


def chunk(data: bytes) -> bytes:
    """Bytes in HTTP's chunked encoding (RFC 9112, 7.1)."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def answer(text: str = "Hello.", **more: Any) -> dict[str, Any]:
    """A whole answer in the gateway's shape."""
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "end_turn"}
    return {
        "id": "msg_1",
        "model": "claude-sonnet-4-5",
        "provider": "anthropic",
        "choices": [choice],
        "usage": usage,
    } | more


def deltas(*texts: str) -> tuple[dict[str, Any], ...]:
    """The chunks of a streamed answer in the gateway's shape, usage and finish reason last."""
    head = {"id": "msg_1", "model": "claude-sonnet-4-5", "provider": "anthropic"}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    added = [head | {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]} for text in texts]
    last = head | {"choices": [{"index": 0, "delta": {}, "finish_reason": "end_turn"}], "usage": usage}
    return (*added, last)


def calling(tool: str, *, streamed: bool = False, **arguments: str) -> Reply:
    """An answer that calls a tool, in the gateway's shape."""
    function = {"name": tool, "arguments": json.dumps(arguments)}
    call = {"index": 0, "id": f"call_{tool}", "type": "function", "function": function}
    if not streamed:
        message = {"role": "assistant", "content": "", "tool_calls": [call]}
        return whole(answer(choices=[{"index": 0, "message": message, "finish_reason": "tool_use"}]))
    first, last = deltas("")
    first["choices"][0]["delta"] = {"tool_calls": [call]}
    last["choices"][0]["finish_reason"] = "tool_use"
    return events(first, last)


class RecordingServer:
    """Answers requests with the replies in the order given; the last one answers everything after it.

    Attributes:
        requests: what came in, in the order of arrival.
        accepted: how many connections were opened.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.accepted = 0
        self._replies: list[Reply | Answering] = [whole(answer())]
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._accepting = threading.Thread(target=self._accept, name="recording-server", daemon=True)
        self._serving: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join(_SOON_S)  # from here on nobody is let in any more
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):  # the client may have reset it
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._serving:
            thread.join(_SOON_S)
        self._listener.close()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        with self._lock:
            return len(self._connections)

    def reply(self, *replies: Reply | Answering) -> None:
        """Set what answers the requests from now on."""
        with self._lock:
            self._replies = list(replies)

    def wait_until_open(self, count: int) -> None:
        """Wait until this many connections are open; fail if they are not soon."""
        self._wait(lambda: self.open_connections == count)

    def wait_until_asked(self, count: int) -> None:
        """Wait until this many requests came in; fail if they do not soon."""
        self._wait(lambda: len(self.requests) >= count)

    def _wait(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _SOON_S
        while not condition():
            assert time.monotonic() < deadline, f"{self.open_connections} open, {len(self.requests)} requests"
            time.sleep(_POLL_S)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.accepted += 1
                self._connections.add(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._serving.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection.makefile("rb") as reader:
                while request := _read(reader):
                    with self._lock:
                        self.requests.append(request)
                        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
                    reply = reply if isinstance(reply, Reply) else reply(request)
                    self._send(connection, reply)
                    if reply.then != "keep":
                        break
        except OSError:
            pass  # the client went away: many tests want just that
        finally:
            connection.close()
            with self._lock:
                self._connections.discard(connection)

    def _send(self, connection: socket.socket, reply: Reply) -> None:
        for piece in reply.pieces:
            if isinstance(piece, bytes):
                connection.sendall(piece)
            elif select.select([connection], [], [], piece)[0]:
                return  # the client went away, or the server is to stop
        if reply.then == "reset":
            # Closing with a linger time of 0 sends RST (socket(7), SO_LINGER).
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Status", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def _read(reader: Any) -> Request | None:
    """Read one request; ``None`` at the end of the connection."""
    line: bytes = reader.readline()
    if not line:
        return None
    method, path, _ = line.decode("latin-1").split(" ")
    headers: dict[str, list[str]] = {}
    while line := reader.readline().strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers.setdefault(name.lower(), []).append(value.strip())
    body = reader.read(int(headers.get("content-length", ["0"])[0]))
    return Request(method, path, headers, body)
