"""JSON schemas in the words that Gemini knows: pure.

Its API knows a part of OpenAPI's schemas and refuses every other word (``Schema`` in ``ai.google.dev/api/caching``).
For JSON schemas as they are it has fields of their own (``parametersJsonSchema``, ``responseJsonSchema``), into which
no gateway puts them. The open-source gateway 1.15.2 takes out ``additionalProperties`` and ``$schema`` and, for the
Gemini API, puts definitions in their places (``providers/google-vertex-ai/utils.ts``); the rest is done here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from portkey_gateway.conversation.schema import joined, modernised
from portkey_gateway.errors import EncodingError, warn

_KNOWN: Final = frozenset(
    {"type", "format", "title", "description", "nullable", "default", "items", "minItems", "maxItems", "enum",
     "properties", "propertyOrdering", "required", "minProperties", "maxProperties", "minimum", "maximum", "minLength",
     "maxLength", "pattern", "example", "anyOf"}
)  # fmt: skip
_FORMATS: Final = frozenset({"enum", "date-time"})
_DATA: Final = frozenset({"$defs", "default", "enum", "required"})
_DEFINITIONS: Final = "#/$defs/"
_CLOSED: Final = "additionalProperties"
_NULL: Final = {"type": "null"}
_OF_ONE_TYPE: Final = (_KNOWN | {_CLOSED}) - {"title", "description", "nullable", "default", "example", "anyOf"}
_BOUNDS: Final = {"exclusiveMinimum": "More than {}.", "exclusiveMaximum": "Less than {}.",
                  "multipleOf": "A multiple of {}."}  # fmt: skip
_UNSAYABLE: Final = frozenset(
    {"not", "if", "then", "else", "contains", "minContains", "maxContains", "patternProperties", "propertyNames",
     "dependentSchemas", "dependentRequired", "unevaluatedProperties", "unevaluatedItems", "contentEncoding"}
)  # fmt: skip
_TYPES: Final[dict[type, str]] = {bool: "boolean", int: "integer", float: "number", str: "string"}


def as_gemini_takes_it(schema: Mapping[str, Any], of: str = "a schema") -> dict[str, Any]:
    """Return a schema without any word that Gemini refuses; what it says in other words is kept.

    Args:
        schema: any JSON schema; it is left as it is.
        of: what it is, for warnings.

    Raises:
        EncodingError: if Gemini has no words for it: it explains itself by itself, or a field is an object whose
            fields it does not name.

    Warns:
        PortkeyWarning: if a part of it cannot be said to Gemini, by its word and its place.
    """
    resolved = _resolved(schema)
    narrowed = _narrowed(resolved, _KNOWN)
    _warn_of_lost(resolved, of)
    return narrowed


def as_all_take_it(schema: Mapping[str, Any], of: str = "a schema") -> dict[str, Any]:
    """Return a schema in words that Gemini takes as well as all others do.

    What may be null says so as one of several alternatives, which the gateway puts in Gemini's words, and an object
    that is closed keeps saying that: OpenAI wants to see it, and the gateway takes it out for Gemini.

    Args:
        schema: any JSON schema; it is left as it is.
        of: what it is, for warnings.

    Raises:
        EncodingError: if Gemini has no words for it.

    Warns:
        PortkeyWarning: if a part of it cannot be said to Gemini, by its word and its place.
    """
    resolved = _resolved(schema)
    narrowed = _narrowed(resolved, _KNOWN | {_CLOSED})
    _warn_of_lost(resolved, of)
    return narrowed


def _warn_of_lost(schema: Any, of: str, where: str = "") -> None:
    """Warn of what binds an answer and has no word at Gemini: not the names of things, nor what is said in words."""
    if not isinstance(schema, Mapping):
        return
    lost = [word for word in schema if word in _UNSAYABLE or (word == _CLOSED and isinstance(schema[word], Mapping))]
    for word in lost:
        place = f"{of}, at {where}," if where else of
        warn(f"{word} in {place} does not reach Gemini, which has no word for it: say it in the description")
    if schema.get("type") == "array" and not (schema.get("items") or schema.get("prefixItems")):
        warn(f"{of}, at {where or 'its top'}, lists anything: Gemini wants one kind, and is told of texts; name it")
    for name, each in (schema.get("properties") or {}).items():
        _warn_of_lost(each, of, f"{where}.{name}" if where else name)
    _warn_of_lost(schema.get("items"), of, f"{where}[]")
    for each in schema.get("anyOf") or ():
        _warn_of_lost(each, of, where)


def _resolved(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema without definitions, ``const``, ``oneOf`` and ``allOf``."""
    modern = modernised(schema)
    plain: dict[str, Any] = _plain(modern, modern.get("$defs") or {}, ())
    return {word: value for word, value in plain.items() if word != "$defs"}


def _plain(schema: Any, definitions: Mapping[str, Any], behind: tuple[str, ...]) -> Any:
    if isinstance(schema, list):
        return [_plain(each, definitions, behind) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    told: dict[str, Any] = {}
    meant: list[dict[str, Any]] = []
    for word, value in schema.items():
        if word in _DATA:
            told[word] = value
        elif word == "$ref":
            meant.append(_defined(value, definitions, behind))
        elif word == "allOf":
            meant += [each for each in _plain(value, definitions, behind) if isinstance(each, dict)]
        elif word == "const":
            told["enum"] = [value]
        elif word == "properties":
            told[word] = {name: _plain(each, definitions, behind) for name, each in value.items()}
        elif word != "discriminator":
            told["anyOf" if word == "oneOf" else word] = _plain(value, definitions, behind)
    return joined([*meant, told])


def _defined(reference: str, definitions: Mapping[str, Any], behind: tuple[str, ...]) -> dict[str, Any]:
    name = reference.removeprefix(_DEFINITIONS)
    if name in behind or name not in definitions:
        raise EncodingError(
            f"a schema explains {name!r} by itself, or not at all, and Gemini has no words for that: write out as many "
            "levels as are needed, or ask for JSON in words (method='json_mode' in LangChain)"
        )
    defined: dict[str, Any] = _plain(definitions[name], definitions, (*behind, name))
    return defined


def _narrowed(schema: Any, known: frozenset[str], where: str = "") -> dict[str, Any]:
    """A schema in these words alone.

    Args:
        schema: resolved.
        known: the words.
        where: the names of the fields that led here.
    """
    if not isinstance(schema, Mapping):
        return {}
    _check_names_fields(schema, where)
    told = {word: value for word, value in schema.items() if word in known}
    _narrow_bounds(told, schema)
    _narrow_type(told)
    if "properties" in told:
        told["properties"] = {
            name: _narrowed(each, known, f"{where}.{name}" if where else name)
            for name, each in told["properties"].items()
        }
    if "items" in told or told.get("type") == "array":
        each = told.get("items") or {"anyOf": schema.get("prefixItems") or [{"type": "string"}]}
        told["items"] = _narrowed(each, known, f"{where}[]")
    if "anyOf" in told:
        told["anyOf"] = [_narrowed(each, known, where) for each in told["anyOf"]]
        _narrow_choice(told, shared=_CLOSED in known)
    if "enum" in told:
        _narrow_values(told)
    if told.get("type") == "string" and told.get("format", "enum") not in _FORMATS:
        _describe(told, f"Format: {told.pop('format')}.")
    return told


def _check_names_fields(schema: Mapping[str, Any], where: str) -> None:
    """Gemini takes no object without fields, but for a tool without arguments."""
    is_free = isinstance(schema.get(_CLOSED), Mapping) and bool(schema[_CLOSED])
    if schema.get("type") == "object" and not schema.get("properties") and (where or is_free):
        raise EncodingError(
            f"{where or 'a schema'} is an object that does not name its fields, and Gemini has no words for that: name "
            "them, or make it a list of objects with a key and a value"
        )


def _narrow_bounds(told: dict[str, Any], schema: Mapping[str, Any]) -> None:
    """Bounds that Gemini has no words for are said in words."""
    for word, said in _BOUNDS.items():
        if isinstance(bound := schema.get(word), int | float) and not isinstance(bound, bool):
            _describe(told, said.format(bound))
    if schema.get("uniqueItems") is True:
        _describe(told, "Each of them once.")


def _describe(told: dict[str, Any], said: str) -> None:
    told["description"] = f"{told['description']} {said}" if told.get("description") else said


def _narrow_type(told: dict[str, Any]) -> None:
    """One type, or else alternatives."""
    if not isinstance(types := told.get("type"), list):
        return
    if len(types) == 1:
        told["type"] = types[0]
        return
    del told["type"]
    own = {word: told.pop(word) for word in _OF_ONE_TYPE & told.keys()}
    told["anyOf"] = [{"type": each} if each == "null" else {**own, "type": each} for each in types]


def _narrow_choice(told: dict[str, Any], *, shared: bool) -> None:
    """Alternatives, which may be null: Gemini has a word of its own for that."""
    others = [each for each in told["anyOf"] if each != _NULL]
    is_nullable = len(others) < len(told["anyOf"])
    if is_nullable and others and shared:
        return
    if not others:
        del told["anyOf"]
        told["type"] = "null"
        return
    if is_nullable:
        told["nullable"] = True
    if len(others) == 1:
        del told["anyOf"]
        told |= {**others[0], **told}
    else:
        told["anyOf"] = others


def _narrow_values(told: dict[str, Any]) -> None:
    """Gemini chooses among texts only: other values are said in words."""
    values = told["enum"]
    if all(isinstance(value, str) for value in values):
        told["type"] = "string"
        return
    del told["enum"]
    _describe(told, f"One of: {', '.join(map(str, values))}.")
    told.setdefault("type", next((_TYPES[type(value)] for value in values if type(value) in _TYPES), "string"))
