"""Tools of a conversation → those of a chat completion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from portkey_gateway.chat_completions.losses import BLOCK_LOSSES, remedy
from portkey_gateway.chat_completions.schema import simplify_parameters
from portkey_gateway.conversation.request import Tool
from portkey_gateway.conversation.tools import is_server_tool
from portkey_gateway.errors import EncodingError, warn
from portkey_gateway.routing import Route

_EXTRAS: Final = ("strict", "defer_loading", "allowed_callers", "input_examples", "eager_input_streaming")
# What the gateway takes from a function of a Claude's (1.15.2: the transform that Anthropic, Vertex and Azure share).
_CARRIED: Final = ("defer_loading", "allowed_callers", "input_examples")
_WITHOUT_EXTRAS: Final = "bedrock"
_RECEIVED: Final = ("type", "properties", "required", "$defs")


def encode_tool(tool: Tool, route: Route) -> Tool:
    """Encode one tool; functions are the same here as there, but that less of them reaches a Claude.

    The gateway takes a server tool's name from ``type``, and its type and options from under that name.

    Args:
        tool: of the conversation.
        route: where the call goes.

    Raises:
        EncodingError: if the tool's parameters are no JSON schema.

    Warns:
        PortkeyWarning: if an option of the tool or a part of its schema does not reach Claude.
    """
    given: dict[str, Any] = {**tool}
    if is_server_tool(given):
        name = given["name"]
        options = {key: value for key, value in given.items() if key not in {"name", "type", "cache_control"}}
        mark = {"cache_control": given["cache_control"]} if given.get("cache_control") else {}
        return cast("Tool", {"type": name, name: {**options, "name": given["type"]}, **mark})
    if "function" not in given:
        return tool
    if "strict" in given:
        # Where Anthropic has it; OpenAI has it inside the function.
        given["function"] = {"strict": given.pop("strict"), **given["function"]}
    if not route.is_claude:
        return _for_others(given)
    given["function"] = _with_simple_schema(given["function"], route)
    extras = [*_EXTRAS]
    if route.is_mixed:
        extras.remove("strict")  # the other model is to be strict; the gateway tells Claude nothing of that
    elif all(provider != _WITHOUT_EXTRAS for provider, _ in route.targets):
        moved = {name: given.pop(name) for name in _CARRIED if name in given}
        given["function"] |= {name: value for name, value in moved.items() if value is not None}
        extras = [name for name in extras if name not in _CARRIED]
    if lost := [name for name in extras if given["function"].get(name) or given.get(name)]:
        why = remedy(BLOCK_LOSSES["tool_extras"], route)
        warn(f"{', '.join(lost)} of tool {given['function']['name']!r} does not reach Claude: {why}")
        given = {name: value for name, value in given.items() if name not in extras}
        given["function"] = {name: value for name, value in given["function"].items() if name not in extras}
    return cast("Tool", given)


def _for_others(tool: dict[str, Any]) -> Tool:
    """A function without what only Claude knows beside it: OpenAI refuses keys that it does not know."""
    lost = [name for name in _EXTRAS if name != "strict" and tool.get(name) is not None]
    if lost:
        warn(f"{', '.join(lost)} of tool {tool['function']['name']!r} is left out: only Claude knows it")
    return cast("Tool", {name: value for name, value in tool.items() if name not in lost})


def as_received(tool: Tool, route: Route) -> Tool:
    """A function as the gateway tells Claude of it: some keys of its schema are always there, filled or empty.

    Args:
        tool: of the conversation.
        route: where the call goes.
    """
    if "function" not in tool:
        return tool
    function = encode_tool(tool, route).get("function", tool["function"])
    filled = {"type": "object", "properties": {}, "required": [], "$defs": {}, **function.get("parameters", {})}
    return {**tool, "function": {**function, "parameters": {name: filled[name] for name in _RECEIVED}}}


def _with_simple_schema(function: Mapping[str, Any], route: Route) -> dict[str, Any]:
    if "parameters" not in function:
        return {**function}
    name = function["name"]
    # OpenAI asks for it where a tool is strict, and the gateway leaves it out for Claude.
    is_kept = route.is_mixed or BLOCK_LOSSES["additional_properties"].is_carried(route.gateway)
    carried = ("additionalProperties",) if is_kept else ()
    try:
        parameters = simplify_parameters(function["parameters"], tool=name, carried=carried)
    except (AttributeError, TypeError) as error:
        raise EncodingError(f"the parameters of tool {name!r} are no JSON schema: {error}") from error
    return {**function, "parameters": parameters}
