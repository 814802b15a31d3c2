"""The gateway's answers → LangChain messages and chunks.

An answer of text alone is a string. Any other is a list of blocks in Anthropic's own form, tool calls among them, as
``ChatAnthropic`` gives it. A whole message and the sum of a stream's chunks are equal but for their ids, and for the
``index`` by which LangChain adds blocks up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, cast

from langchain_core.messages import AIMessage, AIMessageChunk, InvalidToolCall, ToolCall
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from langchain_core.messages.tool import ToolCallChunk
from langchain_core.outputs import ChatGenerationChunk

from portkey_gateway.conversation.answer import (
    BROKEN_OFF,
    Answer,
    AnswerBlock,
    AnswerToolCall,
    BlockDelta,
    Delta,
)
from portkey_gateway.conversation.usage import Usage
from portkey_langchain.cut import CUT_MARK

MODEL_PROVIDER: Final = "portkey"
"""``response_metadata["model_provider"]``: picks the translator to LangChain's standard content blocks."""
CALL_INDEX: Final = "lc_tc_"
"""Before the index of a tool call: calls are counted apart, and LangChain's own prefix keeps them off the blocks'."""

TOOL_CALL_EXTRAS: Final = "tool_call_extras"
"""In ``additional_kwargs``: what a provider says of each call, by its id, so that it can be told again."""
_DIRECT: Final = {"caller": {"type": "direct"}}

Content = str | list[str | dict[str, Any]]


def decode_message(answer: Answer, *, in_blocks: bool = False) -> AIMessage:
    """Decode a whole answer.

    Args:
        answer: what was received.
        in_blocks: give a list even where text alone was said.
    """
    calls, invalid_calls = _decode_tool_calls(answer)
    return AIMessage(
        content=_decode_content(answer, in_blocks=in_blocks),
        tool_calls=calls,
        invalid_tool_calls=invalid_calls,
        usage_metadata=decode_usage_metadata(answer.usage),
        response_metadata=decode_response_metadata(answer),
        additional_kwargs=_additional_kwargs(answer),
    )


def _decode_content(answer: Answer, *, in_blocks: bool) -> Content:
    if not in_blocks and all(map(_is_plain, answer.blocks)):
        return answer.text
    return [*map(_decode_block, answer.blocks), *map(_call_block, answer.tool_calls)]


class ContentState:
    """Whether content is still one string, or already a list of blocks.

    Args:
        in_blocks: begin as a list, since more than text is to be expected: a text that has begun as a string cannot
            become a block any more.
    """

    __slots__ = ("_calls", "_is_list")

    def __init__(self, *, in_blocks: bool = False) -> None:
        self._is_list = in_blocks
        self._calls: dict[int, None] = {}

    def add(self, delta: Delta) -> Content:
        """Decode what a chunk adds to the content; tool calls stand behind all else, and the last chunk tells them."""
        blocks = delta.blocks
        if not self._is_list:
            if all(map(_is_plain, blocks)):
                # By far the most frequent chunk has one.
                return blocks[0].text if len(blocks) == 1 else "".join(block.text for block in blocks)
            self._is_list = True
        return [*map(_listed_block, blocks)]

    def decode_chunk(self, delta: Delta) -> ChatGenerationChunk | None:
        """Decode a chunk; ``None`` if it adds neither content nor a tool call."""
        # LangChain makes a block of an empty string that a list is added to.
        content: Content = self.add(delta) if delta.blocks else [] if self._is_list else ""
        for call in delta.tool_calls:
            self._calls[call.position] = None
        if not content and not delta.tool_calls:
            return None
        message = AIMessageChunk(
            content=content,
            tool_call_chunks=[
                ToolCallChunk(
                    name=call.name, args=call.arguments, id=call.id, index=call.position, type="tool_call_chunk"
                )
                for call in delta.tool_calls
            ],
            # Every chunk says whose it is, so that its content_blocks are translated while the answer still comes in.
            response_metadata={"model_provider": MODEL_PROVIDER},
        )
        return ChatGenerationChunk(message=message)

    def decode_last_chunk(self, answer: Answer) -> ChatGenerationChunk:
        """Decode what only the end of a stream tells: usage, metadata and the inputs that came in pieces."""
        message = AIMessageChunk(
            content=[*self._end(answer)] if self._is_list else "",
            usage_metadata=decode_usage_metadata(answer.usage),
            response_metadata=decode_response_metadata(answer),
            additional_kwargs=_additional_kwargs(answer),
            chunk_position="last",
        )
        return ChatGenerationChunk(message=message)

    def _end(self, answer: Answer) -> Iterator[dict[str, Any]]:
        """The inputs of server tools, each for the block that has begun without it, and the calls."""
        for position, block in enumerate(answer.blocks):
            if block.raw and block.raw.get("input"):
                yield {"type": block.raw.get("type", "server_tool_use"), "input": block.raw["input"], "index": position}
        for position, call in zip(self._calls, answer.tool_calls, strict=False):
            yield {**_call_block(call), "index": f"{CALL_INDEX}{position}"}


def decode_usage_metadata(usage: Usage | None) -> UsageMetadata | None:
    """Decode usage: ``input_tokens`` includes what was read from or written to the prompt cache.

    Its details add up to no more than that: tokens written for an hour, whose price is another, stand under the name
    that ``langchain-anthropic`` gives them, and not under ``cache_creation`` too.
    """
    if usage is None:
        return None
    written = InputTokenDetails(cache_creation=usage.cache_write_tokens - usage.cache_write_1h_tokens)
    if usage.cache_write_1h_tokens:
        written = cast("InputTokenDetails", {**written, "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens})
    return UsageMetadata(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        total_tokens=usage.total_tokens,
        input_token_details={"cache_read": usage.cache_read_tokens, **written},
        output_token_details=OutputTokenDetails(reasoning=usage.reasoning_tokens),
    )


def decode_response_metadata(answer: Answer) -> dict[str, Any]:
    """Decode how the answer ended, and what the gateway says of the call; only what is known has a key."""
    name = {"model_name": answer.model} if answer.model else {}
    return {**answer.facts(), **name, "model_provider": MODEL_PROVIDER}


def _additional_kwargs(answer: Answer) -> dict[str, Any]:
    """What has no other place: why a model refused, and what its provider says of a call beside name and arguments."""
    extras = {call.id: call.extras for call in answer.tool_calls if call.extras and call.extras != _DIRECT}
    known = {"refusal": answer.refusal, TOOL_CALL_EXTRAS: extras}
    return {name: value for name, value in known.items() if value}


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
    return dict(block.raw or {})


def _listed_block(block: BlockDelta) -> dict[str, Any]:
    """A block of a stream; the input of a server tool comes in pieces behind it: the last chunk tells it whole."""
    decoded = {**_decode_block(block), "index": block.position}
    if "input" in decoded:
        decoded["input"] = {}
    return decoded


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
    return "the arguments are not a JSON object"
