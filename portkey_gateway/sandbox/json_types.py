"""Reads the request types of a provider's SDK as a schema of JSON: what a type takes, and which of a union is meant.

What JSON cannot hold (files, paths, the SDK's response objects) stands in these types too and fits nothing.
"""

import collections.abc
from collections.abc import Iterable, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, Literal, NotRequired, Required, TypeGuard, Union, get_args, get_origin

from typing_extensions import get_type_hints, is_typeddict

Fields = Mapping[str, Any]
"""The keys of an object with their types; a key that must be there is marked `Required`."""

Kind = Literal["string", "integer", "number", "boolean", "null", "array", "object", "any"]

_SCALARS: Final[Mapping[Any, Kind]] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    NoneType: "null",
}
_LIST_ORIGINS: Final = (list, collections.abc.Sequence, collections.abc.Iterable)


@cache
def fields_of(typed_dict: type) -> Fields:
    """Return the fields of a TypedDict, `Required` marks kept."""
    return get_type_hints(typed_dict, include_extras=True)


def is_required(annotation: Any) -> bool:
    """Tell whether a field must be there."""
    return _origin(annotation) is Required


def bare(annotation: Any) -> Any:
    """Return a type without its marks."""
    return get_args(annotation)[0] if _origin(annotation) in (Required, NotRequired) else annotation


def options_of(annotation: Any) -> tuple[Any, ...]:
    """Return the members of a union, those of nested unions too; any other type is its only member."""
    annotation = bare(annotation)
    if _origin(annotation) in (Union, UnionType):
        return tuple(option for member in get_args(annotation) for option in options_of(member))
    return (annotation,)


def is_object_type(annotation: Any) -> TypeGuard[type]:
    """Tell whether a type is an object with known keys."""
    return is_typeddict(annotation)


def item_type(annotation: Any) -> Any:
    """Return the type of a list's items or of a mapping's values."""
    return get_args(annotation)[-1] if get_args(annotation) else Any


def literals_of(annotation: Any) -> tuple[Any, ...]:
    """Return the only values that a type takes; none for a type that takes more."""
    return get_args(annotation) if _origin(annotation) is Literal else ()


def kind_of(annotation: Any) -> Kind | None:
    """Return which kind of JSON a type takes that is no union; None if it takes none."""
    if annotation in (Any, object):
        return "any"
    if literals_of(annotation):
        return kind_of(type(literals_of(annotation)[0]))
    if _origin(annotation) in _LIST_ORIGINS:
        return "array"
    if is_typeddict(annotation) or _origin(annotation) is dict:
        return "object"
    return _SCALARS.get(annotation)


def kind_of_value(value: object) -> Kind:
    """Return the kind of a JSON value; 1.5 is a number, 1 an integer."""
    if isinstance(value, list):
        return "array"
    return "object" if isinstance(value, dict) else _SCALARS[type(value)]


def takes_kind(annotation: Any, kind: Kind) -> bool:
    """Tell whether a type that is no union takes a value of this kind, whatever is inside it."""
    taken = kind_of(annotation)
    return taken in ("any", kind) or (taken == "number" and kind == "integer")


def tag_key(members: Iterable[type]) -> str:
    """Return the key that tells the members of a union of objects apart."""
    return "type" if all("type" in fields_of(member) for member in members) else "role"


def tags(annotation: Any) -> tuple[Any, ...]:
    """Return the literal values of a tag's type."""
    return tuple(tag for option in options_of(annotation) for tag in literals_of(option))


def _origin(annotation: Any) -> Any:
    # Typed loosely: type checkers do not know that special forms are origins.
    return get_origin(annotation)
