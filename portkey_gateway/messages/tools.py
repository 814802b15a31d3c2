"""Tools and the choice among them → Anthropic's: pure, and nothing of a schema is lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from portkey_gateway.conversation.bound_schema import as_bound_schema
from portkey_gateway.conversation.schema import as_object_schema
from portkey_gateway.conversation.tool_choice import ONE_CALL
from portkey_gateway.conversation.tools import is_server_tool
from portkey_gateway.errors import warn

_OF_THE_FUNCTION: Final = ("strict", "defer_loading", "allowed_callers", "input_examples", "eager_input_streaming")
_TYPES: Final = {"required": "any", "any": "any", "auto": "auto", "none": "none"}


def encode_tool(tool: Mapping[str, Any], *, may_bind: bool = True) -> dict[str, Any]:
    """Encode one tool: a function, one of Anthropic's own, or what is in Anthropic's form already.

    Args:
        tool: of the conversation.
        may_bind: whether the model can be bound to the schema of a strict tool.

    Raises:
        EncodingError: if its schema refers to a definition that it does not hold.

    Warns:
        PortkeyWarning: if it is strict, and its schema or the model cannot be.
    """
    function = tool.get("function")
    if not function:
        return _encode_server_tool(tool)
    name = function["name"]
    encoded: dict[str, Any] = {"name": name}
    if function.get("description"):
        encoded["description"] = function["description"]
    schema = encoded["input_schema"] = as_object_schema(function.get("parameters") or {}, tool=name)
    for option in _OF_THE_FUNCTION:
        value = tool.get(option, function.get(option))
        if value is not None:
            encoded[option] = value
    if encoded.get("strict"):
        _bind(encoded, schema if may_bind else None)
    if mark := tool.get("cache_control"):
        encoded["cache_control"] = mark
    return encoded


def _bind(tool: dict[str, Any], schema: dict[str, Any] | None) -> None:
    """Say the schema of a strict tool in the words that bind, or do without."""
    bound = as_bound_schema(schema) if schema is not None else None
    if bound is None:
        why = "this model binds no tools" if schema is None else "name all properties of its objects, and nothing twice"
        warn(f"strict of tool {tool['name']!r} is left out, its schema cannot bind Claude: {why}")
        del tool["strict"]
    else:
        tool["input_schema"] = bound


def _encode_server_tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Anthropic's form as it is; that of the gateway's chat completions names the type below the name."""
    options = tool.get(str(tool.get("type")))
    if is_server_tool(tool) or not isinstance(options, Mapping):
        return dict(tool)
    rest = {name: value for name, value in tool.items() if name not in {"type", tool["type"]}}
    return {**rest, **options, "name": tool["type"], "type": options.get("name")}


def encode_tool_choice(
    choice: str | Mapping[str, Any] | None, parallel_tool_calls: bool | None, *, has_tools: bool
) -> dict[str, Any] | None:
    """Encode how to choose a tool, and whether more than one may be called at once.

    Args:
        choice: as ``conversation.tool_choice`` encodes it.
        parallel_tool_calls: ``False`` for one call at most.
        has_tools: whether there are tools to choose from.
    """
    if not has_tools:
        return None
    said: Mapping[str, Any] | None = choice if isinstance(choice, Mapping) else {"type": choice} if choice else None
    one_call = parallel_tool_calls is False or bool(said and said.get(ONE_CALL))
    if said is None:
        return {"type": "auto", ONE_CALL: True} if one_call else None
    if said["type"] in _TYPES:
        encoded: dict[str, Any] = {"type": _TYPES[str(said["type"])]}
    else:
        encoded = {"type": "tool", "name": said["function"]["name"] if "function" in said else said["name"]}
    if one_call and encoded["type"] != "none":
        encoded[ONE_CALL] = True
    return encoded
