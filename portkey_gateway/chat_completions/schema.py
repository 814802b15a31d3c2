"""Tool schemas for Claude: what the gateway would drop is rewritten into what survives, or a warning tells.

Of a function's parameters the open-source gateway 1.15.2 keeps ``type``, ``properties``, ``required`` and ``$defs``
(``providers/anthropic/chatComplete.ts``). Everything below the top level travels whole.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from portkey_gateway.conversation.schema import flattened, modernised
from portkey_gateway.errors import warn

_KEPT: Final = frozenset({"type", "properties", "required", "$defs"})
# Keywords that say nothing about which arguments are valid; the description is repeated by the tool's own.
_HARMLESS: Final = frozenset({"title", "description", "$schema", "$id", "$comment", "examples", "default", "strict"})


def simplify_parameters(parameters: Mapping[str, Any], *, tool: str, carried: Collection[str] = ()) -> dict[str, Any]:
    """Rewrite a tool's JSON schema so that the gateway drops nothing of it, as far as that can be.

    Draft-7 ``definitions`` become ``$defs``; a top-level ``$ref`` is replaced by what it refers to; the parts of a
    top-level ``allOf`` are joined; a top-level ``anyOf`` or ``oneOf`` becomes one object with the properties of all
    alternatives, of which those are required that every alternative requires. A warning names what is lost.

    Args:
        parameters: the schema; it is left as it is.
        tool: the tool's name, for warnings and errors.
        carried: what else this gateway carries at the top of a schema.

    Raises:
        EncodingError: if the schema refers to a definition that it does not hold.
    """
    kept_names = _KEPT | _HARMLESS | set(carried)
    if parameters.keys() <= kept_names:
        return dict(parameters)
    schema = modernised(parameters)
    definitions = schema.pop("$defs", {})
    schema = flattened(schema, definitions, tool)
    lost = sorted(name for name in schema.keys() - kept_names if not _is_default(name, schema[name]))
    if lost:
        warn(f"the gateway drops {', '.join(lost)} at the top of the schema of tool {tool!r}: describe it in words")
    kept = {name: value for name, value in schema.items() if name in kept_names}
    return {**kept, "type": "object", **({"$defs": definitions} if definitions else {})}


def _is_default(keyword: str, value: Any) -> bool:
    """Tell whether leaving the keyword out says the same; Claude adds no arguments of its own either way."""
    return keyword == "additionalProperties" and isinstance(value, bool)
