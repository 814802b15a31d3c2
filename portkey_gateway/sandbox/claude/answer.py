"""Frames a reply as Anthropic's message object, with its usage.

Source of the shape: `anthropic.types.Message`, `anthropic.types.Usage` and their beta twins; answers that Anthropic
gave, as langchain-anthropic 1.7.10 recorded them.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NotRequired, TypedDict

from portkey_gateway.sandbox.claude import tokens
from portkey_gateway.sandbox.claude.cache_ledger import InputUsage
from portkey_gateway.sandbox.claude.reply import Block, Reply, StopReason

_CONTAINED: Final = ("code_execution", "bash_code_execution", "text_editor_code_execution")
_EXPIRES_AT: Final = "2030-01-01T00:00:00.000000Z"
# What Anthropic tells Claude about a tool it runs, beside the tool's result.
_RESULT_OVERHEAD_TOKENS: Final = 500


class Message(TypedDict):
    """A whole answer."""

    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    model: str
    content: list[dict[str, Any]]
    stop_reason: StopReason
    stop_sequence: str | None
    usage: dict[str, Any]
    stop_details: NotRequired[dict[str, Any]]
    container: NotRequired[dict[str, Any]]
    context_management: NotRequired[dict[str, Any]]


def build_message(reply: Reply, *, body: Mapping[str, Any], input_usage: InputUsage) -> Message:
    """Frame a reply as the message that answers a request."""
    message: Message = {
        "id": f"msg_{secrets.token_hex(12)}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [dict(block) for block in reply.content],
        "stop_reason": reply.stop_reason,
        "stop_sequence": reply.stop_sequence,
        "usage": _usage(reply, input_usage, body),
    }
    if reply.stop_reason == "refusal":
        message["stop_details"] = {"type": "refusal", "category": None, "explanation": None, **(reply.refusal or {})}
    if _runs_code(reply.content) or _skills(body):
        message["container"] = _container(body)
    if body.get("context_management"):
        message["context_management"] = {"applied_edits": []}
    return message


def opening_usage(message: Message, spent: InputUsage) -> dict[str, Any]:
    """Return the usage that a stream's `message_start` tells: the input as it was sent, and no output to speak of.

    Where Anthropic ran tools, Claude read all of it again with what they gave, and the final figures are far above.
    """
    told = {key: value for key, value in message["usage"].items() if key not in _FINAL_ONLY}
    if _results(message["content"]):
        told["input_tokens"] = spent.input_tokens
    return told | {"output_tokens": 1}


_FINAL_ONLY: Final = ("output_tokens_details", "server_tool_use", "iterations")


def delta_usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a usage that stands on a stream's `message_delta` event.

    Source: `anthropic.types.MessageDeltaUsage`; its figures are those of the whole answer, not of the last event.
    """
    carried = (
        "input_tokens",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
        "output_tokens",
        "output_tokens_details",
        "server_tool_use",
        "iterations",
    )
    return {key: usage[key] for key in carried if key in usage}


def _usage(reply: Reply, spent: InputUsage, body: Mapping[str, Any]) -> dict[str, Any]:
    output = sum(tokens.count_output(block) for block in reply.content)
    usage: dict[str, Any] = {
        "input_tokens": spent.input_tokens + _read_again(reply.content, spent),
        "cache_creation_input_tokens": spent.write_5m_tokens + spent.write_1h_tokens,
        "cache_read_input_tokens": spent.read_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": spent.write_5m_tokens,
            "ephemeral_1h_input_tokens": spent.write_1h_tokens,
        },
        "output_tokens": output,
        "service_tier": "standard",
    }
    thinking = [block for block in reply.content if block["type"] in {"thinking", "redacted_thinking"}]
    if thinking:
        usage["output_tokens_details"] = {"thinking_tokens": sum(tokens.count_block(block) for block in thinking)}
    results = _results(reply.content)
    if results:
        usage["server_tool_use"] = {
            "web_search_requests": _count(results, "web_search_tool_result"),
            "web_fetch_requests": _count(results, "web_fetch_tool_result"),
        }
    if any(edit["type"].startswith("compact") for edit in (body.get("context_management") or {}).get("edits", ())):
        usage |= _iterations(reply, usage)
    return usage | dict(reply.usage or {})


def _iterations(reply: Reply, usage: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of an answer that may begin with a summary, which top-level figures leave out."""
    summaries = [block for block in reply.content if block["type"] == "compaction"]
    summarized = sum(tokens.count_output(block) for block in summaries)
    spent = {"input_tokens": usage["input_tokens"], "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}
    answered = {**spent, "output_tokens": usage["output_tokens"] - summarized, "type": "message"}
    if not summaries:
        return {"iterations": [answered]}
    first = {**spent, "output_tokens": summarized, "type": "compaction"}
    if reply.stop_reason == "compaction":
        return {"iterations": [first], "input_tokens": 0, "output_tokens": 0}
    answered["input_tokens"] = summarized
    return {
        "iterations": [first, answered],
        "input_tokens": summarized,
        "output_tokens": answered["output_tokens"],
    }


def _read_again(content: Sequence[Block], spent: InputUsage) -> int:
    """Count the input of the passes after the first: each reads everything before it, results of tools too."""
    asked = spent.input_tokens + spent.read_tokens + spent.write_5m_tokens + spent.write_1h_tokens
    total = so_far = 0
    for block in content:
        so_far += tokens.count_block(block)
        if block["type"].endswith("_tool_result"):
            so_far += _RESULT_OVERHEAD_TOKENS
            total += asked + so_far
    return total


def _results(content: Sequence[Block]) -> list[Block]:
    return [block for block in content if block["type"].endswith("_tool_result")]


def _count(results: Sequence[Block], kind: str) -> int:
    return sum(block["type"] == kind for block in results)


def _runs_code(content: Sequence[Block]) -> bool:
    return any(block["type"] == "server_tool_use" and block["name"] in _CONTAINED for block in content)


def _skills(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    container = body.get("container")
    return list(container.get("skills") or ()) if isinstance(container, dict) else []


def _container(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the container that code ran in: the one the request named, or a new one."""
    given = body.get("container")
    named = given.get("id") if isinstance(given, dict) else given
    made = hashlib.sha256(str(body["messages"]).encode()).hexdigest()[:24]
    container: dict[str, Any] = {"id": named or f"container_{made}", "expires_at": _EXPIRES_AT}
    skills = [{"version": "20260101", **skill} for skill in _skills(body)]
    return {**container, "skills": skills} if skills else container
