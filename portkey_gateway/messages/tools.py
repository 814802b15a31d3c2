"""Tools and the choice among them → Anthropic's: pure, and nothing of a schema is lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from portkey_gateway.conversation.bound_schema import as_bound_schema
from portkey_gateway.conversation.schema import as_object_schema
from portkey_gateway.conversation.tool_choice import ONE_CALL
from portkey_gateway.conversation.tools import is_server_tool
from portkey_gateway.errors import warn

_OF_THE_FUNCTION: Final = ("strict", "defer_loading", "allowed_callers", "input_examples", "eager_input_streaming")
# What Anthropic compiles for all schemas of a request together ("Structured outputs", "Schema complexity limits").
_MOST_STRICT: Final = 20
_MOST_OPTIONAL: Final = 24
_MOST_UNIONS: Final = 16
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


def with_limited_strictness(
    tools: Iterable[Mapping[str, Any]], answer: Mapping[str, Any] | None
) -> list[Mapping[str, Any]]:
    """Let as many tools be strict, in their order, as Anthropic compiles for one request; the others stay, unbound.

    Args:
        tools: as they are encoded.
        answer: the schema that the answer is bound to.

    Warns:
        PortkeyWarning: if not all that are strict can be.
    """
    optional, unions = _weigh(answer or {})
    strict, limited, loosened = 0, [], []
    for tool in tools:
        if not (tool.get("strict") and isinstance(tool.get("input_schema"), Mapping)):
            limited.append(tool)
            continue
        more_optional, more_unions = _weigh(tool["input_schema"])
        fits = optional + more_optional <= _MOST_OPTIONAL and unions + more_unions <= _MOST_UNIONS
        if fits and strict < _MOST_STRICT:
            strict, optional, unions = strict + 1, optional + more_optional, unions + more_unions
            limited.append(tool)
        else:
            loosened.append(str(tool["name"]))
            limited.append({name: value for name, value in tool.items() if name != "strict"})
    if loosened:
        warn(
            f"strict of {', '.join(map(repr, loosened))} is left out: Anthropic compiles {_MOST_STRICT} strict tools, "
            f"{_MOST_OPTIONAL} optional properties and {_MOST_UNIONS} unions for all schemas of a request together"
        )
    return limited


def _weigh(schema: Mapping[str, Any]) -> tuple[int, int]:
    """Count the optional properties and the unions of a schema."""
    parts = [*_parts(schema)]
    optional = sum(len(part.get("properties", {}).keys() - set(part.get("required", ()))) for part in parts)
    return optional, sum("anyOf" in part or isinstance(part.get("type"), list) for part in parts)


def _parts(schema: Any) -> Iterator[Mapping[str, Any]]:
    if not isinstance(schema, Mapping):
        return
    yield schema
    named = (schema.get(name) for name in ("properties", "$defs"))
    inner = [part for parts in named if isinstance(parts, Mapping) for part in parts.values()]
    for part in (*inner, *schema.get("anyOf", ()), schema.get("items")):
        yield from _parts(part)


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
