"""What was received of an answer, gathered: the same for both API formats, whole and streamed. No I/O."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Protocol

from pydantic_core import from_json, to_json

from portkey_gateway.conversation.answer import (
    BROKEN_OFF,
    Answer,
    AnswerBlock,
    AnswerToolCall,
    BlockDelta,
    BlockType,
    Delta,
    ToolCallDelta,
    finish_reason,
)
from portkey_gateway.conversation.sound import GrowingSound
from portkey_gateway.conversation.usage import Usage
from portkey_gateway.info import GatewayInfo

_NO_NAMES: Final[Mapping[str, str]] = MappingProxyType({})
_NOTHING_ELSE: Final = Delta()[1:]
_EVENTS: Final = re.compile(rb"(?:\xef\xbb\xbf)?[\r\n]*(?:data|event|id|retry)?:")


class Fold:
    """Gathers deltas into an answer. Each API format adds the decoding of its own events.

    Attributes:
        info: what the response headers say of the call.
        id: the answer's id, once it was told; so it is with the next two.
        model: the model that answers.
        provider: the provider that answers.
        names: the tools' own names, by those that they have on the wire, where these differ.
        of_code: the names of the tools that take arguments and that code of Claude's may call.
    """

    __slots__ = ("_blocks", "_extras", "_half", "_hook_results", "_others", "_refusal", "_sound", "_stop_reason",
                 "_tool_calls", "_usage", "id", "info", "model", "names", "of_code", "provider")  # fmt: skip

    def __init__(self, info: GatewayInfo) -> None:
        self.info = info
        self._blocks: list[GrowingBlock] = []
        self._tool_calls: list[GrowingToolCall] = []
        self._refusal = ""
        self._sound: GrowingSound | None = None
        self._others: tuple[Answer, ...] = ()
        self._stop_reason: str | None = None
        self._usage: Usage | None = None
        self._hook_results: dict[str, Any] | None = None
        self._extras: dict[str, Any] = {}
        self._half = ""
        self.names: Mapping[str, str] = _NO_NAMES
        self.of_code: frozenset[str] = frozenset()
        self.id = self.model = self.provider = ""

    def add(self, event: Any) -> Delta:
        """Decode one event of a stream and add it to the answer.

        Raises:
            StreamDecodeError: if it has not the shape of an event.
        """
        raise NotImplementedError

    def add_whole(self, content: bytes) -> Delta:
        """Decode a whole answer's body and add it: also where a stream was asked for and a cached answer came.

        Raises:
            InvalidResponseError: if it is no answer.
        """
        raise NotImplementedError

    def add_body(self, content: bytes, events: Events) -> Iterator[Delta]:
        """Decode a whole body and add it: an answer, or the events of one, which no JSON begins as.

        Args:
            content: the body.
            events: those of the API format, where the body is told as a stream although it does not say so.

        Raises:
            InvalidResponseError: if it is no answer.
            StreamError: if it is told as a stream that broke off.
        """
        if not _EVENTS.match(content):
            yield self.add_whole(content)
            return
        yield from map(self.add, events.feed(content))
        yield from map(self.add, events.close())

    def answer(self) -> Answer:
        """The whole of what was added so far."""
        # Claude calls tools at the end of an answer, so where that was broken off, it was in the last call.
        cut = len(self._tool_calls) - 1 if finish_reason(self._stop_reason) in BROKEN_OFF else None
        return Answer(
            blocks=tuple(block.finished() for block in self._blocks),
            tool_calls=tuple(call.finished(is_cut=at == cut) for at, call in enumerate(self._tool_calls)),
            stop_reason=self._stop_reason,
            usage=self._usage,
            refusal=self._refusal,
            audio=self._sound.finished() if self._sound else None,
            others=self._others,
            hook_results=self._hook_results,
            model=self.model,
            provider=self.provider,
            extras=self._extras,
            id=self.id,
            info=self.info,
        )

    def gather(self, delta: Delta) -> None:
        """Add what an event said."""
        for block in delta.blocks:
            if block.position == len(self._blocks):
                self._blocks.append(GrowingBlock(block.type))
            self._blocks[block.position].add(block)
        if len(delta.blocks) == 1 and delta == (delta.blocks, *_NOTHING_ELSE):
            return
        for call in delta.tool_calls:
            if call.position == len(self._tool_calls):
                self._tool_calls.append(GrowingToolCall())
            self._tool_calls[call.position].add(call)
        self._refusal += delta.refusal
        self._stop_reason = delta.stop_reason or self._stop_reason
        self._usage = delta.usage or self._usage
        if delta.extras:
            self._extras = {**self._extras, **delta.extras}
        # A whole answer also lists the kinds of hooks that did not run.
        ran = {name: results for name, results in (delta.hook_results or {}).items() if results}
        if ran:
            self._hook_results = {**(self._hook_results or {}), **ran}

    def go_on(self, position: int, text: str) -> Delta:
        """Add a piece of text to a block that has begun, as most events do; returns what ``add`` does."""
        if self._half or not text.isascii():
            text = self.whole_characters(text)
        self._blocks[position].texts.append(text)
        return Delta((BlockDelta(position, "text", text),))

    def own_name(self, name: str | None) -> str | None:
        """What a called tool is called by the user, who may have named it as no provider takes it."""
        return self.names.get(name, name) if name else name

    def whole_characters(self, text: str) -> str:
        """Keep half a surrogate pair back for the next text: the gateway cuts cached answers inside an emoji too."""
        if not self._half and text.isascii():
            return text
        text = self._half + text
        self._half = text[-1] if text and "\ud800" <= text[-1] <= "\udbff" else ""
        try:
            text.encode()
        except UnicodeEncodeError:
            return text.removesuffix(self._half).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return text


class Events(Protocol):
    """Turns the bytes of a streamed answer into events, and knows whether the answer is whole.

    Attributes:
        is_whole: whether the answer was told to its end; its usage, or an error, may still follow.
        has_ended: whether the end mark of the stream came.
    """

    is_whole: bool
    has_ended: bool

    def __init__(self, info: GatewayInfo) -> None: ...

    def feed(self, data: bytes) -> Iterator[Any]:
        """The events that ``data`` completes, empty ones left out. The iterator must be exhausted before the next call.

        Raises:
            StreamError: if the provider reports an error, or an event is not what it has to be.
        """
        raise NotImplementedError

    def close(self) -> Iterator[Any]:
        """Yield what the end of the bytes completes.

        Raises:
            StreamError: if the answer is not whole.
        """
        raise NotImplementedError


class Decoding(NamedTuple):
    """How the answers of one API format are decoded."""

    fold: type[Fold]
    events: type[Events]
    names: Mapping[str, str] = _NO_NAMES
    """The tools' own names, by those that they have on the wire, where these differ."""
    of_code: frozenset[str] = frozenset()
    """The names of the tools that take arguments and that code of Claude's may call."""

    def begin(self, info: GatewayInfo) -> Fold:
        """Begin to gather one answer.

        Args:
            info: the response's status and headers.
        """
        fold = self.fold(info)
        fold.names = self.names
        fold.of_code = self.of_code
        return fold

    def decode(self, content: bytes, info: GatewayInfo) -> Answer:
        """Decode a whole answer.

        Args:
            content: the response body.
            info: the response's status and headers.

        Raises:
            InvalidResponseError: if it is no answer.
            StreamError: if it is told as a stream that broke off.
        """
        fold = self.begin(info)
        if _EVENTS.match(content):
            for _ in fold.add_body(content, self.events(info)):
                pass
        else:
            fold.add_whole(content)
        return fold.answer()


class GrowingBlock:
    """One content block, as far as it was received."""

    __slots__ = ("data", "raw", "signature", "texts", "type")

    def __init__(self, block_type: BlockType) -> None:
        self.type: BlockType = block_type
        self.texts: list[str] = []
        self.signature = self.data = ""
        self.raw: dict[str, Any] | None = None

    def add(self, delta: BlockDelta) -> None:
        """Add what an event says of it."""
        self.texts.append(delta.text)
        self.signature += delta.signature
        self.data += delta.data
        if delta.raw is None:
            return
        for name, value in delta.raw.items():
            self.raw = self.raw or {}
            known = self.raw.get(name)
            self.raw[name] = known + value if _are_pieces(name, known, value) else value

    def finished(self) -> AnswerBlock:
        """The block as a whole."""
        text = "".join(self.texts)
        if self.type != "other":
            return AnswerBlock(self.type, text, self.signature, self.data, self.raw)
        return AnswerBlock(self.type, raw={**(self.raw or {}), "input": _parsed(text)} if text else self.raw)


def _are_pieces(name: str, known: Any, value: Any) -> bool:
    """Whether a field goes on: lists do, and texts but for the block's kind, which is told again and again."""
    if isinstance(known, str):
        return isinstance(value, str) and name != "type"
    return isinstance(known, list) and isinstance(value, list)


def _parsed(text: str) -> Any:
    try:
        return from_json(text)
    except ValueError:
        return text


class GrowingToolCall:
    """One tool call, as far as it was received."""

    __slots__ = ("arguments", "extras", "id", "name")

    def __init__(self) -> None:
        self.id = self.name = ""
        self.extras: dict[str, Any] | None = None
        self.arguments: list[str] = []

    def add(self, delta: ToolCallDelta) -> None:
        """Add what an event says of it."""
        self.id = self.id or delta.id or ""
        self.name = self.name or delta.name or ""
        self.arguments.append(delta.arguments)
        self.extras = delta.extras or self.extras

    def finished(self, *, is_cut: bool) -> AnswerToolCall:
        """The call as a whole."""
        # A call without arguments is "{}" in a whole answer and "" in a stream; spacing differs too. Halves of a
        # surrogate pair that came apart are joined, as those of the text are.
        text = "".join(self.arguments).encode("utf-16", "surrogatepass").decode("utf-16", "replace") or "{}"
        with contextlib.suppress(ValueError):
            text = to_json(from_json(text)).decode()
        return AnswerToolCall(self.id, self.name, text, is_cut, self.extras)
