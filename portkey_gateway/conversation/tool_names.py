"""Names of tools that providers refuse, such as ``weather.get`` or ``Box[int]``: fitted for the wire, and back. Pure.

OpenAI and Anthropic take letters, digits, ``_`` and ``-``; OpenAI 64 of them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, cast

from portkey_gateway.conversation.request import TOOL_CHANGES, ChatRequest, Message

_FITTING: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_STRANGE: Final = re.compile(r"[^a-zA-Z0-9_-]")
_MOST: Final = 64
_DIGEST: Final = 8
_NAMING: Final = TOOL_CHANGES | {"tool_use", "tool_reference"}
"""Blocks of messages that name a tool."""
_HOLDERS: Final = ("function", "tool", "definition")
"""Where a tool or a block may hold what names it."""


def fitting_names(tools: Iterable[Mapping[str, Any]], messages: Iterable[Message] = ()) -> dict[str, str]:
    """Fit the names of tools, in the offer and in the history, that a provider would refuse; most requests have none.

    A name is fitted alike whatever other tools there are, so that a cached beginning stays as it was.

    Args:
        tools: those on offer.
        messages: in which tools may have been called.

    Returns:
        What a tool is called on the wire, by its own name, for those whose name does not fit.
    """
    return {name: _fitted(name) for name in _names(tools, messages) if not _fits(name)}


def renamed(request: ChatRequest, names: Mapping[str, str]) -> ChatRequest:
    """Return the request with tools, the choice among them, past calls and what else names them under these names.

    Args:
        request: it is not changed.
        names: those of ``fitting_names``.
    """
    told: dict[str, Any] = {**request, "messages": [_renamed_message(each, names) for each in request["messages"]]}
    if "tools" in request:
        told["tools"] = [_renamed_block(tool, names) for tool in request["tools"]]
    choice = request.get("tool_choice")
    if isinstance(choice, str):
        told["tool_choice"] = names.get(choice, choice)
    elif isinstance(choice, Mapping):
        told["tool_choice"] = _renamed_block(choice, names)
    return cast("ChatRequest", told)


def _names(tools: Iterable[Mapping[str, Any]], messages: Iterable[Message]) -> Iterator[str]:
    for tool in tools:
        yield from _name_of(tool)
    for message in messages:
        for call in message.get("tool_calls") or ():
            yield from _name_of(call)
        content = message.get("content")
        if isinstance(content, list):
            for block in content:
                if block["type"] in _NAMING:
                    yield from _name_of(block)


def _name_of(tool: Mapping[str, Any]) -> Iterator[str]:
    """The name of a function, in OpenAI's form or in Anthropic's; a provider's own tool has one that it knows."""
    if holder := _holder(tool):
        yield from _name_of(tool[holder])
    elif isinstance(name := tool.get(_name_field(tool)), str):
        yield name


def _holder(block: Mapping[str, Any]) -> str | None:
    return next((holder for holder in _HOLDERS if isinstance(block.get(holder), Mapping)), None)


def _name_field(block: Mapping[str, Any]) -> str:
    return "tool_name" if "tool_name" in block else "name"


@lru_cache(maxsize=1024)
def _fits(name: str) -> bool:
    return _FITTING.fullmatch(name) is not None


@lru_cache(maxsize=1024)
def _fitted(name: str) -> str:
    plain = _STRANGE.sub("_", name)[: _MOST - _DIGEST - 1] or "tool"
    # Two names may look alike once they are fitted.
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
    return f"{plain}_{digest}"


def _renamed_message(message: Mapping[str, Any], names: Mapping[str, str]) -> Mapping[str, Any]:
    told: dict[str, Any] = {}
    if calls := message.get("tool_calls"):
        told["tool_calls"] = [_renamed_block(call, names) for call in calls]
    content = message.get("content")
    if isinstance(content, list) and any(block["type"] in _NAMING for block in content):
        told["content"] = [_renamed_block(each, names) if each["type"] in _NAMING else each for each in content]
    return {**message, **told} if told else message


def _renamed_block(block: Mapping[str, Any], names: Mapping[str, str]) -> Mapping[str, Any]:
    if holder := _holder(block):
        return {**block, holder: _renamed_block(block[holder], names)}
    field = _name_field(block)
    own = str(block.get(field))
    return {**block, field: names[own]} if own in names else block
