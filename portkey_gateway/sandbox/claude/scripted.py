"""Exact replies that a test orders, instead of what the rules would say."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from portkey_gateway.sandbox.claude.reply import Block, Reply, StopReason
from portkey_gateway.sandbox.claude.signatures import seal, sign
from portkey_gateway.sandbox.serving.state import ScriptedReply


def script(
    content: Sequence[str | Mapping[str, Any]],
    *,
    stop_reason: StopReason | None = None,
    stop_sequence: str | None = None,
    usage: Mapping[str, Any] | None = None,
    refusal: Mapping[str, Any] | None = None,
    match: str | None = None,
    times: int = 1,
) -> ScriptedReply[Reply]:
    """Write a reply.

    Args:
        content: Texts, or content blocks in wire shape. A thinking block without a signature is signed, a
            redacted one with `text` instead of `data` is sealed, and a tool use without an id gets one.
        stop_reason: By default `tool_use` when there is a tool use, else `end_turn`.
        stop_sequence: The stop sequence told with it.
        usage: Figures that replace the counted ones.
        refusal: Why it refuses, `category` and `explanation`, told with the stop reason `refusal`.
        match: Only requests whose body contains this text get it.
        times: How many requests get it.

    Raises:
        ValueError: A block has no type, or the stop reason or `times` is none that exists.
    """
    blocks = tuple(_complete(block, index) for index, block in enumerate(content))
    uses_tool = any(block["type"] == "tool_use" for block in blocks)
    reason = stop_reason or ("tool_use" if uses_tool else "end_turn")
    if reason not in get_args(StopReason):
        raise ValueError(f"unknown stop_reason {reason!r}")
    return ScriptedReply(Reply(blocks, reason, stop_sequence, usage, refusal=refusal), times, match)


def _complete(block: str | Mapping[str, Any], index: int) -> Block:
    match block:
        case str():
            return {"type": "text", "text": block}
        case {"type": "thinking", "thinking": thinking}:
            return {"signature": sign(thinking), **block}
        case {"type": "redacted_thinking", "text": text}:
            return {"type": "redacted_thinking", "data": seal(text)}
        case {"type": "tool_use", "name": name}:
            return {"type": "tool_use", "id": f"toolu_scripted_{index}_{name}", "input": {}, **block}
        case {"type": str()}:
            return dict(block)
        case _:
            raise ValueError(f"content block {index} has no type")
