"""A provider behind the gateway: what it says in nobody's words, and a server that says it in the provider's own."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, NoReturn
from urllib.parse import urlsplit

from tests.support.recording import RecordingServer, Reply, Request, chunk, whole

Ending = Literal["stop", "length", "tool_calls", "content_filter"]
"""How an answer ends, in OpenAI's words."""

INPUT_TOKENS: Final = 7
OUTPUT_TOKENS: Final = 3
LOGPROB: Final = -0.25
TOTAL_TOKENS: Final = INPUT_TOKENS + OUTPUT_TOKENS


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call; what it is called by is the provider's matter."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """What a model says."""

    text: str = ""
    thinking: str = ""
    calls: tuple[Call, ...] = ()
    ending: Ending = "stop"
    is_weighed: bool = False
    """Whether it tells how likely its words were (``LOGPROB`` each)."""


class RefusedError(Exception):
    """What a provider says to a request that it does not take."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def refuse(message: str, status: int = 400) -> NoReturn:
    """Refuse a request."""
    raise RefusedError(message, status)


class Wire(ABC):
    """One provider's own API: what it takes, and how it answers."""

    stream_type: ClassVar[str] = "text/event-stream"

    @abstractmethod
    def check(self, request: Request) -> None:
        """Raise ``RefusedError`` as the provider would."""

    def is_streamed(self, request: Request) -> bool:
        """Tell whether a stream is asked for."""
        return bool(request.json.get("stream"))

    @abstractmethod
    def whole(self, said: Said) -> dict[str, Any]:
        """The body of a whole answer."""

    @abstractmethod
    def stream(self, said: Said) -> list[bytes]:
        """The events of a streamed answer, each of them whole."""

    def waiting(self, request: Request) -> bytes:  # noqa: ARG002 for those that say something
        """What is sent as long as an answer is awaited."""
        return b""

    def broken(self) -> bytes | None:
        """What a stream says where the provider fails in the middle; ``None`` if it only ends there."""
        return None

    @abstractmethod
    def error(self, refused: RefusedError, request: Request) -> Reply:
        """An error in the provider's own shape."""


class EmulatedProvider(RecordingServer):
    """A server in a provider's place; it says what is queued, and what was queued last again and again."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self.wire = wire
        self.refused: list[RefusedError] = []
        self._to_say: list[Said | RefusedError] = [Said("Hello.")]
        self._trouble: Literal["cut", "error"] | None = None
        self.reply(self._answer)

    @property
    def received(self) -> Any:
        """The body of the latest request."""
        return self.requests[-1].json

    def say(self, *said: Said | RefusedError) -> None:
        """Set what is said to the next requests."""
        self._to_say = [*said]

    def break_off(self, how: Literal["cut", "error"]) -> None:
        """Let every stream end in the middle: without a word, or with an error as the provider tells it."""
        self._trouble = how

    def _answer(self, request: Request) -> Reply:
        said = self._to_say.pop(0) if len(self._to_say) > 1 else self._to_say[0]
        try:
            self.wire.check(request)
            if isinstance(said, RefusedError):
                raise said
        except RefusedError as refused:
            self.refused.append(refused)
            return self.wire.error(refused, request)
        if not self.wire.is_streamed(request):
            return whole(self.wire.waiting(request) + json.dumps(self.wire.whole(said)).encode())
        waiting = self.wire.waiting(request)
        events = [*([waiting] if waiting else []), *self.wire.stream(said)]
        if self._trouble:
            broken = self.wire.broken() if self._trouble == "error" else None
            events = [*events[: max(1, len(events) // 2)], *([broken] if broken else [])]
        head = f"HTTP/1.1 200 OK\r\ncontent-type: {self.wire.stream_type}\r\ntransfer-encoding: chunked\r\n\r\n"
        return Reply((head.encode(), *map(chunk, events), b"0\r\n\r\n"))


def path_of(request: Request) -> str:
    """The path without its query."""
    return urlsplit(request.path).path


def query_of(request: Request) -> str:
    return urlsplit(request.path).query


def event(payload: Mapping[str, Any], name: str | None = None, end: str = "\n") -> bytes:
    """One server-sent event."""
    told = f"event: {name}{end}" if name else ""
    return f"{told}data: {json.dumps(payload)}{end}{end}".encode()


def halves(text: str) -> tuple[str, ...]:
    """A text in two pieces, as streams tell it."""
    middle = (len(text) + 1) // 2
    return tuple(piece for piece in (text[:middle], text[middle:]) if piece)


def strangers(given: Mapping[str, Any], known: Iterable[str]) -> list[str]:
    """Keys that a provider does not know."""
    return sorted(given.keys() - set(known))
