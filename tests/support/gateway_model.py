"""A small model of how the gateway tells an answer of Claude, whole and streamed, after its own source.

Open-source gateway 1.15.2, ``src/providers/anthropic/chatComplete.ts``: ``getAnthropicChatCompleteResponseTransform``
and ``getAnthropicStreamChunkTransform``. The bytes in ``tests/wire`` show that the model tells the truth.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

Block = dict[str, Any]
"""A content block of Anthropic's Messages API."""

STRICT_REASONS = {"end_turn": "stop", "tool_use": "tool_calls", "max_tokens": "length", "stop_sequence": "stop"}


def whole(blocks: list[Block], stop_reason: str, usage: dict[str, int], *, strict: bool = False) -> dict[str, Any]:
    """The body of a whole answer."""
    calls = [
        {
            "id": block["id"],
            "type": "function",
            "function": {"name": block["name"], "arguments": json.dumps(block["input"], ensure_ascii=False)},
        }
        for block in blocks
        if block["type"] == "tool_use"
    ]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(block["text"] for block in blocks if block["type"] == "text"),
    }
    if not strict:
        message["content_blocks"] = [block for block in blocks if block["type"] != "tool_use"]
    if calls:
        message["tool_calls"] = calls
    return {
        "id": "msg_1",
        "object": "chat.completion",
        "created": 1,
        "model": "claude-sonnet-4-5",
        "provider": "anthropic",
        "choices": [
            {"message": message, "index": 0, "logprobs": None, "finish_reason": _reason(stop_reason, strict=strict)}
        ],
        "usage": _usage(usage),
    }


def streamed(
    blocks: list[Block], stop_reason: str, usage: dict[str, int], cuts: list[int], *, strict: bool = False
) -> Iterator[dict[str, Any]]:
    """The chunks of a streamed answer; ``cuts`` are the lengths of the pieces that texts are cut into, in turn."""
    yield _chunk({"content": "", "role": "assistant"})
    tool_index = -1
    for index, block in enumerate(blocks):
        if block["type"] == "tool_use":
            tool_index += 1
            start = {"index": tool_index, "id": block["id"], "type": "function"}
            yield _chunk({"tool_calls": [{**start, "function": {"name": block["name"], "arguments": ""}}]})
            arguments = json.dumps(block["input"], ensure_ascii=False) if block["input"] else ""
            for piece in ["", *_pieces(arguments, cuts)]:
                yield _chunk({"tool_calls": [{"index": tool_index, "function": {"arguments": piece}}]})
            continue
        for delta in _block_deltas(block, cuts):
            text = {"content": delta["text"]} if delta.get("text") else {}
            yield _chunk(text if strict else {**text, "content_blocks": [{"index": index, "delta": delta}]})
    yield _chunk({}, _reason(stop_reason, strict=strict)) | {"usage": _usage(usage)}


def events(chunks: Iterator[dict[str, Any]]) -> bytes:
    """The bytes of a stream, as JavaScript writes JSON: half a surrogate pair escaped, all else as it is."""
    told = "".join(f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n" for chunk in chunks)
    return f"{told}data: [DONE]\n\n".encode(errors="backslashreplace")


def _block_deltas(block: Block, cuts: list[int]) -> Iterator[Block]:
    """What ``content_block_start`` and the deltas of one block say, without the ``type`` that the gateway deletes."""
    match block["type"]:
        case "text":
            yield {"text": ""}
            yield from ({"text": piece} for piece in _pieces(block["text"], cuts))
        case "thinking":
            yield {"thinking": "", "signature": ""}
            yield from ({"thinking": piece} for piece in _pieces(block["thinking"], cuts))
            yield {"signature": block["signature"]}
        case _:
            yield {key: value for key, value in block.items() if key != "type"}


def _pieces(text: str, cuts: list[int]) -> Iterator[str]:
    start = turn = 0
    while start < len(text):
        end = start + cuts[turn % len(cuts)]
        yield text[start:end]
        start, turn = end, turn + 1


def _chunk(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    return {
        "id": "anthropic-1795355514072",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "claude-sonnet-4-5",
        "provider": "anthropic",
        "choices": [{"delta": delta, "index": 0, "logprobs": None, "finish_reason": finish_reason}],
    }


def _reason(stop_reason: str, *, strict: bool) -> str:
    return STRICT_REASONS.get(stop_reason, "stop") if strict else stop_reason


def _usage(usage: dict[str, int]) -> dict[str, Any]:
    read, written = usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]
    told: dict[str, Any] = {
        "prompt_tokens": usage["input_tokens"],
        "completion_tokens": usage["output_tokens"],
        "total_tokens": usage["input_tokens"] + usage["output_tokens"] + read + written,
        "prompt_tokens_details": {"cached_tokens": read},
    }
    if read or written:
        told |= {"cache_read_input_tokens": read, "cache_creation_input_tokens": written}
    return told
