"""Checks JSON against a type: the request types of OpenAI's own SDK are the schema.

Those types know every parameter and every content part, so an unknown key or a missing one is found wherever it stands.
OpenAI's API is closed at every level too; words, paths and codes of the errors follow what its users have published.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from portkey_gateway.sandbox import json_types
from portkey_gateway.sandbox.json_types import Fields, Kind
from portkey_gateway.sandbox.openai.errors import OpenAIError, invalid

_NAMES: Final[Mapping[Kind, tuple[str, str]]] = {
    "string": ("a string", "strings"),
    "integer": ("an integer", "integers"),
    "number": ("a decimal", "decimals"),
    "boolean": ("a boolean", "booleans"),
    "array": ("an array", "arrays"),
    "object": ("an object", "objects"),
    "null": ("null", "nulls"),
    "any": ("any value", "values"),
}


def join(path: str, part: str | int) -> str:
    """Return the path of a part of what stands at `path`, as in `messages[0].content`."""
    if isinstance(part, int):
        return f"{path}[{part}]"
    return f"{path}.{part}" if path else part


def check_body(body: object, fields: Fields) -> None:
    """Check the body of a request: an object with these fields and no others.

    Raises:
        OpenAIError: It is not; the message names the first field that is wrong.
    """
    if not isinstance(body, dict):
        raise invalid(f"Invalid type: expected an object, but got {_NAMES[json_types.kind_of_value(body)][0]} instead.")
    unknown = [key for key in body if key not in fields]
    if unknown:
        plural = "s" if len(unknown) > 1 else ""
        raise invalid(f"Unrecognized request argument{plural} supplied: {', '.join(unknown)}")
    _check_fields(body, fields, "")


def check_shape(value: object, expected: Any, path: str) -> None:
    """Check that a JSON value has the expected type.

    Raises:
        OpenAIError: It has not; the message names the first mismatch.
    """
    kind = json_types.kind_of_value(value)
    options = [option for option in json_types.options_of(expected) if json_types.takes_kind(option, kind)]
    if not options:
        raise _wrong_type(expected, kind, path)
    open_options = [option for option in options if not json_types.literals_of(option)]
    if not open_options:
        _check_literal(value, [literal for option in options for literal in json_types.literals_of(option)], path)
    elif isinstance(value, dict):
        _check_object(value, open_options, path)
    elif isinstance(value, list):
        _check_list(value, open_options, path)


def _check_fields(value: Mapping[str, Any], fields: Fields, path: str) -> None:
    for key in value:
        if key not in fields:
            place = join(path, key)
            raise invalid(f"Unknown parameter: '{place}'.", place, "unknown_parameter")
    for key, expected in fields.items():
        place = join(path, key)
        if key in value:
            check_shape(value[key], expected, place)
        elif json_types.is_required(expected):
            raise invalid(f"Missing required parameter: '{place}'.", place, "missing_required_parameter")


def _check_object(value: Mapping[str, Any], options: list[Any], path: str) -> None:
    members = [option for option in options if json_types.is_object_type(option)]
    if len(members) > 1 and len(members) == len(options):
        _check_fields(value, json_types.fields_of(_by_tag(value, members, path)), path)
    elif members:
        _check_fields(value, json_types.fields_of(members[0]), path)
    elif json_types.kind_of(options[0]) == "object":
        for key, item in value.items():
            check_shape(item, json_types.item_type(options[0]), join(path, key))


def _check_list(value: list[Any], options: list[Any], path: str) -> None:
    failures: list[OpenAIError] = []
    for option in options:
        try:
            for index, item in enumerate(value):
                check_shape(item, json_types.item_type(option), join(path, index))
        except OpenAIError as failure:
            failures.append(failure)
        else:
            return
    raise failures[0]


def _by_tag(value: Mapping[str, Any], members: list[type], path: str) -> type:
    """Return the member of a union that the value's tag names."""
    key = json_types.tag_key(members)
    place = join(path, key)
    if key not in value:
        raise invalid(f"Missing required parameter: '{place}'.", place, "missing_required_parameter")
    by_tag = {tag: member for member in members for tag in json_types.tags(json_types.fields_of(member)[key])}
    tag = value[key]
    if not isinstance(tag, str):
        raise _wrong_type(str, json_types.kind_of_value(tag), place)
    _check_literal(tag, list(by_tag), place)
    return by_tag[tag]


def _check_literal(value: object, allowed: list[Any], path: str) -> None:
    if not any(value == each and type(value) is type(each) for each in allowed):
        raise invalid(
            f"Invalid value: {_quoted(value)}. Supported values are: {listed(map(_quoted, allowed))}.",
            path,
            "invalid_value",
        )


def listed(names: Iterable[str]) -> str:
    """Return names as OpenAI lists them: `'a'`, `'a' and 'b'`, `'a', 'b', and 'c'`."""
    *most, last = names
    if not most:
        return last
    return f"{', '.join(most)}{',' if len(most) > 1 else ''} and {last}"


def _quoted(value: object) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value).lower()


def _wrong_type(expected: Any, kind: Kind, path: str) -> OpenAIError:
    described = dict.fromkeys(_describe(option) for option in json_types.options_of(expected))
    # A type that also takes null is not described by it.
    names = [name for name in described if name and name != "null"] or ["null"]
    if len(names) == 1:
        wanted = names[0]
    else:
        short = [name.removeprefix("an ").removeprefix("a ") for name in names]
        wanted = f"one of a {', '.join(short[:-1])} or {short[-1]}"
    return invalid(
        f"Invalid type for '{path}': expected {wanted}, but got {_NAMES[kind][0]} instead.", path, "invalid_type"
    )


def _describe(option: Any) -> str | None:
    kind = json_types.kind_of(option)
    if kind == "array":
        inner = next(iter(json_types.options_of(json_types.item_type(option))))
        return f"an array of {_NAMES[json_types.kind_of(inner) or 'any'][1]}"
    return _NAMES[kind][0] if kind else None
