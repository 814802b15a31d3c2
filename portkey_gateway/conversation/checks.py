"""What is no request at all is refused here, before anything else trips over it: pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from portkey_gateway.conversation.request import ChatRequest
from portkey_gateway.errors import ContentError, EncodingError

_ROLES: Final = frozenset({"system", "developer", "user", "assistant", "tool"})


def check_request(request: ChatRequest) -> None:
    """Check the shapes of messages, blocks, tools and parameters.

    Raises:
        EncodingError: naming the field and what it must be.
    """
    messages: Any = request.get("messages")
    if not messages:
        raise EncodingError("messages is empty: give at least one user message")
    for index, message in enumerate(messages):
        if not isinstance(message, Mapping) or "role" not in message:
            raise EncodingError(f"messages[{index}] must be a mapping with a role; got {type(message).__name__}")
        if message["role"] not in _ROLES:
            known = ", ".join(sorted(_ROLES))
            raise EncodingError(f"messages[{index}] has the role {message['role']!r}; known are {known}")
        content = message.get("content")
        if isinstance(content, list):
            for place, block in enumerate(content):
                _check_block(block, f"messages[{index}].content[{place}]")
    for name, value in request.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise EncodingError(f"{name} is {value}, which JSON does not know")
    _check_parameters(request)


def _check_block(block: Any, where: str) -> None:
    if not isinstance(block, Mapping) or "type" not in block:
        raise ContentError(f"{where} must be a mapping with a type")
    if block["type"] == "text" and not isinstance(block.get("text"), str):
        raise ContentError(f"{where} is a text block whose text is no string")
    if block["type"] == "image_url" and not isinstance(block.get("image_url"), Mapping):
        raise ContentError(f"{where}.image_url must be {{'url': …}}: the gateway drops any other image")
    if block["type"] in {"image", "document"} and not isinstance(block.get("source"), Mapping):
        raise ContentError(
            f"{where} is a block of type {block['type']!r} without a source such as {{'type': 'url', …}}"
        )
    if block["type"] == "file" and not isinstance(block.get("file"), Mapping):
        raise ContentError(f"{where}.file must be a mapping with file_data, file_url or file_id")


def _check_parameters(request: Mapping[str, Any]) -> None:
    thinking = request.get("thinking")
    is_mapping = isinstance(thinking, Mapping) and isinstance(thinking.get("budget_tokens", 0), int)
    if thinking is not None and not is_mapping:
        raise EncodingError("thinking must be a mapping such as {'type': 'enabled', 'budget_tokens': 2048}")
    temperature = request.get("temperature")
    if temperature is not None and not isinstance(temperature, (int, float)):
        raise EncodingError(f"temperature must be a number; got {temperature!r}")
    tools = request.get("tools")
    for index, tool in enumerate(tools or ()):
        function = tool.get("function", {"name": ""}) if isinstance(tool, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("parameters", {}), Mapping):
            raise EncodingError(f"tools[{index}] must be a mapping, and the parameters of its function a JSON schema")
        if not isinstance(function.get("name"), str):
            raise EncodingError(f"tools[{index}].function needs a name")
