"""The gateway's answers → LangChain messages and chunks.

A whole message and the sum of a stream's chunks are equal but for their ids: text that comes first stays a string;
from the first block of another kind on, content is a list of blocks, each with its ``index``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, cast

from langchain_core.messages import AIMessage, AIMessageChunk, InvalidToolCall, ToolCall
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from langchain_core.messages.tool import ToolCallChunk
from langchain_core.outputs import ChatGenerationChunk

from portkey_gateway.conversation.answer import BROKEN_OFF, Answer, AnswerBlock, AnswerToolCall, BlockDelta, Delta
from portkey_gateway.conversation.usage import Usage
from portkey_langchain.cut import CUT_MARK

MODEL_PROVIDER: Final = "portkey"
"""``response_metadata["model_provider"]``: picks the translator to LangChain's standard content blocks."""

Content = str | list[str | dict[str, Any]]


def decode_message(answer: Answer) -> AIMessage:
    """Decode a whole answer."""
    content = ContentState()
    deltas = [content.add([_as_delta(position, block)]) for position, block in enumerate(answer.blocks)]
    calls, invalid_calls = _decode_tool_calls(answer)
    return AIMessage(
        content=_joined(deltas),
        tool_calls=calls,
        invalid_tool_calls=invalid_calls,
        usage_metadata=decode_usage_metadata(answer.usage),
        response_metadata=decode_response_metadata(answer),
        additional_kwargs=_additional_kwargs(answer),
    )


class ContentState:
    """Whether content is still one string, or already a list of blocks."""

    __slots__ = ("_is_list",)

    def __init__(self) -> None:
        self._is_list = False

    def add(self, blocks: Iterable[BlockDelta]) -> Content:
        """Decode what a chunk adds to the content."""
        text = ""
        listed: list[str | dict[str, Any]] = []
        for block in blocks:
            if not self._is_list and block.type == "text" and not block.raw:
                text += block.text
                continue
            self._is_list = True
            listed.append(_decode_block(block))
        if not listed:
            return text
        return [text, *listed] if text else listed

    def decode_chunk(self, delta: Delta) -> ChatGenerationChunk | None:
        """Decode a chunk; ``None`` if it adds neither content nor a tool call."""
        content = self.add(map(_without_input, delta.blocks)) if delta.blocks else ""
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


def decode_last_chunk(answer: Answer) -> ChatGenerationChunk:
    """Decode what only the end of a stream tells: usage, metadata and the input of tools that the provider ran."""
    inputs: list[str | dict[str, Any]] = [
        {"type": "non_standard", "value": {"input": block.raw["input"]}, "index": position}
        for position, block in enumerate(answer.blocks)
        if block.raw and "input" in block.raw
    ]
    message = AIMessageChunk(
        content=inputs or "",
        usage_metadata=decode_usage_metadata(answer.usage),
        response_metadata=decode_response_metadata(answer),
        additional_kwargs=_additional_kwargs(answer),
        chunk_position="last",
    )
    return ChatGenerationChunk(message=message)


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
    return {"refusal": answer.refusal} if answer.refusal else {}


def _as_delta(position: int, block: AnswerBlock) -> BlockDelta:
    return BlockDelta(position, block.type, block.text, block.signature, block.data, block.raw)


def _without_input(block: BlockDelta) -> BlockDelta:
    """A server tool's input comes in pieces behind its block: the last chunk tells it whole."""
    if not block.raw or "input" not in block.raw:
        return block
    return block._replace(raw={name: value for name, value in block.raw.items() if name != "input"})


def _decode_block(block: BlockDelta) -> dict[str, Any]:
    if block.type == "text":
        return {"type": "text", "text": block.text, "index": block.position, **(block.raw or {})}
    if block.type == "thinking":
        decoded = {"type": "thinking", "index": block.position}
        if block.text:
            decoded["thinking"] = block.text
        if block.signature:
            decoded["signature"] = block.signature
        return decoded
    if block.type == "redacted_thinking":
        return {"type": "redacted_thinking", "data": block.data, "index": block.position}
    return {"type": "non_standard", "value": block.raw, "index": block.position}


def _joined(deltas: list[Content]) -> Content:
    """Join the contents of blocks as LangChain joins those of chunks."""
    text = "".join(delta for delta in deltas if isinstance(delta, str))
    listed = [block for delta in deltas if not isinstance(delta, str) for block in delta]
    if not listed:
        return text
    return [text, *listed] if text else listed


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
