"""Finds what makes a tool's schema no valid JSON Schema, draft 2020-12.

A small check, keyword by keyword, with what tool schemas really get wrong: unknown types, keywords of older drafts,
references that lead nowhere. Source: JSON Schema draft 2020-12, "Core" and "Validation".
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

_TYPES: Final = ("null", "boolean", "object", "array", "number", "string", "integer")
_SCHEMA: Final = (
    "items",
    "contains",
    "additionalProperties",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "not",
    "if",
    "then",
    "else",
)
_SCHEMA_LIST: Final = ("allOf", "anyOf", "oneOf", "prefixItems")
_SCHEMA_MAP: Final = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")


def schema_fault(schema: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a schema, or None.

    Args:
        schema: The whole schema, to which its own references point.
    """
    return next(_faults(schema, schema, "#"), None)


def _faults(schema: object, root: Mapping[str, Any], path: str) -> Iterator[str]:
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        yield f"{path}: a schema is an object or a boolean"
        return
    for keyword, value in schema.items():
        here = f"{path}/{keyword}"
        complaint = _complaint(keyword, value)
        if complaint:
            yield f"{here}: {complaint}"
        elif keyword == "$ref" and not _resolves(value, root):
            yield f"{here}: {value!r} leads nowhere"
        else:
            for place, subschema in _subschemas(keyword, value):
                yield from _faults(subschema, root, f"{here}{place}")


def _subschemas(keyword: str, value: Any) -> Iterator[tuple[str, object]]:
    if keyword in _SCHEMA:
        yield "", value
    elif keyword in _SCHEMA_LIST:
        yield from ((f"/{index}", item) for index, item in enumerate(value))
    elif keyword in _SCHEMA_MAP:
        yield from ((f"/{name}", item) for name, item in value.items())


def _resolves(reference: str, root: Mapping[str, Any]) -> bool:
    """Follow a reference inside the schema; the API fetches no other documents."""
    if reference != "#" and not reference.startswith("#/"):
        return False
    target: Any = root
    for raw in reference.split("/")[1:]:
        name = unquote(raw).replace("~1", "/").replace("~0", "~")
        if isinstance(target, list) and name.isdigit() and int(name) < len(target):
            target = target[int(name)]
        elif isinstance(target, dict) and name in target:
            target = target[name]
        else:
            return False
    return True


def _complaint(keyword: str, value: object) -> str | None:
    for keywords, is_right, expected in _FORMS:
        if keyword in keywords and not is_right(value):
            return expected
    return None


def _is_string(value: object) -> bool:
    return isinstance(value, str)


def _is_strings(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_string, value)) and len(value) == len(set(value))


def _is_type(value: object) -> bool:
    names = value if isinstance(value, list) else [value]
    return bool(names) and _is_strings(names) and all(name in _TYPES for name in names)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: object) -> bool:
    return _is_number(value) and isinstance(value, int) and value >= 0


_FORMS: Final[tuple[tuple[tuple[str, ...], Callable[[object], bool], str], ...]] = (
    (("type",), _is_type, f"one or more of {', '.join(_TYPES)}"),
    (("required",), _is_strings, "a list of different names"),
    (("enum",), lambda value: isinstance(value, list), "a list of values"),
    (_SCHEMA_MAP, lambda value: isinstance(value, dict), "an object of schemas"),
    (_SCHEMA_LIST, lambda value: isinstance(value, list) and bool(value), "a list of schemas that is not empty"),
    (("$ref", "$anchor", "$comment", "title", "description", "format", "pattern"), _is_string, "a string"),
    (("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _is_number, "a number"),
    (("multipleOf",), lambda value: isinstance(value, int | float) and value > 0, "a number above 0"),
    (
        ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
        _is_count,
        "a whole number, 0 or more",
    ),
    (("uniqueItems", "deprecated", "readOnly", "writeOnly"), lambda value: isinstance(value, bool), "a boolean"),
)
