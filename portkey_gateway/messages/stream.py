"""The events of a streamed message, and whether the answer is whole. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, cast

from portkey_gateway.conversation.fold import Decoding
from portkey_gateway.error_bodies import read_json
from portkey_gateway.errors import StreamDecodeError, StreamProviderError, StreamTruncatedError
from portkey_gateway.http.events import EventDecoder
from portkey_gateway.info import GatewayInfo
from portkey_gateway.messages.decode import MessageFold

if TYPE_CHECKING:
    from portkey_gateway.messages.wire import Event

_DONE: Final = b"[DONE]"
_EXCERPT_LENGTH: Final = 200


def _read_event(payload: bytes) -> dict[str, Any] | None:
    try:
        event = read_json(payload)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


class MessageEvents:
    """Turns the bytes of a streamed answer into events, and knows whether the answer is whole.

    It is whole once a ``message_delta`` told a stop reason: all content stands before it, and only ``message_stop``
    follows. A broken answer shows in an ``error`` event, or in an end before that: the gateway ends the stream cleanly
    where the provider's connection broke.
    """

    __slots__ = ("_decoder", "_info", "has_ended", "is_whole")

    def __init__(self, info: GatewayInfo) -> None:
        self._decoder = EventDecoder()
        self._info = info
        self.is_whole = self.has_ended = False

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events that ``data`` completes. The iterator must be exhausted before the next call.

        Raises:
            StreamProviderError: if the provider reports an error.
            StreamDecodeError: if an event is not the JSON object it has to be.
        """
        return filter(None, map(self._decode, self._decoder.feed(data)))

    def close(self) -> Iterator[Event]:
        """Yield what the end of the bytes completes.

        Raises:
            StreamTruncatedError: if the end came before a stop reason.
        """
        for payload in self._decoder.close():
            if self.is_whole and _read_event(payload) is None:
                continue  # half an event behind a whole answer is nothing
            if event := self._decode(payload):
                yield event
        if not self.is_whole:
            raise StreamTruncatedError(
                "the stream ended before its end mark: the answer is cut off, usually because the provider's "
                "connection broke",
                info=self._info,
            )

    def _decode(self, payload: bytes) -> Event | None:
        event = _read_event(payload)
        if event is None:
            if payload.strip() == _DONE:
                self.has_ended = True
                return None
            text = payload[:_EXCERPT_LENGTH].decode("utf-8", "replace")
            raise StreamDecodeError(
                f"an event of the stream is not the JSON object it has to be: {text!r}", info=self._info, body=text
            )
        event_type = event.get("type")
        if event.get("error") or event_type == "error":
            self._raise(event.get("error") or {}, event)
        if event_type == "message_delta":
            said = event.get("delta")
            self.is_whole = isinstance(said, dict) and bool(said.get("stop_reason"))
        elif event_type == "message_stop":
            self.has_ended = True
        return cast("Event", event)

    def _raise(self, error: Any, event: dict[str, Any]) -> None:
        described = error if isinstance(error, dict) else {"message": str(error)}
        error_type = str(described.get("type") or described.get("code") or "error")
        message = described.get("message")
        raise StreamProviderError(
            f"the provider broke off its answer: {error_type}" + (f": {message}" if message else ""),
            info=self._info,
            body=event,
            error_type=error_type,
        )


DECODING: Final = Decoding(MessageFold, MessageEvents)
"""How answers of ``POST /messages`` are decoded."""
