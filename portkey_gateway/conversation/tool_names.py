"""Names of tools that providers refuse, such as ``weather.get`` or ``Box[int]``: fitted for the wire, and back. Pure.

OpenAI and Anthropic take letters, digits, ``_`` and ``-``; OpenAI 64 of them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, cast

from portkey_gateway.conversation.request import ChatRequest, Message

_FITTING: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_STRANGE: Final = re.compile(r"[^a-zA-Z0-9_-]")
_MOST: Final = 64
_DIGEST: Final = 8


def fitting_names(tools: Iterable[Mapping[str, Any]], messages: Iterable[Message] = ()) -> dict[str, str]:
    """Fit the names of tools, in the offer and in the history, that a provider would refuse; most requests have none.

    The same names are fitted alike in every turn, so that a cached beginning stays as it was.

    Args:
        tools: those on offer.
        messages: in which tools may have been called.

    Returns:
        What a tool is called on the wire, by its own name, for those whose name does not fit.
    """
    names = dict.fromkeys(_names(tools, messages))
    strange = [name for name in names if not _fits(name)]
    taken = names.keys() - set(strange)
    fitted: dict[str, str] = {}
    for name in strange:
        fitted[name] = _fitted(name, taken)
        taken.add(fitted[name])
    return fitted


def renamed(request: ChatRequest, names: Mapping[str, str]) -> ChatRequest:
    """Return the request with tools, the choice among them and past calls under these names.

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
                if block["type"] == "tool_use":
                    yield from _name_of(block)


def _name_of(tool: Mapping[str, Any]) -> Iterator[str]:
    """The name of a function, in OpenAI's form or in Anthropic's; a provider's own tool has one that it knows."""
    function = tool.get("function", tool)
    name = function.get("name") if isinstance(function, Mapping) else None
    if isinstance(name, str):
        yield name


@lru_cache(maxsize=1024)
def _fits(name: str) -> bool:
    return _FITTING.fullmatch(name) is not None


def _fitted(name: str, taken: set[str]) -> str:
    plain = _STRANGE.sub("_", name)[:_MOST] or "tool"
    if plain not in taken:
        return plain
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
    return f"{plain[: _MOST - _DIGEST - 1]}_{digest}"


def _renamed_message(message: Mapping[str, Any], names: Mapping[str, str]) -> Mapping[str, Any]:
    told: dict[str, Any] = {}
    if calls := message.get("tool_calls"):
        told["tool_calls"] = [_renamed_block(call, names) for call in calls]
    content = message.get("content")
    if isinstance(content, list) and any(block["type"] == "tool_use" for block in content):
        told["content"] = [_renamed_block(each, names) if each["type"] == "tool_use" else each for each in content]
    return {**message, **told} if told else message


def _renamed_block(block: Mapping[str, Any], names: Mapping[str, str]) -> Mapping[str, Any]:
    function = block.get("function")
    if isinstance(function, Mapping):
        name = str(function.get("name"))
        return {**block, "function": {**function, "name": names[name]}} if name in names else block
    own = str(block.get("name"))
    return {**block, "name": names[own]} if own in names else block
