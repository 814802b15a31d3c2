"""Finds what makes a schema unfit for strict mode, where the answer is bound to it.

Source: OpenAI's guide "Structured Outputs", "Supported schemas"; wording as the API's users have published it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from portkey_gateway.sandbox.json_schema import schema_fault

_NOT_PERMITTED: Final = (
    "allOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "contains",
    "dependentRequired",
    "dependentSchemas",
    "maxProperties",
    "minProperties",
    "patternProperties",
    "prefixItems",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "uniqueItems",
)
_FORMATS: Final = ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")
_DEEPEST: Final = 10
_MOST_PROPERTIES: Final = 5000

_Context = tuple[str, ...]


def strict_fault(schema: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the schema of an object in OpenAI's words, or None."""
    if fault := schema_fault(schema):
        return fault
    if "anyOf" in schema:
        return "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level."
    places = list(_walk(schema, ()))
    if fault := next((complaint for part, context in places if (complaint := _complaint(part, context))), None):
        return fault
    depth = max(context.count("properties") for _, context in places)
    if depth > _DEEPEST:
        return f"{depth} levels of nesting exceeds limit of {_DEEPEST}."
    count = sum(len(part.get("properties") or ()) for part, _ in places)
    if count > _MOST_PROPERTIES:
        return f"{count} object properties exceeds limit of {_MOST_PROPERTIES}."
    return None


def _walk(schema: Any, context: _Context) -> Iterator[tuple[Mapping[str, Any], _Context]]:
    """Yield a schema and all schemas inside it, each with where it stands."""
    if not isinstance(schema, dict):
        yield {}, context  # `true` says nothing
        return
    yield schema, context
    for keyword in ("properties", "$defs", "definitions"):
        for name, part in (schema.get(keyword) or {}).items():
            yield from _walk(part, (*context, keyword, name))
    if "items" in schema:
        yield from _walk(schema["items"], (*context, "items"))
    for index, part in enumerate(schema.get("anyOf") or ()):
        yield from _walk(part, (*context, "anyOf", str(index)))


def _complaint(part: Mapping[str, Any], context: _Context) -> str | None:
    complaint = _complaint_of_keywords(part) or _complaint_of_kind(part)
    return f"In context={context}, {complaint}" if complaint else None


def _complaint_of_keywords(part: Mapping[str, Any]) -> str | None:
    beside = [keyword for keyword in part if keyword not in ("$ref", "$defs", "definitions")]
    if "$ref" in part and beside:
        return f"$ref cannot have keywords {set(beside[:1])}."
    found = [keyword for keyword in part if keyword in _NOT_PERMITTED]
    if found:
        return f"'{found[0]}' is not permitted."
    if "format" in part and part["format"] not in _FORMATS:
        return f"'{part['format']}' is not a valid format."
    if not part.keys() & {"$ref", "anyOf", "type"}:
        return "schema must have a 'type' key."
    return None


def _complaint_of_kind(part: Mapping[str, Any]) -> str | None:
    kind = part.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    if "array" in kinds and "items" not in part:
        return "array schema missing items."
    if "object" not in kinds:
        return None
    if part.get("additionalProperties") is not False:
        return "'additionalProperties' is required to be supplied and to be false."
    required, names = part.get("required"), list(part.get("properties") or ())
    rule = "'required' is required to be supplied and to be an array including every key in properties."
    missing = [name for name in names if name not in (required or ())]
    if missing:
        return f"{rule} Missing '{missing[0]}'."
    extra = [name for name in required or () if name not in names]
    return f"{rule} Extra required key '{extra[0]}' supplied." if extra else None
