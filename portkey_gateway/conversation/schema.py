"""JSON schemas of tools as Claude takes them: an object at the top, and nothing that chooses between objects. Pure.

Anthropic refuses ``anyOf``, ``oneOf`` and ``allOf`` at the top of an ``input_schema``, and wants an object there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from portkey_gateway.errors import EncodingError, warn

_MAPS_OF_SCHEMAS: Final = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})
_DATA: Final = frozenset({"default", "const", "enum", "examples"})
_OLD_DEFINITIONS: Final = "#/definitions/"
_DEFINITIONS: Final = "#/$defs/"
_CHOICES: Final = frozenset({"$ref", "allOf", "anyOf", "oneOf"})


def as_object_schema(parameters: Mapping[str, Any], *, tool: str) -> dict[str, Any]:
    """Return a schema with an object at its top; one that has it already is returned as it is.

    Args:
        parameters: the schema; it is left as it is.
        tool: the tool's name, for warnings and errors.

    Raises:
        EncodingError: if the schema refers to a definition that it does not hold, or is none.

    Warns:
        PortkeyWarning: if alternatives are offered as one object.
    """
    if _CHOICES.isdisjoint(parameters):
        empty: dict[str, Any] = {} if "properties" in parameters else {"properties": {}}
        return {**parameters, **empty, "type": "object"}
    try:
        schema = modernised(parameters)
        definitions = schema.pop("$defs", {})
        schema = flattened(schema, definitions, tool)
    except (AttributeError, TypeError) as error:
        raise EncodingError(f"the parameters of tool {tool!r} are no JSON schema: {error}") from error
    return {**schema, "type": "object", **({"$defs": definitions} if definitions else {})}


def modernised(schema: Any) -> Any:
    """Move draft-7 ``definitions`` to ``$defs``, where gateway and Claude look for them, and the references along."""
    if isinstance(schema, list):
        return [modernised(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    modern: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword == "$ref" and isinstance(value, str) and value.startswith(_OLD_DEFINITIONS):
            modern[keyword] = _DEFINITIONS + value.removeprefix(_OLD_DEFINITIONS)
        elif keyword in _MAPS_OF_SCHEMAS and isinstance(value, Mapping):
            name = "$defs" if keyword == "definitions" else keyword
            modern[name] = {**modern.get(name, {}), **{key: modernised(part) for key, part in value.items()}}
        else:
            modern[keyword] = value if keyword in _DATA else modernised(value)
    return modern


def with_object_at_top(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema whose top is what its reference there means, as that of a class that explains itself has one.

    Args:
        schema: it is left as it is; one that refers to nothing it holds is returned as it stands.
    """
    definitions = schema.get("$defs")
    name = str(schema.get("$ref", "")).removeprefix(_DEFINITIONS)
    if not isinstance(definitions, Mapping) or not isinstance(meant := definitions.get(name), Mapping):
        return {**schema}
    return {**meant, **{word: value for word, value in schema.items() if word != "$ref"}}


def explains_itself(schema: Mapping[str, Any]) -> bool:
    """Tell whether a definition of a schema refers to itself, perhaps by way of others."""
    definitions = schema.get("$defs")
    if not isinstance(definitions, Mapping):
        return False
    named = {name: {*_references(meant)} for name, meant in definitions.items()}
    return any(name in _reached(name, named) for name in named)


def _reached(start: str, named: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    following = {*named[start]}
    while following:
        reached |= following
        following = set[str]().union(*(named.get(name, set()) for name in following)) - reached
    return reached


def _references(schema: Any) -> Iterator[str]:
    """The names of the definitions that a schema refers to."""
    for word, value in schema.items() if isinstance(schema, Mapping) else ():
        if word == "$ref" and isinstance(value, str):
            yield value.removeprefix(_DEFINITIONS)
        elif word not in _DATA:
            yield from _references(value)
    for each in schema if isinstance(schema, list) else ():
        yield from _references(each)


def flattened(schema: Any, definitions: Mapping[str, Any], tool: str, behind: tuple[str, ...] = ()) -> dict[str, Any]:
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
        parts.append(flattened(definition, definitions, tool, (*behind, reference)))
    parts.extend(flattened(part, definitions, tool, behind) for part in own.pop("allOf", ()))
    for keyword in ("anyOf", "oneOf"):
        if alternatives := own.pop(keyword, None):
            flat = [flattened(alternative, definitions, tool, behind) for alternative in alternatives]
            parts.append(_union(flat))
            warn(
                f"Claude takes no {keyword} at the top of a schema, as tool {tool!r} has it: its alternatives are "
                "offered as one object; wrap them in a property to keep them apart"
            )
    return joined([*parts, own])


def joined(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Schemas that all hold as one: with the properties of all; of other words the last one's."""
    told: dict[str, Any] = {}
    for part in parts:
        properties = {**told.get("properties", {}), **part.get("properties", {})}
        required = list(dict.fromkeys([*told.get("required", ()), *part.get("required", ())]))
        told = {**told, **part}
        if properties:
            told["properties"] = properties
        if required:
            told["required"] = required
    return told


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
