"""The gateway's answers → LangChain messages and chunks.

An answer of text alone is a string. Any other is a list of blocks in Anthropic's own form, tool calls among them, as
``ChatAnthropic`` gives it. A whole message and the sum of a stream's chunks are equal but for their ids, and for the
``index`` by which LangChain adds blocks up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, cast

from langchain_core.messages import AIMessage, AIMessageChunk, InvalidToolCall, ToolCall
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from langchain_core.messages.tool import ToolCallChunk
from langchain_core.outputs import ChatGenerationChunk

from portkey_gateway.conversation.answer import (
    BROKEN_OFF,
    LOST_ARGUMENTS,
    Answer,
    AnswerBlock,
    AnswerToolCall,
    BlockDelta,
    Delta,
    ToolCallDelta,
)
from portkey_gateway.conversation.arguments import as_told
from portkey_gateway.conversation.fold import GrowingBlock
from portkey_gateway.conversation.usage import Usage
from portkey_gateway.template import Template
from portkey_langchain.cut import CUT_MARK
from portkey_langchain.late_list import LATE_INDEX, GrowingChunk

MODEL_PROVIDER: Final = "portkey"
"""``response_metadata["model_provider"]``: picks the translator to LangChain's standard content blocks."""
CALL_INDEX: Final = "lc_tc_"
"""Before the index of a tool call: calls are counted apart, and LangChain's own prefix keeps them off the blocks'."""

TOOL_CALL_EXTRAS: Final = "tool_call_extras"
"""In ``additional_kwargs``: what a provider says of each call, by its id, so that it can be told again."""
DIRECT: Final = {"caller": {"type": "direct"}}
"""What is meant of a call where nothing is said: Claude itself called."""

# Anthropic's own names for its tiers are others.
_PRICED_TIERS: Final = frozenset({"flex", "priority"})

_PIECES: Final = "partial_json"
_INPUTS: Final = frozenset({"input", _PIECES})
_NO_OBJECT: Final = "the arguments are not a JSON object"

Content = str | list[str | dict[str, Any]]


def decode_message(answer: Answer, *, in_blocks: bool = False) -> AIMessage:
    """Decode a whole answer.

    Args:
        answer: what was received.
        in_blocks: give a list even where text alone was said.
    """
    content = _decode_content(answer, in_blocks=in_blocks)
    if type(content) is str and not (answer.tool_calls or answer.refusal or answer.audio):
        return copy_text_message(content, answer)
    calls, invalid_calls = _decode_tool_calls(answer)
    extras = _call_extras(answer.tool_calls)
    return AIMessage(
        content=content,
        tool_calls=calls,
        invalid_tool_calls=invalid_calls,
        usage_metadata=decode_usage_metadata(answer.usage, service_tier=answer.extras.get("service_tier")),
        response_metadata=decode_response_metadata(answer),
        additional_kwargs={**_refusal(answer), **_sound(answer), **({TOOL_CALL_EXTRAS: extras} if extras else {})},
    )


def _decode_content(answer: Answer, *, in_blocks: bool) -> Content:
    is_amid = any(call.after is not None and call.after < len(answer.blocks) for call in answer.tool_calls)
    if not in_blocks and not is_amid and all(map(_is_plain, answer.blocks)):
        return answer.text
    return [_call_block(said) if isinstance(said, AnswerToolCall) else _decode_block(said) for said in answer.said]


class ContentState:
    """Whether content is still one string, or already a list of blocks; and what of it is not whole yet.

    LangChain's events (``version="v3"``) add up text, reasoning and inputs alone. So a block of another kind, and the
    citations of a text, are held until they are whole, which they are once something else begins.

    Args:
        in_blocks: begin as a list, since more than text is to be expected.
    """

    __slots__ = ("_begun", "_calls", "_held", "_held_at", "_index", "_is_list", "_placed", "_told", "_told_as",
                 "_waiting")  # fmt: skip

    def __init__(self, *, in_blocks: bool = False) -> None:
        self._is_list = in_blocks
        self._index = "" if in_blocks else LATE_INDEX
        self._begun: dict[int, int] = {}
        self._told_as: type[str | list[Any]] | None = list if in_blocks else None
        self._calls: dict[int, None] = {}
        self._waiting: list[ToolCallDelta] = []
        # Empty sets are three times as large, and most answers need none.
        self._placed: dict[int, None] = {}
        self._told: dict[str, None] = {}
        self._held: GrowingBlock | None = None
        self._held_at = 0

    def add(self, delta: Delta) -> Content:
        """Decode what a chunk adds to the content; the last chunk tells tool calls, but for those that a block follows.

        Of such a call its beginning is told before that block.
        """
        blocks = delta.blocks
        self._waiting += [call for call in delta.tool_calls if call.after is not None]
        if not self._is_list:
            if all(map(_is_plain, blocks)) and not any(self._follows_a_call(block) for block in blocks):
                for block in blocks:
                    self._begun[block.position] = self._begun.get(block.position, 0) + len(block.text)
                return "".join(block.text for block in blocks)
            self._is_list = True
        content: list[str | dict[str, Any]] = [block for added in blocks for block in self._listed(added)]
        # Where a call begins, or the answer ends, the block before it has ended.
        return [*content, *self._released()] if delta.tool_calls or delta.stop_reason else content

    def _text_alone(self, delta: Delta) -> str:
        """The text with which a string begins or goes on, all that most chunks add; empty of any other chunk."""
        blocks = delta.blocks
        if len(blocks) != 1 or self._is_list or self._waiting or delta.tool_calls or delta.audio:
            return ""
        [block] = blocks
        if block.type != "text" or block.raw:
            return ""
        self._begun[block.position] = self._begun.get(block.position, 0) + len(block.text)
        return block.text

    def decode_chunk(self, delta: Delta) -> ChatGenerationChunk | None:
        """Decode a chunk; ``None`` if it adds neither content nor a tool call."""
        if text := self._text_alone(delta):
            was, self._told_as = self._told_as, str
            return copy_text_chunk(text, AIMessageChunk if was is str else GrowingChunk)
        content = self.add(delta)
        for call in delta.tool_calls:
            self._calls[call.position] = None
        if not content and not delta.tool_calls and not delta.audio:
            return None
        message = self._make_chunk(
            content=content,
            tool_call_chunks=[
                ToolCallChunk(
                    name=call.name, args=call.arguments, id=call.id, index=call.position, type="tool_call_chunk"
                )
                for call in delta.tool_calls
            ],
            # Every chunk says whose it is, so that its content_blocks are translated while the answer still comes in.
            response_metadata={"model_provider": MODEL_PROVIDER},
            additional_kwargs={**_sound(delta), **self._extras(delta.tool_calls)},
        )
        return ChatGenerationChunk(message=message)

    def _make_chunk(self, **fields: Any) -> AIMessageChunk:
        """A chunk of the class that can be added up: the first one, and the one that makes a list of a string."""
        was, self._told_as = self._told_as, list if self._is_list else str
        if was is self._told_as:
            return AIMessageChunk(**fields)
        return GrowingChunk.of_list(self._begun, **fields) if self._is_list else GrowingChunk(**fields)

    def decode_last_chunk(self, answer: Answer) -> ChatGenerationChunk:
        """Decode what only the end of a stream tells: usage, metadata and the inputs that came in pieces."""
        message = self._make_chunk(
            content=[*self._released(), *self._end(answer)] if self._is_list else "",
            usage_metadata=decode_usage_metadata(answer.usage, service_tier=answer.extras.get("service_tier")),
            response_metadata=decode_response_metadata(answer),
            additional_kwargs={**_refusal(answer), **self._extras(answer.tool_calls)},
            chunk_position="last",
        )
        return ChatGenerationChunk(message=message)

    def _end(self, answer: Answer) -> Iterator[dict[str, Any]]:
        """The inputs of server tools and of calls, each for what has begun without it, and the other calls."""
        for position, block in enumerate(answer.blocks):
            if block.raw and block.raw.get("input"):
                told = {name: value for name, value in _decode_block(block).items() if name in _INPUTS and value}
                yield self._indexed({"type": block.raw.get("type", "server_tool_use"), **told}, position)
        for position, call in zip(self._calls, answer.tool_calls, strict=False):
            told = _call_block(call)
            if position in self._placed:
                told = {name: value for name, value in told.items() if name not in {"id", "name"}}
            yield {**told, "index": f"{CALL_INDEX}{position}"}

    def _listed(self, block: BlockDelta) -> Iterator[dict[str, Any]]:
        """What a chunk adds to a block, as far as it can be told by now; the end of a block is told with the next."""
        if block.position != self._held_at:
            yield from self._released()
        while self._follows_a_call(block):
            call = self._waiting.pop(0)
            self._placed[call.position] = None
            index = f"{CALL_INDEX}{call.position}"
            yield {"type": "tool_use", "id": call.id, "name": call.name, "input": {}, "index": index}
        raw = block.raw or {}
        if "input" in raw:
            # The input of a server tool comes in pieces behind it: the last chunk tells it whole.
            yield self._indexed({**raw, "input": {}}, block.position)
            return
        if raw:
            self._held_at = block.position
            self._held = self._held or GrowingBlock(block.type)
            self._held.add(block._replace(text=""))
        if block.text or not raw:
            yield self._indexed(_decode_block(block._replace(raw=None)), block.position)

    def _follows_a_call(self, block: BlockDelta) -> bool:
        """Whether a call was said before this block that stands nowhere in the content yet."""
        return bool(self._waiting) and (self._waiting[0].after or 0) <= block.position

    def _released(self) -> Iterator[dict[str, Any]]:
        held, self._held = self._held, None
        if held:
            yield self._indexed(_decode_block(held.finished()), self._held_at)

    def _indexed(self, block: dict[str, Any], position: int) -> dict[str, Any]:
        return {**block, "index": f"{self._index}{position}" if self._index else position}

    def _extras(self, calls: Iterable[ToolCallDelta | AnswerToolCall]) -> dict[str, Any]:
        """What the provider says of these calls, each once: LangChain would add up what it is told again."""
        extras = {call_id: told for call_id, told in _call_extras(calls).items() if call_id not in self._told}
        self._told.update(dict.fromkeys(extras))
        return {TOOL_CALL_EXTRAS: extras} if extras else {}


def make_text_chunk(text: str, kind: type[AIMessageChunk] = AIMessageChunk) -> ChatGenerationChunk:
    """A chunk of text alone, as the constructors make it."""
    message = kind(
        content=text, tool_call_chunks=[], response_metadata={"model_provider": MODEL_PROVIDER}, additional_kwargs={}
    )
    return ChatGenerationChunk(message=message)


_CHUNK: Final = Template(make_text_chunk(""))
_MESSAGES: Final = {kind: Template(make_text_chunk("", kind).message) for kind in (AIMessageChunk, GrowingChunk)}


def copy_text_chunk(text: str, kind: type[AIMessageChunk] = AIMessageChunk) -> ChatGenerationChunk:
    """The same as ``make_text_chunk``, in a fraction of the time; most chunks are such."""
    message = _MESSAGES[kind].copy(
        {
            "content": text,
            "tool_calls": [],
            "invalid_tool_calls": [],
            "tool_call_chunks": [],
            "response_metadata": {"model_provider": MODEL_PROVIDER},
            "additional_kwargs": {},
        }
    )
    return _CHUNK.copy({"message": message, "text": text})


def decode_usage_metadata(usage: Usage | None, *, service_tier: str | None = None) -> UsageMetadata | None:
    """Decode usage: ``input_tokens`` includes what was read from or written to the prompt cache.

    What OpenAI serves at another price bears the name of that tier, as ``langchain-openai`` gives it.

    Its details add up to no more than that: tokens written for an hour, whose price is another, stand under the name
    that ``langchain-anthropic`` gives them, and not under ``cache_creation`` too.
    """
    if usage is None:
        return None
    written = InputTokenDetails(cache_creation=usage.cache_write_tokens - usage.cache_write_1h_tokens)
    if usage.cache_write_1h_tokens:
        written = cast("InputTokenDetails", {**written, "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens})
    heard = {"audio": usage.input_audio_tokens} if usage.input_audio_tokens else {}
    spoken = {"audio": usage.output_audio_tokens} if usage.output_audio_tokens else {}
    details = cast("dict[str, int]", {"cache_read": usage.cache_read_tokens, **written})
    thought: dict[str, int] = {"reasoning": usage.reasoning_tokens}
    if isinstance(service_tier, str) and service_tier in _PRICED_TIERS:
        details = {f"{service_tier}_{name}": count for name, count in details.items()}
        details[service_tier] = usage.input_tokens - usage.cache_read_tokens
        thought = {
            f"{service_tier}_reasoning": usage.reasoning_tokens,
            service_tier: usage.output_tokens - usage.reasoning_tokens,
        }
    return UsageMetadata(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        total_tokens=usage.total_tokens,
        input_token_details=cast("InputTokenDetails", {**details, **heard}),
        output_token_details=cast("OutputTokenDetails", {**thought, **spoken}),
    )


def decode_response_metadata(answer: Answer) -> dict[str, Any]:
    """Decode how the answer ended, and what the gateway says of the call; only what is known has a key."""
    name = {"model_name": answer.model} if answer.model else {}
    return {**answer.facts(), **name, "model_provider": MODEL_PROVIDER}


def make_text_message(text: str, answer: Answer) -> AIMessage:
    """The message of a whole answer of text alone, as the constructor makes it."""
    return AIMessage(
        content=text,
        tool_calls=[],
        invalid_tool_calls=[],
        usage_metadata=decode_usage_metadata(answer.usage, service_tier=answer.extras.get("service_tier")),
        response_metadata=decode_response_metadata(answer),
        additional_kwargs={},
    )


_WHOLE: Final = Template(make_text_message("", Answer()))


def copy_text_message(text: str, answer: Answer) -> AIMessage:
    """The same as ``make_text_message``, in a fraction of the time; most answers are such."""
    return _WHOLE.copy(
        {
            "content": text,
            "tool_calls": [],
            "invalid_tool_calls": [],
            "usage_metadata": decode_usage_metadata(answer.usage, service_tier=answer.extras.get("service_tier")),
            "response_metadata": decode_response_metadata(answer),
            "additional_kwargs": {},
        }
    )


def _refusal(answer: Answer) -> dict[str, Any]:
    return {"refusal": answer.refusal} if answer.refusal else {}


def _sound(said: Answer | Delta) -> dict[str, Any]:
    """What is spoken, where ``ChatOpenAI`` has it."""
    return {"audio": said.audio} if said.audio else {}


def _call_extras(calls: Iterable[ToolCallDelta | AnswerToolCall]) -> dict[str, dict[str, Any]]:
    """What the provider says of calls beside name and arguments, by their ids."""
    return {call.id: call.extras for call in calls if call.id and call.extras and call.extras != DIRECT}


def _is_plain(block: AnswerBlock | BlockDelta) -> bool:
    return block.type == "text" and not block.raw


def _decode_block(block: AnswerBlock | BlockDelta) -> dict[str, Any]:
    if block.type == "text":
        return {"type": "text", "text": block.text, **(block.raw or {})}
    if block.type == "thinking":
        decoded = {"type": "thinking"}
        if block.text:
            decoded["thinking"] = block.text
        if block.signature:
            decoded["signature"] = block.signature
        return decoded
    if block.type == "redacted_thinking":
        return {"type": "redacted_thinking", "data": block.data}
    raw = dict(block.raw or {})
    if "input" in raw and not isinstance(raw["input"], dict):
        # The answer broke off in it; ``ChatAnthropic`` leaves its pieces under this name, too.
        raw |= {"input": {}, _PIECES: raw["input"] if isinstance(raw["input"], str) else as_told(raw["input"])}
    return raw


def _call_block(call: AnswerToolCall) -> dict[str, Any]:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": call.args or {}, **(call.extras or {})}


def _decode_tool_calls(answer: Answer) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    calls, invalid_calls = [], []
    for call in answer.tool_calls:
        args = call.args
        if args is None:
            text = call.arguments + CUT_MARK if call.is_cut else call.arguments
            error = _why_invalid(call, answer)
            invalid_calls.append(
                InvalidToolCall(name=call.name, args=text, id=call.id, error=error, type="invalid_tool_call")
            )
        else:
            calls.append(ToolCall(name=call.name, args=args, id=call.id, type="tool_call"))
    return calls, invalid_calls


def _why_invalid(call: AnswerToolCall, answer: Answer) -> str:
    if call.is_cut:
        return f"the answer {BROKEN_OFF[answer.finish_reason or '']}"
    return "the arguments were " + call.arguments[1:-1] if call.arguments == LOST_ARGUMENTS else _NO_OBJECT
