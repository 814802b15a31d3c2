"""What is no request at all is refused here, before anything else trips over it: pure."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from typing import Any, Final

from portkey_gateway.conversation.parameters import check_values
from portkey_gateway.conversation.plain import Texts
from portkey_gateway.conversation.request import ChatRequest
from portkey_gateway.conversation.unsendable import half_character, is_whole_text
from portkey_gateway.errors import ContentError, EncodingError

_ROLES: Final = frozenset({"system", "developer", "user", "assistant", "tool"})
_BLOCKS: Final = ("content", "content_blocks")
# All parameters that are looked at.
_CHECKED: Final = frozenset(
    {"thinking", "reasoning_effort", "temperature", "context_management", "output_config", "stop", "stop_sequences",
     "betas", "tools", "tool_choice"}
)  # fmt: skip


def check_request(request: ChatRequest) -> None:
    """Check the shapes of messages, blocks, tools and parameters.

    Raises:
        EncodingError: naming the field and what it must be.
    """
    messages: Any = request.get("messages")
    if not messages:
        raise EncodingError("messages is empty: give at least one user message")
    if not isinstance(messages, list):
        raise EncodingError(f"messages must be a list of mappings; got {type(messages).__name__}")
    for index, message in enumerate(messages if type(messages) is not Texts else ()):
        if not isinstance(message, Mapping) or "role" not in message:
            raise EncodingError(f"messages[{index}] must be a mapping with a role; got {type(message).__name__}")
        if message["role"] not in _ROLES:
            known = ", ".join(sorted(_ROLES))
            raise EncodingError(f"messages[{index}] has the role {message['role']!r}; known are {known}")
        _check_message(message, f"messages[{index}]")
    for name, value in request.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise EncodingError(f"{name} is {value}, which JSON does not know")
    if not _CHECKED.isdisjoint(request):
        _check_parameters(request)


def _check_message(message: Mapping[str, Any], where: str) -> None:
    for field in _BLOCKS:
        content = message.get(field)
        if isinstance(content, list):
            for place, block in enumerate(content):
                _check_block(block, f"{where}.{field}[{place}]")
        elif content is not None and not isinstance(content, str):
            raise ContentError(f"{where}.{field} must be text or a list of blocks; got {type(content).__name__}")
    calls = message.get("tool_calls")
    if calls is not None and not isinstance(calls, list):
        raise EncodingError(f"{where}.tool_calls must be a list; got {type(calls).__name__}")
    for place, call in enumerate(calls or ()):
        _check_call(call, f"{where}.tool_calls[{place}]")


def _check_call(call: Any, where: str) -> None:
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping):
        raise EncodingError(f"{where} must be {{'id': …, 'function': {{'name': …, 'arguments': …}}}}")
    if not isinstance(call.get("id"), str):
        raise EncodingError(f"{where} needs an id, by which its result is found; got {call.get('id')!r}")
    if not isinstance(function.get("name"), str):
        raise EncodingError(f"{where}.function needs a name; got {function.get('name')!r}")
    if not isinstance(function.get("arguments"), str):
        kind = type(function.get("arguments")).__name__
        raise EncodingError(f"{where}.function.arguments must be a JSON object as text; got {kind}")
    if not is_whole_text(function["arguments"]):
        raise half_character(f"{where}.function.arguments")


def _check_block(block: Any, where: str) -> None:
    if not isinstance(block, Mapping) or not isinstance(block.get("type"), str):
        raise ContentError(f"{where} must be a mapping with a type")
    kind = block["type"]
    if kind == "text" and not isinstance(block.get("text"), str):
        raise ContentError(f"{where} is a text block whose text is no string")
    if kind == "image_url":
        image_url = block.get("image_url")
        if not isinstance(image_url, Mapping) or not isinstance(image_url.get("url"), str):
            raise ContentError(f"{where}.image_url must be {{'url': …}}: the gateway drops any other image")
    if kind in {"image", "document"} and not isinstance(block.get("source"), Mapping):
        raise ContentError(f"{where} is a block of type {kind!r} without a source such as {{'type': 'url', …}}")
    if kind == "file" and not isinstance(block.get("file"), Mapping):
        raise ContentError(f"{where}.file must be a mapping with file_data, file_url or file_id")
    if kind == "tool_use" and not (isinstance(block.get("id"), str) and isinstance(block.get("name"), str)):
        raise ContentError(f"{where} is a tool_use block, which needs an id and a name")


def _check_parameters(request: Mapping[str, Any]) -> None:
    thinking = request.get("thinking")
    is_mapping = isinstance(thinking, Mapping) and isinstance(thinking.get("budget_tokens", 0), int)
    if thinking is not None and not is_mapping:
        raise EncodingError("thinking must be a mapping such as {'type': 'enabled', 'budget_tokens': 2048}")
    check_values(request)
    temperature = request.get("temperature")
    if temperature is not None and not isinstance(temperature, (int, float)):
        raise EncodingError(f"temperature must be a number; got {temperature!r}")
    for name in ("context_management", "output_config"):
        if not isinstance(request.get(name) or {}, Mapping):
            raise EncodingError(f"{name} must be a mapping; got {request[name]!r}")
    for name in ("stop", "stop_sequences", "betas"):
        given = request.get(name) or []
        if not isinstance(given, str) and not (isinstance(given, list | tuple) and all(map(_is_text, given))):
            raise EncodingError(f"{name} must be a text or a list of texts; got {given!r}")
    tools = request.get("tools")
    for index, tool in enumerate(tools or ()):
        function = tool.get("function", {"name": ""}) if isinstance(tool, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(
            function.get("parameters", tool.get("input_schema", {})), Mapping
        ):
            raise EncodingError(f"tools[{index}] must be a mapping, and the parameters of its function a JSON schema")
        if not isinstance(function.get("name"), str):
            raise EncodingError(f"tools[{index}].function needs a name")
    _check_choice(request.get("tool_choice"), tools or ())


def _check_choice(choice: Any, tools: Any) -> None:
    """Refuse the choice of a tool that is none of those offered; what an MCP server offers is not known."""
    wanted = (choice.get("function") or {}).get("name") if isinstance(choice, Mapping) else None
    names = [tool.get("function", tool).get("name") for tool in tools]
    if wanted and names and all(names) and wanted not in names:
        near = difflib.get_close_matches(wanted, names, n=1)
        meant = f"did you mean {near[0]!r}?" if near else f"offered are {', '.join(map(repr, names))}"
        raise EncodingError(f"tool_choice names {wanted!r}, which is none of the tools of the request: {meant}")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
