"""Exact replies that a test orders, instead of what the rules would say."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from portkey_gateway.sandbox.openai.reply import FinishReason, Reply, ToolCall
from portkey_gateway.sandbox.serving.state import ScriptedReply


def script(
    content: str | None = None,
    *,
    tool_calls: Sequence[Mapping[str, Any]] = (),
    refusal: str | None = None,
    finish_reason: FinishReason | None = None,
    reasoning_tokens: int = 0,
    usage: Mapping[str, Any] | None = None,
    match: str | None = None,
    times: int = 1,
) -> ScriptedReply[Reply]:
    """Write a reply.

    Args:
        content: Its words.
        tool_calls: Its tool calls: `name`, `arguments` (an object, or text that need not be JSON) and perhaps `id`.
        refusal: The words of a refusal.
        finish_reason: By default `tool_calls` when there are some, else `stop`.
        reasoning_tokens: How many tokens it says were spent on reasoning.
        usage: Figures that replace the counted ones.
        match: Only requests whose body contains this text get it.
        times: How many requests get it.

    Raises:
        ValueError: A tool call has no name, or the finish reason or `times` is none that exists.
    """
    reason = finish_reason or ("tool_calls" if tool_calls else "stop")
    if reason not in get_args(FinishReason):
        raise ValueError(f"unknown finish_reason {reason!r}")
    calls = tuple(_complete(call, index) for index, call in enumerate(tool_calls))
    return ScriptedReply(Reply(content, calls, refusal, reason, reasoning_tokens, usage), times, match)


def _complete(call: Mapping[str, Any], index: int) -> ToolCall:
    if not call.get("name"):
        raise ValueError(f"tool call {index} has no name")
    arguments = call.get("arguments", {})
    written = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return ToolCall(str(call.get("id") or f"call_scripted_{index}"), call["name"], written)
