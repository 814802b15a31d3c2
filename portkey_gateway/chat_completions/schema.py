"""Tool schemas for Claude: what the gateway would drop is rewritten into what survives, or a warning tells.

Of a function's parameters the open-source gateway 1.15.2 keeps ``type``, ``properties``, ``required`` and ``$defs``
(``providers/anthropic/chatComplete.ts``). Everything below the top level travels whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from portkey_gateway.errors import EncodingError, warn

_KEPT: Final = frozenset({"type", "properties", "required", "$defs"})
# Keywords that say nothing about which arguments are valid; the description is repeated by the tool's own.
_HARMLESS: Final = frozenset({"title", "description", "$schema", "$id", "$comment", "examples", "default", "strict"})
_MAPS_OF_SCHEMAS: Final = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})
_DATA: Final = frozenset({"default", "const", "enum", "examples"})
_OLD_DEFINITIONS: Final = "#/definitions/"
_DEFINITIONS: Final = "#/$defs/"


def simplify_parameters(parameters: Mapping[str, Any], *, tool: str) -> dict[str, Any]:
    """Rewrite a tool's JSON schema so that the gateway drops nothing of it, as far as that can be.

    Draft-7 ``definitions`` become ``$defs``; a top-level ``$ref`` is replaced by what it refers to; the parts of a
    top-level ``allOf`` are joined; a top-level ``anyOf`` or ``oneOf`` becomes one object with the properties of all
    alternatives, of which those are required that every alternative requires. A warning names what is lost.

    Args:
        parameters: the schema; it is left as it is.
        tool: the tool's name, for warnings and errors.

    Raises:
        EncodingError: if the schema refers to a definition that it does not hold.
    """
    if parameters.keys() <= _KEPT | _HARMLESS:
        return dict(parameters)
    schema = _modernised(parameters)
    definitions = schema.pop("$defs", {})
    schema = _flattened(schema, definitions, tool)
    lost = sorted(name for name in schema.keys() - _KEPT - _HARMLESS if not _is_default(name, schema[name]))
    if lost:
        warn(f"the gateway drops {', '.join(lost)} at the top of the schema of tool {tool!r}: describe it in words")
    kept = {name: value for name, value in schema.items() if name in _KEPT | _HARMLESS}
    return {**kept, "type": "object", **({"$defs": definitions} if definitions else {})}


def _modernised(schema: Any) -> Any:
    """Move draft-7 ``definitions`` to ``$defs``, where gateway and Claude look for them, and the references along."""
    if isinstance(schema, list):
        return [_modernised(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    modern: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword == "$ref" and isinstance(value, str) and value.startswith(_OLD_DEFINITIONS):
            modern[keyword] = _DEFINITIONS + value.removeprefix(_OLD_DEFINITIONS)
        elif keyword in _MAPS_OF_SCHEMAS and isinstance(value, Mapping):
            name = "$defs" if keyword == "definitions" else keyword
            modern[name] = {**modern.get(name, {}), **{key: _modernised(part) for key, part in value.items()}}
        else:
            modern[keyword] = value if keyword in _DATA else _modernised(value)
    return modern


def _flattened(schema: Any, definitions: Mapping[str, Any], tool: str, behind: tuple[str, ...] = ()) -> dict[str, Any]:
    """Bring what stands behind ``$ref``, ``allOf``, ``anyOf`` and ``oneOf`` up to the top level.

    ``behind`` are the references that led here.
    """
    if schema is True:
        return {}
    if not isinstance(schema, Mapping):
        raise EncodingError(f"the schema of tool {tool!r} has {schema!r} where a schema of arguments has to stand")
    own = dict(schema)
    parts: list[dict[str, Any]] = []
    if reference := own.pop("$ref", None):
        if reference in behind:
            raise EncodingError(f"the schema of tool {tool!r} explains {reference!r} by itself")
        definition = _definition(reference, definitions, tool)
        parts.append(_flattened(definition, definitions, tool, (*behind, reference)))
    parts.extend(_flattened(part, definitions, tool, behind) for part in own.pop("allOf", ()))
    for keyword in ("anyOf", "oneOf"):
        if alternatives := own.pop(keyword, None):
            flat = [_flattened(alternative, definitions, tool, behind) for alternative in alternatives]
            parts.append(_union(flat))
            warn(
                f"the gateway drops a top-level {keyword} in the schema of tool {tool!r}: its alternatives are offered "
                "as one object; wrap them in a property to keep them apart"
            )
    joined: dict[str, Any] = {}
    for part in [*parts, own]:
        properties = {**joined.get("properties", {}), **part.get("properties", {})}
        required = list(dict.fromkeys([*joined.get("required", ()), *part.get("required", ())]))
        joined = {**joined, **part}
        if properties:
            joined["properties"] = properties
        if required:
            joined["required"] = required
    return joined


def _union(alternatives: list[dict[str, Any]]) -> dict[str, Any]:
    """One object that takes the arguments of any of the alternatives."""
    properties: dict[str, Any] = {}
    for alternative in alternatives:
        for name, schema in alternative.get("properties", {}).items():
            known = properties.setdefault(name, schema)
            if known != schema:
                alternatives_known = known.get("anyOf") if isinstance(known, Mapping) else None
                properties[name] = {"anyOf": [*(alternatives_known or [known]), schema]}
    required = set(alternatives[0].get("required", ())).intersection(
        *(part.get("required", ()) for part in alternatives)
    )
    return {"properties": properties, "required": sorted(required)}


def _definition(reference: str, definitions: Mapping[str, Any], tool: str) -> Any:
    name = reference.removeprefix(_DEFINITIONS)
    if name not in definitions:
        raise EncodingError(f"the schema of tool {tool!r} refers to {reference!r}, which it does not hold")
    return definitions[name]


def _is_default(keyword: str, value: Any) -> bool:
    """Tell whether leaving the keyword out says the same; Claude adds no arguments of its own either way."""
    return keyword == "additionalProperties" and isinstance(value, bool)
