"""Cohere as it answers: its Chat API of version 2.

Shapes and rules: Cohere's API reference, "Chat" and "Chat with Streaming" (``docs.cohere.com/reference/chat``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from typing_extensions import override

from tests.providers.emulated import (
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    RefusedError,
    Said,
    Wire,
    event,
    halves,
    path_of,
    refuse,
    strangers,
)
from tests.support.recording import Reply, Request, whole

_TOP: Final = {"model", "messages", "tools", "documents", "citation_options", "response_format", "safety_mode",
               "max_tokens", "stop_sequences", "temperature", "seed", "frequency_penalty", "presence_penalty", "k", "p",
               "logprobs", "tool_choice", "strict_tools", "thinking", "stream", "priority"}  # fmt: skip
_MESSAGES: Final = {
    "system": {"role", "content"},
    "user": {"role", "content"},
    "assistant": {"role", "content", "tool_calls", "tool_plan", "citations"},
    "tool": {"role", "content", "tool_call_id"},
}
_PARTS: Final = {"system": {"text"}, "user": {"text", "image_url"}, "assistant": {"text", "thinking"},
                 "tool": {"text", "document"}}  # fmt: skip
_ENDINGS: Final = {"stop": "COMPLETE", "tool_calls": "TOOL_CALL", "length": "MAX_TOKENS", "content_filter": "ERROR"}
_USAGE: Final = {
    "billed_units": {"input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS},
    "tokens": {"input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS},
}


class Cohere(Wire):
    """Cohere."""

    @override
    def check(self, request: Request) -> None:
        if path_of(request) != "/v2/chat":
            refuse("not found", 404)
        if request.header("authorization") != "Bearer key":
            refuse("invalid api token", 401)
        body = request.json
        for name in strangers(body, _TOP):
            refuse(f"unknown field: parameter '{name}' is not a valid field")
        if body.get("tool_choice") not in {None, "REQUIRED", "NONE"}:
            refuse("invalid request: tool_choice must be REQUIRED or NONE")
        if not isinstance(body.get("stop_sequences") or [], list):
            refuse("invalid type: parameter stop_sequences is of type string but should be of type array")
        _check_format(body.get("response_format") or {"type": "text"}, has_tools=bool(body.get("tools")))
        for tool in body.get("tools") or []:
            if strangers(tool, {"type", "function"}) or strangers(tool["function"], _FUNCTION):
                refuse("invalid request: unknown field in tools")
        for index, message in enumerate(body["messages"]):
            _check_message(message, index)

    @override
    def whole(self, said: Said) -> dict[str, Any]:
        content: list[dict[str, Any]] = []
        if said.thinking:
            content.append({"type": "thinking", "thinking": said.thinking})
        if said.text:
            content.append({"type": "text", "text": said.text})
        message: dict[str, Any] = {"role": "assistant"}
        if content:
            message["content"] = content
        if said.calls:
            message["tool_plan"] = "I will look."
            message["tool_calls"] = [
                {"id": f"{call.name}_{index}", "type": "function",
                 "function": {"name": call.name, "arguments": json.dumps(call.arguments)}}
                for index, call in enumerate(said.calls)
            ]  # fmt: skip
        return {"id": "c14c80c3", "finish_reason": _ENDINGS[said.ending], "message": message, "usage": _USAGE}

    @override
    def stream(self, said: Said) -> list[bytes]:
        start = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
        events: list[dict[str, Any]] = [{"id": "c14c80c3", "type": "message-start", "delta": {"message": start}}]
        if said.calls:
            events.append({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I will look."}}})
        for place, (kind, text) in enumerate((("thinking", said.thinking), ("text", said.text))):
            if text:
                index = place if said.thinking else 0
                opened = {"message": {"content": {"type": kind, kind: ""}}}
                events.append({"type": "content-start", "index": index, "delta": opened})
                for piece in halves(text):
                    delta = {"message": {"content": {kind: piece}}}
                    events.append({"type": "content-delta", "index": index, "delta": delta})
                events.append({"type": "content-end", "index": index})
        for index, call in enumerate(said.calls):
            begun: dict[str, Any] = {"id": f"{call.name}_{index}", "type": "function"}
            begun["function"] = {"name": call.name, "arguments": ""}
            events.append({"type": "tool-call-start", "index": index, "delta": {"message": {"tool_calls": begun}}})
            for piece in halves(json.dumps(call.arguments)):
                grown = {"message": {"tool_calls": {"function": {"arguments": piece}}}}
                events.append({"type": "tool-call-delta", "index": index, "delta": grown})
            events.append({"type": "tool-call-end", "index": index})
        ended = {"finish_reason": _ENDINGS[said.ending], "usage": _USAGE}
        return [event(each, each["type"]) for each in (*events, {"type": "message-end", "delta": ended})]

    @override
    def broken(self) -> bytes | None:
        ended = {"finish_reason": "ERROR", "error": "generation failed", "usage": _USAGE}
        return event({"type": "message-end", "delta": ended}, "message-end")

    @override
    def error(self, refused: RefusedError, request: Request) -> Reply:
        return whole({"id": "a1", "message": refused.message}, status=refused.status)


_FUNCTION: Final = {"name", "description", "parameters"}


def _check_format(asked: Mapping[str, Any], *, has_tools: bool) -> None:
    if strangers(asked, {"type", "json_schema", "schema"}) or asked["type"] not in {"text", "json_object"}:
        refuse("invalid request: response_format.type must be one of text, json_object")
    schema = asked.get("json_schema") or asked.get("schema")
    if schema is not None and (schema.get("type") != "object" or not schema.get("required")):
        refuse("invalid request: json_schema must be of type object and have at least one required field")
    if asked["type"] == "json_object" and has_tools:
        refuse("invalid request: response_format is not supported together with tools")


def _check_message(message: Mapping[str, Any], index: int) -> None:
    role = message.get("role")
    if role not in _MESSAGES:
        refuse(f"invalid request: message at index {index} has an invalid role")
    if strangers(message, _MESSAGES[role]):
        refuse(f"unknown field in message at index {index}")
    content = message.get("content")
    if not content and not message.get("tool_calls"):
        refuse(f"invalid request: message at index {index} must have content or tool_calls")
    if role == "tool" and not message.get("tool_call_id"):
        refuse(f"invalid request: message at index {index} must have a tool_call_id")
    for part in content if isinstance(content, list) else []:
        if part["type"] not in _PARTS[role]:
            refuse(f"invalid request: message at index {index} has content of an unknown type {part['type']}")
