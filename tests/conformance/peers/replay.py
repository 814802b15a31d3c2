"""A server in Anthropic's place that gives recorded answers, one after the other, and notes what it was asked."""

import json
import threading
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

from tests.conformance.peers.cassettes import Answer
from tests.conformance.peers.results import Asked

_USED_UP: Final = {"type": "invalid_request_error", "message": "REPLAY: more was asked than is recorded"}


class Replay:
    """The order of answers: the first request gets the first one, whatever it says.

    The requests of two classes are never the same to the byte, so answers cannot be looked up by them. What was asked
    is noted instead, and compared afterwards.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: Sequence[Answer] = ()
        self._asked: list[Asked] = []

    def rewind(self, answers: Sequence[Answer]) -> None:
        """Begin anew, with the answers of another test."""
        with self._lock:
            self._answers, self._asked = answers, []

    @property
    def asked(self) -> list[Asked]:
        """What was asked since the last rewinding."""
        with self._lock:
            return list(self._asked)

    @property
    def recorded(self) -> int:
        """How many answers there are."""
        return len(self._answers)

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Note a request and return the answer whose turn it is; an error once all were given."""
        named = {name.lower(): value for name, value in headers.items()}
        betas = [beta.strip() for beta in named.get("anthropic-beta", "").split(",") if beta.strip()]
        with self._lock:
            turn = len(self._asked)
            self._asked.append({"path": path, "betas": sorted(betas), "body": _parse(body)})
            if turn < len(self._answers):
                return self._answers[turn]
        error = json.dumps({"type": "error", "error": _USED_UP}).encode()
        return Answer(HTTPStatus.BAD_REQUEST, "application/json", error)


class ReplayServer:
    """Serves a ``Replay`` on a loopback port for as long as the ``with`` block lasts."""

    def __init__(self, replay: Replay) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(replay))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Where it listens, without a path."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler_for(replay: Replay) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - their name
            """Say nothing."""

        def do_POST(self) -> None:
            answer = replay.answer(self.path, dict(self.headers.items()), self._body())
            self.send_response(answer.status)
            self.send_header("content-type", answer.media_type)
            self.send_header("content-length", str(len(answer.body)))
            self.send_header("request-id", "req_replayed")
            self.end_headers()
            self.wfile.write(answer.body)

        def _body(self) -> bytes:
            if "chunked" not in self.headers.get("transfer-encoding", "").lower():
                return self.rfile.read(int(self.headers.get("content-length") or 0))
            body = b""
            while size := int(self.rfile.readline().partition(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

    return Handler


def _parse(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = None
    return parsed if isinstance(parsed, dict) else {"unreadable": body[:500].decode("utf-8", "replace")}
