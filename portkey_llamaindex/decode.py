"""The gateway's answers → LlamaIndex responses.

Whole and streamed answers come from one state, so the last response of a stream equals the whole one, but for its
``delta``.
"""

from __future__ import annotations

from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    ContentBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from portkey_gateway.answer import Answer, AnswerBlock, AnswerToolCall, Delta
from portkey_gateway.usage import Usage


def decode_response(answer: Answer, *, delta: str | None = None) -> ChatResponse:
    """Decode a whole answer.

    Args:
        answer: what the model answered.
        delta: the text that a stream's last response adds.

    Returns:
        The response: ``raw`` says how the answer ended, its usage and what the gateway says of the call;
        ``additional_kwargs`` repeats the usage under the names that other LLM classes use.
    """
    return ChatResponse(
        message=_message(answer.blocks, answer.tool_calls),
        raw=decode_raw(answer),
        delta=delta,
        additional_kwargs=_usage_kwargs(answer.usage),
    )


def decode_partial_response(answer: Answer, delta: Delta) -> ChatResponse:
    """Decode what a stream has said so far.

    Args:
        answer: everything up to now.
        delta: what the last chunk added.
    """
    thinking = "".join(block.text for block in delta.blocks if block.type == "thinking")
    return ChatResponse(
        message=_message(answer.blocks, answer.tool_calls),
        delta=delta.text,
        additional_kwargs={"thinking_delta": thinking} if thinking else {},
    )


def decode_completion(response: ChatResponse) -> CompletionResponse:
    """Turn a chat response into that of a completion."""
    return CompletionResponse(
        text=response.message.content or "",
        raw=response.raw,
        delta=response.delta,
        additional_kwargs=response.additional_kwargs,
    )


def decode_raw(answer: Answer) -> dict[str, Any]:
    """Decode how the answer ended, its usage and what the gateway says of the call; only what is known has a key."""
    info = answer.info
    usage = answer.usage
    known = {
        "id": answer.id,
        "model": answer.model,
        "finish_reason": answer.finish_reason,
        "stop_reason": answer.stop_reason,
        "refusal": answer.refusal,
        "provider": info.provider or answer.provider,
        "trace_id": info.trace_id,
        "request_id": info.request_id,
        "cache_status": info.cache_status,
        "retry_count": info.retry_count,
        "target_index": info.target_index,
        "hook_results": answer.hook_results,
        "usage": _usage_dict(usage) if usage else None,
    }
    return {name: value for name, value in known.items() if value not in (None, "")}


def _message(blocks: tuple[AnswerBlock, ...], calls: tuple[AnswerToolCall, ...]) -> ChatMessage:
    decoded: list[ContentBlock] = [_decode_block(block) for block in blocks]
    decoded.extend(
        ToolCallBlock(
            tool_call_id=call.id, tool_name=call.name, tool_kwargs=call.arguments if call.args is None else call.args
        )
        for call in calls
    )
    # LlamaIndex's streamed structured output looks for tool calls here, and only here.
    kwargs = {"tool_calls": [_openai_tool_call(call) for call in calls]} if calls else {}
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=decoded, additional_kwargs=kwargs)


def _decode_block(block: AnswerBlock) -> ContentBlock:
    if block.type == "text":
        return TextBlock(text=block.text)
    if block.type == "thinking":
        return ThinkingBlock(content=block.text, additional_information={"signature": block.signature})
    if block.type == "redacted_thinking":
        return ThinkingBlock(additional_information={"data": block.data})
    return ThinkingBlock(additional_information={"raw": block.raw})


def _openai_tool_call(call: AnswerToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _usage_dict(usage: Usage) -> dict[str, int]:
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
    }


def _usage_kwargs(usage: Usage | None) -> dict[str, int]:
    if usage is None:
        return {}
    counts = _usage_dict(usage)
    return {"prompt_tokens": counts.pop("input_tokens"), "completion_tokens": counts.pop("output_tokens"), **counts}
