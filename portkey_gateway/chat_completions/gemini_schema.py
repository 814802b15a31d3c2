"""JSON schemas in the words that Gemini knows: pure.

Its API knows a part of OpenAPI's schemas and refuses every other word (``Schema`` in ``ai.google.dev/api/caching``).
The open-source gateway 1.15.2 takes out ``additionalProperties`` and ``$schema`` and, for the Gemini API, puts
definitions in their places (``providers/google-vertex-ai/utils.ts``); the rest is done here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from portkey_gateway.conversation.schema import modernised
from portkey_gateway.errors import EncodingError

_KNOWN: Final = frozenset(
    {"type", "format", "title", "description", "nullable", "default", "items", "minItems", "maxItems", "enum",
     "properties", "propertyOrdering", "required", "minProperties", "maxProperties", "minimum", "maximum", "minLength",
     "maxLength", "pattern", "example", "anyOf"}
)  # fmt: skip
_FORMATS: Final = frozenset({"enum", "date-time"})
_DATA: Final = frozenset({"$defs", "default", "enum", "required"})
_DEFINITIONS: Final = "#/$defs/"
_TYPES: Final[dict[type, str]] = {bool: "boolean", int: "integer", float: "number", str: "string"}


def as_gemini_takes_it(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema without any word that Gemini refuses; what it says in other words is kept.

    Raises:
        EncodingError: if it explains itself by itself, which Gemini has no words for.
    """
    narrowed = _narrowed(as_gemini_may_take_it(schema))
    return narrowed if isinstance(narrowed, dict) else {}


def as_gemini_may_take_it(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema that says the same without definitions, ``const`` and ``oneOf``: to other models, too.

    Raises:
        EncodingError: if it explains itself by itself.
    """
    modern = modernised(schema)
    plain: dict[str, Any] = _plain(modern, modern.get("$defs") or {}, ())
    return {word: value for word, value in plain.items() if word != "$defs"}


def _plain(schema: Any, definitions: Mapping[str, Any], behind: tuple[str, ...]) -> Any:
    if isinstance(schema, list):
        return [_plain(each, definitions, behind) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    told: dict[str, Any] = {}
    for word, value in schema.items():
        if word in _DATA:
            told[word] = value
        elif word in {"$ref", "allOf"}:
            told = {**_brought_up(value, definitions, behind), **told}
        elif word == "const":
            told["enum"] = [value]
        elif word == "properties":
            told[word] = {name: _plain(each, definitions, behind) for name, each in value.items()}
        elif word != "discriminator":
            told["anyOf" if word == "oneOf" else word] = _plain(value, definitions, behind)
    return told


def _brought_up(value: Any, definitions: Mapping[str, Any], behind: tuple[str, ...]) -> dict[str, Any]:
    """What stands behind a reference, or in each of several schemas that all hold."""
    if isinstance(value, str):
        return _defined(value, definitions, behind)
    told: dict[str, Any] = {}
    for each in value:
        told |= _plain(each, definitions, behind)
    return told


def _defined(reference: str, definitions: Mapping[str, Any], behind: tuple[str, ...]) -> dict[str, Any]:
    name = reference.removeprefix(_DEFINITIONS)
    if name in behind or name not in definitions:
        raise EncodingError(f"a schema explains {name!r} by itself, or not at all: Gemini has no words for that")
    defined: dict[str, Any] = _plain(definitions[name], definitions, (*behind, name))
    return defined


def _narrowed(schema: Any) -> Any:
    if not isinstance(schema, Mapping):
        return {}
    told = {word: value for word, value in schema.items() if word in _KNOWN}
    _narrow_type(told)
    if "properties" in told:
        told["properties"] = {name: _narrowed(each) for name, each in told["properties"].items()}
    if "items" in told or told.get("type") == "array":
        each = told.get("items") or {"anyOf": schema.get("prefixItems") or [{"type": "string"}]}
        told["items"] = _narrowed(each)
    if "anyOf" in told:
        _narrow_choice(told)
    if "enum" in told:
        _narrow_values(told)
    if told.get("type") == "string" and told.get("format") not in _FORMATS:
        told.pop("format", None)
    return told


def _narrow_type(told: dict[str, Any]) -> None:
    """One type, which may be null."""
    if isinstance(told.get("type"), list):
        types = [each for each in told["type"] if each != "null"]
        if len(types) < len(told["type"]):
            told["nullable"] = True
        if len(types) == 1:
            told["type"] = types[0]
        else:
            del told["type"]
            told["anyOf"] = [{"type": each} for each in types]


def _narrow_choice(told: dict[str, Any]) -> None:
    """Alternatives, which may be null."""
    alternatives = [each for each in told["anyOf"] if each != {"type": "null"}]
    if len(alternatives) < len(told["anyOf"]):
        told["nullable"] = True
    if len(alternatives) == 1:
        del told["anyOf"]
        told |= {**_narrowed(alternatives[0]), **told}
    else:
        told["anyOf"] = [_narrowed(each) for each in alternatives]


def _narrow_values(told: dict[str, Any]) -> None:
    """Gemini chooses among texts only: other values are said in words."""
    values = told["enum"]
    if all(isinstance(value, str) for value in values):
        told["type"] = "string"
        return
    del told["enum"]
    listed = f"One of: {', '.join(map(str, values))}."
    told["description"] = f"{told['description']} {listed}" if told.get("description") else listed
    told.setdefault("type", next((_TYPES[type(value)] for value in values if type(value) in _TYPES), "string"))
