"""The events of a streamed answer → chunks, and whether the answer is whole. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, cast

from portkey_gateway.chat_completions.decode import FAILURES, AnswerFold
from portkey_gateway.conversation.fold import Decoding
from portkey_gateway.error_bodies import read_json
from portkey_gateway.errors import StreamDecodeError, StreamProviderError, StreamTruncatedError
from portkey_gateway.http.events import EventDecoder
from portkey_gateway.info import GatewayInfo

if TYPE_CHECKING:
    from portkey_gateway.chat_completions.wire import Chunk

_DONE = b"[DONE]"
_EXCERPT_LENGTH = 200


def _read_chunk(payload: bytes) -> dict[str, Any] | None:
    try:
        chunk = read_json(payload)
    except ValueError:
        return None
    if not isinstance(chunk, dict):
        return None
    choices = chunk.get("choices") or []
    if not isinstance(choices, list):
        return None
    for choice in choices:
        if not isinstance(choice, dict):
            return None
    return chunk


class ChunkStream:
    """Turns the bytes of a streamed answer into chunks, and knows whether the answer is whole.

    It is whole if a choice had a finish reason, whether or not ``[DONE]`` came: Gemini's never does, nor that of some
    hosts of open models. A broken answer shows in four ways, and each raises an error here: an ordinary-looking chunk
    whose ``finish_reason`` ends in ``_error`` (Claude) or is one of ``FAILURES``; one that has it inside ``delta``
    (Bedrock, and ``[DONE]`` after it: ``getBedrockErrorChunk`` of the open-source gateway 1.15.2); an ``error`` object,
    also after a finish reason; an end without finish reason.
    """

    __slots__ = ("_decoder", "_info", "has_ended", "is_whole")

    def __init__(self, info: GatewayInfo) -> None:
        self._decoder = EventDecoder()
        self._info = info
        self.is_whole = self.has_ended = False

    def feed(self, data: bytes) -> Iterator[Chunk]:
        """The chunks that ``data`` completes. The iterator must be exhausted before the next call.

        Raises:
            StreamProviderError: if the provider reports an error.
            StreamDecodeError: if an event is not the JSON object it has to be.
        """
        return filter(None, map(self._decode, self._decoder.feed(data)))

    def close(self) -> Iterator[Chunk]:
        """Yield what the end of the bytes completes.

        Raises:
            StreamTruncatedError: if the end came before a finish reason.
        """
        for payload in self._decoder.close():
            if self.is_whole and _read_chunk(payload) is None:
                continue  # half an event behind a whole answer is nothing
            if chunk := self._decode(payload):
                yield chunk
        if not self.is_whole:
            raise StreamTruncatedError(
                "the stream ended before its end mark: the answer is cut off, usually because the provider's "
                "connection broke",
                info=self._info,
            )

    def _decode(self, payload: bytes) -> Chunk | None:
        chunk = _read_chunk(payload)
        if chunk is None:
            if payload.strip() == _DONE:
                self.has_ended = True
                return None
            text = payload[:_EXCERPT_LENGTH].decode("utf-8", "replace")
            raise StreamDecodeError(
                f"an event of the stream is not the JSON object it has to be: {text!r}", info=self._info, body=text
            )
        self._raise_reported_error(chunk)
        return cast("Chunk", chunk)

    def _raise_reported_error(self, chunk: dict[str, Any]) -> None:
        error = chunk.get("error")
        if error:
            described = error if isinstance(error, dict) else {"message": str(error)}
            self._raise(str(described.get("type") or described.get("code") or "error"), chunk, described.get("message"))
        for choice in chunk.get("choices") or ():
            reason, delta = choice.get("finish_reason"), choice.get("delta")
            if reason is None and type(delta) is dict and "finish_reason" not in delta:
                continue  # by far the most
            misplaced = delta.get("finish_reason") if isinstance(delta, dict) else None
            # Anthropic's error event arrives as a finish reason: overloaded_error, api_error, …
            if isinstance(reason, str) and (reason.endswith("_error") or reason in FAILURES):
                self._raise(reason, chunk, None)
            if misplaced and not reason:
                self._raise("error", chunk, "the gateway does not say which")
            if delta is None and "message" in choice:
                raise StreamDecodeError(
                    "a whole message stands in the stream where what a chunk adds to it (delta) has to",
                    info=self._info,
                    body=chunk,
                )
            self.is_whole = self.is_whole or bool(reason)

    def _raise(self, error_type: str, chunk: dict[str, Any], message: str | None) -> None:
        raise StreamProviderError(
            f"the provider broke off its answer: {error_type}" + (f": {message}" if message else ""),
            info=self._info,
            body=chunk,
            error_type=error_type,
        )


DECODING: Final = Decoding(AnswerFold, ChunkStream)
"""How answers of ``POST /chat/completions`` are decoded."""
