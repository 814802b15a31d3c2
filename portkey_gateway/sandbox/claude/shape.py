"""Checks JSON against a type: the request types of Anthropic's own SDK are the schema.

Those types know every parameter and every block, so an unknown key or a missing one is found wherever it stands.
Anthropic's API is closed at every level too, and words and paths of the errors follow what it answers. A member of a
tagged union adds its tag to the path, as in `messages.0.content.1.image.source.base64.data`.

Some fields and some members of unions exist only for those who ask for a beta: a `Gate` tells which are closed, and
what is closed is judged as if the type did not know it.
"""

import collections.abc
from collections.abc import Iterable, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, Literal, NotRequired, Protocol, Required, Union, get_args, get_origin

from typing_extensions import get_type_hints, is_typeddict

from portkey_gateway.sandbox.claude.errors import ClaudeError, invalid

Fields = Mapping[str, Any]
"""The keys of an object with their types; a key that must be there is marked `Required`."""


class Gate(Protocol):
    """Tells which parts of the types are there for this request."""

    def opens(self, name: str) -> bool:
        """Tell whether a type, by its name, or a field of it, as `type.field`, may be used."""
        ...


class AllOpen:
    """The gate of types that have no closed parts."""

    def opens(self, name: str) -> bool:
        """Let everything pass."""
        _ = name
        return True


_ALL_OPEN: Final = AllOpen()

# What Anthropic gives in an answer and takes back, though its SDK's request types do not know it.
# Source: a conversation with the API that langchain-anthropic 1.7.10 recorded for its tests.
_ALSO_TAKEN: Final[Mapping[str, Fields]] = {"BetaCodeExecutionResultBlockParam": {"abort_reason": str | None}}

_SCALARS: Final[Mapping[Any, tuple[tuple[type, ...], str]]] = {
    str: ((str,), "a valid string"),
    int: ((int,), "a valid integer"),
    float: ((int, float), "a valid number"),
    bool: ((bool,), "a valid boolean"),
}
_LIST_ORIGINS: Final = (list, collections.abc.Sequence, collections.abc.Iterable)


def join(path: str, part: str | int) -> str:
    """Return the path of a part of what stands at `path`; the whole body stands at the empty path."""
    return f"{path}.{part}" if path else str(part)


@cache
def fields_of(typed_dict: type) -> Fields:
    """Return the fields of a TypedDict, `Required` marks kept; its type first, since a wrong one explains the rest."""
    hints = get_type_hints(typed_dict, include_extras=True)
    return dict(sorted(hints.items(), key=lambda item: item[0] != "type"))


def check_fields(value: object, fields: Fields, path: str, gate: Gate = _ALL_OPEN, *, closed: bool = True) -> None:
    """Check that a value is an object with these fields, and no others if it is closed.

    Raises:
        ClaudeError: It is not; the message names the first field that is wrong.
    """
    if not isinstance(value, dict):
        raise invalid(_located(path, "Input should be a valid dictionary"))
    for key, expected in fields.items():
        if key in value:
            check_shape(value[key], expected, join(path, key), gate)
        elif _origin(expected) is Required:
            raise invalid(f"{join(path, key)}: Field required")
    for key in value:
        if closed and key not in fields:
            raise invalid(f"{join(path, key)}: Extra inputs are not permitted")


def check_shape(value: object, expected: Any, path: str, gate: Gate = _ALL_OPEN) -> None:
    """Check that a JSON value has the expected type.

    Raises:
        ClaudeError: It has not; the message begins with the path of the first mismatch.
    """
    expected = _bare(expected)
    if not _fits(value, expected):
        raise invalid(_located(path, f"Input should be {_describe(expected)}"))
    origin = _origin(expected)
    if origin in (Union, UnionType):
        _check_union(value, get_args(expected), path, gate)
    elif is_typeddict(expected):
        check_fields(value, _open_fields(expected, gate), path, gate, closed=not _is_open(expected))
    elif isinstance(value, list) and origin in _LIST_ORIGINS:
        for index, item in enumerate(value):
            check_shape(item, get_args(expected)[0], join(path, index), gate)
    elif isinstance(value, dict) and origin is dict:
        for key, item in value.items():
            check_shape(item, get_args(expected)[1], join(path, key), gate)


def _open_fields(typed_dict: type, gate: Gate) -> Fields:
    fields = {**fields_of(typed_dict), **_ALSO_TAKEN.get(typed_dict.__name__, {})}
    return {key: field for key, field in fields.items() if gate.opens(f"{typed_dict.__name__}.{key}")}


def _check_union(value: object, options: Iterable[Any], path: str, gate: Gate) -> None:
    candidates = [option for option in options if _fits(value, option)]
    if isinstance(value, dict) and len(candidates) > 1 and all(is_typeddict(option) for option in candidates):
        candidates = [option for option in candidates if gate.opens(option.__name__)]
        member, path = _by_tag(value, candidates, path)
        candidates = [member]
    failures: list[ClaudeError] = []
    for option in candidates:
        try:
            return check_shape(value, option, path, gate)
        except ClaudeError as failure:
            failures.append(failure)
    raise failures[0]


def _by_tag(value: Mapping[str, Any], members: list[type], path: str) -> tuple[type, str]:
    """Return the member of a union that the value's tag names, and the path with that tag."""
    tag_key = "type" if all("type" in fields_of(member) for member in members) else "role"
    by_tag = {tag: member for member in members for tag in _tags(fields_of(member)[tag_key])}
    tag = value.get(tag_key)
    if tag is None:
        untagged = [member for member in members if _origin(fields_of(member)[tag_key]) is not Required]
        if not untagged:
            raise invalid(f"{join(path, tag_key)}: Field required")
        tag = next(iter(_tags(fields_of(untagged[0])[tag_key])))
    if not isinstance(tag, str) or tag not in by_tag:
        known = ", ".join(f"'{name}'" for name in sorted(by_tag))
        raise invalid(
            f"{path}: Input tag '{tag}' found using '{tag_key}' does not match any of the expected tags: {known}"
        )
    return by_tag[tag], join(path, tag) if tag_key == "type" else path


def _tags(annotation: Any) -> tuple[str, ...]:
    annotation = _bare(annotation)
    if _origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(tag for option in get_args(annotation) for tag in _tags(option))


def _fits(value: object, expected: Any) -> bool:
    """Tell whether a value is of the expected kind, whatever is inside it.

    What JSON cannot hold (files, paths, the SDK's response objects) stands in its types too and fits nothing.
    """
    origin = _origin(expected)
    if origin in (Union, UnionType):
        return any(_fits(value, option) for option in get_args(expected))
    if origin is Literal:
        return any(value == option and type(value) is type(option) for option in get_args(expected))
    return expected in (object, Any) or _is_kind(value, expected, origin)


def _is_kind(value: object, expected: Any, origin: Any) -> bool:
    if isinstance(value, list):
        return origin in _LIST_ORIGINS
    if isinstance(value, dict):
        return origin is dict or is_typeddict(expected)
    if value is None:
        return expected is NoneType
    kinds, _ = _SCALARS.get(expected, ((), ""))
    return isinstance(value, kinds) and (expected is bool or not isinstance(value, bool))


def _describe(expected: Any) -> str:
    origin = _origin(expected)
    if origin in (Union, UnionType):
        options = [option for option in get_args(expected) if _is_json(option)]
        named = [option for option in options if _origin(option) is not Literal] or options
        return " or ".join(dict.fromkeys(_describe(option) for option in named))
    if origin is Literal:
        *most, last = [f"'{option}'" if isinstance(option, str) else f"{option}" for option in get_args(expected)]
        return f"{', '.join(most)} or {last}" if most else last
    if origin in _LIST_ORIGINS:
        return "a valid list"
    if expected in _SCALARS:
        return _SCALARS[expected][1]
    return "a valid dictionary"


def _is_json(option: Any) -> bool:
    return option in _SCALARS or _origin(option) in (*_LIST_ORIGINS, Literal, dict) or is_typeddict(option)


def _origin(annotation: Any) -> Any:
    # Typed loosely: type checkers do not know that special forms are origins.
    return get_origin(annotation)


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if _origin(annotation) in (Required, NotRequired) else annotation


def _is_open(typed_dict: Any) -> bool:
    # The SDK marks the one object that may hold more: a tool's JSON schema.
    return getattr(typed_dict, "__pydantic_config__", {}).get("extra") == "allow"


def _located(path: str, message: str) -> str:
    return f"{path}: {message}" if path else message
