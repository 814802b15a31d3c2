"""An answer, decoded: the fold of a stream and a whole answer yield the very same object."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, cast

from pydantic_core import from_json, to_json

from portkey_gateway.errors import decode_not_an_answer
from portkey_gateway.options import GatewayInfo
from portkey_gateway.usage import Usage, decode_usage
from portkey_gateway.wire import AnswerMessage, ChatResponse, Choice, Chunk, ChunkDelta, FunctionDelta

FINISH_REASONS: Final = MappingProxyType(
    {
        "end_turn": "stop",
        "stop_sequence": "stop",
        "tool_use": "tool_calls",
        "max_tokens": "length",
        "model_context_window_exceeded": "length",
        "refusal": "content_filter",
    }
)
"""Anthropic's stop reasons under OpenAI's names; any other reason keeps its own."""

BlockType = Literal["text", "thinking", "redacted_thinking", "other"]


class BlockDelta(NamedTuple):
    """What a chunk adds to one content block."""

    position: int
    """The block's place among the answer's content blocks; tool calls are not counted."""
    type: BlockType
    text: str = ""
    """Text, or reasoning."""
    signature: str = ""
    """The proof of a thinking block."""
    data: str = ""
    """What a redacted thinking block holds."""
    raw: dict[str, Any] | None = None
    """A block of a kind that we do not know, as it came."""


class ToolCallDelta(NamedTuple):
    """What a chunk adds to one tool call."""

    position: int
    """The call's place among the answer's tool calls."""
    id: str | None
    name: str | None
    arguments: str
    """A piece of the arguments' JSON text, cut anywhere."""


class Delta(NamedTuple):
    """What one chunk adds to an answer."""

    blocks: tuple[BlockDelta, ...] = ()
    tool_calls: tuple[ToolCallDelta, ...] = ()
    refusal: str = ""
    stop_reason: str | None = None
    """The provider's own reason to stop, on the last chunk."""
    usage: Usage | None = None
    """On the last chunk."""
    hook_results: dict[str, Any] | None = None
    """Guardrail verdicts; the gateway sends them after the end of the answer."""

    @property
    def text(self) -> str:
        """The text this adds, reasoning left out."""
        return "".join(block.text for block in self.blocks if block.type == "text")

    @property
    def finish_reason(self) -> str | None:
        """``stop_reason`` under OpenAI's names."""
        return FINISH_REASONS.get(self.stop_reason, self.stop_reason) if self.stop_reason else None


@dataclass(frozen=True, slots=True)
class AnswerBlock:
    """One content block of an answer; the fields are those of ``BlockDelta``."""

    type: BlockType
    text: str = ""
    signature: str = ""
    data: str = ""
    raw: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class AnswerToolCall:
    """One tool call of an answer."""

    id: str
    name: str
    arguments: str
    """JSON text as compact JSON; what is not JSON (cut off by ``max_tokens``, say) stays as it came."""

    @property
    def args(self) -> dict[str, Any] | None:
        """The arguments, or ``None`` if they are not a JSON object."""
        try:
            args = from_json(self.arguments)
        except ValueError:
            return None
        return args if isinstance(args, dict) else None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model answered, and what the gateway says of it."""

    blocks: tuple[AnswerBlock, ...] = ()
    """Text and thinking in their order."""
    tool_calls: tuple[AnswerToolCall, ...] = ()
    stop_reason: str | None = None
    """The provider's own reason to stop."""
    usage: Usage | None = None
    refusal: str = ""
    """Why the model refused, where the provider says it (OpenAI)."""
    hook_results: dict[str, Any] | None = None
    """Guardrail verdicts, such as ``{"before_request_hooks": […], "after_request_hooks": […]}``."""
    model: str = ""
    """The model that answered."""
    provider: str = ""
    """The provider that answered."""
    # Of a whole answer it is the provider's, of a streamed one the gateway's: it says nothing about equality.
    id: str = field(default="", compare=False)
    """The answer's id."""
    info: GatewayInfo = field(default_factory=GatewayInfo, compare=False)
    """What the response headers say of this one call."""

    @property
    def text(self) -> str:
        """All text, reasoning left out."""
        return "".join(block.text for block in self.blocks if block.type == "text")

    @property
    def finish_reason(self) -> str | None:
        """``stop_reason`` under OpenAI's names."""
        return FINISH_REASONS.get(self.stop_reason, self.stop_reason) if self.stop_reason else None


class AnswerFold:
    """Decodes the chunks of one answer and gathers them into the whole. No I/O."""

    __slots__ = ("_blocks", "_hook_results", "_id", "_model", "_order", "_provider", "_refusal", "_stop_reason",
                 "_tool_calls", "_usage", "info")  # fmt: skip

    def __init__(self, info: GatewayInfo) -> None:
        self.info = info
        self._order: dict[int, int] = {}
        self._blocks: list[_GrowingBlock] = []
        self._tool_calls: dict[int, _GrowingToolCall] = {}
        self._refusal = ""
        self._stop_reason: str | None = None
        self._usage: Usage | None = None
        self._hook_results: dict[str, Any] | None = None
        self._id = self._model = self._provider = ""

    @property
    def id(self) -> str:
        """The answer's id, once the first chunk came."""
        return self._id

    @property
    def model(self) -> str:
        """The model that answers, once the first chunk came."""
        return self._model

    @property
    def provider(self) -> str:
        """The provider that answers, once the first chunk came."""
        return self._provider

    def add(self, chunk: Chunk) -> Delta:
        """Decode one chunk and add it to the answer."""
        if not self._id:
            self._id = chunk.get("id") or ""
        if not self._model:
            self._model = chunk.get("model") or ""
        if not self._provider:
            self._provider = chunk.get("provider") or ""
        choices = chunk.get("choices")
        choice = choices[0] if choices else {}
        wire_delta = choice.get("delta")
        usage = chunk.get("usage")
        delta = Delta(
            blocks=self._decode_blocks(wire_delta) if wire_delta else (),
            tool_calls=_decode_tool_calls(wire_delta) if wire_delta else (),
            refusal=(wire_delta.get("refusal") or "") if wire_delta else "",
            stop_reason=choice.get("finish_reason"),
            usage=decode_usage(usage) if usage else None,
            hook_results=chunk.get("hook_results"),
        )
        self._gather(delta)
        return delta

    def answer(self) -> Answer:
        """The whole of what was added so far."""
        return Answer(
            blocks=tuple(block.finished() for block in self._blocks),
            tool_calls=tuple(self._tool_calls[index].finished() for index in sorted(self._tool_calls)),
            stop_reason=self._stop_reason,
            usage=self._usage,
            refusal=self._refusal,
            hook_results=self._hook_results,
            model=self._model,
            provider=self._provider,
            id=self._id,
            info=self.info,
        )

    def _decode_blocks(self, wire_delta: ChunkDelta) -> tuple[BlockDelta, ...]:
        content = wire_delta.get("content")
        items = wire_delta.get("content_blocks")
        if not items:
            return (BlockDelta(self._place(0), "text", content),) if content else ()
        # Where both are sent, the text stands twice: the blocks also know its place.
        return tuple(
            block._replace(position=self._place(item.get("index") or 0))
            for item in items
            if (block := _decode_block(item.get("delta") or {}))
        )

    def _place(self, wire_index: int) -> int:
        """The wire's index also counts tool calls; ours counts content blocks only, as in a whole answer."""
        return self._order.setdefault(wire_index, len(self._order))

    def _gather(self, delta: Delta) -> None:
        for block in delta.blocks:
            if block.position == len(self._blocks):
                self._blocks.append(_GrowingBlock(block.type))
            self._blocks[block.position].add(block)
        for call in delta.tool_calls:
            self._tool_calls.setdefault(call.position, _GrowingToolCall()).add(call)
        self._refusal += delta.refusal
        self._stop_reason = delta.stop_reason or self._stop_reason
        self._usage = delta.usage or self._usage
        if delta.hook_results:
            self._hook_results = {**(self._hook_results or {}), **delta.hook_results}


def decode_answer(content: bytes, info: GatewayInfo) -> Answer:
    """Decode a whole answer.

    Args:
        content: the response body.
        info: the response's status and headers.

    Raises:
        InvalidResponseError: if it is no answer.
    """
    fold = AnswerFold(info)
    fold.add(decode_whole(content, info))
    return fold.answer()


def decode_whole(content: bytes, info: GatewayInfo) -> Chunk:
    """Decode a whole answer as the one chunk of a stream that says everything at once.

    Raises:
        InvalidResponseError: if it is no answer.
    """
    try:
        response = from_json(content)
    except ValueError:
        response = None
    choices = response.get("choices") if isinstance(response, dict) else None
    if not choices or not isinstance(choices, list) or not isinstance(choices[0].get("message"), dict):
        raise decode_not_an_answer(content, info)
    return _as_chunk(cast("ChatResponse", response))


def _as_chunk(response: ChatResponse) -> Chunk:
    no_choice: Choice = {}
    choice = response.get("choices", [no_choice])[0]
    message: AnswerMessage = choice.get("message", {})
    delta: ChunkDelta = {"content": message.get("content"), "refusal": message.get("refusal")}
    if blocks := message.get("content_blocks"):
        delta["content_blocks"] = [{"index": index, "delta": block} for index, block in enumerate(blocks)]
    if calls := message.get("tool_calls"):
        delta["tool_calls"] = [
            {"index": index, "id": call["id"], "function": cast("FunctionDelta", call["function"])}
            for index, call in enumerate(calls)
        ]
    chunk: dict[str, Any] = {
        **response,
        "choices": [{"delta": delta, "finish_reason": choice.get("finish_reason")}],
    }
    return cast("Chunk", chunk)


def _decode_block(delta: dict[str, Any]) -> BlockDelta | None:
    """Tell the kind of block by its keys: in a stream the gateway deletes ``type``. ``None`` if it adds nothing."""
    if "text" in delta:
        return BlockDelta(0, "text", delta["text"]) if delta["text"] else None
    if "thinking" in delta or "signature" in delta:
        thinking, signature = delta.get("thinking") or "", delta.get("signature") or ""
        return BlockDelta(0, "thinking", thinking, signature) if thinking or signature else None
    if "data" in delta:
        return BlockDelta(0, "redacted_thinking", data=delta["data"])
    return BlockDelta(0, "other", raw=delta) if delta else None


def _decode_tool_calls(wire_delta: ChunkDelta) -> tuple[ToolCallDelta, ...]:
    calls = []
    for position, call in enumerate(wire_delta.get("tool_calls") or ()):
        function = call.get("function") or {}
        calls.append(
            ToolCallDelta(
                call.get("index", position), call.get("id"), function.get("name"), function.get("arguments") or ""
            )
        )
    return tuple(calls)


class _GrowingBlock:
    __slots__ = ("data", "raw", "signature", "texts", "type")

    def __init__(self, block_type: BlockType) -> None:
        self.type: BlockType = block_type
        self.texts: list[str] = []
        self.signature = self.data = ""
        self.raw: dict[str, Any] | None = None

    def add(self, delta: BlockDelta) -> None:
        self.texts.append(delta.text)
        self.signature += delta.signature
        self.data += delta.data
        if delta.raw:
            self.raw = {**(self.raw or {}), **delta.raw}

    def finished(self) -> AnswerBlock:
        return AnswerBlock(self.type, "".join(self.texts), self.signature, self.data, self.raw)


class _GrowingToolCall:
    __slots__ = ("arguments", "id", "name")

    def __init__(self) -> None:
        self.id = self.name = ""
        self.arguments: list[str] = []

    def add(self, delta: ToolCallDelta) -> None:
        self.id = self.id or delta.id or ""
        self.name = self.name or delta.name or ""
        self.arguments.append(delta.arguments)

    def finished(self) -> AnswerToolCall:
        # A call without arguments is "{}" in a whole answer and "" in a stream; spacing differs too.
        text = "".join(self.arguments) or "{}"
        with contextlib.suppress(ValueError):
            text = to_json(from_json(text)).decode()
        return AnswerToolCall(self.id, self.name, text)
