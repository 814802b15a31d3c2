"""The ways an answer travels, each as a server speaks it, so that all of them share their tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from portkey_gateway.conversation.request import ChatRequest
from portkey_gateway.routing import WireFormat
from tests.support import recording
from tests.support.calls import HELLO, Ask, is_streamed
from tests.support.messages_format import MESSAGE_STOP, message, message_deltas
from tests.support.recording import Reply, whole


@dataclass(frozen=True, slots=True)
class Wire:
    """An API format and the path that a request takes in it."""

    name: str
    api_format: WireFormat
    path: str
    end_mark: bytes
    request: ChatRequest

    def answer(self, text: str = "Hello.", **more: Any) -> dict[str, Any]:
        """A whole answer."""
        return (recording.answer if self.api_format == "chat_completions" else message)(text, **more)

    def deltas(self, *texts: str) -> tuple[bytes, ...]:
        """The events of a streamed answer: a piece for each text and one for how it ended, without the end mark."""
        if self.api_format == "messages":
            return message_deltas(*texts)
        return tuple(map(recording.event, recording.deltas(*texts)))

    def events(
        self,
        *pieces: bytes | float,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        end: Literal["done", "nothing", "cut", "reset"] = "done",
    ) -> Reply:
        """A stream of events; it ends as that of ``recording.events`` does, by this format's end mark if by any."""
        marked = (self.end_mark,) if end == "done" else ()
        return recording.events(
            *pieces, *marked, status=status, headers=headers, end="nothing" if end == "done" else end
        )

    def success(self, ask: Ask, *texts: str) -> Reply:
        """An answer, streamed or whole as it is asked for."""
        told = texts or ("Hello.",)
        return self.events(*self.deltas(*told)) if is_streamed(ask) else whole(self.answer("".join(told)))


CHAT_COMPLETIONS: Final = Wire(
    "chat_completions", "chat_completions", "/chat/completions", recording.event(b"[DONE]"), HELLO
)
MESSAGES: Final = Wire("messages", "messages", "/messages", MESSAGE_STOP, HELLO)
PROXIED: Final = Wire(
    "proxied",
    "messages",
    "/proxy/messages",
    MESSAGE_STOP,
    cast("ChatRequest", {**HELLO, "inference_geo": "us"}),
)
"""A request with a parameter that only ``/proxy/messages`` carries."""
