"""Answers of the Messages API, decoded: event by event, gathered into the whole; or whole at once. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

from typing_extensions import override

from portkey_gateway.conversation.answer import Answer, BlockDelta, BlockType, Delta, ToolCallDelta
from portkey_gateway.conversation.arguments import as_told
from portkey_gateway.conversation.fold import Fold
from portkey_gateway.conversation.well_told import check_block, check_citations
from portkey_gateway.error_bodies import decode_not_an_answer, read_json
from portkey_gateway.errors import StreamDecodeError
from portkey_gateway.info import GatewayInfo
from portkey_gateway.messages.usage import decode_usage

if TYPE_CHECKING:
    from portkey_gateway.messages.wire import Event, WireUsage

# What reading a malformed answer fails with, whichever of its fields is not of the type it has to be.
_MALFORMED: Final = (AttributeError, LookupError, TypeError, ValueError)
_NOTHING: Final = Delta()
_KNOWN: Final[Mapping[str, BlockType]] = {
    "text": "text",
    "thinking": "thinking",
    "redacted_thinking": "redacted_thinking",
}
_ADDS_TO: Final[Mapping[str, BlockType]] = {
    "text_delta": "text",
    "citations_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "thinking",
}
_OF_A_CALL: Final = frozenset({"type", "id", "name", "input", "cache_control"})
_NOWHERE: Final = -1
_EXTRAS: Final = ("stop_sequence", "stop_details", "container", "context_management")


class _Begun:
    """A content block that has begun, and where what it says goes."""

    __slots__ = ("input", "place", "type")

    def __init__(self, block_type: BlockType | None, place: int = _NOWHERE) -> None:
        self.type = block_type
        """``None`` for a tool call."""
        self.place = place
        """Among the blocks, or among the calls; nowhere as long as it says nothing."""
        self.input = ""
        """The input that came whole with the start of a call, until it is known that no pieces follow."""


class MessageFold(Fold):
    """Decodes the events of one message and gathers them into the whole. No I/O.

    A block that says nothing is left out, as it is of a chat completion: Claude refuses an empty text in a replay.
    """

    __slots__ = ("_begun", "_calls_after", "_place_count", "_start_usage")

    def __init__(self, info: GatewayInfo) -> None:
        super().__init__(info)
        # By the index on the wire, which counts blocks and tool calls alike.
        self._begun: dict[int, _Begun] = {}
        self._place_count = 0
        self._calls_after: list[int] = []
        self._start_usage: WireUsage = {}

    @override
    def add(self, event: Event) -> Delta:
        try:
            if (text := self._decode_text(event)) is not None:
                return text
            decode = _DECODERS.get(event.get("type", ""))
            delta = decode(self, event) if decode else _NOTHING
            if results := event.get("hook_results"):
                delta = delta._replace(hook_results=results)
            if delta is not _NOTHING:
                self.gather(delta)
        except _MALFORMED as error:
            raise StreamDecodeError(
                f"an event has not the shape of a message's: {error}", info=self.info, body=event
            ) from error
        return delta

    @override
    def add_whole(self, content: bytes) -> Delta:
        try:
            message = read_json(content)
        except ValueError:
            message = None
        if not isinstance(message, dict) or not isinstance(message.get("content"), list):
            raise decode_not_an_answer(content, self.info, "The body is JSON but no message: it has no content")
        if not message.get("stop_reason"):
            raise decode_not_an_answer(content, self.info, "The body is a message without a stop_reason, so not whole")
        try:
            delta = self._decode_whole(message)
            self.gather(delta)
        except _MALFORMED as error:
            text = f"The body is JSON but no message that can be read: {error}"
            raise decode_not_an_answer(content, self.info, text) from error
        return delta

    @override
    def answer(self) -> Answer:
        """The whole of what was added so far, each tool call in its place among the blocks.

        Of an answer that broke off the usage is what was told at its start: all of the input, and next to no output.
        """
        answer = super().answer()
        if answer.usage is None and self._start_usage:
            with suppress(*_MALFORMED):
                answer = replace(answer, usage=decode_usage(self._start_usage))
        if not answer.tool_calls:
            return answer
        calls = zip(answer.tool_calls, self._calls_after, strict=True)
        return replace(answer, tool_calls=tuple(replace(call, after=count) for call, count in calls))

    def _decode_whole(self, message: dict[str, Any]) -> Delta:
        self._name(message)
        blocks: list[BlockDelta] = []
        calls: list[ToolCallDelta] = []
        for index, block in enumerate(message["content"]):
            delta = self._begin(index, _as_block(block))
            blocks += delta.blocks
            calls += [call._replace(arguments=self._begun[index].input) for call in delta.tool_calls]
        usage = message.get("usage")
        return Delta(
            blocks=tuple(blocks),
            tool_calls=tuple(calls),
            stop_reason=_text(message.get("stop_reason")),
            usage=decode_usage(usage) if usage else None,
            hook_results=message.get("hook_results"),
            extras=_extras(message),
        )

    def _name(self, message: Mapping[str, Any]) -> None:
        self.id = str(message.get("id") or "")
        self.model = str(message.get("model") or "")

    def _on_message_start(self, event: Mapping[str, Any]) -> Delta:
        message = event["message"]
        self._name(message)
        self._start_usage = cast("WireUsage", {**(message.get("usage") or {})})
        # Where the gateway streams an answer from its cache, all but the content stands here (1.15.2).
        return Delta(hook_results=message.get("hook_results"), extras=_extras(message))

    def _on_block_start(self, event: Mapping[str, Any]) -> Delta:
        return self._begin(event["index"], event["content_block"])

    def _decode_text(self, event: Mapping[str, Any]) -> Delta | None:
        """Decode by far the most frequent event, which goes on with a text alone, and add it; ``None`` of any other."""
        if event.get("type") != "content_block_delta" or "hook_results" in event:
            return None
        block, said = self._begun[event["index"]], event["delta"]
        if said["type"] != "text_delta" or block.type != "text" or block.place == _NOWHERE:
            return None
        return self.go_on(block.place, said["text"])

    def _on_block_delta(self, event: Mapping[str, Any]) -> Delta:
        block, said = self._begun[event["index"]], event["delta"]
        kind = said["type"]
        if kind == "input_json_delta":
            return self._add_input(block, _text(said["partial_json"]) or "")
        if block.type == "other":
            # Compaction, or a kind that is not known yet: its fields are those of the block.
            known = self._blocks[block.place].raw or {}
            fields = {name: value for name, value in said.items() if name != "type"}
            raw = {name: value for name, value in fields.items() if value is not None or name not in known}
            return Delta((BlockDelta(block.place, "other", raw=raw),)) if raw else _NOTHING
        block_type = _ADDS_TO.get(kind)
        return self._say(block, _decode_block(block_type, said)) if block_type else _NOTHING

    def _on_block_stop(self, event: Mapping[str, Any]) -> Delta:
        block = self._begun.pop(event["index"], None)
        if block is None or block.type or not block.input:
            return _NOTHING
        return Delta(tool_calls=(ToolCallDelta(block.place, None, None, block.input),))

    def _on_message_delta(self, event: Mapping[str, Any]) -> Delta:
        said = event["delta"]
        final = {name: value for name, value in (event.get("usage") or {}).items() if value is not None}
        usage = cast("WireUsage", {**self._start_usage, **final})
        return Delta(
            stop_reason=_text(said.get("stop_reason")),
            usage=decode_usage(usage) if usage else None,
            extras={**(_extras(event) or {}), **(_extras(said) or {})} or None,
        )

    def _begin(self, index: int, block: dict[str, Any]) -> Delta:
        # Half a character at the end of the block before is no part of this one.
        self._half = ""
        kind = block["type"]
        if kind == "tool_use":
            return self._begin_call(index, block)
        begun = self._begun[index] = _Begun(_KNOWN.get(kind, "other"))
        if kind == "fallback":
            # The model that answers from here on; a whole answer is named after the last one.
            self.model = str((block.get("to") or {}).get("model") or self.model)
        return self._say(begun, _decode_block(_KNOWN.get(kind, "other"), block))

    def _begin_call(self, index: int, block: dict[str, Any]) -> Delta:
        # Where the gateway streams an answer from its cache, the call stands one level deeper (1.15.2).
        use = block.get("tool_use") or block
        begun = self._begun[index] = _Begun(None, len(self._calls_after))
        begun.input = as_told(use["input"]) if use.get("input") else ""
        extras = {name: value for name, value in use.items() if name not in _OF_A_CALL and value is not None}
        name = self.own_name(_text(use["name"]))
        call = ToolCallDelta(begun.place, _text(use["id"]), name, "", extras or None, self._place_count)
        self._calls_after.append(self._place_count)
        return Delta(tool_calls=(call,))

    def _say(self, block: _Begun, added: BlockDelta | None) -> Delta:
        """Put what a block says in its place."""
        if added is None:
            return _NOTHING
        if block.type != added.type:
            # Of Bedrock's thinking that shows nothing but its signature, the gateway makes an empty text (1.15.2).
            if block.type is None or block.place != _NOWHERE:
                raise TypeError(f"{added.type} came for a block of type {block.type or 'tool_use'}")
            block.type = added.type
        if block.place == _NOWHERE:
            block.place = self._place_count
            self._place_count += 1
        text = self.whole_characters(added.text) if added.text else ""
        return Delta((added._replace(position=block.place, text=text),))

    def _add_input(self, block: _Begun, piece: str) -> Delta:
        if not piece:
            return _NOTHING
        if block.type is None:
            block.input = ""
            return Delta(tool_calls=(ToolCallDelta(block.place, None, None, piece),))
        if block.type != "other":
            raise TypeError(f"an input came for a block of type {block.type}")
        # The input of a tool that the provider runs by itself: told with the whole block.
        self._blocks[block.place].texts.append(self.whole_characters(piece))
        return _NOTHING


_DECODERS: Final[Mapping[str, Callable[[MessageFold, Mapping[str, Any]], Delta]]] = {
    "content_block_delta": MessageFold._on_block_delta,  # noqa: SLF001 the table of this class's own methods
    "content_block_start": MessageFold._on_block_start,  # noqa: SLF001
    "content_block_stop": MessageFold._on_block_stop,  # noqa: SLF001
    "message_start": MessageFold._on_message_start,  # noqa: SLF001
    "message_delta": MessageFold._on_message_delta,  # noqa: SLF001
}
"""By the event's type; any other, such as ``ping``, adds nothing."""


def _decode_block(block_type: BlockType, said: dict[str, Any]) -> BlockDelta | None:
    """Decode what a block or a delta of it says; ``None`` if that is nothing. Its place is not known yet."""
    if block_type == "other":
        check_block(said)
        return BlockDelta(0, "other", raw=said)
    if block_type == "redacted_thinking":
        data = _text(said.get("data"))
        return BlockDelta(0, "redacted_thinking", data=data) if data else None
    if block_type == "thinking":
        thinking, signature = _text(said.get("thinking")) or "", _text(said.get("signature")) or ""
        return BlockDelta(0, "thinking", thinking, signature) if thinking or signature else None
    text = _text(said.get("text")) or ""
    citations = [said["citation"]] if "citation" in said else said.get("citations")
    check_citations(citations)
    return (
        BlockDelta(0, "text", text, raw={"citations": citations} if citations else None) if text or citations else None
    )


def _as_block(block: Any) -> dict[str, Any]:
    """A block of a whole answer; a guardrail that changes an answer leaves bare texts (gateway 1.15.2)."""
    return {"type": "text", "text": block} if isinstance(block, str) else block


def _extras(said: Mapping[str, Any]) -> dict[str, Any] | None:
    extras = {name: said[name] for name in _EXTRAS if said.get(name) is not None}
    # Fast answers have a price of their own; every other is said to be standard.
    if (speed := (said.get("usage") or {}).get("speed")) not in {None, "standard"}:
        extras["speed"] = speed
    return extras or None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise TypeError(f"{value!r:.60} where a text has to stand")
