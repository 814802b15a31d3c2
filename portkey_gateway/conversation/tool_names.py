"""Names of tools as every provider takes them: up to 64 letters, digits, ``_`` and ``-``. Pure.

Servers of MCP name their tools ``files.list``, pydantic its generics ``Box[int]``; Anthropic and OpenAI refuse both.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final, cast

from portkey_gateway.conversation.request import ChatRequest, Message

_FITS: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_UNFIT: Final = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST: Final = 64
_DIGEST_LENGTH: Final = 8


def fitting_name(name: str) -> str:
    """Return the name if it fits; else what can be read of it, with a digest of the whole: no two names become one.

    It depends on the name alone: in a conversation it stays the same whatever tools come and go.
    """
    if _FITS.fullmatch(name):
        return name
    digest = hashlib.sha256(name.encode(errors="backslashreplace")).hexdigest()[:_DIGEST_LENGTH]
    readable = _UNFIT.sub("_", name).strip("_")[: _LONGEST - _DIGEST_LENGTH - 1]
    return f"{readable}_{digest}"


def with_fitting_names(request: ChatRequest) -> tuple[ChatRequest, dict[str, str]]:
    """Return the request with names that fit: of its tools, of the choice among them, and of the calls in its past.

    Args:
        request: what is to be sent; it is not changed.

    Returns:
        The request, and the names of the tools that were renamed, by those that an answer calls them by.
    """
    fitted: dict[str, Any] = {**request, "messages": [*map(_with_fitting_calls, request["messages"])]}
    own_names: dict[str, str] = {}
    if tools := request.get("tools"):
        fitted["tools"] = [_renamed(tool) for tool in tools]
        names = (function["name"] for tool in tools if isinstance(function := tool.get("function"), Mapping))
        own_names = {fitting_name(name): name for name in names if _is_unfit(name)}
    if isinstance(choice := request.get("tool_choice"), Mapping):
        fitted["tool_choice"] = _renamed(choice)
    return cast("ChatRequest", fitted), own_names


def _with_fitting_calls(message: Message) -> Message:
    if message["role"] != "assistant":
        return message
    fitted: dict[str, Any] = {**message}
    if calls := message.get("tool_calls"):
        fitted["tool_calls"] = [*map(_renamed, calls)]
    content = message.get("content")
    if isinstance(content, list):
        fitted["content"] = [_renamed_use(cast("Mapping[str, Any]", block)) for block in content]
    return cast("Message", fitted)


def _renamed(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """A tool, a choice or a call: all of them name a function."""
    function = said.get("function")
    if not isinstance(function, Mapping) or not _is_unfit(function.get("name")):
        return said
    return {**said, "function": {**function, "name": fitting_name(function["name"])}}


def _renamed_use(block: Mapping[str, Any]) -> Mapping[str, Any]:
    if block["type"] != "tool_use" or not _is_unfit(block["name"]):
        return block
    return {**block, "name": fitting_name(block["name"])}


def _is_unfit(name: Any) -> bool:
    """Tell whether a name has to be another; what is none at all is an error that others tell."""
    return isinstance(name, str) and bool(name) and not _FITS.fullmatch(name)
