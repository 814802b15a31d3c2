"""JSON schemas that bind an answer or a strict tool, as Claude takes them: a subset of JSON Schema. Pure.

Anthropic, "Structured outputs", "JSON Schema limitations": every object names all its properties, nothing recurs, and
limits of numbers, texts and lists are not known. What is only a limit is told in the description, where the model reads
it; what cannot be said at all makes the schema none that binds.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from portkey_gateway.conversation.schema import modernised

_REFERENCE: Final = re.compile(r"#/\$defs/([\w.-]+)")
_PRIMITIVE: Final = (str, int, float, bool, type(None))
_SIMPLE: Final = frozenset({"string", "integer", "number", "boolean", "null"})
_FORMATS: Final = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
)
_KEPT: Final = frozenset({"title", "description", "type", "const", "default"})
# Nothing is lost without them: they repeat what the parts say.
_IDLE: Final = frozenset({"$schema", "$id", "discriminator", "additionalProperties", "strict", "nullable"})
_UNSAYABLE: Final = frozenset(
    {"not", "if", "then", "else", "prefixItems", "contains", "patternProperties", "propertyNames", "dependentSchemas",
     "$defs"}
)  # fmt: skip
_OF_OBJECTS: Final = frozenset({"type", "properties", "required"})
_OF_PARTS: Final = frozenset({"properties", "required", "items"})
_CHOICES: Final = frozenset({"anyOf", "oneOf", "enum", "const"})
_NULL: Final = {"type": "null"}
_ABOUT: Final[tuple[str, ...]] = ("title", "description", "default")
_MOST_OPTIONAL: Final = 24
_MOST_UNIONS: Final = 16


class _NotSayableError(Exception):
    """The schema has a part that the subset has no words for."""


def as_bound_schema(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a schema in the subset that binds; ``None`` if it cannot be said there.

    Args:
        schema: any JSON schema; it is left as it is.
    """
    try:
        modern = modernised(schema)
        definitions = {name: _bound(part) for name, part in modern.pop("$defs", {}).items()}
        bound = _bound(modern)
        _check_references(bound, definitions)
    except (_NotSayableError, AttributeError, TypeError):
        return None
    while "$ref" in bound:
        # A reference at the top stands for what it refers to.
        bound = {
            **copy.deepcopy(definitions[_name(bound)]),
            **{name: value for name, value in bound.items() if name != "$ref"},
        }
    parts = [part for schema in (bound, *definitions.values()) for part in _parts(schema)]
    if bound.get("type") != "object" or _is_too_much(parts):
        return None
    _place_descriptions(parts, definitions)
    return {**bound, "$defs": definitions} if definitions else bound


def _bound(schema: Any) -> dict[str, Any]:
    if not isinstance(schema, Mapping) or not _UNSAYABLE.isdisjoint(schema):
        raise _NotSayableError
    if schema.get("nullable") is True:
        return _or_null(_bound({name: value for name, value in schema.items() if name != "nullable"}))
    if "$ref" in schema or "allOf" in schema:
        return _reference(schema)
    bound = {name: value for name, value in schema.items() if name in _KEPT}
    bound |= _choices(schema) | _of_type(schema)
    limits = {n: v for n, v in schema.items() if n not in bound.keys() | _IDLE | _OF_PARTS | _CHOICES}
    if limits:
        told = ", ".join(f"{name}: {value}" for name, value in limits.items())
        bound["description"] = f"{bound['description']} ({told})" if bound.get("description") else told
    return bound


def _reference(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A reference, or the only one of ``allOf``, which is how one with a description of its own is written."""
    if "$ref" in schema:
        others, bound = _CHOICES | _OF_PARTS | {"type", "allOf"}, {"$ref": schema["$ref"]}
    elif len(parts := [*schema["allOf"]]) == 1:
        others, bound = _CHOICES | _OF_PARTS | {"type"}, _bound(parts[0])
    else:
        raise _NotSayableError
    if not others.isdisjoint(schema):
        raise _NotSayableError
    return {**bound, "description": told} if (told := _joined(schema, bound)) else bound


def _or_null(bound: dict[str, Any]) -> dict[str, Any]:
    """What OpenAPI calls ``nullable``, with what is said about it."""
    about = {name: bound.pop(name) for name in _ABOUT if name in bound}
    choices = bound["anyOf"] if bound.keys() == {"anyOf"} else [bound]
    return {**about, "anyOf": choices if _NULL in choices else [*choices, {**_NULL}]}


def _of_type(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What binds beside the type itself."""
    kind = schema.get("type")
    if kind == "object":
        return _object(schema)
    if kind == "array":
        fewest = {"minItems": schema["minItems"]} if schema.get("minItems") in {0, 1} else {}
        return {"items": _bound(schema.get("items")), **fewest}
    if kind is None:
        if _CHOICES.isdisjoint(schema) or not _OF_PARTS.isdisjoint(schema):
            raise _NotSayableError
    elif not ({*kind} if isinstance(kind, list) else {kind}) <= _SIMPLE:
        raise _NotSayableError
    return {"format": schema["format"]} if kind == "string" and schema.get("format") in _FORMATS else {}


def _object(schema: Mapping[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    # What names its properties and says no more is meant to have these alone; any other has keys that nobody knows.
    is_open = schema.get("additionalProperties", "properties" not in schema) is not False
    required = list(dict.fromkeys(schema.get("required", ())))
    if is_open or not properties.keys() >= {*required} or not _CHOICES.isdisjoint(schema):
        raise _NotSayableError
    bound = {name: _bound(part) for name, part in properties.items()}
    return {"properties": bound, "additionalProperties": False, **({"required": required} if required else {})}


def _choices(schema: Mapping[str, Any]) -> dict[str, Any]:
    choices: dict[str, Any] = {}
    for keyword in schema.keys() & {"anyOf", "oneOf"}:
        if choices or not schema[keyword]:
            raise _NotSayableError
        choices["anyOf"] = [*map(_bound, schema[keyword])]
    values = [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else [])]
    if not all(isinstance(value, _PRIMITIVE) for value in values):
        raise _NotSayableError
    return {**choices, "enum": schema["enum"]} if "enum" in schema else choices


def _check_references(bound: dict[str, Any], definitions: Mapping[str, dict[str, Any]]) -> None:
    """Refuse references to what is no definition, and definitions that lead back to themselves."""
    leads_to = {name: {*_references(part)} for name, part in definitions.items()}
    if not definitions.keys() >= {*_references(bound)}.union(*leads_to.values()):
        raise _NotSayableError
    while ends := {name for name, others in leads_to.items() if not others}:
        leads_to = {name: others - ends for name, others in leads_to.items() if name not in ends}
    if leads_to:
        raise _NotSayableError


def _references(schema: dict[str, Any]) -> Iterator[str]:
    return (_name(part) for part in _parts(schema) if "$ref" in part)


def _name(reference: Mapping[str, Any]) -> str:
    """The name of the definition that a reference leads to."""
    match = _REFERENCE.fullmatch(reference["$ref"])
    if not match:
        raise _NotSayableError
    return match[1]


def _place_descriptions(parts: Sequence[dict[str, Any]], definitions: Mapping[str, dict[str, Any]]) -> None:
    """Nothing may stand beside a reference: one with a description is replaced by what it leads to, if that is free.

    Else the description goes to a choice of the reference alone, as long as there is room for one more choice.
    """
    described = [part for part in parts if "$ref" in part and "description" in part]
    room = _MOST_UNIONS - _cost(parts)[1]
    for part in described:
        meant = definitions[_name(part)]
        if _cost(inside := [*_parts(meant)]) == (0, 0) and not any("$ref" in each for each in inside):
            del part["$ref"]
            part |= {**copy.deepcopy(meant), "description": _joined(part, meant)}
        elif room > 0:
            part["anyOf"] = [{"$ref": part.pop("$ref")}]
            room -= 1
        else:
            del part["description"]


def _joined(*schemas: Mapping[str, Any]) -> str:
    """The descriptions of one thing."""
    return " ".join(text for schema in schemas if isinstance(text := schema.get("description"), str) and text)


def _is_too_much(parts: Sequence[dict[str, Any]]) -> bool:
    """Tell whether there are more optional properties or choices than Anthropic compiles."""
    optional, unions = _cost(parts)
    return optional > _MOST_OPTIONAL or unions > _MOST_UNIONS


def _cost(parts: Sequence[dict[str, Any]]) -> tuple[int, int]:
    """How many properties are optional, and how many choices there are."""
    optional = sum(len(part.get("properties", {}).keys() - set(part.get("required", ()))) for part in parts)
    return optional, sum("anyOf" in part or isinstance(part.get("type"), list) for part in parts)


def _parts(bound: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A bound schema and all inside it; what is data may look like a schema, but is none."""
    yield bound
    for part in (*bound.get("properties", {}).values(), *bound.get("anyOf", ())):
        yield from _parts(part)
    if "items" in bound:
        yield from _parts(bound["items"])
