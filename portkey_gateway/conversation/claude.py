"""What Claude asks of every request, in whichever API format it travels: pure.

Rules of Anthropic's Messages API that fail otherwise with a message that names nothing of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from portkey_gateway.conversation.request import SYSTEM_ROLES, ChatRequest, ContentBlock, Message
from portkey_gateway.conversation.tool_choice import encode_tool_choice
from portkey_gateway.errors import EncodingError, warn
from portkey_gateway.models.claude import (
    samples_by_one,
    samples_freely,
    takes_forced_choice,
    thinks_always,
    thinks_by_budget,
)

_SAMPLING: Final = ("temperature", "top_p", "top_k")
_LEAST_TOP_P_OF_THOUGHT: Final = 0.95
DEFAULT_MAX_TOKENS: Final = 4096
"""Sent to a Claude when no ``max_tokens`` is given: Anthropic requires one."""


def prepare_for_claude(request: ChatRequest) -> dict[str, Any]:
    """Return the request as Claude takes it: without empty text, with ``max_tokens``, with a choice that it may obey.

    Args:
        request: what to send; it is not changed.

    Raises:
        EncodingError: if a user says nothing, nobody but the system says anything, or the choice of a tool is none.

    Warns:
        PortkeyWarning: if something is changed that was asked for.
    """
    body: dict[str, Any] = {**request}
    body["messages"] = without_empty_text(request["messages"])
    if body.get("max_tokens") is None:
        # What may be thought comes on top: Anthropic counts it too, and refuses a budget that max_tokens cannot hold.
        body["max_tokens"] = DEFAULT_MAX_TOKENS + ((body.get("thinking") or {}).get("budget_tokens") or 0)
    if "tool_choice" in body:
        body["tool_choice"] = encode_tool_choice(body["tool_choice"])
    _fit_model(body)
    return body


def may_force_tools(model: str, thinking: Mapping[str, Any] | None) -> bool:
    """Tell whether a ``tool_choice`` may make this Claude call a tool: not while it thinks, and the newest never."""
    return takes_forced_choice(model) and not thinks(thinking)


def _fit_model(body: dict[str, Any]) -> None:
    """Leave out, or say otherwise, what the model would refuse."""
    model = str(body.get("model") or "")
    thinking: dict[str, Any] = body.get("thinking") or {}
    if thinking.get("type") == "enabled" and not thinks_by_budget(model):
        warn(
            f"thinking is sent as {{'type': 'adaptive'}}: {model} takes no budget_tokens; say how much to think with "
            "reasoning_effort"
        )
        kept = {name: value for name, value in thinking.items() if name not in {"type", "budget_tokens"}}
        thinking = body["thinking"] = {**kept, "type": "adaptive"}
    if forces_a_tool(body.get("tool_choice")) and not may_force_tools(model, thinking):
        why = "while it thinks" if takes_forced_choice(model) else f"({model} takes no such choice)"
        warn(f"tool_choice is sent as 'auto': Claude cannot be made to call a tool {why}")
        body["tool_choice"] = "auto"
    if stops := body.get("stop"):
        body["stop"] = [text for text in stops if text.strip()]
        if len(body["stop"]) < len(stops):
            warn("a text of white space in stop is left out: Claude stops at none")
    if thinking.get("type") == "disabled" and thinks_always(model):
        warn(f"thinking is left out: that of {model} cannot be switched off")
        del body["thinking"]
    if body.get("temperature") is not None and body.get("top_p") is not None and samples_by_one(model):
        warn(f"top_p is left out: {model} takes temperature or top_p, not both")
        del body["top_p"]
    for name in _SAMPLING:
        if body.get(name) is not None and (why := _why_not_sampled(name, body[name], model, thinking)):
            warn(f"{name} is left out: {why}")
            del body[name]


def _why_not_sampled(name: str, value: Any, model: str, thinking: Mapping[str, Any] | None) -> str:
    """Why Claude would refuse a parameter of sampling; nothing if it takes it (Anthropic, "Extended thinking")."""
    if not samples_freely(model):
        return f"{model} takes none"
    if not thinks(thinking) or (name == "temperature" and value == 1):
        return ""
    if name == "top_p":
        return (
            "" if value >= _LEAST_TOP_P_OF_THOUGHT else f"Claude takes {_LEAST_TOP_P_OF_THOUGHT} to 1 while it thinks"
        )
    return "Claude takes none while it thinks"


def thinks(thinking: Mapping[str, Any] | None) -> bool:
    """Tell whether a ``thinking`` parameter turns thinking on; Claude then takes no forced tool choice."""
    return thinking is not None and str(thinking.get("type", "disabled")) != "disabled"


def forces_a_tool(choice: str | Mapping[str, Any] | None) -> bool:
    """Tell whether a ``tool_choice`` leaves the model no choice but to call a tool."""
    kind = choice.get("type") if isinstance(choice, Mapping) else choice
    return kind not in (None, "auto", "none")


def as_said_before(block: Mapping[str, Any]) -> dict[str, Any]:
    """A block of an answer for its replay: Anthropic tells the id of a cited file, but does not take it back."""
    if not (block["type"] == "text" and block.get("citations")):
        return dict(block)
    citations = [{name: value for name, value in each.items() if name != "file_id"} for each in block["citations"]]
    return {**block, "citations": citations}


def without_empty_text(messages: list[Message]) -> list[Message]:
    """Leave out empty text, or white space alone, which Anthropic refuses, and messages that say nothing.

    The gateway drops a whole system message whose first block is empty, and sends ``""`` on as an empty block.
    """
    kept = []
    for index, message in enumerate(messages):
        text = message.get("content")
        if isinstance(text, str) and "content_blocks" not in message and text and not text.isspace():
            kept.append(message)
            continue
        trimmed = message
        for field in ("content", "content_blocks"):
            blocks = message.get(field)
            if isinstance(blocks, list) and any(_is_empty_text(block) for block in blocks):
                kept_blocks = [block for block in blocks if not _is_empty_text(block)]
                trimmed = cast("Message", {**trimmed, field: kept_blocks})
        content = trimmed.get("content")
        if isinstance(content, str) and content and not content.strip() and message.get("tool_calls"):
            # White space beside a tool call, as some models write it.
            trimmed = cast("Message", {**trimmed, "content": ""})
        if _says_something(content) or trimmed.get("tool_calls") or trimmed.get("content_blocks"):
            kept.append(trimmed)
        elif message["role"] == "tool":
            # An empty tool result is an answer too, and Anthropic takes one; an empty list of blocks it takes as well.
            kept.append(cast("Message", {**message, "content": ""}))
        elif message["role"] == "user":
            raise EncodingError(f"messages[{index}] (user) is empty: Claude refuses empty text; leave the message out")
    if all(message["role"] in SYSTEM_ROLES for message in kept):
        raise EncodingError("messages holds system messages only: Claude needs at least one user message")
    return kept


def _says_something(content: str | list[ContentBlock] | None) -> bool:
    return bool(content.strip() if isinstance(content, str) else content)


def _is_empty_text(block: ContentBlock) -> bool:
    return block["type"] == "text" and not block["text"].strip()
