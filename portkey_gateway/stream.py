"""The bytes of a streamed answer, decoded: server-sent events, then chunks. No I/O.

Server-sent events: WHATWG HTML, 9.2.6 "Interpreting an event stream".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from portkey_gateway.errors import StreamDecodeError, StreamProviderError, StreamTruncatedError, read_json
from portkey_gateway.info import GatewayInfo
from portkey_gateway.wire import Chunk

_DONE = b"[DONE]"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_EXCERPT_LENGTH = 200


class EventDecoder:
    """Cuts bytes into the data of server-sent events, however the network cut them before."""

    __slots__ = ("_at_start", "_rest")

    def __init__(self) -> None:
        self._rest = b""
        self._at_start = True

    def feed(self, data: bytes) -> list[bytes]:
        """Return the data of the events that ``data`` completes."""
        data = self._rest + data if self._rest else data
        if self._at_start:
            if len(data) < len(_BYTE_ORDER_MARK) and _BYTE_ORDER_MARK.startswith(data):
                self._rest = data
                return []
            self._at_start = False
            data = data.removeprefix(_BYTE_ORDER_MARK)
        carried = b""
        if b"\r" in data:
            # A CR at the end may be the first half of a CR LF.
            if data.endswith(b"\r"):
                data, carried = data[:-1], b"\r"
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *events, rest = data.split(b"\n\n")
        self._rest = rest + carried
        return [payload for event in events if (payload := _event_data(event)) is not None]

    def close(self) -> list[bytes]:
        """Return the data of an event that lacks only the blank line after it."""
        return self.feed(b"\n\n\n")


def _event_data(event: bytes) -> bytes | None:
    if event.startswith(b"data: ") and b"\n" not in event:
        return event[6:]
    fields = (line.partition(b":") for line in event.split(b"\n"))
    lines = [value.removeprefix(b" ") for name, _, value in fields if name == b"data"]
    return b"\n".join(lines) if lines else None


def _read_chunk(payload: bytes) -> dict[str, Any] | None:
    try:
        chunk = read_json(payload)
    except ValueError:
        return None
    choices = chunk.get("choices") or [] if isinstance(chunk, dict) else None
    is_chunk = isinstance(choices, list) and all(isinstance(choice, dict) for choice in choices)
    return chunk if is_chunk else None


class ChunkStream:
    """Turns the bytes of a streamed answer into chunks, and knows whether the answer is whole.

    The gateway tells a broken answer in three ways, and each raises its own error here: an ordinary-looking chunk
    whose ``finish_reason`` ends in ``_error``, an ``error`` object, and an end without ``[DONE]``.
    """

    __slots__ = ("_decoder", "_info", "_is_done")

    def __init__(self, info: GatewayInfo) -> None:
        self._decoder = EventDecoder()
        self._info = info
        self._is_done = False

    def feed(self, data: bytes) -> Iterator[Chunk]:
        """Yield the chunks that ``data`` completes. The iterator must be exhausted before the next call.

        Raises:
            StreamProviderError: if the provider reports an error.
            StreamDecodeError: if an event is not the JSON object it has to be.
        """
        for payload in self._decoder.feed(data):
            yield from self._decode(payload)

    def close(self) -> Iterator[Chunk]:
        """Yield what the end of the bytes completes.

        Raises:
            StreamTruncatedError: if the end came before ``[DONE]``.
        """
        for payload in self._decoder.close():
            yield from self._decode(payload)
        if not self._is_done:
            raise StreamTruncatedError(
                "the stream ended before its end mark: the answer is cut off, usually because the provider's "
                "connection broke",
                info=self._info,
            )

    def _decode(self, payload: bytes) -> Iterator[Chunk]:
        if payload.strip() == _DONE:
            self._is_done = True
            return
        chunk = _read_chunk(payload)
        if chunk is None:
            text = payload[:_EXCERPT_LENGTH].decode("utf-8", "replace")
            raise StreamDecodeError(
                f"an event of the stream is not the JSON object it has to be: {text!r}", info=self._info, body=text
            )
        self._raise_reported_error(chunk)
        yield cast("Chunk", chunk)

    def _raise_reported_error(self, chunk: dict[str, Any]) -> None:
        error = chunk.get("error")
        if error:
            described = error if isinstance(error, dict) else {"message": str(error)}
            self._raise(str(described.get("type") or described.get("code") or "error"), chunk, described.get("message"))
        for choice in chunk.get("choices") or ():
            reason = choice.get("finish_reason")
            # Anthropic's error event arrives as a finish reason: overloaded_error, api_error, …
            if isinstance(reason, str) and reason.endswith("_error"):
                self._raise(reason, chunk, None)

    def _raise(self, error_type: str, chunk: dict[str, Any], message: str | None) -> None:
        raise StreamProviderError(
            f"the provider broke off its answer: {error_type}" + (f": {message}" if message else ""),
            info=self._info,
            body=chunk,
            error_type=error_type,
        )
