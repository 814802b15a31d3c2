"""A request in Anthropic's own schema, so that its tokens can be counted before it is sent.

What the gateway makes of a chat completion on its way to Claude (open-source gateway 1.15.2,
``providers/anthropic/chatComplete.ts``), done here so that tokens are counted of what Claude would really read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic_core import from_json

from portkey_gateway.conversation.content import PDF_TYPE
from portkey_gateway.conversation.request import SYSTEM_ROLES, ChatRequest, Message, Tool

_COUNTED: Final = ("model", "thinking")
_TOOL_CHOICES: Final = {"required": {"type": "any"}, "auto": {"type": "auto"}, "none": {"type": "none"}}


def encode_for_counting(request: ChatRequest) -> dict[str, Any]:
    """Encode a request as the body of ``POST /messages/count_tokens``.

    Args:
        request: a chat completion for a Claude; parameters that weigh no tokens are left out.
    """
    body: dict[str, Any] = {name: value for name in _COUNTED if (value := request.get(name))}
    body["messages"] = [_message(message) for message in request["messages"] if message["role"] not in SYSTEM_ROLES]
    system = [
        block
        for message in request["messages"]
        if message["role"] in SYSTEM_ROLES
        for block in _blocks(message.get("content"))
    ]
    if system:
        body["system"] = system
    if tools := request.get("tools"):
        body["tools"] = [_tool(tool) for tool in tools]
        if choice := request.get("tool_choice"):
            body["tool_choice"] = _tool_choice(choice)
    return body


def _message(message: Message) -> dict[str, Any]:
    role = message["role"]
    if role == "tool":
        result = {"type": "tool_result", "tool_use_id": message.get("tool_call_id"), "content": message.get("content")}
        return {"role": "user", "content": [result]}
    if role == "user":
        return {"role": "user", "content": _blocks(message.get("content"))}
    content = _blocks(message.get("content_blocks") or message.get("content"))
    for call in message.get("tool_calls") or ():
        function = call["function"]
        use = {"id": call["id"], "name": function["name"], "input": from_json(function["arguments"] or "{}")}
        content.append({"type": "tool_use", **use})
    return {"role": "assistant", "content": content}


def _blocks(content: str | Iterable[Mapping[str, Any]] | None) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [_block(block) for block in content or ()]


def _block(block: Mapping[str, Any]) -> dict[str, Any]:
    mark = {"cache_control": block["cache_control"]} if block.get("cache_control") else {}
    if block["type"] == "image_url":
        return {**_media(block["image_url"]["url"]), **mark}
    if block["type"] == "file":
        return _file(block["file"])
    return dict(block)


def _media(url: str) -> dict[str, Any]:
    if not url.startswith("data:"):
        return {"type": "image", "source": {"type": "url", "url": url}}
    media_type, _, data = url.removeprefix("data:").partition(";base64,")
    kind = "document" if media_type == PDF_TYPE else "image"
    return {"type": kind, "source": {"type": "base64", "media_type": media_type, "data": data}}


def _file(file: Mapping[str, Any]) -> dict[str, Any]:
    if "file_url" in file:
        return {"type": "document", "source": {"type": "url", "url": file["file_url"]}}
    media_type = file.get("mime_type") or PDF_TYPE
    source_type = "text" if media_type == "text/plain" else "base64"
    return {"type": "document", "source": {"type": source_type, "media_type": media_type, "data": file["file_data"]}}


def _tool(tool: Tool) -> dict[str, Any]:
    function = tool.get("function")
    if function:
        given = function.get("parameters") or {}
        # The gateway sends these four, filled or empty, and they are what is counted then.
        schema = {
            "type": given.get("type") or "object",
            "properties": given.get("properties") or {},
            "required": given.get("required") or [],
            "$defs": given.get("$defs") or {},
        }
        return {"name": function["name"], "description": function.get("description") or "", "input_schema": schema}
    options: Mapping[str, Any] = tool.get(tool["type"]) or {}  # type: ignore[assignment]  # named by the tool's type
    return {**options, "name": tool["type"], "type": options.get("name")}


def _tool_choice(choice: str | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(choice, str):
        return dict(_TOOL_CHOICES[choice])
    return {"type": "tool", "name": choice["function"]["name"]}
