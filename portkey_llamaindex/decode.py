"""The gateway's answers → LlamaIndex responses.

The last response of a stream is decoded from the same ``Answer`` as a whole one, and equals it but for its ``delta``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CitationBlock,
    CompletionResponse,
    ContentBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from portkey_gateway.conversation.answer import Answer, AnswerBlock, AnswerToolCall, BlockDelta, Delta, ToolCallDelta
from portkey_gateway.conversation.usage import Usage


def decode_response(answer: Answer, *, delta: str | None = None, one_tool_call: bool = False) -> ChatResponse:
    """Decode a whole answer.

    Args:
        answer: what the model answered.
        delta: the text that a stream's last response adds.
        one_tool_call: leave out every tool call but the first.

    Returns:
        The response: ``raw`` says how the answer ended, its usage and what the gateway says of the call, and holds the
        blocks that LlamaIndex has no class for; ``additional_kwargs`` repeats the usage under the names that other LLM
        classes use.
    """
    blocks = [decoded for block in answer.blocks for decoded in _decode_block(block)]
    calls = answer.tool_calls[:1] if one_tool_call else answer.tool_calls
    blocks.extend(_tool_call_block(call, call.arguments if call.args is None else call.args) for call in calls)
    return ChatResponse(
        message=_message(blocks, calls), raw=decode_raw(answer), delta=delta, additional_kwargs=_usage(answer.usage)
    )


class GrowingResponse:
    """Turns what a stream adds into responses that hold everything said so far.

    Every response stands for itself: none changes when the next one comes. A chunk costs no more than its own text
    and one copy of the text before it. Of a tool call the arguments are JSON text until the answer is whole.

    Args:
        one_tool_call: leave out every tool call but the first.
    """

    def __init__(self, *, one_tool_call: bool = False) -> None:
        self._one_tool_call = one_tool_call
        self._blocks: dict[int, TextBlock | ThinkingBlock] = {}
        self._calls: list[AnswerToolCall] = []

    def add(self, delta: Delta) -> ChatResponse | None:
        """Add one chunk; ``None`` if it says nothing that a response shows."""
        added = [block for block in delta.blocks if block.type != "other"]
        calls = [call for call in delta.tool_calls if not (self._one_tool_call and call.position)]
        if not added and not calls:
            return None
        for block in added:
            self._add_block(block)
        for call in calls:
            self._add_call(call)
        thinking = "".join(block.text for block in added if block.type == "thinking")
        said: list[ContentBlock] = [*self._blocks.values()]
        said.extend(_tool_call_block(call, call.arguments) for call in self._calls)
        return ChatResponse(
            message=_message(said, self._calls),
            delta=delta.text,
            additional_kwargs={"thinking_delta": thinking} if thinking else {},
        )

    def _add_block(self, added: BlockDelta) -> None:
        known = self._blocks.get(added.position)
        if known is None:
            self._blocks[added.position] = _fresh_block(added)
        elif isinstance(known, TextBlock):
            self._blocks[added.position] = TextBlock(text=known.text + added.text)
        else:
            information = {**known.additional_information, **_thinking_information(added)}
            self._blocks[added.position] = ThinkingBlock(
                content=(known.content or "") + added.text or None, additional_information=information
            )

    def _add_call(self, added: ToolCallDelta) -> None:
        if added.position == len(self._calls):
            self._calls.append(AnswerToolCall(added.id or "", added.name or "", added.arguments))
        else:
            known = self._calls[added.position]
            self._calls[added.position] = replace(known, arguments=known.arguments + added.arguments)


def decode_completion(response: ChatResponse) -> CompletionResponse:
    """Turn a chat response into that of a completion; tool calls stand in ``additional_kwargs``."""
    return CompletionResponse(
        text="".join(block.text for block in response.message.blocks if isinstance(block, TextBlock)),
        raw=response.raw,
        delta=response.delta,
        additional_kwargs={**response.message.additional_kwargs, **response.additional_kwargs},
    )


def decode_raw(answer: Answer) -> dict[str, Any]:
    """Decode how the answer ended, its usage and what the gateway says of the call; only what is known has a key.

    ``other_blocks`` are blocks as they came that are neither text nor thinking nor a tool call of ours, such as the
    calls and results of tools that the provider runs by itself.
    """
    known = {
        "model": answer.model,
        "refusal": answer.refusal,
        "usage": _usage_dict(answer.usage) if answer.usage else None,
        "other_blocks": [block.raw for block in answer.blocks if block.type == "other"],
    }
    return {**answer.facts(), **{name: value for name, value in known.items() if value}}


def _message(blocks: Sequence[ContentBlock], calls: Sequence[AnswerToolCall]) -> ChatMessage:
    # LlamaIndex's streamed structured output looks for tool calls here, and only here.
    kwargs = {"tool_calls": [_openai_tool_call(call) for call in calls]} if calls else {}
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks, additional_kwargs=kwargs)


def _decode_block(block: AnswerBlock) -> Iterable[ContentBlock]:
    if block.type == "other":
        return []
    if block.type != "text":
        return [ThinkingBlock(content=block.text or None, additional_information=_thinking_information(block))]
    citations = (block.raw or {}).get("citations") or ()
    return [TextBlock(text=block.text), *(_citation_block(citation) for citation in citations)]


def _citation_block(citation: Mapping[str, Any]) -> CitationBlock:
    """Anthropic names the source by the kind of citation: a search result, a web page or a document."""
    title = citation.get("title") or citation.get("document_title") or ""
    return CitationBlock(
        cited_content=TextBlock(text=citation.get("cited_text") or ""),
        source=citation.get("source") or citation.get("url") or title,
        title=title,
        additional_location_info={name: value for name, value in citation.items() if isinstance(value, int)},
    )


def _fresh_block(block: BlockDelta) -> TextBlock | ThinkingBlock:
    if block.type == "text":
        return TextBlock(text=block.text)
    return ThinkingBlock(content=block.text or None, additional_information=_thinking_information(block))


def _thinking_information(block: AnswerBlock | BlockDelta) -> dict[str, Any]:
    """What proves the reasoning, or holds it encrypted."""
    known = {"signature": block.signature, "data": block.data}
    return {name: value for name, value in known.items() if value}


def _tool_call_block(call: AnswerToolCall, arguments: dict[str, Any] | str) -> ToolCallBlock:
    return ToolCallBlock(tool_call_id=call.id, tool_name=call.name, tool_kwargs=arguments)


def _openai_tool_call(call: AnswerToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _usage_dict(usage: Usage) -> dict[str, int]:
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "cache_write_1h_tokens": usage.cache_write_1h_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
    }


def _usage(usage: Usage | None) -> dict[str, int]:
    if usage is None:
        return {}
    counts = _usage_dict(usage)
    return {"prompt_tokens": counts.pop("input_tokens"), "completion_tokens": counts.pop("output_tokens"), **counts}
